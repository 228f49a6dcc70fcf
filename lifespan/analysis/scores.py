"""Scores of individuals and groups: primary scores, final scores, and comparisons with the control group.

A value that was not measured is NaN or an absent row, never an error, so that an interrupted run can be reported too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from lifespan.analysis.cohort import INDIVIDUAL, Cohort
from lifespan.analysis.collapses import marked
from lifespan.analysis.item_draws import Draws, counted_difference, counted_mean
from lifespan.analysis.timelines import first_learned_at
from lifespan.stats import aggregates, inference, metrics
from lifespan.stats.intervals import Interval, mean_p

STATUSES = ("done", "failed", "diverged", "pending")
HIGHLIGHTED = 8
"""Groups that figures and sentences single out, the control among them."""

LEAST_LEARNED = 0.1
"""Chance-normalised score below which too little was learned for a share of it: that would be noise divided by noise."""


def primary_scores(cohort: Cohort) -> pd.DataFrame:
    """Every primary score on held-out examples, of every individual, in the order in which it was lived."""
    rows = primary_rows(cohort, "Score").sort_values("n", kind="stable")  # Of two evaluations at once, the one on more rows.
    rows = rows.drop_duplicates([*INDIVIDUAL, "step", "task"], keep="last")
    rows = rows.merge(cohort.participants[["group", "individual", "status"]], on=["group", "individual"], how="left")
    return in_order(cohort, rows)


def primary_rows(cohort: Cohort, probe: str) -> pd.DataFrame:
    """Rows of a probe with the tasks' primary metric, on held-out examples where there are such.

    A score that does not exist, as the correlation of an answer that is always the same, counts as that of the best constant
    answer: without it a function that collapsed would keep the score that it had before.
    """
    rows = cohort.measurements
    rows = rows[(rows["probe"] == probe) & (rows["task"] != "")]
    rows = held_out(rows[rows["metric"] == rows["task"].map(cohort.primary)])
    return rows.assign(value=rows["value"].fillna(rows["task"].map(cohort.chance)))


def chance_normalised(cohort: Cohort, tasks: pd.Series, values: pd.Series) -> pd.Series:
    """Primary scores on the one scale on which tasks can be averaged: (score - chance) / (best - chance).

    0 is the task's best constant answer, 1 the upper bound of its metric; below 0 is possible. `values` belong to `tasks` row
    by row. NaN where a constant answer is faultless.
    """
    chance = tasks.map(cohort.chance).to_numpy(dtype=float)
    return pd.Series(aggregates.normalised(values.to_numpy(dtype=float), chance, metrics.BEST), index=values.index)


def on_one_scale(cohort: Cohort, rows: pd.DataFrame) -> pd.DataFrame:
    """Rows of primary scores with `value` chance-normalised."""
    return rows.assign(value=chance_normalised(cohort, rows["task"], rows["value"]))


def held_out(rows: pd.DataFrame) -> pd.DataFrame:
    """Of each task's rows, those of one split: of the held-out ones the most evaluated (dev, if equal), or else "train".

    Readings of different splits do not make one course.
    """
    counts = rows.groupby(["task", "split"], sort=False).size().rename("rows").reset_index()
    order = counts.assign(held_out=counts["split"] != "train", dev=counts["split"] == "dev")
    chosen = order.sort_values(["held_out", "rows", "dev"]).groupby("task")["split"].last()
    return rows[rows["split"] == rows["task"].map(chosen)]


def on_another_split(cohort: Cohort, scores: pd.DataFrame) -> list[tuple[str, str]]:
    """(group, task) pairs without any row in `primary_scores`, as they were scored on another split than the task's others."""
    rows = cohort.measurements
    rows = rows[(rows["probe"] == "Score") & (rows["metric"] == rows["task"].map(cohort.primary))]
    known = set(zip(scores["group"], scores["task"], strict=True))
    return [pair for pair in dict.fromkeys(zip(rows["group"], rows["task"], strict=True)) if pair not in known]


def final_scores(scores: pd.DataFrame) -> pd.DataFrame:
    """Of `primary_scores`, the last of each individual that lived to the end, one row per task."""
    rows = scores[scores["status"] == "done"]
    return rows.groupby([*INDIVIDUAL, "task"], sort=False).tail(1).reset_index(drop=True)


def statuses(cohort: Cohort) -> pd.DataFrame:
    """Individuals per group and status. Columns: group, individuals, done, failed, diverged, pending."""
    counts = pd.crosstab(cohort.participants["group"], cohort.participants["status"])
    counts = counts.reindex(index=list(cohort.groups), columns=STATUSES, fill_value=0)
    counts.insert(0, "individuals", counts.sum(axis=1))
    return counts.rename_axis(index="group", columns=None).reset_index()


def final_means(cohort: Cohort, final: pd.DataFrame, draws: Draws | None = None) -> pd.DataFrame:
    """Final primary score by task and group: mean, interval, n and where in life it was last measured.

    A group that neither learns a task nor was scored on it has no row of it. With `draws`, the interval counts test items too
    where their answers are known, and `items` says how many (0: it speaks of this test set only). Where an individual
    collapsed there is no interval: see the table of `collapses`.
    """
    rows, final = [], marked(cohort, final)
    learned = {group: first_learned_at(cohort, group) if cohort.timeline(group) else cohort.tasks for group in cohort.groups}
    for task in cohort.tasks:
        for group in cohort.groups:
            own = final[(final["task"] == task) & (final["group"] == group)]
            if own.empty and task not in learned[group]:
                continue
            mean = inference.mean_interval(own["value"].to_numpy(dtype=float))
            mean, items = counted_mean(mean, draws or {}, task, group, own.dropna(subset=["value"])["seed"].tolist())
            mean = _unless_collapsed(mean, int(own["collapsed"].sum()), "individuals")
            row = {"task": task, "group": group, "metric": cohort.primary(task), **entries(mean), "items": items}
            rows.append({**row, "stage": " / ".join(dict.fromkeys(own["stage"].astype(str)))})
    columns = ["task", "group", "metric", "mean", "low", "high", "n", "note", "stage", "items"]
    return pd.DataFrame(rows, columns=columns)


def comparisons(cohort: Cohort, final: pd.DataFrame, controls: Mapping[str, str], draws: Draws | None = None) -> pd.DataFrame:
    """Each group against the control group by task, twins (equal seeds) paired; p adjusted over the whole family (Holm).

    `controls` are the `controls.task_controls`; a task without one has no rows. `draws` and `items` as of `final_means`; p
    counts individuals alone. Where one of a pair collapsed there is no interval. `clear` marks differences whose interval
    excludes 0 and keeps doing so for the whole family: by the two-sided p of the interval's own method, Holm-adjusted over all
    rows, below .05. Of groups that differ in nothing, one is called clear in at most 1 of 20 studies.
    """
    rows, own_p, final = [], list[float](), marked(cohort, final)
    for task, control in ((task, controls[task]) for task in cohort.tasks if task in controls):
        own = final[final["task"] == task]
        values, gone = (own.pivot_table(index="seed", columns="group", values=name) for name in ("value", "collapsed"))
        for compared in against_control(cohort, own, control):
            twins = values[[compared["group"], control]].dropna().index
            gap = Interval(compared["difference"], compared["low"], compared["high"], compared["n"], note=compared["note"])
            gap, items = counted_difference(gap, draws or {}, task, compared["group"], control, twins.tolist())
            apart = gone.loc[twins, [compared["group"], control]].any(axis=1).sum()
            gap = _unless_collapsed(gap, int(apart), "pairs")
            own_p.append(mean_p((values[compared["group"]] - values[control]).dropna().to_numpy()))
            rows.append({"task": task, **compared, "low": gap.low, "high": gap.high, "note": gap.note, "items": items})
    columns = ["task", "group", "control", "difference", "low", "high", "n", "hedges_g_av", "cliffs_delta"]
    table = pd.DataFrame(rows, columns=[*columns, "p", "exact", "note", "warning", "items"])
    table["p_holm"] = inference.holm(table["p"].to_numpy(dtype=float))
    table["clear"] = (inference.holm(own_p) < 0.05) & ((table["low"] > 0) | (table["high"] < 0))
    return table


def against_control(cohort: Cohort, values: pd.DataFrame, control: str) -> Iterator[dict[str, Any]]:
    """Each group's twins compared with a control's, as entries of a row; `values` has group, seed and one value each."""
    table = values.pivot_table(index="seed", columns="group", values="value")
    for group in cohort.groups:
        if group == control or group not in table or control not in table:
            continue
        comparison = inference.paired_difference(table[group].to_numpy(), table[control].to_numpy())
        if comparison.n:
            yield {"group": group, "control": control, **_comparison_entries(comparison)}


def highlighted_groups(cohort: Cohort, compared: pd.DataFrame) -> tuple[str, ...]:
    """The control and the groups that differ most from it in any task's final score, in study order; all, where they are few.

    With many groups a figure of all of them cannot be read. Size is |Hedges' g_av|, or |difference| where it cannot be
    computed; `compared` is the table of `comparisons`.
    """
    groups = list(cohort.groups)
    if len(groups) <= HIGHLIGHTED:
        return tuple(groups)
    size = compared["hedges_g_av"].abs().fillna(compared["difference"].abs())
    by_group = size.groupby(compared["group"]).max().reindex(groups, fill_value=-1.0).drop(cohort.control, errors="ignore")
    chosen = {cohort.control, *by_group.sort_values(ascending=False, kind="stable").index[: HIGHLIGHTED - 1]}
    return tuple(group for group in groups if group in chosen)


def last_rows(cohort: Cohort, probe: str) -> pd.DataFrame:
    """Rows of a probe at the last step at which it measured each individual."""
    rows = cohort.measurements
    rows = rows[rows["probe"] == probe].dropna(subset=["value"])
    return rows[rows["step"] == rows.groupby(INDIVIDUAL)["step"].transform("max")] if len(rows) else rows


def mean_entries(values: pd.Series) -> dict[str, Any]:
    """Mean, interval, n and note of one value per individual, as entries of a row."""
    return entries(inference.mean_interval(values.to_numpy(dtype=float)))


def entries(mean: Interval) -> dict[str, Any]:
    """An interval as entries of a row."""
    return {"mean": mean.estimate, "low": mean.low, "high": mean.high, "n": mean.n, "note": mean.note}


def in_order(cohort: Cohort, rows: pd.DataFrame) -> pd.DataFrame:
    """Rows by task and group as the study lists them, then by individual and step."""
    tasks, groups = ({name: place for place, name in enumerate(names)} for names in (cohort.tasks, cohort.groups))
    keys = [rows["task"].map(tasks).fillna(-1), rows["group"].map(groups), rows["individual"], rows["step"]]
    order = np.lexsort([key.to_numpy(dtype=float) for key in reversed(keys)])
    return rows.iloc[order].reset_index(drop=True)


def _unless_collapsed(found: Interval, collapsed: int, who: str) -> Interval:
    """The interval, or none where some collapsed: it would not cover (`lifespan.stats.collapses`)."""
    if not collapsed:
        return found
    note = f"no interval: {collapsed} of {found.n} {who} collapsed"
    return replace(found, low=np.nan, high=np.nan, note=note)


def _comparison_entries(comparison: inference.Comparison) -> dict[str, Any]:
    interval = comparison.difference
    return {
        **{"difference": interval.estimate, "low": interval.low, "high": interval.high, "n": comparison.n},
        **{"hedges_g_av": comparison.hedges_g_av, "cliffs_delta": comparison.cliffs_delta},
        **{"p": comparison.p, "exact": comparison.exact},
        **{"note": interval.note, "warning": comparison.warning},
    }
