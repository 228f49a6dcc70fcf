"""What came out beyond final scores, in plain sentences: recovery, lost functions, doses, overlap of masks, all outcomes."""

from __future__ import annotations

import math
from collections.abc import Iterable

import pandas as pd

from lifespan.analysis import dose_effects as responses
from lifespan.analysis import retention as lifetimes
from lifespan.analysis import scores as outcomes
from lifespan.analysis.cohort import Evidence
from lifespan.analysis.endpoints import effects
from lifespan.analysis.summaries import PAIRS, over_examples, overall, overlap_means, recovery_means
from lifespan.report.sentences import counted, equals, interval, listed, number
from lifespan.stats import power

NAMED = 6
"""Sentences of one kind; beyond, the table is referred to."""


def more(evidence: Evidence) -> list[tuple[str, list[str]]]:
    """(heading, sentences) of everything that the record holds beside final scores."""
    parts = [
        ("Over all tasks", _overall(evidence)),
        ("Over individuals and test examples", _over_examples(evidence)),
        ("Loss and recovery", _recovery(evidence)),
        ("How functions last", _survival(evidence)),
        ("Doses", _doses(evidence)),
        ("Mask overlap", _overlap(evidence)),
        ("All outcomes (exploratory)", _outcomes(evidence)),
    ]
    return [(heading, sentences) for heading, sentences in parts if sentences]


def reach(evidence: Evidence) -> list[str]:
    """What so many individuals can and cannot show."""
    table = outcomes.comparisons(evidence)
    if table.empty:
        return []
    n = int(table["n"].min())
    return [power.warning(n)] if power.warning(n) else []


def _overall(evidence: Evidence) -> list[str]:
    table, told = overall(evidence), []
    for _, row in table[table["group"].isin(outcomes.telling(evidence))].iterrows():
        sentence = f"{row['group']}: interquartile mean {number(row['iqm'])} ({interval(row)}, n = {row['n']})"
        if math.isfinite(row["improvement"]):
            bounds = _between(row, "improvement_")
            sentence += f"; probability to score higher than the control {number(row['improvement'], 2)} ({bounds})"
        told.append(f"{sentence}.")
    if told:
        told.insert(0, "Scores are normalised task by task: 0 is chance, 1 the control group's mean.")
    return told


def _over_examples(evidence: Evidence) -> list[str]:
    told = []
    table = over_examples(evidence)
    for _, row in table[table["group"].isin(outcomes.telling(evidence))].iterrows():
        if not math.isfinite(row["difference"]):
            continue
        bounds = _between(row, "difference_")
        told.append(
            f"On {row['task']}, {row['group']} minus control is {number(row['difference'])} in the share of right answers "
            f"({bounds} over {row['n']} individuals and {row['examples']} examples)."
        )
    return _first(told, "over_examples.csv")


def _recovery(evidence: Evidence) -> list[str]:
    told = []
    for (task, group), rows in _told(recovery_means(evidence), evidence, ["task", "group"]):
        lost, regained = (rows[rows["what"] == what].iloc[0] for what in ("lost", "regained"))
        cycles = f"{lost['cycles']} {'loss' if lost['cycles'] == 1 else 'losses'}"
        told.append(
            f"On {task}, {group} lost {number(lost['mean'])} ({interval(lost)}) at each of {cycles} of "
            f"synapses, and recovery gave back {number(regained['mean'])} ({interval(regained)}; n = {lost['n']})."
        )
    return _first(told, "recovery_means.csv")


def _survival(evidence: Evidence) -> list[str]:
    table, told = lifetimes.survivals(evidence), []
    for task, rows in table.groupby("task", sort=False):
        rows = rows[rows["group"].isin(outcomes.telling(evidence))]
        parts = []
        for _, row in rows.iterrows():
            test = f", log-rank p {equals(row['p'])}" if math.isfinite(row["p"]) else ""
            parts.append(f"{row['lost']} of {row['n']} in {row['group']}{test}")
        if parts:
            told.append(f"{task} was lost by {listed(parts)}.")
    slopes = lifetimes.declines(evidence)
    for _, row in slopes[slopes["low"].notna()].iterrows():
        told.append(
            f"Of what was learned of {row['task']}, the share {number(-row['slope'], 2)} is lost per 1,000 optimizer steps in "
            f"{row['group']}, {number(-row['control_slope'], 2)} in its twins (difference in slope "
            f"{number(row['difference'], 2)}; {_between(row)}; n = {row['n']} pairs; {row['method']}, p "
            f"{equals(row['p'])})."
        )
    plain = ["The p values of this section stand for themselves: none is adjusted for their number."] if told else []
    return [*_first(told, "declines.csv"), *plain]


def _doses(evidence: Evidence) -> list[str]:
    table, told = responses.ed50s(evidence), []
    for (source, damage, task), rows in table.groupby(["source", "damage", "task"], sort=False):
        known = rows[rows["inside"].astype(bool)]
        parts = []
        for _, row in known.iterrows():
            who = row["group"] if source == "looks" else f"those struck at age {row['onset']:,.0f}"
            bounds = f"95% interval {number(row['ed50_low'])} to {number(row['ed50_high'])}"
            parts.append(f"{number(row['ed50'])} in {who} ({bounds if math.isfinite(row['ed50_low']) else 'no interval'})")
        if parts:
            told.append(f"{damage}, {task}: ED50 {listed(parts)}.")
    told = _first(told, "ed50s.csv")
    none = table[~table["inside"].astype(bool)]["note"].value_counts()
    if len(none):
        reasons = [f"{count}: {str(note).removeprefix('no fit: ')}" for note, count in none.items()]
        word = "curve has" if none.sum() == 1 else "curves have"
        told.append(f"{none.sum()} further dose-response {word} no ED50 to tell ({'; '.join(reasons)}).")
    return told


def _overlap(evidence: Evidence) -> list[str]:
    told = []
    for (pairs, group), rows in _told(overlap_means(evidence), evidence, ["pairs", "group"]):
        row = rows.iloc[0]
        told.append(
            f"In {group}, masks overlap {PAIRS[pairs]} by {number(row['mean'])} above chance ({interval(row)}, "
            f"{counted(int(row['n']), 'pair')}, at age {row['age']:,.0f}; 0 is chance, 1 the same subnetwork)."
        )
    return _first(told, "overlap_means.csv")


def _outcomes(evidence: Evidence) -> list[str]:
    table = effects(evidence)
    if table["outcome"].nunique() < 2 or table["outcome"].nunique() == len(evidence.tasks):
        return []
    clear = table[table["p_bh"] < 0.05]
    told = [
        f"Of {counted(len(table), 'difference')} in {counted(table['outcome'].nunique(), 'outcome')}, {len(clear) or 'none'} "
        f"{_has(len(clear))} a Benjamini-Hochberg-adjusted p below 0.05 (this family is all of them)."
    ]
    largest = clear.reindex(clear["hedges_g_av"].abs().sort_values(ascending=False, kind="stable").index)[:NAMED]
    for _, row in largest.iterrows():
        way = {1: ("better", "worse"), -1: ("worse", "better"), 0: ("higher", "lower")}[int(row["direction"])]
        told.append(
            f"{row['group']}, {row['outcome']}: {way[0] if row['difference'] > 0 else way[1]} than its twins in "
            f"{row['control']} (difference {number(row['difference'])}; {interval(row)}; n = {row['n']} pairs; g_av "
            f"{number(row['hedges_g_av'], 2)}; adjusted p {equals(row['p_bh'])})."
        )
    return told


def _told(table: pd.DataFrame, evidence: Evidence, by: list[str]) -> Iterable[tuple[tuple[str, str], pd.DataFrame]]:
    """Groups of rows of those study groups that tell."""
    rows = table[table["group"].isin(outcomes.telling(evidence))]
    return rows.groupby(by, sort=False)  # type: ignore[return-value]


def _first(told: list[str], table: str) -> list[str]:
    """The first few, and where the others are."""
    left = len(told) - NAMED
    return [*told[:NAMED], *([f"{left} more: see tables/{table}."] if left > 0 else [])]


def _between(row: pd.Series, prefix: str = "") -> str:
    """The interval in the columns `<prefix>low` and `<prefix>high`, which have no note."""
    return interval(pd.Series({"low": row[f"{prefix}low"], "high": row[f"{prefix}high"], "note": "no interval"}))


def _has(count: int) -> str:
    return "has" if count == 1 else "have"
