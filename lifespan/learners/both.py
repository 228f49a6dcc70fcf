"""Learning by weights and structure at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lifespan.contracts import Learner, Plasticity, Task
from lifespan.learners.masks import Masks

if TYPE_CHECKING:
    from lifespan.contracts.subject import Subject
    from lifespan.randomness import Streams


@dataclass(frozen=True, kw_only=True)
class Both(Learner):
    """Fine-tune the weights (at `rate`) while learning the task's mask by the recipe of its argument `masks`.

    A straight-through estimator on both factors of W x mask, as in dynamic sparse training. How long to learn, batch size,
    warm-up and clipping are those of this object; rates and start of the mask are those of `masks`.
    """

    masks: Masks = field(default_factory=Masks)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_a("masks", Masks, "Masks(sparsity=0.05)")

    @property
    def plasticity(self) -> str:
        return "both"

    def attach(self, subject: Subject, tasks: Sequence[Task], steps: int, streams: Streams) -> Plasticity:
        return self.masks.change(subject, tasks, steps, streams, train_weights=self.rate)
