"""Groups over all tasks at once, over individuals and test examples at once, overlap of masks, and means of groups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from lifespan.analysis.cohort import INDIVIDUAL, Cohort
from lifespan.analysis.forgetting import END
from lifespan.analysis.scores import mean_entries
from lifespan.stats import aggregates, items, metrics

COLUMNS = ["group", "individual", "other", "pairs", "masks", "task", "step", "age", "jaccard", "chance", "corrected", "kappa"]

ANATOMY, TASK_MASKS = "anatomy", "task masks"
"""What was compared: the synapses that are alive at all, or those that a task uses."""

SUMMARY = ["mean", "low", "high", "n", "note"]


def chance_controls(cohort: Cohort, final: pd.DataFrame, controls: Mapping[str, str]) -> pd.DataFrame:
    """Each task's final score in its control group against chance, and whether it is a scale for the other groups.

    It is one where the 95% interval of the control's mean lies above chance; without an interval (fewer than 4 individuals, or
    equal values), where every individual of the control does. Columns: task, control, chance, mean, low, high, n, note, above.
    One row per task that has final scores. `controls` are the `controls.task_controls`.
    """
    rows = []
    for task in (task for task in cohort.tasks if task in set(final["task"])):
        control = controls.get(task, cohort.control)
        values = final[(final["group"] == control) & (final["task"] == task)]["value"]
        row = {"task": task, "control": control, "chance": cohort.chance(task), **mean_entries(values)}
        least = row["low"] if np.isfinite(row["low"]) else values.min() if len(values) else np.nan
        rows.append({**row, "above": bool(least > row["chance"])})
    return pd.DataFrame(rows, columns=["task", "control", "chance", "mean", "low", "high", "n", "note", "above"])


def over_all_tasks(
    cohort: Cohort, final: pd.DataFrame, controls: pd.DataFrame, arms: Mapping[str, Sequence[str]]
) -> pd.DataFrame:
    """Final scores of each group over all tasks; no rows for studies of one task.

    Where groups live one life on different tasks, such an arm stands for a group (`arms`, see `controls.arms`). Scores are
    normalised task by task, 0 at chance and 1 at the metric's upper bound. Tasks in which the control is not above chance by
    the table of `chance_controls` were not learned at all, could show nothing, and are left out; where none is left there is
    no number, nor for a group without scores on all of the others. Columns: group, n (individuals), tasks (their number), over
    (their titles), iqm (interquartile mean) with low and high, improvement (probability that an individual of the group scores
    higher than one of the control, the mean over tasks; NaN for the control) with improvement_low and improvement_high,
    left_out (tasks), note.
    """
    columns = ["group", "n", "tasks", "iqm", "low", "high", "improvement", "improvement_low", "improvement_high"]
    columns += ["over", "left_out", "note"]
    if len(controls) < 2:
        return pd.DataFrame(columns=columns)
    scale = controls[controls["above"]]
    tasks, left_out = list(scale["task"]), ", ".join(controls[~controls["above"]]["task"])
    matrices = _matrices(cohort, final, tasks, arms)
    control = next((name for name, groups in arms.items() if cohort.control in groups), cohort.control)
    table: list[dict[str, object]] = []
    for group, matrix in matrices.items():
        row: dict[str, object] = {"group": group, "left_out": left_out}
        missing = [task for task in tasks if matrix[task].isna().all()]
        if missing or not tasks:
            why = f"no score on {', '.join(missing)}" if tasks else "in no task is the control above chance"
            table.append({**row, "n": 0, "tasks": len(tasks) - len(missing), "note": f"no number: {why}"})
            continue
        shares = aggregates.normalised(matrix.to_numpy(), scale["chance"].to_numpy(), metrics.BEST)
        middle = aggregates.interquartile_interval(shares)
        row |= {"n": middle.n, "iqm": middle.estimate, "low": middle.low, "high": middle.high}
        if group != control and control in matrices:
            better = aggregates.probability_of_improvement(matrix.to_numpy(), matrices[control].to_numpy())
            row |= {"improvement": better.estimate, "improvement_low": better.low, "improvement_high": better.high}
        notes = [middle.note, f"left out, as the control is not above chance: {left_out}" if left_out else ""]
        table.append({**row, "tasks": len(tasks), "over": ", ".join(tasks), "note": "; ".join(filter(None, notes))})
    return pd.DataFrame(table, columns=columns)


def _matrices(
    cohort: Cohort, final: pd.DataFrame, tasks: list[str], arms: Mapping[str, Sequence[str]]
) -> dict[str, pd.DataFrame]:
    """Final scores of each group, or arm, as seeds x tasks."""
    seeds = sorted(final["seed"].unique())
    named = arms or {group: (group,) for group in cohort.groups}
    parts = {name: final[final["group"].isin(groups)] for name, groups in named.items()}
    return {
        name: rows.pivot_table(index="seed", columns="task", values="value").reindex(index=seeds, columns=tasks)
        for name, rows in parts.items()
        if len(rows)
    }


def over_examples(cohort: Cohort, answers: pd.DataFrame, controls: Mapping[str, str]) -> pd.DataFrame:
    """Final accuracy of each group, and its difference from the control twins, over individuals and test examples at once.

    `answers` are those to single examples that `Outputs` kept; the last of each individual that lived to the end count.
    Columns: task, group, n (individuals), examples, mean with low and high, difference (group minus control, paired over
    seeds and examples; NaN for the control) with difference_low and difference_high. No rows where no answers were kept.
    """
    columns = ["task", "group", "n", "examples", "mean", "low", "high", "difference", "difference_low", "difference_high"]
    if answers.empty:
        return pd.DataFrame(columns=columns)
    people = cohort.participants[cohort.participants["status"] == "done"]
    answers = answers.dropna(subset=["right"]).merge(people[["group", "individual"]], on=["group", "individual"])
    answers = answers[answers["step"] == answers.groupby(["group", "individual", "task"])["step"].transform("max")]
    table = []
    for task, rows in answers.groupby("task", sort=False):
        right = rows.pivot_table(index="seed", columns=["group", "example"], values="right", aggfunc="first").astype(float)
        present, control = set(rows["group"]), controls.get(str(task), cohort.control)
        for group in (group for group in cohort.groups if group in present):
            cells = pd.DataFrame(right[group])
            own = items.crossed_mean(cells.to_numpy())
            row = {"task": task, "group": group, "n": own.n, "examples": cells.shape[1]}
            row |= {"mean": own.estimate, "low": own.low, "high": own.high}
            if group != control and control in present:
                healthy = pd.DataFrame(right[control]).reindex(columns=cells.columns)
                gap = items.crossed_mean(cells.to_numpy(), healthy.to_numpy())
                row |= {"difference": gap.estimate, "difference_low": gap.low, "difference_high": gap.high}
            table.append(row)
    return pd.DataFrame(table, columns=columns)


def mask_overlaps(cohort: Cohort) -> pd.DataFrame:
    """One row for each pair of masks that was compared.

    Columns: group and individual of the first; other, the second's name; pairs (individuals, twins, self for an earlier
    checkpoint of the same subject, tasks for two tasks of one subject); masks (anatomy, or task masks); task; step; age;
    jaccard; chance, that of independent masks of these densities; corrected = (jaccard - chance) / (1 - chance); kappa, how
    far the two err on the same examples beyond chance, the mean over tasks (NaN where that was not compared).

    Left out is what is no comparison of masks: a mask that is still full, which overlaps any other by chance exactly, and a
    task without a mask of its own, which has the anatomy's.
    """
    between = cohort.contrasts.dropna(subset=["value"])
    between = between.assign(other=between["other_group"] + " " + between["other_individual"].astype(str))
    within = cohort.measurements.dropna(subset=["value"])
    since = within[within["probe"].str.startswith("MaskOverlap since")]
    among = within[within["probe"] == "TaskOverlap"]
    # The metric names the other task: jaccard/<task>.
    named = [among["metric"].map(lambda name, place=place: name.partition("/")[place]) for place in (0, 2)]
    parts = [
        between[between["probe"] == "MaskOverlap"],
        since.assign(pairs="self", other=since["probe"]),
        among.assign(pairs="tasks", other=named[1], metric=named[0]),
    ]
    rows = pd.concat([part for part in parts if len(part)] or [between.iloc[:0]])
    index = ["group", "individual", "other", "pairs", "task", "step", "age"]
    table = rows.pivot_table(index=index, columns="metric", values="value", sort=False).reset_index()
    errors = between[(between["probe"] == "ErrorOverlap") & (between["metric"] == "kappa")]
    common = errors.groupby(["group", "individual", "other", "step"])["value"].mean().rename("kappa").reset_index()
    table = table.merge(common, how="left", on=["group", "individual", "other", "step"]) if len(table) else table
    table = table.reindex(columns=[name for name in COLUMNS if name != "masks"]).dropna(subset=["corrected"])
    table.insert(4, "masks", table["task"].map(lambda task: TASK_MASKS if task else ANATOMY))
    return _of_their_own(table).rename_axis(columns=None)


def _of_their_own(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of masks that could have overlapped more or less than by chance, each mask once."""
    if table.empty:
        return table
    pair = ["group", "individual", "other", "pairs", "step"]
    anatomy = table[table["masks"] == ANATOMY][[*pair, "jaccard", "chance"]]
    beside = table.merge(anatomy, how="left", on=pair, suffixes=("", "_anatomy"))
    alike = (beside["jaccard"] == beside["jaccard_anatomy"]) & (beside["chance"] == beside["chance_anatomy"])
    table = table[~((table["masks"] == TASK_MASKS) & alike.to_numpy())]
    at_chance = (table["jaccard"] - table["chance"]).abs() < 1e-9
    full = at_chance.groupby([table[name] for name in ("group", "pairs", "task", "step")]).transform("all")
    return table[~full].reset_index(drop=True)


def overlap_means(overlaps: pd.DataFrame) -> pd.DataFrame:
    """Overlap above chance at each group's last comparison of a kind, by pairs, masks and group.

    Columns: those; tasks, age, mean, low, high, n (pairs), note. The mean over all task masks that a pair shares first, then
    over pairs. Pairs of individuals that have one in common are not independent: their interval is that of the jackknife's
    pseudo-values, one for each individual. `overlaps` are the `mask_overlaps`.
    """
    table = []
    for (pairs, masks, group), rows in overlaps.groupby(["pairs", "masks", "group"], sort=False):
        last = rows[rows["step"] == rows["step"].max()]
        values = last.groupby(["individual", "other"])["corrected"].mean()
        tasks = ", ".join(filter(None, dict.fromkeys(last["task"])))
        row = {"pairs": pairs, "masks": masks, "group": group, "tasks": tasks, "age": last["age"].mean()}
        row |= mean_entries(values)
        if pairs == "individuals":
            row |= {**mean_entries(_pseudo_values(values, str(group))), "mean": row["mean"], "n": row["n"]}
        table.append(row)
    return pd.DataFrame(table, columns=["pairs", "masks", "group", "tasks", "age", *SUMMARY])


def _pseudo_values(values: pd.Series, group: str) -> pd.Series:
    """Of a mean over pairs of individuals, by (individual, other), n mean - (n - 1) mean without one, for each of n."""
    pairs = [{f"{group} {first}", second} for first, second in values.index]
    people = sorted(set().union(*pairs))
    without = [values[[person not in pair for pair in pairs]].mean() for person in people]
    return len(people) * values.mean() - (len(people) - 1) * pd.Series(without, index=people, dtype=float)


def recovery_means(recoveries: pd.DataFrame) -> pd.DataFrame:
    """What groups lost at each loss of synapses and regained by recovery: task, group, cycles, what, mean, low, high, n, note.

    `what` is lost (score before minus right after) or regained (score recovered minus right after): the mean over the losses
    (`cycles`) of each individual first, then over individuals.
    """
    changes = recoveries.assign(
        lost=recoveries["before"] - recoveries["after"], regained=recoveries["recovered"] - recoveries["after"]
    )
    table = []
    for (task, group), rows in changes.groupby(["task", "group"], sort=False):
        lives = rows.groupby(INDIVIDUAL)[["lost", "regained"]].mean()
        for what in ("lost", "regained"):
            row = {"task": task, "group": group, "cycles": rows["step"].nunique(), "what": what}
            table.append({**row, **mean_entries(lives[what])})
    return pd.DataFrame(table, columns=["task", "group", "cycles", "what", *SUMMARY])


def forgetting_means(forgetting: pd.DataFrame) -> pd.DataFrame:
    """`forgetting_values` by moment, metric and group: mean, low, high, n, note."""
    table = forgetting.sort_values("moment", key=lambda moments: moments == END, kind="stable")
    return _means(table, ["moment", "metric", "group"])


def memory_means(memories: pd.DataFrame) -> pd.DataFrame:
    """`memory_metrics` by metric, task and group: mean, low, high, n, note. Infinite values left out."""
    table = memories[~memories["metric"].str.contains("_low$|_high$|_beyond$")]
    return _means(table.assign(value=table["value"].replace([np.inf], np.nan)), ["metric", "task", "group"])


def _means(table: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    rows = [
        {**dict(zip(by, key, strict=True)), **mean_entries(values["value"])} for key, values in table.groupby(by, sort=False)
    ]
    return pd.DataFrame(rows, columns=[*by, *SUMMARY])
