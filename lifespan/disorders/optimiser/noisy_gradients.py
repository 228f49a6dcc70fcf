"""A chronic disorder of the optimiser: Gaussian noise on gradients."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lifespan.contracts import Course, Disorder

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, kw_only=True)
class NoisyGradients(Disorder):
    """Gaussian noise on the gradient of everything that moves, drawn anew at each step, from onset to end.

    Native parameter: the noise's standard deviation in units of the root mean square of that parameter's own gradient,
    `severity * ratio`: from 0 to `ratio` (10), whatever the gradient's size. Entries without a gradient, such as those of
    dead synapses, get none. Neelakantan et al. (2015) add such noise as a cure, with a variance that dies out; this does not.
    """

    aetiology = "optimiser dynamics"
    citation = "neelakantan2015adding"

    ratio: float = 10.0

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_positive("ratio")

    def gradient(self, parameters: Sequence[torch.nn.Parameter], course: Course) -> None:
        import torch

        if self.severity == 0:
            return
        generator = course.streams.torch("disorder", course.step)
        for parameter in parameters:
            if parameter.grad is None:
                continue
            noise = torch.randn(parameter.shape, generator=generator).to(parameter.device)
            size = self.severity * self.ratio * parameter.grad.square().mean().sqrt()
            parameter.grad.add_(noise.mul_(size).mul_(parameter.grad != 0))
