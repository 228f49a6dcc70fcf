"""A chronic disorder of the optimiser: the learning rate oscillates."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from lifespan.contracts import Course, Disorder, Regimen


@dataclass(frozen=True, kw_only=True)
class OscillatingRate(Disorder):
    """The learning rate swings around its healthy course, from onset to end.

    Native parameter: the amplitude in units of the healthy rate, equal to `severity`: the rate of step t (from 0, in every
    event) is multiplied by `1 + severity * sin(2 pi t / period)`, which is never negative and averages 1 over a period.
    `period` counts optimizer steps, at least 3: a sine sampled more thinly is zero. Smith (2017) cycles rates on purpose.
    """

    aetiology = "optimiser dynamics"
    citation = "smith2017cyclical"

    period: int = 20

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_count("period", at_least=3)

    def regimen(self, regimen: Regimen, course: Course) -> Regimen:
        swing = math.sin(2 * math.pi * course.step / self.period)
        return replace(regimen, rate=regimen.rate * (1 + self.severity * swing))
