"""A chronic disorder of the optimiser: the learning rate does not warm up."""

from __future__ import annotations

from dataclasses import dataclass, replace

from lifespan.contracts import Course, Disorder, Regimen


@dataclass(frozen=True, kw_only=True)
class NoWarmup(Disorder):
    """The rise of the learning rate is cut away, from onset to end.

    Native parameter: the share of the peak rate from which the rise begins, equal to `severity`: with the healthy factor f
    of a step, the rate is `severity + (1 - severity) f` of its peak while it rises, so at severity 1 it is at its peak from
    the first step. Its fall stays as it is, and so do learners whose recipe has `warmup=0`, but for the one step that they
    rise. Liu et al. (2020, section 3) find that Adam's first steps are wild without a warm-up. Where the optimizer starts
    afresh in cycles, every cycle lacks its rise.
    """

    aetiology = "optimiser dynamics"
    citation = "liu2020variance"

    def regimen(self, regimen: Regimen, course: Course) -> Regimen:
        from lifespan.training.loop import Recipe

        recipe = Recipe(course.plasticity.cycle or course.steps, course.warmup, regimen.clip)
        step = course.step % recipe.steps
        if step >= recipe.rise:
            return regimen
        return replace(regimen, rate=regimen.rate * (1 - self.severity + self.severity / recipe.factor(step)))
