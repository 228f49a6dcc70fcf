"""Soft movement pruning while fine-tuning: the sparsity follows from a penalty on the scores."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lifespan.contracts import Learner, Plasticity, Task

if TYPE_CHECKING:
    from lifespan.contracts.subject import Subject
    from lifespan.randomness import Streams


@dataclass(frozen=True, kw_only=True)
class SoftMovementMasks(Learner):
    """Soft movement pruning (Sanh et al. 2020, sections 4 and 5): on where sigmoid(score) > `threshold`.

    Scores start at 0, so that all is on. The loss has the further term `price` x mean of sigmoid(score), which pulls every
    score down; the task's gradient holds up what it needs. The sparsity is an outcome: it rises with `price`, and its
    price depends on the number of synapses. `weights=False` keeps W frozen bit for bit.

    A score has log((1 - threshold) / threshold) to fall (2.2 at 0.1), about `score_rate` a step.
    """

    citation = "sanh2020movement"

    rate: float = 1e-4
    head_rate: float | None = 5e-4
    price: float = 100.0
    threshold: float = 0.1
    score_rate: float = 5e-2
    weights: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_positive("price", or_zero=True)
        self.require("threshold", 0 < self.threshold < 0.5, "must lie between 0 and 0.5: sigmoid(0) has to be above it.")
        self.require_positive("score_rate")

    @property
    def plasticity(self) -> str:
        return "both" if self.weights else "structure"

    def attach(self, subject: Subject, tasks: Sequence[Task], steps: int, streams: Streams) -> Plasticity:
        import torch

        from lifespan.learners._masks import Pace
        from lifespan.learners._selection import Rule
        from lifespan.learners._stochastic import PenalisedChange

        return PenalisedChange(
            subject,
            tasks,
            scores={name: torch.zeros_like(weight.data) for name, weight in subject.synapses.items()},
            eligible=subject.alive,
            rule=Rule(cut=math.log(self.threshold / (1 - self.threshold))),
            pace=Pace(
                self.score_rate,
                self.rate_of_heads,
                self.rate if self.weights else None,
                self.weight_decay,
            ),
            steps=steps,
            strength=self.price,
        )
