"""Learning by structure at an exact sparsity: the best k scores are on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from lifespan.contracts import Learner, Plasticity, Task

if TYPE_CHECKING:
    from lifespan.contracts.subject import Subject
    from lifespan.randomness import Streams


@dataclass(frozen=True, kw_only=True)
class TopKMasks(Learner):
    """Edge-popup: a synapse is on where abs(score) is among the highest (Ramanujan et al. 2020, equations 2-4).

    `sparsity` is the fraction of living synapses off, in every matrix ("layer", as in the paper) or over all ("global").
    W is frozen bit for bit. Scores start graded, from 0 to `spread`, at random (the paper's) or by magnitude, and learn by
    the identity straight-through estimator. The cut is found anew every `refresh` steps (1: at each, as in the paper) and
    the count is exact at the end.

    Over random weights: let a newborn learn, or give `RandomMixing(severity=1)` first.
    """

    citation = "ramanujan2020hidden"

    rate: float = 1e-3
    head_rate: float | None = 5e-4
    sparsity: float = 0.5
    scope: Literal["layer", "global"] = "layer"
    start: Literal["random", "magnitude"] = "random"
    spread: float = 2e-2
    refresh: int = 10

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_fraction("sparsity", below_one=True)
        self.require_literal("scope")
        self.require_literal("start")
        self.require_positive("spread")
        self.require_count("refresh")

    @property
    def plasticity(self) -> str:
        return "structure"

    def attach(self, subject: Subject, tasks: Sequence[Task], steps: int, streams: Streams) -> Plasticity:
        from lifespan.learners._masks import MaskChange, Pace
        from lifespan.learners._selection import Rule
        from lifespan.learners._starts import magnitude_ranks, random_ranks

        ranks = random_ranks(subject, streams) if self.start == "random" else magnitude_ranks(subject)
        return MaskChange(
            subject,
            tasks,
            scores={name: self.spread * rank for name, rank in ranks.items()},
            eligible=subject.alive,
            rule=Rule(first=self.sparsity, target=self.sparsity, refresh=self.refresh, scope=self.scope, absolute=True),
            pace=Pace(self.rate, self.rate_of_heads, None, self.weight_decay),
            steps=steps,
        )
