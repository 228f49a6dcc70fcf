"""Learning by structure with stochastic masks, drawn anew at every step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lifespan.contracts import Learner, Plasticity, Task

if TYPE_CHECKING:
    from lifespan.contracts.subject import Subject
    from lifespan.randomness import Streams


@dataclass(frozen=True, kw_only=True)
class BernoulliMasks(Learner):
    """A stochastic mask per task: mask ~ Bernoulli(sigmoid(score)) (Radiya-Dixit & Wang 2020, supermask training).

    Scores start at `-confidence` for the `sparsity` smallest abs(W) of every matrix and at `+confidence` for the rest; the
    straight-through estimator carries the gradient of each draw to its score, W is frozen bit for bit. While learning, a
    synapse takes the rarer state with probability sigmoid(-confidence) (0.047 at 3); afterwards the likelier state stays.

    A score must travel `confidence` to flip for good, about `rate` a step with Adam: hence the high rate.
    """

    citation = "radiyadixit2020fine"

    rate: float = 1e-1
    head_rate: float | None = 5e-4
    sparsity: float = 0.05
    confidence: float = 3.0

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_fraction("sparsity", below_one=True)
        self.require_positive("confidence")

    @property
    def plasticity(self) -> str:
        return "structure"

    def attach(self, subject: Subject, tasks: Sequence[Task], steps: int, streams: Streams) -> Plasticity:
        import torch

        from lifespan.learners._masks import Pace
        from lifespan.learners._selection import Rule
        from lifespan.learners._starts import magnitude_ranks
        from lifespan.learners._stochastic import DrawnChange

        ranks = magnitude_ranks(subject)
        return DrawnChange(
            subject,
            tasks,
            scores={
                name: torch.where(rank > self.sparsity, self.confidence, -self.confidence) for name, rank in ranks.items()
            },
            eligible=subject.alive,
            rule=Rule(cut=0.0),
            pace=Pace(self.rate, self.rate_of_heads, None, self.weight_decay),
            steps=steps,
            streams=streams,
        )
