"""Movement pruning while fine-tuning: weights that move towards zero are pruned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lifespan.contracts import Learner, Plasticity, Task

if TYPE_CHECKING:
    from lifespan.contracts.subject import Subject
    from lifespan.randomness import Streams


@dataclass(frozen=True, kw_only=True)
class MovementMasks(Learner):
    """Movement pruning while fine-tuning (Sanh et al. 2020, equations 3-5), sparsity rising to `sparsity` exactly.

    Scores start at 0 and gather -W x dL/dW through the straight-through estimator, at `score_rate`; the highest, over all
    matrices, stay on. The sparsity (of living synapses) rises along the cubic schedule between the fractions `begin` and
    `end` of the steps: before, scores gather evidence while all is on; after, the rest re-fits at the final sparsity.
    `weights=False` keeps W frozen bit for bit: then it is static movement pruning, SMP (Jiang et al. 2022), learning by
    structure alone.

    Dense beginnings need no head start: the schedule moves the cut to the scores, whatever their size.
    """

    citation = "sanh2020movement"

    rate: float = 1e-4
    head_rate: float | None = 5e-4
    sparsity: float = 0.5
    score_rate: float = 1e-2
    weights: bool = True
    begin: float = 0.3
    end: float = 0.8
    refresh: int = 10

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_fraction("sparsity", below_one=True)
        self.require_positive("score_rate")
        self.require_fraction("begin", below_one=True)
        self.require_fraction("end")
        self.require("end", self.end > self.begin, f"must be above begin={self.begin:g}.", "For example 0.8.")
        self.require_count("refresh")

    @property
    def plasticity(self) -> str:
        return "both" if self.weights else "structure"

    def attach(self, subject: Subject, tasks: Sequence[Task], steps: int, streams: Streams) -> Plasticity:
        import torch

        from lifespan.learners._masks import MaskChange, Pace
        from lifespan.learners._selection import Rule

        return MaskChange(
            subject,
            tasks,
            scores={name: torch.zeros_like(weight.data) for name, weight in subject.synapses.items()},
            eligible=subject.alive,
            rule=Rule(cut=-float("inf"), target=self.sparsity, refresh=self.refresh, begin=self.begin, end=self.end),
            pace=Pace(
                self.score_rate,
                self.rate_of_heads,
                self.rate if self.weights else None,
                self.weight_decay,
            ),
            steps=steps,
        )
