"""A chronic disorder of plasticity: learning ends before its last step."""

from __future__ import annotations

from dataclasses import dataclass, replace

from lifespan.contracts import Course, Disorder, Regimen


@dataclass(frozen=True, kw_only=True)
class PrematureClosure(Disorder):
    """Plasticity ends before learning does: after a share of the steps of every event all rates are zero.

    Native parameter: the share of an event's steps that is lost, equal to `severity`: it learns in its first
    `round((1 - severity) * steps)` steps as in health, bit for bit, and nothing after them; at severity 1 it learns
    nothing. Examples go on passing by, and the loss in rows goes on. What no rate governs goes on as well: synapses that
    `RigL` and `SET` rewire, and a cut that a target sparsity moves. In brains, inhibition times the end of a critical
    period (Hensch 2005); language models have none of their own accord (Constantinescu et al. 2025).
    """

    aetiology = "plasticity"
    citation = "hensch2005critical"

    def regimen(self, regimen: Regimen, course: Course) -> Regimen:
        closed = course.step >= round((1 - self.severity) * course.steps)
        return replace(regimen, rate=0.0) if closed else regimen
