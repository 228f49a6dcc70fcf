"""What came out beyond final scores, in plain sentences: recovery, lost functions, doses, overlap of masks, all outcomes."""

from __future__ import annotations

import math
from collections.abc import Iterable

import pandas as pd

from lifespan.analysis.analysis import Analysis
from lifespan.analysis.joint_twins import without_joint_twin
from lifespan.analysis.out_of_domain import CONSISTENCY
from lifespan.analysis.scores import LEAST_LEARNED
from lifespan.analysis.summaries import TASK_MASKS
from lifespan.report.formatting import counted, equals, interval, listed, number
from lifespan.report.labels import ONE_SCALE, PAIRS, metric_label, outcome_label, task_names
from lifespan.report.variation import population_note
from lifespan.stats import power

NAMED = 6
"""Sentences of one kind; beyond, the table is referred to."""


def further_results(analysis: Analysis) -> list[tuple[str, list[str]]]:
    """(heading, sentences) of everything that the record holds beside final scores."""
    parts = [
        ("Over all tasks", _overall(analysis)),
        ("Over individuals and test examples", _over_examples(analysis)),
        ("Loss and recovery", _recovery(analysis)),
        ("How functions last", _survival(analysis)),
        ("Doses", _doses(analysis)),
        ("Out of domain", _out_of_domain(analysis)),
        ("The study's own measures", _own_measures(analysis)),
        ("Mask overlap", _overlap(analysis)),
        ("All outcomes (exploratory)", _outcomes(analysis)),
    ]
    return [(heading, sentences) for heading, sentences in parts if sentences]


def sample_size_notes(analysis: Analysis) -> list[str]:
    """What so many individuals can and cannot show, what they have in common, and which have no joint twin."""
    table = analysis.comparisons
    notes = [] if table.empty else [power.warning(int(table["n"].min()))]
    return [sentence for sentence in [*notes, population_note(analysis), _untwinned(analysis)] if sentence]


def _untwinned(analysis: Analysis) -> str:
    groups = without_joint_twin(analysis.cohort)
    named = listed(groups) if len(groups) <= NAMED else f"{len(groups)} groups"
    rule = "no group with the same history learned the same tasks jointly"
    return f"Intransigence is not known of {named}: {rule}." if groups else ""


def _overall(analysis: Analysis) -> list[str]:
    table, sentences = analysis.over_all_tasks, []
    if table.empty:
        return []
    for _, row in table[table["group"].isin([*analysis.highlighted, *analysis.arms]) & table["iqm"].notna()].iterrows():
        sentence = f"{row['group']}: interquartile mean {number(row['iqm'])} ({interval(row)}, n = {row['n']})"
        if math.isfinite(row["improvement"]):
            bounds = _between(row, "improvement_")
            sentence += f"; probability to score higher than the control {number(row['improvement'], 2)} ({bounds})"
        sentences.append(f"{sentence}.")
    if sentences:
        controls, arms = analysis.chance_controls, [name for name, groups in analysis.arms.items() if len(groups) > 1]
        if arms:
            rule = "the groups that live one life on different tasks together"
            sentences.insert(0, f"By {listed(arms)} is meant, over all tasks, {rule}.")
        sentences.insert(0, f"Over {task_names(list(controls[controls['above']]['task']))}, {ONE_SCALE}.")
    return [*sentences, *_without_scale(analysis)]


def _without_scale(analysis: Analysis) -> list[str]:
    """Which tasks are left out of the summary over all tasks, and why."""
    controls = analysis.chance_controls
    apart = controls[~controls["above"]]
    if apart.empty:
        return []
    named = [
        f"{row['task']} ({number(row['mean'])}, {interval(row)}; chance {number(row['chance'])})"
        for _, row in apart.iterrows()
    ]
    names = listed(named[:NAMED]) + (f" and {len(named) - NAMED} more" if len(named) > NAMED else "")
    if len(apart) == len(controls):
        which = f"none of {counted(len(controls), 'task')}"
        return [f"No number can be given over all tasks: in {which} is the control above chance: {names}."]
    left, rule = counted(len(controls) - len(apart), "task"), "as the control is not above chance there"
    return [f"These numbers are over {left}. Left out, {rule}: {names}."]


def _over_examples(analysis: Analysis) -> list[str]:
    sentences = []
    table = analysis.over_examples
    for _, row in table[table["group"].isin(analysis.highlighted)].iterrows():
        if not math.isfinite(row["difference"]):
            continue
        bounds = _between(row, "difference_")
        sentences.append(
            f"On {row['task']}, {row['group']} minus control is {number(row['difference'])} in the share of right answers "
            f"({bounds} over {row['n']} individuals and {row['examples']} examples)."
        )
    return _first(sentences, "over_examples.csv")


def _recovery(analysis: Analysis) -> list[str]:
    sentences = []
    for (task, group), rows in _highlighted(analysis.recovery_means, analysis, ["task", "group"]):
        lost, regained = (rows[rows["what"] == what].iloc[0] for what in ("lost", "regained"))
        cycles = f"{lost['cycles']} {'loss' if lost['cycles'] == 1 else 'losses'}"
        sentences.append(
            f"On {task}, {group} lost {number(lost['mean'])} ({interval(lost)}) at each of {cycles} of "
            f"synapses, and recovery gave back {number(regained['mean'])} ({interval(regained)}; n = {lost['n']})."
        )
    return _first(sentences, "recovery_means.csv")


def _survival(analysis: Analysis) -> list[str]:
    table, sentences = analysis.survivals, []
    for task, rows in table.groupby("task", sort=False):
        rows = rows[rows["group"].isin(analysis.highlighted)]
        parts = []
        for _, row in rows.iterrows():
            test = f", log-rank p {equals(row['p'])}" if math.isfinite(row["p"]) else ""
            parts.append(f"{row['lost']} of {row['n']} in {row['group']}{test}")
        if parts:
            sentences.append(f"{task} was lost by {listed(parts)}.")
    slopes = analysis.declines
    for _, row in slopes[slopes["low"].notna()].iterrows():
        sentences.append(
            f"Of what was learned of {row['task']}, the share {number(-row['slope'], 2)} is lost per 1,000 optimizer steps in "
            f"{row['group']}, {number(-row['control_slope'], 2)} in its twins (difference in slope "
            f"{number(row['difference'], 2)}; {_between(row)}; n = {row['n']} pairs; {row['method']}, p "
            f"{equals(row['p'])})."
        )
    plain = ["The p values of this section stand for themselves: none is adjusted for their number."] if sentences else []
    return [*_first(sentences, "declines.csv"), *plain, *_too_little_learned(analysis)]


def _too_little_learned(analysis: Analysis) -> list[str]:
    """Of whom no share of what was learned is given, and why."""
    table = analysis.too_little_learned
    table = table[table["group"].isin(analysis.highlighted)]
    if table.empty:
        return []
    named = [f"{row['task']} in {row['n']} of {row['of']} of {row['group']}" for _, row in table.iterrows()]
    names = listed(named[:NAMED]) + (
        f" and {len(named) - NAMED} more (tables/too_little_learned.csv)" if named[NAMED:] else ""
    )
    rule = f"less than {LEAST_LEARNED:g} of the way from chance to the best score was learned"
    return [f"No share kept, loss or half-life is given where {rule}, as a share of next to nothing is noise: {names}."]


def _doses(analysis: Analysis) -> list[str]:
    table, sentences = analysis.ed50s, []
    for (source, damage, task), rows in table.groupby(["source", "damage", "task"], sort=False):
        known = rows[rows["inside"].astype(bool)]
        parts = []
        for _, row in known.iterrows():
            who = row["group"] if source == "looks" else f"those struck at age {row['onset']:,.0f}"
            bounds = f"95% interval {number(row['ed50_low'])} to {number(row['ed50_high'])}"
            parts.append(f"{number(row['ed50'])} in {who} ({bounds if math.isfinite(row['ed50_low']) else 'no interval'})")
        if parts:
            sentences.append(f"{damage}, {task}: ED50 {listed(parts)}.")
    sentences = _first(sentences, "ed50s.csv")
    none = table[~table["inside"].astype(bool)]["note"].value_counts()
    if len(none):
        reasons = [f"{count}: {str(note).removeprefix('no fit: ')}" for note, count in none.items()]
        word = "curve has" if none.sum() == 1 else "curves have"
        sentences.append(f"{none.sum()} further dose-response {word} no ED50 ({'; '.join(reasons)}).")
    return sentences


def _out_of_domain(analysis: Analysis) -> list[str]:
    sentences, parts = [], 0
    table = analysis.out_of_domain_means
    for (task, data, metric, part), rows in table.groupby(["task", "data", "metric", "part"], sort=False):
        rows = rows[rows["group"].isin(analysis.highlighted)]
        if part:
            parts += 1
            continue
        found = listed([_out_of_domain_of(row) for _, row in rows.iterrows()])
        if metric == CONSISTENCY:
            sentences.append(f"Of edited pairs in {data}, the skill {task} has every row right in a share of {found}.")
        else:
            sentences.append(f"On {data}, out of its domain, the {metric_label(str(metric))} of the skill {task} is {found}.")
    told = _first(sentences, "out_of_domain.csv")
    named = f"{counted(parts, 'part')} of the data {_has(parts)} a score of {'its' if parts == 1 else 'their'} own"
    return [*told, *([f"{named}: see the figure and tables/out_of_domain.csv."] if parts and told else [])]


def _out_of_domain_of(row: pd.Series) -> str:
    text = f"{number(row['mean'])} in {row['group']} ({interval(row)}, n = {row['n']}"
    if math.isfinite(row["change"]):
        way = "higher" if row["change"] > 0 else "lower"
        bounds = interval(pd.Series({name: row[f"change_{name}"] for name in ("low", "high", "note")}))
        text += f"; {number(abs(row['change']))} {way} than in domain, change {bounds}" if row["change"] else "; as in domain"
    return f"{text})"


def _own_measures(analysis: Analysis) -> list[str]:
    sentences = []
    table = analysis.own_measure_means
    for (name, probe, metric), rows in table.groupby(["name", "probe", "metric"], sort=False):
        fit = analysis.cohort.declared[str(probe)].of(str(metric))
        rows = rows[rows["group"].isin(analysis.highlighted)]
        if fit is None or rows.empty:
            continue
        meaning = fit[0]
        found = listed(
            [f"{number(row['mean'])} in {row['group']} ({interval(row)}, n = {row['n']})" for _, row in rows.iterrows()]
        )
        facts = [
            meaning.meaning,
            f"in {meaning.unit}" if meaning.unit else "",
            f"range {meaning.range}" if meaning.range else "",
        ]
        facts += ["" if meaning.better == "neither" else f"{meaning.better} is better"]
        facts += [f"good: {meaning.good}" if meaning.good not in ("", "-") else ""]
        sentences.append(f"{name} ({'; '.join(filter(None, facts))}) was last {found}.")
    return _first(sentences, "own_measures.csv")


def _overlap(analysis: Analysis) -> list[str]:
    sentences = []
    table = analysis.overlap_means
    for _, row in table[table["group"].isin(analysis.highlighted)].iterrows():
        which = f"the masks of {task_names(str(row['tasks']).split(', '))}" if row["masks"] == TASK_MASKS else "anatomies"
        sentences.append(
            f"In {row['group']}, {which} overlap {PAIRS[row['pairs']]} by {number(row['mean'])} above chance "
            f"({interval(row)}, {counted(int(row['n']), 'pair')}, at age {row['age']:,.0f}; 0 is chance, 1 the same "
            "subnetwork)."
        )
    return _first(sentences, "overlap_means.csv")


def _outcomes(analysis: Analysis) -> list[str]:
    table = analysis.outcome_comparisons
    if table["outcome"].nunique() < 2 or table["outcome"].nunique() == len(analysis.cohort.tasks):
        return []
    clear = table[table["p_bh"] < 0.05]
    sentences = [
        f"Of {counted(len(table), 'difference')} in {counted(table['outcome'].nunique(), 'outcome')}, {len(clear) or 'none'} "
        f"{_has(len(clear))} a Benjamini-Hochberg-adjusted p below 0.05 (this family is all of them)."
    ]
    largest = clear.reindex(clear["hedges_g_av"].abs().sort_values(ascending=False, kind="stable").index)[:NAMED]
    for _, row in largest.iterrows():
        way = {1: ("better", "worse"), -1: ("worse", "better"), 0: ("higher", "lower")}[int(row["direction"])]
        sentences.append(
            f"{row['group']}, {outcome_label(row['outcome'])}: {way[0] if row['difference'] > 0 else way[1]} than its twins "
            f"in {row['control']} (difference {number(row['difference'])}; {interval(row)}; n = {row['n']} pairs; g_av "
            f"{number(row['hedges_g_av'], 2)}; adjusted p {equals(row['p_bh'])})."
        )
    return sentences


def _highlighted(table: pd.DataFrame, analysis: Analysis, by: list[str]) -> Iterable[tuple[tuple[str, str], pd.DataFrame]]:
    """Groups of rows, of highlighted study groups alone."""
    rows = table[table["group"].isin(analysis.highlighted)]
    return rows.groupby(by, sort=False)  # type: ignore[return-value]


def _first(sentences: list[str], table: str) -> list[str]:
    """The first few, and where the others are."""
    left = len(sentences) - NAMED
    return [*sentences[:NAMED], *([f"{left} more: see tables/{table}."] if left > 0 else [])]


def _between(row: pd.Series, prefix: str = "") -> str:
    """The interval in the columns `<prefix>low` and `<prefix>high`, which have no note."""
    return interval(pd.Series({"low": row[f"{prefix}low"], "high": row[f"{prefix}high"], "note": "no interval"}))


def _has(count: int) -> str:
    return "has" if count == 1 else "have"
