"""A chronic disorder of the optimiser: gradients are no longer clipped."""

from __future__ import annotations

from dataclasses import dataclass, replace

from lifespan.contracts import Course, Disorder, Regimen


@dataclass(frozen=True, kw_only=True)
class LostClipping(Disorder):
    """Gradient clipping lost, from onset to end: the clipping of Pascanu et al. (2013, algorithm 1).

    Native parameter: what the largest allowed gradient norm is multiplied by, `factor ** severity`: from 1 to `factor`
    (1000). Adam divides a gradient by its own recent size, so what is lost is the protection from a sudden one alone.
    """

    aetiology = "optimiser dynamics"
    citation = "pascanu2013difficulty"

    factor: float = 1000.0

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_positive("factor")
        self.require("factor", self.factor >= 1, "must be at least 1: a higher severity means less clipping.")

    def regimen(self, regimen: Regimen, course: Course) -> Regimen:
        return replace(regimen, clip=regimen.clip * self.factor**self.severity)
