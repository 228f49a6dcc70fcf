"""A chronic disorder of the optimiser: at some steps the gradient is far too large."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from lifespan.contracts import Course, Disorder, Regimen

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, kw_only=True)
class LossSpikes(Disorder):
    """At some steps, drawn, the gradient is `size` times too large and clipping fails, from onset to end.

    Native parameter: the chance of each step, `severity * chance`: from 0 to `chance` (0.05). The direction stays. Adam's
    step is bounded whatever the gradient, so the spike itself is a few steps long; what lasts is its memory of the size,
    which slows learning down for the following hundreds of steps. The loss in rows is that of the batch, before the spike.
    Takase et al. (2023) describe such spikes in the training of large language models. A higher severity has the spikes of
    a lower one of the same individual, and more.
    """

    aetiology = "optimiser dynamics"
    citation = "takase2023spike"

    chance: float = 0.05
    size: float = 100.0

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_fraction("chance")
        self.require("chance", self.chance > 0, "must be above 0.")
        self.require_positive("size")
        self.require("size", self.size >= 1, "must be at least 1: a spike enlarges.")

    def strikes(self, course: Course) -> bool:
        """Whether this step has a spike."""
        return course.streams.numpy("disorder", course.step).random() < self.severity * self.chance

    def gradient(self, parameters: Sequence[torch.nn.Parameter], course: Course) -> None:
        if not self.strikes(course):
            return
        for parameter in parameters:
            if parameter.grad is not None:
                parameter.grad.mul_(self.size)

    def regimen(self, regimen: Regimen, course: Course) -> Regimen:
        return replace(regimen, clip=math.inf) if self.strikes(course) else regimen
