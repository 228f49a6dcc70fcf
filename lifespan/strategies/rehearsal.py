"""Rehearsal: a few examples of earlier tasks are learned along with the new one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from lifespan.contracts import Course, Guard, Lesson, Strategy

if TYPE_CHECKING:
    import torch

    from lifespan.contracts.subject import Subject

Kind = Literal["balanced", "reservoir"]
"""How a buffer shares its rows out (see `lifespan.strategies.buffers.keep`)."""


@dataclass(frozen=True, kw_only=True)
class Rehearsal(Strategy):
    """Each step adds `strength` times the mean loss of a batch of kept examples (experience replay: Chaudhry et al. 2019).

    The buffer holds `size` training rows of all earlier tasks together: "balanced" (as many of each) or "reservoir". A step
    rehearses one earlier task, drawn in proportion to its rows; the task's head stays as it is, and what learns is the body.
    Costs a training step more each step. Rehearsed rows are read as they are: disorders of data do not see them.

    Ageing leaves the buffer as it is: what the body lost with its synapses is learned again at the next learning. A task
    with a mask of its own is not rehearsed, as it does not answer from the weights that move.
    """

    revision = 2
    citation = "chaudhry2019tiny"

    size: int = 200
    buffer: Kind = "balanced"
    strength: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_count("size")
        self.require_literal("buffer")
        self.require_positive("strength", or_zero=True)

    def guard(self, subject: Subject, lesson: Lesson) -> Guard:
        return _Rehearsing(self, subject, lesson)


class Buffering(Guard):
    """A guard with a buffer of earlier examples, into which the tasks just learned are taken at the end."""

    def __init__(self, strategy: Any, subject: Subject, lesson: Lesson) -> None:
        from lifespan.strategies.buffers import Buffer

        self.strategy, self.lesson = strategy, lesson
        self.buffer = Buffer(strategy.name, subject, lesson)

    def settle(self, subject: Subject, memory: dict[str, torch.Tensor]) -> None:
        from lifespan.strategies.buffers import keep

        keep(self.strategy.name, subject, self.lesson, kind=self.strategy.buffer, size=self.strategy.size)


class _Rehearsing(Buffering):
    def penalty(self, course: Course) -> torch.Tensor | None:
        from lifespan.model.forward import batch_loss

        if not self.buffer or self.strategy.strength == 0:
            return None
        title = self.buffer.task_at(course.streams, "rehearsal", course.step)
        batch, _ = self.buffer.batch(title, course.step)
        loss: torch.Tensor = self.strategy.strength * batch_loss(course.subject, title, batch)
        return loss
