"""Individuals that collapsed, as an outcome of their own beside the mean over the others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from typing import Any

import numpy as np
import pandas as pd

from lifespan.analysis.cohort import Cohort
from lifespan.stats.collapses import collapsed, more_collapses_p
from lifespan.stats.intervals import mean_interval, share_interval

COLUMNS = [
    *("task", "group", "n", "collapsed", "broke_off", "share", "share_low", "share_high", "p"),
    *("others", "others_n", "others_low", "others_high", "others_note"),
    *("difference", "pairs", "difference_low", "difference_high", "difference_note"),
]


def marked(cohort: Cohort, final: pd.DataFrame) -> pd.DataFrame:
    """Final scores with a column `collapsed`: near chance while the median of the group is not (`stats.collapses`)."""
    marks = pd.Series(False, index=final.index)
    for (task, _), rows in final.groupby(["task", "group"], sort=False):
        marks[rows.index] = collapsed(rows["value"].to_numpy(dtype=float), cohort.chance(str(task)))
    return final.assign(collapsed=marks)


def collapses(cohort: Cohort, final: pd.DataFrame, controls: Mapping[str, str]) -> pd.DataFrame:
    """Groups in which somebody collapsed, by task, and the task's control (`controls`); no rows where nobody did.

    Columns: task, group, n (individuals that ended), collapsed (at chance at the end of life), broke_off (failed or diverged),
    share (of both) with share_low and share_high (exact), p (exact, that as many twins collapse or break off in the control
    group; NaN there); others (mean final score of those that did neither), others_n with others_low, others_high and
    others_note; difference (mean over pairs in which neither twin did), pairs, with difference_low, difference_high and
    difference_note.
    """
    final, people = marked(cohort, final), cohort.participants
    rows = []
    for task, scores in final.groupby("task", sort=False):
        if not scores["collapsed"].any():
            continue
        present, control = set(scores["group"]), controls.get(str(task), cohort.control)
        lost = {group: _gone(people, scores, group) for group in cohort.groups if group in present}
        wanted = [group for group in lost if scores[scores["group"] == group]["collapsed"].any() or group == control]
        rows += [_row(control, str(task), group, scores, lost) for group in wanted]
    return pd.DataFrame(rows, columns=COLUMNS)


def places(cohort: Cohort, final: pd.DataFrame) -> frozenset[tuple[str, str]]:
    """(task, group) in which an individual that lived to the end collapsed."""
    rows = marked(cohort, final)
    rows = rows[rows["collapsed"]]
    return frozenset(zip(rows["task"].astype(str), rows["group"].astype(str), strict=True))


def without_intervals(table: pd.DataFrame, found: Set[tuple[str, str]], ends: Sequence[str] = ("low", "high")) -> pd.DataFrame:
    """A table without the intervals of groups, or of controls, in which an individual collapsed: they would not cover.

    `found` are the `places`. A row of one task goes by that task, a row over all tasks (an empty title, or no column `task`)
    by any. The column `note`, where there is one, says so.
    """
    tasks = table["task"].fillna("").astype(str) if "task" in table else pd.Series("", index=table.index)
    groups = [table[name].astype(str) for name in ("group", "control") if name in table]
    hit = pd.Series(False, index=table.index)
    for task, group in found:
        hit |= tasks.isin(["", task]) & pd.concat([names == group for names in groups], axis=1).any(axis=1)
    if not hit.any():
        return table
    kept = table.copy()
    kept.loc[hit, list(ends)] = np.nan
    if "note" in kept:
        kept.loc[hit, "note"] = "no interval: an individual collapsed"
    return kept


def _gone(people: pd.DataFrame, scores: pd.DataFrame, group: str) -> pd.Series:
    """By seed, whether an individual of the group that ended collapsed or broke off."""
    own = scores[scores["group"] == group].set_index("seed")["collapsed"]
    broken = people[(people["group"] == group) & people["status"].isin(["failed", "diverged"])]["seed"]
    gone: pd.Series = pd.concat([own, pd.Series(True, index=broken)]).astype(bool)
    return gone


def _row(control: str, task: str, group: str, scores: pd.DataFrame, lost: dict[str, pd.Series]) -> dict[str, Any]:
    values = scores.pivot_table(index="seed", columns="group", values="value")
    gone = lost[group]
    share, here = share_interval(int(gone.sum()), len(gone)), scores[scores["group"] == group]
    row: dict[str, Any] = {"task": task, "group": group, "n": len(gone), "collapsed": int(here["collapsed"].sum())}
    row |= {"broke_off": len(gone) - len(here), "share": share.estimate, "share_low": share.low, "share_high": share.high}
    others = mean_interval(here[~here["collapsed"]]["value"].to_numpy(dtype=float))
    row |= {"others": others.estimate, "others_n": others.n, "others_note": others.note}
    row |= {"others_low": others.low, "others_high": others.high}
    if group == control or control not in lost:
        return row
    twin = lost[control]
    shared = gone.index.intersection(twin.index)
    row["p"] = more_collapses_p(gone[shared].to_numpy(), twin[shared].to_numpy())
    kept = shared[~(gone[shared] | twin[shared])]
    gap = mean_interval((values[group] - values[control]).reindex(kept).to_numpy(dtype=float))
    row |= {"difference": gap.estimate, "pairs": gap.n, "difference_note": gap.note}
    return row | {"difference_low": gap.low, "difference_high": gap.high}
