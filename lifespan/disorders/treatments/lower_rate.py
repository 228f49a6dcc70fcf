"""A treatment that lowers the learning rate."""

from __future__ import annotations

from dataclasses import dataclass, replace

from lifespan.contracts import Course, Disorder, Regimen


@dataclass(frozen=True, kw_only=True)
class LowerRate(Disorder):
    """Lower the learning rate of all that follows, from onset to end; write `Treat(LowerRate(severity=0.5))`.

    Native parameter: the rate is multiplied by `least` ** severity, so `severity` 1 leaves the fraction `least`, in (0, 1),
    of it. Warm-up and decay keep their shape. Small rates are what Mosbach et al. (2021) advise against the instability of
    fine-tuning; the steps stay as many, so a slow learner may not arrive.
    """

    aetiology = "treatment"
    citation = "mosbach2021stability"

    least: float = 0.1

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_positive("least")
        self.require_fraction("least", below_one=True)

    def regimen(self, regimen: Regimen, course: Course) -> Regimen:
        return replace(regimen, rate=regimen.rate * self.least**self.severity)
