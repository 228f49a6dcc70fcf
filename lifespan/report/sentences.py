"""What was asked and what came out, in plain sentences written from the tables of an `Analysis`."""

from __future__ import annotations

import math
from collections.abc import Callable

import pandas as pd

from lifespan.analysis.analysis import Analysis
from lifespan.analysis.forgetting import END
from lifespan.analysis.scores import STATUSES, on_another_split
from lifespan.analysis.timelines import first_learned
from lifespan.report.formatting import TOO_FEW, counted, equals, interval, listed, number
from lifespan.report.labels import ONE_SCALE, metric_label, primary_label, task_names
from lifespan.stats.intervals import FEWEST

DETAILED_UP_TO = 12
"""Comparisons that all get a sentence; of more, the clear ones with the largest differences."""
LARGEST = 6
"""How many of those."""

NAMED_UP_TO = 8
"""Groups that a sentence names one by one; of more, it gives the range and the control."""


def size(analysis: Analysis) -> str:
    """How many groups, individuals and tasks there are, and how many lives are over."""
    people, tasks = analysis.statuses, list(analysis.cohort.tasks)
    if people.empty:
        return "Lifespan report"
    total, done = int(people["individuals"].sum()), int(people["done"].sum())
    groups = f"{counted(len(people), 'group')} of {_range(people['individuals'])} individuals"
    learned = f", {task_names(tasks)}" if tasks else ""
    return f"{groups}{learned}; {done} of {total} lived to the end."


def questions(analysis: Analysis) -> list[str]:
    """What the study set out to compare."""
    cohort, people = analysis.cohort, analysis.statuses
    sizes = [f"{row['group']} (n = {row['individuals']})" for _, row in people.iterrows()]
    named = (
        f": {listed(sizes)}"
        if len(sizes) <= NAMED_UP_TO
        else f", listed below, of {_range(people['individuals'])} individuals"
    )
    sentences = [f"The study follows {counted(len(sizes), 'group')}{named}."] if sizes else []
    tasks = [f"{primary_label(cohort, task)} on {task}" for task in cohort.tasks]
    if tasks:
        sentences.append(f"The primary outcome is the last score on held-out examples (more is better): {listed(tasks)}.")
    if len(cohort.groups) > 1:
        sentences.append(
            f"Does each group end where its twins in the control group, {cohort.control}, end? Individuals of one "
            "seed are twins: they live the same life until the first event in which their groups differ."
        )
    return [*sentences, *_other_controls(analysis)]


def _other_controls(analysis: Analysis) -> list[str]:
    """Which groups are the control on tasks that the control group did not learn, and which tasks have none."""
    cohort, controls = analysis.cohort, analysis.task_controls
    others = [f"{controls[task]} on {task}" for task in cohort.tasks if controls.get(task, cohort.control) != cohort.control]
    none = [task for task in cohort.tasks if task not in controls]
    texts = []
    if others:
        rule = f"{cohort.control} did not learn every task. On another, the control is the group that lives its life with it"
        texts.append(f"{rule}: {listed(others)}.")
    if none and len(cohort.groups) > 1:
        rule = f"neither {cohort.control} nor a group of its life learned it"
        texts.append(f"Nothing is compared on {listed(none)}: {rule}.")
    return texts


def results(analysis: Analysis) -> list[tuple[str, list[str]]]:
    """What came out, as (heading, sentences); the first, without a heading, is the gist."""
    parts = [
        ("", _verdict(analysis)),
        ("Who lived to the end", _endings(analysis)),
        ("Final scores", _finals(analysis)),
        ("Collapses", _collapses(analysis)),
        ("Against the control group", _comparisons(analysis)),
        ("Forgetting", _forgetting(analysis)),
        ("Sparsity", _sparsity(analysis)),
    ]
    return [(heading, sentences) for heading, sentences in parts if sentences]


def cautions(analysis: Analysis) -> list[str]:
    """What a reader must know before believing the numbers."""
    table = analysis.comparisons
    small = "; ".join(text for text in dict.fromkeys(table["warning"]) if text)
    warnings = [f"{small[0].upper()}{small[1:]}."] if small else []
    if analysis.final_means["note"].eq(TOO_FEW).any():
        warnings.append(f'Where "no interval" stands for an interval, fewer than {FEWEST} individuals have the value.')
    lost = analysis.statuses[["failed", "diverged", "pending"]].sum().sum()
    if lost:
        warnings.append(
            "Final scores and comparisons are over individuals that lived to the end (pairs in which both did), so "
            "groups that lost individuals may look better than they are."
        )
    for group, task in on_another_split(analysis.cohort, analysis.primary_scores):
        warnings.append(f"{group} was scored on {task}, but on another split than the rest: its scores are left out.")
    for task in analysis.cohort.disputed():
        warnings.append(f"The runs differ in their metrics or their chance level of {task}: those of the last run are used.")
    warnings += [f"{one.directory.name or one.directory}/{one.file} {one.how}." for one in analysis.cohort.altered]
    warnings += list(analysis.looks_apart)
    if len(analysis.cohort.studies) > 1 and len({study.get("precision") for study in analysis.cohort.studies}) > 1:
        warnings.append("The compared runs differ in numerical precision.")
    return warnings


def _verdict(analysis: Analysis) -> list[str]:
    table = analysis.comparisons
    if table.empty:
        return []
    compared = f"{counted(len(table), 'comparison')} with the control group"
    clear = int(((table["low"] > 0) | (table["high"] < 0)).sum())
    significant = int((table["p_holm"] < 0.05).sum())
    # What a test cannot show with so few pairs is no finding.
    if len(table) * 2.0 ** (1 - int(table["n"].max())) >= 0.05:
        few = f"with n = {table['n'].max()} no Holm-adjusted p over {len(table)} can fall below 0.05, so none is reported here"
        shown = f"; {clear} {'has' if clear == 1 else 'have'} an interval that excludes zero" if clear else ""
        return [f"{compared} {'is' if len(table) == 1 else 'are'} described{shown}: {few}."]
    if not clear:
        return [f"{compared}: no interval excludes zero, which does not show that nothing differs."]
    adjusted = f", {significant} of them with a Holm-adjusted p below 0.05" if significant else ""
    return [f"{compared}: {clear} {'has' if clear == 1 else 'have'} an interval that excludes zero{adjusted}."]


def _endings(analysis: Analysis) -> list[str]:
    total = analysis.statuses[["individuals", *STATUSES]].sum()
    words = {"failed": "failed", "diverged": "diverged", "pending": "did not finish yet"}
    lost = [f"{total[status]} {word}" for status, word in words.items() if total[status]]
    sentences = [
        f"{total['done']} of {counted(int(total['individuals']), 'individual')} lived to the end"
        + (f"; {listed(lost)}." if lost else ".")
    ]
    people = analysis.cohort.participants
    ended = people[people["status"].isin(["failed", "diverged"])]
    shown = [f"{row['group']} {row['individual']} ({row['reason'] or row['status']})" for _, row in ended.iterrows()]
    if shown:
        more = f" and {len(shown) - 8} more" if len(shown) > 8 else ""
        sentences.append(f"Lives that ended early: {'; '.join(shown[:8])}{more}.")
    return sentences


def _finals(analysis: Analysis) -> list[str]:
    sentences = []
    for task, rows in analysis.final_means.groupby("task", sort=False):
        if not rows["n"].any():
            sentences.append(f"On {task} no final score was measured in any group.")
            continue
        control = analysis.task_controls.get(str(task), analysis.cohort.control)
        named = _extremes(rows, control) if len(rows) > NAMED_UP_TO else rows
        parts = [
            f"{number(row['mean'])} in {row['group']} ({interval(row)}, n = {row['n']})"
            if row["n"]
            else f"not measured in {row['group']}"
            for _, row in named.iterrows()
        ]
        rest = f"; {len(rows) - len(named)} groups lie between, see the table" if len(named) < len(rows) else ""
        sentences.append(f"On {task} the mean final {primary_label(analysis.cohort, str(task))} is {listed(parts)}{rest}.")
    return [*sentences, *_test_items(analysis)]


def _test_items(analysis: Analysis) -> list[str]:
    """Whether the intervals of final scores speak of other test items, too."""
    table = analysis.final_means[analysis.final_means["low"].notna()]
    if table.empty:
        return []
    counted_on = table[table["items"] > 0].groupby("task", sort=False)["items"].max()
    sentences = []
    if len(counted_on):
        named = [f"the {count:,} test items of {task}" for task, count in counted_on.items()]
        sentences.append(f"Intervals of final scores, and of their differences, count {listed(named)} as well as individuals.")
    alone = list(dict.fromkeys(table[table["items"] == 0]["task"]))
    if alone:
        sentences.append(
            f"On {listed(alone)} intervals speak of this test set only: answers to its items were not kept, or cannot be "
            "drawn anew (Probe(Outputs()) keeps them)."
        )
    return sentences


def _collapses(analysis: Analysis) -> list[str]:
    sentences = []
    for _, row in analysis.collapses.iterrows():
        if not row["collapsed"]:
            continue
        share = f"{number(row['share'], 2)}, 95% interval {number(row['share_low'], 2)} to {number(row['share_high'], 2)}"
        who = f"{row['collapsed']} of {row['n']} in {row['group']} ended near chance on {row['task']}, far below the others"
        broken = f"; {row['broke_off']} more broke off" if row["broke_off"] else ""
        others = f"the other {row['others_n']} end at {number(row['others'])} ({_bounds(row, 'others')})"
        text = f"{who}{broken} (share {share}); {others}"
        if math.isfinite(row["p"]):
            text += (
                f". Pairs in which neither twin did differ by {number(row['difference'])} ({_bounds(row, 'difference')}, n = "
                f"{row['pairs']:.0f} pairs); exact p {equals(row['p'])} that twins in the control group collapse as often"
            )
        sentences.append(f"{text}.")
    return sentences


def _bounds(row: pd.Series, name: str) -> str:
    return interval(pd.Series({"low": row[f"{name}_low"], "high": row[f"{name}_high"], "note": row[f"{name}_note"]}))


def _comparisons(analysis: Analysis) -> list[str]:
    table = analysis.comparisons
    if table.empty:
        several = len(analysis.cohort.groups) > 1
        sentence = "No pair of twins has a final score yet, so no group can be compared with the control."
        return [sentence] if several else []
    clear = table if len(table) <= DETAILED_UP_TO else table[(table["low"] > 0) | (table["high"] < 0)]
    few = DETAILED_UP_TO if len(table) <= DETAILED_UP_TO else LARGEST
    largest = clear["difference"].abs().nlargest(few).index
    sentences = [_comparison(row, family=len(table)) for _, row in clear[clear.index.isin(largest)].iterrows()]
    smaller, unclear = len(clear) - len(largest), len(table) - len(clear)
    if smaller:
        sentences.append(f"{counted(smaller, 'further comparison')} with a clear but smaller difference: see the table.")
    if unclear:
        sentences.append(f"{counted(unclear, 'comparison')} without a clear difference: see the table.")
    return sentences


def _extremes(rows: pd.DataFrame, control: str) -> pd.DataFrame:
    """The rows of the lowest and the highest mean, and of the control, in their order."""
    ends = {rows["mean"].idxmin(), rows["mean"].idxmax()}
    return rows[rows.index.isin(ends) | (rows["group"] == control)]


def _range(values: pd.Series, write: Callable[[float], str] = str) -> str:
    """One value, or the least and the greatest."""
    low, high = write(values.min()), write(values.max())
    return low if low == high else f"{low} to {high}"


def _comparison(row: pd.Series, *, family: int) -> str:
    effects = [
        f"paired difference {number(row['difference'])}",
        interval(row),
        f"n = {row['n']} {'pair' if row['n'] == 1 else 'pairs'}",
        "Hedges' g_av " + (number(row["hedges_g_av"], 2) if math.isfinite(row["hedges_g_av"]) else "not computable"),
        f"Cliff's delta {number(row['cliffs_delta'], 2)}",
        f"{'exact' if row['exact'] else 'Monte-Carlo'} sign-flip p {equals(row['p'])}",
        f"Holm-adjusted over {counted(family, 'comparison')} {equals(row['p_holm'])}",
    ]
    return f"{_heading(row)} ({'; '.join(effects)})."


def _heading(row: pd.Series) -> str:
    twins, known = f"its twins in {row['control']}", math.isfinite(row["low"])
    if row["low"] > 0 or row["high"] < 0 or (row["difference"] and not known):
        way = "higher" if row["difference"] > 0 else "lower"
        heading = f"{row['group']} ended {number(abs(row['difference']))} {way} on {row['task']} than {twins}"
        return heading if known else f"{heading}, with no interval to judge it by"
    if not row["difference"]:
        return f"{row['group']} ended level with {twins} on {row['task']}"
    return f"{row['group']} did not clearly differ from {twins} on {row['task']}"


def _forgetting(analysis: Analysis) -> list[str]:
    several = [group for group in analysis.cohort.groups if len(first_learned(analysis.cohort, group)) >= 2]
    if not several:
        return []
    table = analysis.forgetting_means
    if table.empty:
        return ["Forgetting could not be computed: the scores right after each task was learned were not all measured."]
    sentences = []
    for (moment, metric), rows in table.groupby(["moment", "metric"], sort=False):
        shown = rows[rows["group"].isin(analysis.highlighted)]
        parts = [f"{number(row['mean'])} in {row['group']} ({interval(row)}, n = {row['n']})" for _, row in shown.iterrows()]
        when = "Once the last task was learned" if moment != END else "At the end of life"
        sentences.append(f"{when}, {_inside(metric_label(str(metric)))} is {listed(parts)}.")
    learned = [task for group in several for task in first_learned(analysis.cohort, group)]
    over = f"It is the mean over the tasks that a life learned (of {task_names(list(dict.fromkeys(learned)))})"
    return [*sentences, f"{over}, {ONE_SCALE}."]


def _inside(label: str) -> str:
    """A label as it stands inside a sentence."""
    return label[0].lower() + label[1:]


def _sparsity(analysis: Analysis) -> list[str]:
    table = analysis.sparsity_reached
    if not table["n"].any() and not table["planned"].any():
        return []
    if len(table) > NAMED_UP_TO:
        reached, planned = _range(table["mean"], number), _range(table["planned"], number)
        return [f"The mean sparsity of the anatomy that groups reached is {reached} (planned: {planned})."]
    parts = []
    for _, row in table[table["n"] > 0].iterrows():
        text = f"{number(row['mean'])} in {row['group']} ({interval(row)}, n = {row['n']}"
        parts.append(f"{text}; planned {number(row['planned'])})")
    sentences = [f"The mean sparsity reached is {listed(parts)}."] if parts else []
    for _, row in table[table["n"] == 0].iterrows():
        planned = f"; the plan asks for {number(row['planned'])}" if row["planned"] else ""
        sentences.append(f"Sparsity was not measured in {row['group']}{planned}.")
    return sentences
