"""A chronic disorder of the optimiser: too high a rate, without gradient clipping."""

from __future__ import annotations

from dataclasses import dataclass, replace

from lifespan.contracts import Course, Disorder, Regimen


@dataclass(frozen=True, kw_only=True)
class UnstableOptimizer(Disorder):
    """Learning rate too high and gradient clipping lost, from onset to end.

    Native parameters: the rate is multiplied by 30 ** severity, the clipping norm by 1000 ** severity. Mosbach et al. (2021)
    trace failed fine-tuning of BERT to such instability of optimisation.
    """

    aetiology = "optimiser dynamics"
    citation = "mosbach2021stability"

    def regimen(self, regimen: Regimen, course: Course) -> Regimen:
        return replace(regimen, rate=regimen.rate * 30.0**self.severity, clip=regimen.clip * 1000.0**self.severity)
