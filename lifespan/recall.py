"""Memory of every individual of a record, as one tidy table. No torch here."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from lifespan import memory, metrics, outcomes
from lifespan.outcomes import WHO, Evidence, gather
from lifespan.record import Record

WINDOWS = (2, 10)


def memories(record: Record) -> pd.DataFrame:
    """All numbers of memory that a record holds: group, individual, seed, metric, task, value, one row each.

    - once the last task was learned: `acc`, `bwt`, `forgetting_max`, `forgetting_last` (see `lifespan.metrics`); `fwt`,
      where `Readout` looked at birth (or after development) and right before each learning; `intransigence`, where a group
      of the study learned the same tasks jointly (see `lifespan.joint_twins`);
    - of probes inside learning, `Probe(Score(), every=N)`: `min_acc`, `wc_acc`, and by task `wf_2`, `wf_10`, `wp_2`, `wp_10`;
    - by task: `half_life`, in optimizer steps since the task was learned, `half_life_beyond` (1 where it lies beyond the last
      look, so is an extrapolation), and `relearning_savings`, where a task was learned twice with looks inside both times.

    What was not measured has no row.
    """
    evidence = gather([record])
    rows = [row for group in evidence.groups for row in _of_group(evidence, group)]
    return pd.DataFrame(rows, columns=[*WHO, "metric", "task", "value"])


def _of_group(evidence: Evidence, group: str) -> Iterator[dict[str, Any]]:
    tasks = outcomes.first_learned(evidence, group)
    moments = dict(reversed([(label, step) for step, label in outcomes.learning_moments(evidence, group)]))
    scores = outcomes.primary_scores(evidence)
    scores = scores[scores["group"] == group]
    during = _during(evidence, group)
    readout = _readouts(evidence, group)
    for who, own in scores.groupby(WHO, sort=False):
        named: dict[str, Any] = dict(zip(WHO, who, strict=True))

        def row(metric: str, value: float, task: str = "", named: dict[str, Any] = named) -> dict[str, Any]:
            return {**named, "metric": metric, "task": task, "value": value}

        seen = during[during["individual"] == named["individual"]]
        found = [
            *_matrix(own, tasks, moments),
            *_transfer(readout[readout["individual"] == named["individual"]], tasks, moments),
            *_jointly(evidence, int(named["seed"]), own, tasks, moments),
        ]
        for metric, value in found:
            if np.isfinite(value):
                yield row(metric, value)
        for metric, task, value in (*_inside(seen, own, tasks, moments), *_decay(evidence, own, tasks, moments)):
            if not np.isnan(value):
                yield row(metric, value, task)
        for metric, task, value in _relearned(evidence, group, seen):
            if not np.isnan(value):
                yield row(metric, value, task)


def _matrix(own: pd.DataFrame, tasks: list[str], moments: dict[str, int]) -> Iterator[tuple[str, float]]:
    if len(tasks) < 2:
        return
    scores = _score_matrix(own, tasks, moments)
    yield "acc", metrics.average_accuracy(scores)
    yield "bwt", metrics.backward_transfer(scores)
    yield "forgetting_max", metrics.forgetting_max(scores)
    yield "forgetting_last", metrics.forgetting_last(scores)


def _score_matrix(own: pd.DataFrame, tasks: list[str], moments: dict[str, int]) -> np.ndarray:
    """R[i, j] of one individual; NaN where it was not measured."""
    table = own.pivot_table(index="step", columns="task", values="value")
    return table.reindex(index=[moments[task] for task in tasks], columns=tasks).to_numpy(dtype=float)


def _transfer(readout: pd.DataFrame, tasks: list[str], moments: dict[str, int]) -> Iterator[tuple[str, float]]:
    """FWT from readouts: right before a task minus before all learning, mean over all tasks but the first."""
    if len(tasks) < 2 or readout.empty:
        return
    table = readout.pivot_table(index="step", columns="task", values="value")
    first = moments[tasks[0]]
    gains = []
    for task in tasks[1:]:
        curve = table[task].dropna() if task in table else pd.Series(dtype=float)
        before, start = curve[curve.index < moments[task]], curve[curve.index < first]
        gains.append(before.iloc[-1] - start.iloc[-1] if len(before) and len(start) else np.nan)
    yield "fwt", float(np.mean(gains))


def _jointly(
    evidence: Evidence, seed: int, own: pd.DataFrame, tasks: list[str], moments: dict[str, int]
) -> Iterator[tuple[str, float]]:
    """Intransigence against the groups in which this task and all before it were learned together."""
    joint = [own[(own["task"] == tasks[0]) & (own["step"] == moments[tasks[0]])]["value"].max()] if tasks else []
    for place, task in enumerate(tasks[1:], start=1):
        joint.append(_joint_score(evidence, seed, task, set(tasks[:place])))
    if len(tasks) > 1 and np.isfinite(joint).all():
        yield "intransigence", metrics.intransigence(_score_matrix(own, tasks, moments), joint)


def _joint_score(evidence: Evidence, seed: int, task: str, others: set[str]) -> float:
    scores = outcomes.primary_scores(evidence)
    for group in evidence.groups:
        for step in evidence.timeline(group):
            if step.get("kind") == "Learn" and step.get("task") == task and set(step.get("also", [])) == others:
                chosen = (scores["group"] == group) & (scores["seed"] == seed) & (scores["task"] == task)
                found = scores[chosen & (scores["step"] == step["step"])]["value"]
                return float(found.iloc[-1]) if len(found) else float("nan")
    return float("nan")


def _during(evidence: Evidence, group: str) -> pd.DataFrame:
    rows = evidence.measurements
    rows = rows[(rows["group"] == group) & (rows["probe"] == "Score/during")]
    return rows[rows["metric"] == rows["task"].map(evidence.primary)].sort_values("age", kind="stable")


def _readouts(evidence: Evidence, group: str) -> pd.DataFrame:
    rows = evidence.measurements
    rows = rows[(rows["group"] == group) & (rows["probe"] == "Readout")]
    return rows[rows["metric"] == "readout_" + rows["task"].map(evidence.primary)]


def _inside(
    seen: pd.DataFrame, own: pd.DataFrame, tasks: list[str], moments: dict[str, int]
) -> Iterator[tuple[str, str, float]]:
    """The stability gap, from the scores right after learning and those inside later learnings."""
    if seen.empty or len(tasks) < 2:
        return
    curves = {}
    for task in tasks[:-1]:
        later = seen[(seen["task"] == task) & (seen["step"] > moments[task])]["value"]
        start = own[(own["task"] == task) & (own["step"] == moments[task])]["value"]
        if len(later):
            curves[task] = [*start, *later]
    last = own[(own["task"] == tasks[-1]) & (own["step"] == moments[tasks[-1]])]["value"]
    if len(curves) == len(tasks) - 1 and len(last):
        yield "min_acc", "", memory.minimum_accuracy(list(curves.values()))
        yield "wc_acc", "", memory.worst_case_accuracy(float(last.iloc[-1]), list(curves.values()))
    for task, curve in curves.items():
        for window in WINDOWS:
            yield f"wf_{window}", task, memory.windowed_forgetting(curve, window)
            yield f"wp_{window}", task, memory.windowed_plasticity(curve, window)


def _decay(
    evidence: Evidence, own: pd.DataFrame, tasks: list[str], moments: dict[str, int]
) -> Iterator[tuple[str, str, float]]:
    """Half-lives of retention since right after learning, in optimizer steps."""
    for task in tasks:
        curve = own[(own["task"] == task) & (own["step"] >= moments[task])].sort_values("step")
        chance = float(evidence.tasks[task].get("chance", {}).get(evidence.primary(task), 0.0))
        if len(curve) < 3 or curve["step"].iloc[0] != moments[task] or curve["value"].iloc[0] <= chance:
            continue
        kept = (curve["value"] - chance) / (curve["value"].iloc[0] - chance)
        times = curve["age"] - curve["age"].iloc[0]
        value = memory.half_life(times[1:], kept[1:])
        yield "half_life", task, value
        yield "half_life_beyond", task, float(value > times.max())


def _relearned(evidence: Evidence, group: str, seen: pd.DataFrame) -> Iterator[tuple[str, str, float]]:
    """Savings of a task's second learning, to the criterion of 95% of the best score of its first, above chance."""
    steps: dict[str, list[int]] = {}
    for step in evidence.timeline(group):
        if step.get("kind") == "Learn" and step.get("task"):
            steps.setdefault(step["task"], []).append(int(step["step"]))
    for task, learned in steps.items():
        curves = [seen[(seen["task"] == task) & (seen["step"] == step)] for step in learned[:2]]
        if len(curves) < 2 or any(curve.empty for curve in curves):
            continue
        chance = float(evidence.tasks[task].get("chance", {}).get(evidence.primary(task), 0.0))
        criterion = chance + 0.95 * (curves[0]["value"].max() - chance)
        spent = []
        for curve in curves:
            # Looks come at equal distances, and the first of them one distance after the beginning.
            ages = curve["age"].to_numpy()
            interval = ages[1] - ages[0] if len(ages) > 1 else 1
            spent.append(memory.steps_to_criterion(ages - ages[0] + interval, curve["value"], criterion))
        yield "relearning_savings", task, memory.savings(*spent)
