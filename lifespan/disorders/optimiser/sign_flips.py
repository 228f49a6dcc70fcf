"""A chronic disorder of the optimiser: a share of the gradient's signs is flipped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lifespan.contracts import Course, Disorder

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, kw_only=True)
class SignFlips(Disorder):
    """A share of all gradient entries has its sign flipped, drawn anew at each step, from onset to end.

    Native parameter: the chance of each entry at each step, equal to `severity`. At 0.5 the gradient says nothing any more;
    above, learning climbs what it should descend. Sizes stay, so clipping sees no difference. Bernstein et al. (2019) show
    which share of such adversaries learning by signs survives. A larger share contains a smaller one of the same individual.
    """

    aetiology = "optimiser dynamics"
    citation = "bernstein2019signsgd"

    def gradient(self, parameters: Sequence[torch.nn.Parameter], course: Course) -> None:
        import torch

        if self.severity == 0:
            return
        generator = course.streams.torch("disorder", course.step)
        for parameter in parameters:
            if parameter.grad is None:
                continue
            flipped = torch.rand(parameter.shape, generator=generator) < self.severity
            parameter.grad.copy_(torch.where(flipped.to(parameter.device), -parameter.grad, parameter.grad))
