"""What the choice of test items adds to the uncertainty of final scores, where `Outputs` kept the answers to single items."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from lifespan.analysis.cohort import Cohort
from lifespan.stats import items
from lifespan.stats.intervals import Interval

SAME = 1e-6
"""Difference up to which a score and the metric of the kept answers are the same."""


@dataclass(frozen=True, eq=False)
class ItemDraws:
    """A group's primary metric on resampled test items of a task: `drawn` is resamples x individuals, in the order of `seeds`.

    Groups of one task were drawn the same items, so that their differences are paired over items.
    """

    seeds: tuple[int, ...]
    drawn: np.ndarray
    items: int

    def of(self, seeds: Sequence[int]) -> np.ndarray | None:
        """The columns of these individuals; None where one of them has no answers."""
        place = {seed: column for column, seed in enumerate(self.seeds)}
        return self.drawn[:, [place[seed] for seed in seeds]] if set(seeds) <= set(place) else None


Draws = Mapping[tuple[str, str], ItemDraws]
"""By (task, group)."""


def item_draws(cohort: Cohort, answers: pd.DataFrame, final: pd.DataFrame) -> dict[tuple[str, str], ItemDraws]:
    """The `ItemDraws` of all groups and tasks whose last answers give their final scores.

    Left out are tasks of tagged words and of the area under the ROC curve, which `items` does not resample, groups that
    answered other items than the rest, and individuals whose answers are from another moment than their score.
    """
    if not {"label", "prediction", "example"} <= set(answers) or ("word" in answers and answers["word"].notna().all()):
        return {}
    answers = answers[answers["step"] == answers.groupby(["group", "individual", "task"])["step"].transform("max")]
    answers = answers.dropna(subset=["label", "prediction"])
    found = {}
    for task, rows in answers.groupby("task", sort=False):
        metric = cohort.primary(str(task))
        if metric not in items.RESAMPLED or ("word" in rows and rows["word"].notna().any()):
            continue
        labels = rows.groupby("example")["label"].first()
        times = items.times_drawn(len(labels))
        for group, own in rows.groupby("group", sort=False):
            table = own.pivot_table(index="seed", columns="example", values="prediction", aggfunc="first")
            table = table.reindex(columns=labels.index).dropna()
            scores = final[(final["task"] == task) & (final["group"] == group)].set_index("seed")["value"]
            drawn = _drawn(cohort, str(task), metric, table, labels.to_numpy(dtype=float), scores, times)
            if drawn is not None:
                found[str(task), str(group)] = drawn
    return found


def counted_mean(found: Interval, draws: Draws, task: str, group: str, seeds: Sequence[int]) -> tuple[Interval, int]:
    """An interval of a mean over these individuals that counts items too, and how many; itself and 0 where unknown."""
    own = draws.get((task, group))
    drawn = own.of(seeds) if own is not None else None
    if own is None or drawn is None:
        return found, 0
    return items.with_items(found, items.variance_of_metric(drawn), own.items), own.items


def counted_difference(
    found: Interval, draws: Draws, task: str, group: str, control: str, seeds: Sequence[int]
) -> tuple[Interval, int]:
    """The same of the mean difference of these twins."""
    own, other = draws.get((task, group)), draws.get((task, control))
    if own is None or other is None:
        return found, 0
    first, second = own.of(seeds), other.of(seeds)
    if first is None or second is None:
        return found, 0
    return items.with_items(found, items.variance_of_metric(first - second), own.items), own.items


def _drawn(
    cohort: Cohort, task: str, metric: str, table: pd.DataFrame, labels: np.ndarray, scores: pd.Series, times: np.ndarray
) -> ItemDraws | None:
    if table.empty:
        return None
    answers, positive = table.to_numpy(dtype=float), _positive(cohort, task)
    whole = items.metric_on_resamples(metric, answers, labels, np.ones((1, len(labels))), positive=positive)[0]
    same = np.abs(whole - scores.reindex(table.index).to_numpy(dtype=float)) <= SAME
    if not same.any():
        return None
    drawn = items.metric_on_resamples(metric, answers[same], labels, times, positive=positive)
    return ItemDraws(tuple(int(seed) for seed in table.index[same]), drawn, len(labels))


def _positive(cohort: Cohort, task: str) -> int:
    """The index of the class that F1, precision and recall are about."""
    labels, name = list(cohort.tasks.get(task, {}).get("labels") or []), cohort.positive(task)
    return labels.index(name) if name in labels else 1
