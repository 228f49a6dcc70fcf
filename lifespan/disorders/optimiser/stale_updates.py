"""A chronic disorder of the optimiser: updates follow gradients of earlier steps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lifespan.contracts import Course, Disorder

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, kw_only=True)
class StaleUpdates(Disorder):
    """Every step follows the gradient of some steps ago, from onset to end: delayed gradients (Agarwal & Duchi 2011).

    Native parameter: the delay in optimizer steps, `round(severity * max_delay)`. Every parameter counts the steps that
    give it a gradient: the head of a task that takes turns waits for that many of its own, and where an update of `RigL`
    takes a step's place, all wait. In the first steps of every event, as many as the delay, nothing moves; the gradients of
    the last ones are lost. Where learning starts afresh in cycles (`Lottery`), no gradient outlives its cycle.

    Remembers one gradient of everything that moves for each step of delay, in memory and in unfinished states on disk.
    `RigL` reads the gradient by which it rewires before it is delayed.
    """

    aetiology = "optimiser dynamics"
    citation = "agarwal2011distributed"

    max_delay: int = 10

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_count("max_delay")

    @property
    def delay(self) -> int:
        """The delay in optimizer steps."""
        return round(self.severity * self.max_delay)

    def gradient(self, parameters: Sequence[torch.nn.Parameter], course: Course) -> None:
        if self.delay == 0:
            return
        if course.step % (course.plasticity.cycle or course.steps) == 0:
            course.memory.clear()
        for i, parameter in enumerate(parameters):
            if parameter.grad is None:
                continue
            names = [f"{i}/{place}" for place in range(self.delay)]
            queue = [course.memory.pop(name) for name in names if name in course.memory]
            queue.append(parameter.grad)
            parameter.grad = queue.pop(0) if len(queue) > self.delay else None
            course.memory.update(zip(names, queue, strict=False))
