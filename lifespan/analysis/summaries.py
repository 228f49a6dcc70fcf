"""Groups over all tasks at once, over individuals and test examples at once, overlap of masks, and means of groups."""

from __future__ import annotations

import numpy as np
import pandas as pd

from lifespan.analysis.cohort import INDIVIDUAL, Cohort
from lifespan.analysis.forgetting import END
from lifespan.analysis.scores import mean_entries
from lifespan.stats import aggregates

COLUMNS = ["group", "individual", "other", "pairs", "task", "step", "age", "jaccard", "chance", "corrected", "kappa"]

SUMMARY = ["mean", "low", "high", "n", "note"]


def over_all_tasks(cohort: Cohort, final: pd.DataFrame) -> pd.DataFrame:
    """Final scores of each group over all tasks; no rows for studies of one task.

    Scores are normalised task by task, 0 at chance and 1 at the control group's mean. Columns: group, n (individuals), iqm
    (interquartile mean) with low and high, improvement (probability that an individual of the group scores higher than one of
    the control, the mean over tasks; NaN for the control) with improvement_low and improvement_high, note.
    """
    tasks = [task for task in cohort.tasks if task in set(final["task"])]
    columns = ["group", "n", "iqm", "low", "high", "improvement", "improvement_low", "improvement_high", "note"]
    if len(tasks) < 2:
        return pd.DataFrame(columns=columns)
    healthy = final[final["group"] == cohort.control]
    reference = healthy.groupby("task")["value"].mean().reindex(tasks).to_numpy()
    chance = np.array([cohort.chance(task) for task in tasks])
    seeds = sorted(final["seed"].unique())
    matrices = {
        str(group): rows.pivot_table(index="seed", columns="task", values="value").reindex(index=seeds, columns=tasks)
        for group, rows in final.groupby("group", sort=False)
    }
    table = []
    for group in (group for group in cohort.groups if group in matrices):
        scores = matrices[group].to_numpy()
        middle = aggregates.interquartile_interval(aggregates.normalised(scores, chance, reference))
        row = {"group": group, "n": middle.n, "iqm": middle.estimate, "low": middle.low, "high": middle.high}
        if group != cohort.control and cohort.control in matrices:
            better = aggregates.probability_of_improvement(scores, matrices[cohort.control].to_numpy())
            row |= {"improvement": better.estimate, "improvement_low": better.low, "improvement_high": better.high}
        table.append({**row, "note": middle.note})
    return pd.DataFrame(table, columns=columns)


def over_examples(cohort: Cohort, answers: pd.DataFrame) -> pd.DataFrame:
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
        present = set(rows["group"])
        for group in (group for group in cohort.groups if group in present):
            cells = pd.DataFrame(right[group])
            own = aggregates.multi_bootstrap(cells.to_numpy())
            row = {"task": task, "group": group, "n": own.n, "examples": cells.shape[1]}
            row |= {"mean": own.estimate, "low": own.low, "high": own.high}
            if group != cohort.control and cohort.control in present:
                control = pd.DataFrame(right[cohort.control]).reindex(columns=cells.columns)
                gap = aggregates.multi_bootstrap(cells.to_numpy(), control.to_numpy())
                row |= {"difference": gap.estimate, "difference_low": gap.low, "difference_high": gap.high}
            table.append(row)
    return pd.DataFrame(table, columns=columns)


def mask_overlaps(cohort: Cohort) -> pd.DataFrame:
    """One row for each pair of masks that was compared.

    Columns: group and individual of the first; other, the second's name; pairs (individuals, twins, self for an earlier
    checkpoint of the same subject, tasks for two tasks of one subject); task; step; age; jaccard; chance, that of independent
    masks of these densities; corrected = (jaccard - chance) / (1 - chance); kappa, how far the two err on the same examples
    beyond chance, the mean over tasks (NaN where that was not compared).
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
    return table.reindex(columns=COLUMNS).dropna(subset=["corrected"]).rename_axis(columns=None)


def overlap_means(overlaps: pd.DataFrame) -> pd.DataFrame:
    """Overlap above chance at each group's last comparison of a kind: pairs, group, age, mean, low, high, n (pairs), note.

    The mean over all masks that a pair shares first, then over pairs. Pairs that have an individual in common are not
    independent, so that the interval is too narrow. `overlaps` are the `mask_overlaps`.
    """
    table = []
    for (pairs, group), rows in overlaps.groupby(["pairs", "group"], sort=False):
        last = rows[rows["step"] == rows["step"].max()]
        values = last.groupby(["individual", "other"])["corrected"].mean()
        table.append({"pairs": pairs, "group": group, "age": last["age"].mean(), **mean_entries(values)})
    return pd.DataFrame(table, columns=["pairs", "group", "age", *SUMMARY])


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
