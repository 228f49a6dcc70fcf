"""What a planned study can show: for each hypothesis the effects that its individuals detect, and how many it needs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lifespan.analysis.evidence import differences, on_tasks, scaled, tasks_compared, tasks_seen
from lifespan.analysis.hypotheses import CompletedLives, completed_lives
from lifespan.record import record
from lifespan.stats.mean_power import least_pairs, pairs_needed, shown
from lifespan.stats.sequential import nominal_levels
from lifespan.study.design import FAMILY_ERROR
from lifespan.study.hypotheses import Hypothesis
from lifespan.study.scenario import Study

POWERS = (0.8, 0.9)


@dataclass(frozen=True)
class Planned:
    """What a study's individuals can show of one hypothesis.

    `level` is the two-sided level of its strictest test at the last look, `least` the fewest pairs with which it is testable.
    `detectable` are, for each of `POWERS`, the smallest true difference that is shown ("equivalent": the smallest margin where
    nothing differs; "non-inferior": how far above -margin), in standard deviations of the paired difference. With a pilot,
    `sd` is that standard deviation, `power` the probability to show the hypothesis (a difference of the margin, or none where
    little or none is predicted), and `needed` the pairs for a power of 0.8; else None.
    """

    hypothesis: Hypothesis
    level: float
    least: int
    detectable: tuple[float, ...]
    sd: float | None = None
    power: float | None = None
    needed: int | None = None

    @property
    def is_equivalence(self) -> bool:
        """Whether both sides of a margin have to be shown."""
        return self.hypothesis.prediction == "equivalent"


def planned_power(study: Study, pilot: Path | None = None) -> list[Planned]:
    """What the individuals of a study, and its looks, can show of each of its hypotheses, for normal differences.

    All primary hypotheses share one error, so each is reckoned at the level that Holm asks of the first: what is left for the
    others is more. `pilot` is a run directory with groups of the same names, from which standard deviations are taken.
    """
    lives = None if pilot is None else completed_lives(record.read(pilot))
    family = sum(not each.secondary for each in study.hypotheses)
    return [_planned(study, each, 1 if each.secondary else family, lives) for each in study.hypotheses]


def blind_looks(study: Study) -> list[int]:
    """Looks of a sequential design that are too small to decide any primary hypothesis as the first of its family."""
    primary = [each for each in study.hypotheses if not each.secondary]
    if study.design is None or not primary:
        return []
    looks, levels = _looks(study, primary[0], len(primary))
    return [n for n, level in zip(looks, levels, strict=True) if n < least_pairs(level)]


def _planned(study: Study, hypothesis: Hypothesis, family: int, pilot: CompletedLives | None) -> Planned:
    looks, levels = _looks(study, hypothesis, family)
    can = shown(looks, levels)
    is_equivalence = hypothesis.prediction == "equivalent"
    detectable = tuple(can.detectable(power, equivalence=is_equivalence) for power in POWERS)
    least, sd = least_pairs(levels[-1]), None if pilot is None else _sd(pilot, hypothesis)
    if sd is None or hypothesis.prediction == "below" or hypothesis.margin == 0:
        return Planned(hypothesis, levels[-1], least, detectable, sd)
    size = math.inf if sd == 0 else hypothesis.margin / sd
    power = can.power(size, equivalence=is_equivalence)
    return Planned(hypothesis, levels[-1], least, detectable, sd, power, _needed(size, levels[-1], is_equivalence))


def _needed(size: float, level: float, is_equivalence: bool) -> int | None:
    return least_pairs(level) if math.isinf(size) else pairs_needed(size, level, equivalence=is_equivalence)


def _looks(study: Study, hypothesis: Hypothesis, family: int) -> tuple[tuple[int, ...], tuple[float, ...]]:
    alpha = FAMILY_ERROR / family
    if study.design is None or hypothesis.secondary:
        return (study.looks[-1],), (alpha,)
    return study.looks, nominal_levels(study.design.fractions, study.design.bounds, alpha)


def _sd(lives: CompletedLives, hypothesis: Hypothesis) -> float | None:
    """The standard deviation of a pilot's differences (of the weakest step, of several); None where it has too few."""
    groups = set(lives.rows["group"])
    parts = [part for part in (hypothesis.first, hypothesis.second) if part is not None]
    if not all(set(part.groups) <= groups for part in parts):
        return None
    whole = scaled(hypothesis, lives)
    seen = tasks_seen(lives, whole, tasks_compared(lives, whole))
    found = differences(lives, on_tasks(whole, seen) if seen else whole)
    return float(np.std(found.to_numpy(), axis=0, ddof=1).max()) if len(found) > 1 else None
