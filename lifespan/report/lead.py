"""The answer in short: how the groups ended against their control, and what they forgot."""

from __future__ import annotations

import math

import pandas as pd

from lifespan.analysis.analysis import Analysis
from lifespan.analysis.forgetting import END
from lifespan.report.formatting import counted, interval, listed, number
from lifespan.report.labels import NORMALISED
from lifespan.stats import power

NAMED = 4
"""Groups that each get a sentence; of more, their number and those that differ most."""
METRIC = f"forgetting_max{NORMALISED}"
SEEN = 0.0005
"""Mean forgetting below which three digits show none."""


def answers(analysis: Analysis) -> list[str]:
    """What a reader should take away, in a handful of sentences; none where there is nothing to compare."""
    return [*_against_control(analysis), *_forgotten(analysis), *_ended_early(analysis)]


def trust(analysis: Analysis) -> str:
    """How far so many pairs carry, or nothing where there are enough, or none."""
    table = analysis.comparisons
    return "" if table.empty else power.warning(int(table["n"].min()))


def _against_control(analysis: Analysis) -> list[str]:
    table = analysis.comparisons
    if table.empty:
        return []
    groups = list(dict.fromkeys(table["group"]))
    if len(groups) <= NAMED:
        return [_group(table[table["group"] == group]) for group in groups]
    sure = table[table["clear"]]
    parts = [_many(sure[sure["high"] < 0], "lower", most=False), _many(sure[sure["low"] > 0], "higher", most=True)]
    if table["low"].isna().all():
        ends = table.sort_values("difference", kind="stable").iloc[[0, -1]]
        named = listed([f"{row['group']} {_ended(row)}" for _, row in ends.iterrows()])
        return [f"No interval can be given (n = {table['n'].max()} pairs). Farthest from the control ended {named}."]
    found = "; ".join(filter(None, parts))
    none = "none ended clearly higher or lower, which does not show that nothing differs"
    controls = list(dict.fromkeys(table["control"]))
    control = f"the control, {controls[0]}" if len(controls) == 1 else "the control on their task"
    return [f"Of {counted(len(groups), 'group')} compared with {control}: {found or none}."]


def _group(rows: pd.DataFrame) -> str:
    """One group against its control, task by task."""
    first = rows.iloc[0]
    clear = rows[rows["clear"]]
    known = rows["low"].notna()
    parts = [_ended(row) for _, row in (clear if known.any() else rows).iterrows()]
    unclear = list(rows[known & ~rows.index.isin(clear.index)]["task"])
    twins = f"Against its twins in {first['control']}, {first['group']} ended"
    if not known.any():
        return f"{twins} {listed(parts)}: too few pairs (n = {first['n']}) for an interval."
    if not parts:
        return f"{first['group']} did not clearly differ from its twins in {first['control']} on {listed(unclear)}."
    return f"{twins} {listed(parts)}" + (f"; on {listed(unclear)} no difference is clear." if unclear else ".")


def _ended(row: pd.Series) -> str:
    way = "higher" if row["difference"] > 0 else "lower"
    if not math.isfinite(row["low"]):
        return f"{number(abs(row['difference']))} {way} on {row['task']}"
    return f"{way} on {row['task']} ({_difference(row)})"


def _difference(row: pd.Series) -> str:
    return f"difference {number(row['difference'])}, {interval(row)}, n = {row['n']} pairs"


def _many(rows: pd.DataFrame, way: str, *, most: bool) -> str:
    if rows.empty:
        return ""
    row = rows.sort_values("difference", ascending=not most, kind="stable").iloc[0]
    count = rows["group"].nunique()
    verb = f"{count} ended clearly {way} on at least one task"
    return f"{verb}, {row['group']} farthest, on {row['task']} ({_difference(row)})"


def _forgotten(analysis: Analysis) -> list[str]:
    table = analysis.forgetting_means
    if table.empty:
        return []
    rows = table[(table["metric"] == METRIC) & (table["moment"] != END) & table["mean"].notna()]
    if rows["group"].nunique() < 2:
        return []
    rows = rows.sort_values("mean", ascending=False, kind="stable")
    most, others = rows.iloc[0], rows.iloc[1:]
    if most["mean"] < SEEN:
        return [
            f"Once the last task was learned, no group had forgotten anything: at most {_share(most)}, in {most['group']}."
        ]
    if len(rows) > NAMED:
        kept = [others.index[-1], *others.index[others["group"] == analysis.cohort.control]]
        others = others[others.index.isin(kept)]
    share = "where 0 is nothing and 1 all that can be known beyond chance"
    rest = listed([f"{row['group']} {_share(row)}" for _, row in others.iterrows()])
    return [f"Once the last task was learned, {most['group']} had forgotten most: {_share(most)}, {share}; {rest}."]


def _share(row: pd.Series) -> str:
    return f"{number(row['mean'])} ({interval(row)}, n = {row['n']})"


def _ended_early(analysis: Analysis) -> list[str]:
    lost = analysis.statuses.assign(lost=analysis.statuses[["failed", "diverged"]].sum(axis=1))
    lost = lost[lost["lost"] > 0]
    if lost.empty:
        return []
    of = int(analysis.statuses["individuals"].sum())
    if len(lost) > NAMED:
        return [f"{int(lost['lost'].sum())} of {of} individuals failed or diverged, in {len(lost)} groups."]
    named = listed([f"{row['lost']} of {row['individuals']} in {row['group']}" for _, row in lost.iterrows()])
    return [f"Individuals that failed or diverged: {named}."]
