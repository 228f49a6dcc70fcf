"""A chronic disorder of the optimiser: Adam's momenta are mis-set."""

from __future__ import annotations

from dataclasses import dataclass, replace

from lifespan.contracts import Course, Disorder, Regimen


@dataclass(frozen=True, kw_only=True)
class MissetMomentum(Disorder):
    """Adam's momenta are mis-set, from onset to end: the first (mean gradient) or the second (its size), or both.

    `beta1` and `beta2` in [0, 1) are the momenta at severity 1; one that has its healthy value (0.9, 0.999) stays.
    Native parameters: both betas, with `1 - beta = (1 - healthy) ** (1 - severity) * (1 - worst) ** severity`, so that the
    horizon of memory, 1 / (1 - beta) steps, moves geometrically. The default forgets the direction of earlier steps;
    `MissetMomentum(beta1=0.9, beta2=0.5)` forgets their size, under which Adam need not converge (Reddi et al. 2018,
    section 3).
    """

    aetiology = "optimiser dynamics"
    citation = "reddi2018convergence"

    beta1: float = 0.0
    beta2: float = 0.999

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_fraction("beta1", below_one=True)
        self.require_fraction("beta2", below_one=True)

    def regimen(self, regimen: Regimen, course: Course) -> Regimen:
        from lifespan.training.loop import BETAS

        if self.severity == 0:
            return regimen
        first, second = regimen.betas or BETAS
        return replace(regimen, betas=(self._between(first, self.beta1), self._between(second, self.beta2)))

    def _between(self, healthy: float, worst: float) -> float:
        if healthy == worst:
            return healthy
        return 1 - (1 - healthy) ** (1 - self.severity) * (1 - worst) ** self.severity
