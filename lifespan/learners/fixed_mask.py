"""The controls of every structural claim: a mask that the task did not learn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lifespan.contracts import Learner, Plasticity, Pruner, Task
from lifespan.pruning.random import Random

if TYPE_CHECKING:
    from lifespan.contracts.subject import Subject
    from lifespan.randomness import Streams


@dataclass(frozen=True, kw_only=True)
class FixedMask(Learner):
    """The task's mask is chosen before learning, by any pruner, and stays; then the head learns, or weights inside it.

    `by=Random()` is the random mask at equal sparsity, `by=Magnitude()` one-shot magnitude without learning,
    `by=GradientSaliency()` pruning at initialisation (Lee et al. 2019), `by=LanguageMask()` a mask learned on masked-language
    modelling and transferred (Liu et al. 2022, TAMT). `sparsity` is the fraction of living synapses off.

    With `weights=False` only the head learns, at `head_rate`, and W is frozen bit for bit; with `weights=True` the weights
    inside the mask learn as well, at `rate`, and those outside keep their value.
    """

    citation = "chen2020lottery"

    by: Pruner = field(default_factory=Random)
    sparsity: float = 0.5
    weights: bool = False
    head_rate: float | None = 5e-4

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_a("by", Pruner, "Random()")
        self.require_fraction("sparsity", below_one=True)

    @property
    def plasticity(self) -> str:
        return "both" if self.weights else "head"

    @property
    def leaves_mask(self) -> bool:
        return True

    def attach(self, subject: Subject, tasks: Sequence[Task], steps: int, streams: Streams) -> Plasticity:
        from lifespan.learners._weights import WeightChange
        from lifespan.learners.head_only import Frozen

        overall = 1 - (1 - self.sparsity) * (1 - subject.sparsity)
        if not self.by.copies:
            # What the task had learned before must not advise the choice.
            for task in tasks:
                subject.skills[task.title].mask = None
        mask = self.by.choose(subject, overall, streams, tasks)
        if self.weights:
            return WeightChange(subject, tasks, self, inside=mask)
        for task in tasks:
            subject.skills[task.title].mask = mask
        if not tasks:
            subject.language_mask = mask
        return Frozen(subject, tasks, self, self.rate_of_heads)
