"""A chronic disorder of the optimiser: the learning rate is too high."""

from __future__ import annotations

from dataclasses import dataclass, replace

from lifespan.contracts import Course, Disorder, Regimen


@dataclass(frozen=True, kw_only=True)
class HighRate(Disorder):
    """Learning rate too high, from onset to end; schedule and clipping stay.

    Native parameter: what every rate, the head's included, is multiplied by, `factor ** severity`: from 1 to `factor`
    (100). Mosbach et al. (2021) find fine-tuning of BERT to fail by its optimisation, more often at higher rates. For
    structural learning the rate is how far a score moves in a step, so a high one flips synapses by noise.
    """

    aetiology = "optimiser dynamics"
    citation = "mosbach2021stability"

    factor: float = 100.0

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_positive("factor")
        self.require("factor", self.factor >= 1, "must be at least 1: a higher severity means a higher rate.")

    def regimen(self, regimen: Regimen, course: Course) -> Regimen:
        return replace(regimen, rate=regimen.rate * self.factor**self.severity)
