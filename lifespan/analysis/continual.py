"""Continual-learning metrics of every individual, as one tidy table."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from lifespan.analysis.cohort import INDIVIDUAL, Cohort, gather
from lifespan.analysis.joint_twins import joint_step
from lifespan.analysis.scores import LEAST_LEARNED, on_one_scale, primary_rows, primary_scores
from lifespan.analysis.timelines import learnings
from lifespan.record.record import Record
from lifespan.stats import aggregates, continual, metrics

WINDOWS = (2, 10)
"""Windows of WF and WP, in evaluations."""

CRITERION = 0.95
"""What counts as having learned: this share of the best score of the first learning, above chance."""

NORMALISED = "_normalised"
"""Ending of the name of a mean over tasks of chance-normalised scores."""

Metrics = Iterator[tuple[str, str, float]]
"""(metric, task or nothing, value)."""


READ = ("step", "age", "optimizer_steps", "task", "value")
"""Columns of an individual's rows and steps that its metrics are made of."""


def memories(record: Record) -> pd.DataFrame:
    """All numbers of memory that a record holds: group, individual, seed, metric, task, value, one row each.

    Of a life, once its last task was learned (task is empty; formulas in `lifespan.stats.metrics` and
    `lifespan.stats.continual`), each twice: with `_normalised` after its name, on chance-normalised scores, (score - chance) /
    (best - chance); and under its name alone as published, on the scores themselves, only where all tasks of the life have one
    primary metric, since a Matthews correlation and an accuracy have no mean:

    - `acc`, `bwt`, `forgetting_max`, `forgetting_last`; `fwt`, where `Readout` measured before the first learning and
      right before each other; `intransigence`, where a twin of the same history learned its tasks jointly (see
      `joint_twins`);
    - from evaluations inside learning, `Probe(Score(), every=N)`: `min_acc` and `wc_acc`, and means over tasks of the windows'
      and the curves' numbers that follow. They depend on how often one evaluates: `steps_between_looks` is the median number
      of optimizer steps between (once only, as the mean of `steps_to_criterion`).

    Of each task (task is its title):

    - from evaluations inside learning: `wf_2`, `wf_10`, `wp_2`, `wp_10`, over all evaluations from its first learning to
      the end of the last task's; `learning_curve_area` (LCA without the score before the first step) and
      `steps_to_criterion` of its first learning, the criterion being 95% of its best score there, above chance; and, where it
      was learned twice, `relearning_savings`, from the steps to that criterion. No criterion where that best is less than
      `LEAST_LEARNED` above chance, chance-normalised;
    - `half_life`, in optimizer steps since it was learned, and `half_life_tasks`, in tasks learned since: each with
      `..._low` and `..._high` (see `lifespan.stats.continual.half_life_interval`) and `..._beyond`, 1 where it lies beyond
      the last evaluation, so is an extrapolation, else 0. None where less than `LEAST_LEARNED` was learned.

    What was not measured has no row; a half-life may be infinite.
    """
    cohort = gather([record])
    return memory_metrics(cohort, primary_scores(cohort))


def memory_metrics(cohort: Cohort, scores: pd.DataFrame) -> pd.DataFrame:
    """`memories` of a cohort; `scores` are its primary scores."""
    during = primary_rows(cohort, "Score/during").sort_values("age", kind="stable")
    split = during["task"].map(scores.drop_duplicates("task").set_index("task")["split"])
    during = during[split.isna() | (split == during["split"])]
    tables = (scores, during, _readouts(cohort))
    rescaled = tuple(on_one_scale(cohort, rows) for rows in tables)
    lived, *parts = (_by_individual(rows) for rows in (cohort.steps, *tables, *rescaled))
    table = []
    for _, person in cohort.participants.iterrows():
        individual = {name: person[name] for name in INDIVIDUAL}
        key = (person["group"], person["seed"])
        scored, during_events, read, own, inside, read_out = (part(key) for part in parts)
        life = _Life.of(cohort, individual, lived(key), scored, during_events, read)
        normalised = replace(life, scores=own, during=inside, readouts=read_out)
        for metric, task, value in _metrics(life, scores, normalised, rescaled[0]):
            if not np.isnan(value):
                table.append({**individual, "metric": metric, "task": task, "value": value})
    return pd.DataFrame(table, columns=[*INDIVIDUAL, "metric", "task", "value"])


def _by_individual(rows: pd.DataFrame) -> Callable[[tuple[str, int]], pd.DataFrame]:
    """What is read of the rows of a (group, seed), in their order, found once for all individuals of a large cohort."""
    places = rows.groupby(["group", "seed"], sort=False, observed=True).indices
    kept, none = rows[[name for name in READ if name in rows]], np.zeros(0, dtype=np.intp)
    return lambda key: kept if kept.empty else kept.iloc[places.get(key, none)]


def half_lives(memories: pd.DataFrame) -> pd.DataFrame:
    """Half-lives in optimizer steps: group, individual, seed, task, half_life, beyond (1 where it is an extrapolation).

    `memories` is the table of `memory_metrics`.
    """
    rows = memories[memories["metric"].isin(["half_life", "half_life_beyond"])]
    if rows.empty:
        return pd.DataFrame(columns=[*INDIVIDUAL, "task", "half_life", "beyond"])
    table = rows.pivot_table(index=[*INDIVIDUAL, "task"], columns="metric", values="value", sort=False).reset_index()
    return table.rename(columns={"half_life_beyond": "beyond"}).rename_axis(columns=None)


@dataclass(frozen=True)
class _Life:
    """One individual: its tasks in order of first learning, the steps at which each was learned, and its rows.

    `scores` were taken after events, `during` inside learning events.
    """

    cohort: Cohort
    group: str
    seed: int
    learnings: dict[str, list[int]]
    begun: dict[int, int]
    scores: pd.DataFrame
    during: pd.DataFrame
    readouts: pd.DataFrame

    @classmethod
    def of(
        cls,
        cohort: Cohort,
        individual: dict[str, Any],
        steps: pd.DataFrame,
        scores: pd.DataFrame,
        during: pd.DataFrame,
        readouts: pd.DataFrame,
    ) -> _Life:
        group, seed = individual["group"], individual["seed"]
        steps = steps.dropna(subset=["age"])
        begun = dict(zip(steps["step"], (steps["age"] - steps["optimizer_steps"]).astype(int), strict=True))
        return cls(cohort, group, int(seed), learnings(cohort, group), begun, scores, during, readouts)

    @property
    def tasks(self) -> list[str]:
        return list(self.learnings)

    def learned(self, task: str) -> int:
        return self.learnings[task][0]

    def chance(self, task: str) -> float:
        return self.cohort.chance(task)

    def learned_share(self, task: str, score: float) -> float:
        """A score of a task, chance-normalised."""
        return float(aggregates.normalised(score, self.chance(task), metrics.BEST))

    @property
    def of_one_metric(self) -> bool:
        """Whether all tasks have one primary metric, so that their scores have a mean."""
        return len({self.cohort.primary(task) for task in self.tasks}) == 1

    def matrix(self) -> np.ndarray:
        """R[i, j]; NaN where it was not measured."""
        table = self.scores.pivot_table(index="step", columns="task", values="value")
        return table.reindex(index=[self.learned(t) for t in self.tasks], columns=self.tasks).to_numpy(dtype=float)

    def evaluations(self, task: str) -> pd.DataFrame:
        """All scores of a task from its first learning to the end of the last task's, in order, each moment once."""
        rows = pd.concat([part[part["task"] == task] for part in (self.during, self.scores) if len(part)])
        rows = rows[rows["step"].between(self.learned(task), self.learned(self.tasks[-1]))]
        return rows.drop_duplicates(["step", "age"], keep="last").sort_values(["step", "age"], kind="stable")

    def learning_curve(self, task: str, time: int) -> tuple[np.ndarray, np.ndarray]:
        """(optimizer steps, scores) of the evaluations inside a task's learning; `time` counts its learnings from 0."""
        if self.during.empty:
            return np.zeros(0), np.zeros(0)
        step = self.learnings[task][time]
        rows = self.during[(self.during["task"] == task) & (self.during["step"] == step)]
        return rows["age"].to_numpy() - self.begun.get(step, 0), rows["value"].to_numpy()


def _metrics(life: _Life, scores: pd.DataFrame, normalised: _Life, rescaled: pd.DataFrame) -> Metrics:
    """All metrics of a life; `normalised` is the same life on chance-normalised scores, `rescaled` those of all lives."""
    if len(life.tasks) > 1:
        if life.of_one_metric:
            yield from ((metric, "", value) for metric, value in _over_tasks(life, scores))
        yield from ((metric + NORMALISED, "", value) for metric, value in _over_tasks(normalised, rescaled))
    for metric, values in _windows(life).items():
        yield from ((metric, task, value) for task, value in values.items())
    if _inside(life):
        yield "steps_between_looks", "", float(life.during.groupby(["step", "task"])["age"].diff().median())
    yield from _learning(life)
    for task in life.tasks:
        yield from _decay(life, task)


def _over_tasks(life: _Life, scores: pd.DataFrame) -> Iterator[tuple[str, float]]:
    """Means over the tasks of a life, in the unit of its scores."""
    yield from _sequence(life, scores)
    yield from _gap(life)
    yield from ((metric, _mean(values)) for metric, values in _windows(life).items())
    areas = _areas(life)
    if len(areas) == len(life.tasks):
        yield "learning_curve_area", _mean(areas)


def _sequence(life: _Life, scores: pd.DataFrame) -> Iterator[tuple[str, float]]:
    matrix = life.matrix()
    for metric, summary in (
        ("acc", metrics.average_accuracy),
        ("bwt", metrics.backward_transfer),
        ("forgetting_max", metrics.forgetting_max),
        ("forgetting_last", metrics.forgetting_last),
    ):
        yield metric, summary(matrix)
    yield "fwt", _transfer(life)
    joint = [matrix[0, 0], *(_joint_score(life, scores, task) for task in life.tasks[1:])]
    yield "intransigence", metrics.intransigence(matrix, joint)


def _transfer(life: _Life) -> float:
    """FWT from readouts: right before a task minus before all learning, mean over all tasks but the first."""
    gains = []
    for earlier, task in pairwise(life.tasks):
        curve = life.readouts[life.readouts["task"] == task].sort_values("step", kind="stable")
        before, start = (curve[curve["step"] < life.learned(other)]["value"] for other in (task, life.tasks[0]))
        # A measurement older than the last learning would pass for one without any transfer.
        since = curve["step"].loc[before.index] >= life.learned(earlier)
        gains.append(before.iloc[-1] - start.iloc[-1] if len(start) and since.any() else np.nan)
    return float(np.mean(gains))


def _joint_score(life: _Life, scores: pd.DataFrame, task: str) -> float:
    """Score on a task of the twin that learned it together with all tasks before it, right after. NaN without such a twin."""
    twin = joint_step(life.cohort, life.group, life.seed, task)
    if twin is None:
        return float("nan")
    chosen = (scores["group"] == twin[0]) & (scores["seed"] == life.seed) & (scores["task"] == task)
    values = scores[chosen & (scores["step"] == twin[1])]["value"]
    return float(values.iloc[-1]) if len(values) else float("nan")


def _inside(life: _Life) -> dict[str, pd.DataFrame]:
    """Every task's evaluations, where scores were taken inside the learnings that followed every task but the last; or {}."""
    if len(life.tasks) < 2 or life.during.empty:
        return {}
    curves = {task: life.evaluations(task) for task in life.tasks}
    inside = life.during.groupby("task")["step"].max()
    missed = any(inside.get(task, -1) <= life.learned(task) for task in life.tasks[:-1])
    return {} if missed or curves[life.tasks[-1]].empty else curves


def _gap(life: _Life) -> Iterator[tuple[str, float]]:
    """The stability gap."""
    curves = _inside(life)
    if not curves:
        return
    since = []
    for task in life.tasks[:-1]:
        end = curves[task][curves[task]["step"] == life.learned(task)]["age"].max()
        since.append(curves[task][~(curves[task]["age"] < end)]["value"])
    yield "min_acc", continual.minimum_accuracy(since)
    yield "wc_acc", continual.worst_case_accuracy(float(curves[life.tasks[-1]]["value"].iloc[-1]), since)


def _windows(life: _Life) -> dict[str, dict[str, float]]:
    """The largest falls and rises inside windows, by metric and task."""
    curves = _inside(life)
    kinds = (("wf", continual.windowed_forgetting), ("wp", continual.windowed_plasticity)) if curves else ()
    return {
        f"{name}_{window}": {task: change(curve["value"], window) for task, curve in curves.items()}
        for name, change in kinds
        for window in WINDOWS
    }


def _areas(life: _Life) -> dict[str, float]:
    curves = {task: life.learning_curve(task, 0)[1] for task in life.tasks}
    return {task: continual.learning_curve_area(curve) for task, curve in curves.items() if len(curve)}


def _learning(life: _Life) -> Metrics:
    """How fast each task was learned at first, and how much faster the second time."""
    spent = {}
    for task, area in _areas(life).items():
        yield "learning_curve_area", task, area
        steps, curve = life.learning_curve(task, 0)
        if not life.learned_share(task, curve.max()) >= LEAST_LEARNED:
            continue
        criterion = life.chance(task) + CRITERION * (curve.max() - life.chance(task))
        spent[task] = continual.steps_to_criterion(steps, curve, criterion)
        yield "steps_to_criterion", task, spent[task]
        if len(life.learnings[task]) > 1:
            steps, curve = life.learning_curve(task, 1)
            again = continual.steps_to_criterion(steps, curve, criterion) if len(curve) else np.nan
            yield "relearning_savings", task, continual.savings(spent[task], again)
    if len(spent) == len(life.tasks) > 1:
        yield "steps_to_criterion", "", _mean(spent)


def _decay(life: _Life, task: str) -> Metrics:
    """Half-lives of what was above chance right after a task was learned, where that was enough to have a share."""
    curve = life.scores[(life.scores["task"] == task) & (life.scores["step"] >= life.learned(task))].sort_values("step")
    if curve.empty or curve["step"].iloc[0] != life.learned(task):
        return
    if not life.learned_share(task, float(curve["value"].iloc[0])) >= LEAST_LEARNED:
        return
    best = float(curve["value"].iloc[0]) - life.chance(task)
    kept = ((curve["value"] - life.chance(task)) / best).to_numpy()
    learned = np.array([life.learned(other) for other in life.tasks])
    at_learning = curve["step"].isin(learned).to_numpy()
    later = np.searchsorted(np.sort(learned), curve["step"]) - np.searchsorted(np.sort(learned), life.learned(task))
    yield from _half_life("half_life", task, (curve["age"] - curve["age"].iloc[0]).to_numpy(dtype=float), kept)
    yield from _half_life("half_life_tasks", task, later[at_learning].astype(float), kept[at_learning])


def _half_life(name: str, task: str, times: np.ndarray, kept: np.ndarray) -> Metrics:
    value = continual.half_life(times, kept)
    if np.isnan(value):
        return
    low, high = continual.half_life_interval(times, kept)
    yield name, task, value
    yield f"{name}_low", task, low
    yield f"{name}_high", task, high
    yield f"{name}_beyond", task, float(value > times.max())


def _readouts(cohort: Cohort) -> pd.DataFrame:
    rows = cohort.measurements
    rows = rows[rows["probe"] == "Readout"]
    return rows[rows["metric"] == "readout_" + rows["task"].map(cohort.primary)].dropna(subset=["value"])


def _mean(values: dict[str, float]) -> float:
    return float(np.mean(list(values.values())))
