"""A chronic disorder of the pruning schedule: a share of the deaths is chosen wrongly."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from lifespan.contracts import Disorder, Pruner
from lifespan.errors import ScenarioError

if TYPE_CHECKING:
    from lifespan.contracts.subject import Subject


@dataclass(frozen=True, kw_only=True)
class WrongCriterion(Disorder):
    """At every `Age` as many synapses die as should, but a share of the deaths goes to the wrong ones.

    The ablations of Frankle et al. (2021): `rival="opposite"` inverts the criterion, so that the synapses die which it
    would keep longest; `rival="random"` draws the victims among those that it does not take first. Native parameter: the
    share of an `Age`'s deaths that is chosen wrongly, equal to `severity`; the others are the criterion's first. Raises
    `ScenarioError` for a pruner of whole units, which has no single synapses to take instead.
    """

    aetiology = "pruning schedule"
    citation = "frankle2021pruning"

    rival: Literal["opposite", "random"] = "opposite"

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_literal("rival")

    def ageing(self, sparsity: float, pruner: Pruner, subject: Subject) -> tuple[float, Pruner]:
        if self.severity == 0:
            return sparsity, pruner
        from lifespan.disorders._misguided import Misguided

        if not type(pruner).exact:
            raise ScenarioError(
                self.describe(),
                f"needs a pruner of single synapses, and {pruner.describe()} removes whole units.",
                "Age by Magnitude(), for example.",
            )
        return sparsity, Misguided(by=pruner, share=self.severity, rival=self.rival)

    def control(self) -> Disorder | None:
        """As many wrong deaths, drawn at random."""
        return None if self.rival == "random" else replace(self, rival="random")
