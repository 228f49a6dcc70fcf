"""Averaged gradient episodic memory: a step may not raise the loss on kept examples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lifespan.contracts import Course, Guard, Lesson, Strategy
from lifespan.strategies.rehearsal import Buffering, Kind

if TYPE_CHECKING:
    from collections.abc import Sequence

    import torch

    from lifespan.contracts.subject import Subject


@dataclass(frozen=True, kw_only=True)
class AveragedGEM(Strategy):
    """Where the step's gradient g and that of kept examples r point apart, g loses what it has along r (Chaudhry et al. 2019).

    A-GEM, equation 11: if g . r < 0 then g - (g . r / r . r) r. Both are over the encoder's weights, before clipping; the head
    of the new task is its own and learns freely. AdamW then scales what is left, so that the promise (the loss on kept
    examples does not rise) holds for the gradient, not for the step. Buffer and ageing as of `Rehearsal`; costs as much.
    """

    revision = 2
    citation = "chaudhry2019efficient"

    size: int = 200
    buffer: Kind = "balanced"

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_count("size")
        self.require_literal("buffer")

    def guard(self, subject: Subject, lesson: Lesson) -> Guard:
        return _Projecting(self, subject, lesson)


class _Projecting(Buffering):
    def gradient(self, parameters: Sequence[torch.nn.Parameter], course: Course) -> None:
        import torch

        from lifespan.model.forward import batch_loss, seeded
        from lifespan.strategies.shared import moving_parameters, zero_dead

        if not self.buffer:
            return
        moving = moving_parameters(course.subject, parameters, self.strategy.describe())
        gradients = {name: parameter.grad for name, parameter in moving.items() if parameter.grad is not None}
        title = self.buffer.task_at(course.streams, "rehearsal", course.step)
        batch, _ = self.buffer.batch(title, course.step)
        with seeded(course.streams.number("dropout", course.step), course.subject.device):
            loss = batch_loss(course.subject, title, batch)
            found = torch.autograd.grad(loss, [moving[name] for name in gradients], allow_unused=True)
        reference = {
            name: zero_dead(course.subject, name, gradient)
            for name, gradient in zip(gradients, found, strict=True)
            if gradient is not None
        }
        along = sum(float((gradients[name] * gradient).sum()) for name, gradient in reference.items())
        square = sum(float(gradient.square().sum()) for gradient in reference.values())
        if along < 0 < square:
            for name, gradient in reference.items():
                gradients[name].sub_(gradient, alpha=along / square)
