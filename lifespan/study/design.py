"""How many individuals a study looks at, and when: a sequential design with its looks fixed beforehand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from lifespan.contracts.spec import Spec
from lifespan.errors import ScenarioError

FAMILY_ERROR = 0.05
"""Probability of any wrong verdict on a study's primary hypotheses, all of them and all looks together."""

Bounds = Literal["obrien-fleming", "pocock"]
"""How strict early looks are: very ("obrien-fleming"), or as strict as the last ("pocock")."""


@dataclass(frozen=True, kw_only=True)
class Sequential(Spec):
    """Looks at numbers of individuals that are fixed beforehand; the study stops where its primary hypotheses are decided.

    `looks` are individuals per group, such as (10, 16). `bounds` say how the error is spent on them: O'Brien & Fleming (1979)
    or Pocock (1977), exactly for these looks. `lifespan simulate --until-decided` lives until a look has decided.
    """

    looks: tuple[int, ...]
    bounds: Bounds = "obrien-fleming"

    def __post_init__(self) -> None:
        counts = isinstance(self.looks, tuple) and len(self.looks) > 0
        whole = counts and all(isinstance(n, int) and not isinstance(n, bool) and n >= 1 for n in self.looks)
        rising = whole and all(a < b for a, b in zip(self.looks, self.looks[1:], strict=False))
        self.require("looks", rising, "must be rising numbers of individuals.", "For example: looks=(10, 16).")
        self.require_literal("bounds")

    @property
    def fractions(self) -> tuple[float, ...]:
        """The share of the individuals that each look has seen."""
        return tuple(n / self.looks[-1] for n in self.looks)

    def check_size(self, individuals: int, where: str) -> None:
        """Raise `ScenarioError` where a study has more individuals than the last look."""
        if individuals > self.looks[-1]:
            rule = f"{individuals} individuals, but the last look is at {self.looks[-1]}."
            raise ScenarioError(where, rule, f"Plan a look at {individuals}, or take {self.looks[-1]} individuals.")
