"""A hypothesis of a study against its rows: which tasks count, one number for each individual, and one-sided tests of it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from lifespan.analysis.hypotheses import CompletedLives, values, values_by_task
from lifespan.stats.intervals import FEWEST, one_sided_bounds, one_sided_p
from lifespan.stats.mean_power import least_pairs
from lifespan.study.design import FAMILY_ERROR
from lifespan.study.hypotheses import SEVERAL, SHARE_RETAINED, STEPS_RETAINED, Hypothesis, Quantity
from lifespan.study.hypothesis_checks import of_scores, quantities_of

RETAINED = (SHARE_RETAINED, STEPS_RETAINED)


@dataclass(frozen=True)
class Evidence:
    """What the pairs of a hypothesis say: one-sided p values of three statements, and the mean difference.

    `supported`, `refuted` and `small` are the p values behind "it is as predicted", "it is the other way round" (beyond the
    margin, where the prediction has one on that side) and "it is below the margin, too small to matter" (1 where that says
    nothing). `estimate`, `low` and `high` are the mean and its two 97.5% one-sided bounds: of the weakest step for "ordered",
    of the change over the whole range for "rising" and "falling".

    `collapsed` counts pairs in which an individual collapsed; `others`, `others_low` and `others_high` are the same numbers
    without them. Where there are such pairs, each p is the larger one of both analyses: what stands must stand with and
    without them, as trials that show non-inferiority are analysed (Piaggio et al. 2012, CONSORT extension, item 12a).
    """

    n: int
    estimate: float = math.nan
    low: float = math.nan
    high: float = math.nan
    supported: float = 1.0
    refuted: float = 1.0
    small: float = 1.0
    collapsed: int = 0
    others: float = math.nan
    others_low: float = math.nan
    others_high: float = math.nan

    @property
    def p(self) -> float:
        """Two-sided: twice the smallest of the three, at most 1."""
        return min(1.0, 2 * min(self.supported, self.refuted, self.small))

    def verdict(self, level: float) -> str:
        """The verdict at a two-sided level: supported, refuted, too small to matter, or undecided.

        >>> Evidence(10, supported=0.001).verdict(0.05)
        'supported'
        >>> Evidence(10, supported=0.001, small=0.001).verdict(0.05)
        'too small to matter'
        """
        side = level / 2
        if self.refuted <= side:
            return "refuted"
        if self.small <= side:
            return "too small to matter"
        return "supported" if self.supported <= side else "undecided"


def evidence(lives: CompletedLives, hypothesis: Hypothesis) -> Evidence:
    """The evidence of all pairs that have the hypothesis's quantities, with and without those in which one collapsed."""
    several = hypothesis.prediction in SEVERAL
    table = group_values(lives, hypothesis) if several else differences(lives, hypothesis)
    gone = table.index.isin(list(_collapsed_seeds(lives, hypothesis)))
    whole = _of_table(hypothesis, table)
    if not gone.any():
        return whole
    kept = _of_table(hypothesis, table[~gone])
    return replace(
        whole,
        supported=max(whole.supported, kept.supported),
        refuted=max(whole.refuted, kept.refuted),
        small=max(whole.small, kept.small),
        collapsed=int(gone.sum()),
        others=kept.estimate,
        others_low=kept.low,
        others_high=kept.high,
    )


def _of_table(hypothesis: Hypothesis, table: pd.DataFrame) -> Evidence:
    if hypothesis.prediction in SEVERAL:
        return _of_several(hypothesis, table)
    return evidence_of(table["difference"].to_numpy(), hypothesis.prediction, hypothesis.margin)


def _collapsed_seeds(lives: CompletedLives, hypothesis: Hypothesis) -> set[int]:
    """Seeds of which an individual collapsed in a group and on a task that the hypothesis is about."""
    own = list(quantities_of(replace(hypothesis, assay=None)))
    asked = {(task, group) for part in own for group in part.groups for task in part.tasks or lives.tasks}
    return {seed for place, seeds in lives.collapsed.items() if place in asked for seed in seeds}


def differences(lives: CompletedLives, hypothesis: Hypothesis) -> pd.DataFrame:
    """A row for each seed that has all values: the column "difference", or one for each that several groups are judged by.

    These are the steps from each group to the next ("ordered"), or the change over the doses.
    """
    if hypothesis.prediction == "ordered":
        return group_values(lives, hypothesis).diff(axis=1).iloc[:, 1:]
    if hypothesis.prediction in SEVERAL:
        table = group_values(lives, hypothesis)
        return pd.DataFrame({"difference": _trends(table.to_numpy(dtype=float), hypothesis.doses)}, table.index)
    first = values(lives, hypothesis.first)
    second = 0 * first if hypothesis.second is None else values(lives, hypothesis.second)
    return (first - second).dropna().to_frame("difference")


def evidence_of(differences: np.ndarray, prediction: str, margin: float) -> Evidence:
    """The evidence of paired differences for "greater", "non-inferior", "below" or "equivalent"."""
    if len(differences) < FEWEST:
        return Evidence(len(differences), float(np.mean(differences)) if len(differences) else math.nan)

    def above(threshold: float) -> float:
        return one_sided_p(differences, threshold)

    def below(threshold: float) -> float:
        return one_sided_p(-differences, -threshold)

    tests = {
        "greater": lambda: (above(0.0), below(0.0), below(margin) if margin > 0 else 1.0),
        "non-inferior": lambda: (above(-margin), below(-margin), 1.0),
        "below": lambda: (below(margin), above(margin), 1.0),
        "equivalent": lambda: (max(above(-margin), below(margin)), min(above(margin), below(-margin)), 1.0),
    }
    return Evidence(len(differences), *_mean_and_bounds(differences), *tests[prediction]())


def _mean_and_bounds(differences: np.ndarray) -> tuple[float, float, float]:
    mean = float(np.mean(differences))
    if np.ptp(differences) == 0:
        return mean, mean, mean
    return (mean, *one_sided_bounds(differences, level=1 - FAMILY_ERROR / 2))


def _of_several(hypothesis: Hypothesis, table: pd.DataFrame) -> Evidence:
    """Evidence about groups in an order, a column each; steps go from each to the next.

    "ordered": every step must be above 0 (an intersection-union test: the largest p counts); it is refuted, or too small,
    where any step is, by Bonferroni over the steps. "rising" and "falling": by the slope of each individual.
    """
    if len(table) < FEWEST:
        return Evidence(len(table))
    sign = -1.0 if hypothesis.prediction == "falling" else 1.0
    numbers = sign * table.to_numpy(dtype=float)
    steps = [evidence_of(step, "greater", hypothesis.margin) for step in np.diff(numbers, axis=1).T]
    reversed_ = min(1.0, len(steps) * min(step.refuted for step in steps))
    if hypothesis.prediction == "ordered":
        weakest = min(steps, key=lambda step: step.estimate)
        small = min(1.0, len(steps) * min(step.small for step in steps))
        supported = max(step.supported for step in steps)
        return replace(weakest, supported=supported, refuted=reversed_, small=small)
    trend = evidence_of(_trends(numbers, hypothesis.doses), "greater", hypothesis.margin)
    if reversed_ <= FAMILY_ERROR / 2:
        trend = replace(trend, supported=1.0)
    low, high = sorted((sign * trend.low, sign * trend.high))
    return replace(trend, estimate=sign * trend.estimate, low=low, high=high)


def _trends(numbers: np.ndarray, doses: Sequence[float]) -> np.ndarray:
    """Each individual's least-squares slope over the doses, times their range: the change from the least to the greatest."""
    centred = np.asarray(doses) - np.mean(doses)
    slopes: np.ndarray = numbers @ centred / float(centred @ centred)
    return slopes * float(np.ptp(doses))


def group_values(lives: CompletedLives, hypothesis: Hypothesis) -> pd.DataFrame:
    """A row for each seed, a column for each group of the hypothesis's first quantity, in their order; complete rows alone."""
    first = hypothesis.first
    columns = [values(lives, replace(first, groups=(group,))) for group in first.groups]
    return pd.concat(columns, axis=1, keys=list(first.groups)).dropna()


def tasks_compared(lives: CompletedLives, hypothesis: Hypothesis) -> tuple[str, ...]:
    """Titles of the tasks over which a hypothesis averages, in the record's order; none where it is about no task."""
    if hypothesis.first.metric in RETAINED:
        return tuple(title for title in lives.tasks if title in (hypothesis.first.tasks or lives.tasks))
    found = set(values_by_task(lives, hypothesis.first).columns.get_level_values("task"))
    return tuple(title for title in lives.tasks if title in found)


def tasks_seen(lives: CompletedLives, hypothesis: Hypothesis, tasks: Sequence[str]) -> tuple[str, ...]:
    """Those tasks on which a hypothesis's positive control is supported, each by itself, at 5% two-sided; all without one."""
    assay = hypothesis.assay
    if assay is None:
        return tuple(tasks)
    least = least_pairs(FAMILY_ERROR)
    found = [(task, evidence(lives, on_tasks(replace(assay, assay=None), (task,)))) for task in tasks]
    return tuple(task for task, one in found if one.n >= least and one.verdict(FAMILY_ERROR) == "supported")


def on_tasks(hypothesis: Hypothesis, tasks: tuple[str, ...]) -> Hypothesis:
    """The hypothesis on these tasks alone."""
    return _changed(hypothesis, tasks=tasks)


def scaled(hypothesis: Hypothesis, lives: CompletedLives) -> Hypothesis:
    """The hypothesis with its scale written out: normalised where it averages over the scores of several tasks."""
    tasks = tasks_compared(lives, hypothesis)
    metrics = [lives.tasks[title].get("metrics", ()) for title in tasks]
    several = len(tasks) > 1 and of_scores(hypothesis.first.metric, metrics) and hypothesis.first.metric not in RETAINED
    scale = hypothesis.first.scale or ("normalised" if several else "raw")
    return _changed(hypothesis, scale=scale)


def _changed(hypothesis: Hypothesis, **changed: Any) -> Hypothesis:
    """The hypothesis with these arguments in all of its quantities."""
    first, second = hypothesis.first, hypothesis.second
    other = None if second is None else _with(second, changed)
    return replace(hypothesis, first=_with(first, changed), second=other)


def _with(quantity: Quantity, changed: Mapping[str, Any]) -> Quantity:
    inner = {"minus": quantity.minus, "share_of": quantity.share_of}
    parts: dict[str, Any] = {name: _with(part, changed) for name, part in inner.items() if part is not None}
    return replace(quantity, **parts, **changed)
