"""Groups over all tasks at once, over individuals and test examples at once, overlap of masks, and means of groups."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pandas as pd

from lifespan.analysis import continual as recall
from lifespan.analysis import scores as outcomes
from lifespan.analysis.cohort import WHO, Evidence
from lifespan.record import record
from lifespan.stats import aggregates

PAIRS = {
    "individuals": "between individuals",
    "twins": "between twins of two groups",
    "tasks": "between tasks of one subject",
    "self": "with the younger self",
}
"""Kinds of pairs, in words."""

COLUMNS = ["group", "individual", "other", "pairs", "task", "step", "age", "jaccard", "chance", "corrected", "kappa"]

SUMMARY = ["mean", "low", "high", "n", "note"]


@lru_cache(maxsize=4)
def overall(evidence: Evidence) -> pd.DataFrame:
    """Final scores of each group over all tasks; no rows for studies of one task.

    Scores are normalised task by task, 0 at chance and 1 at the control group's mean. Columns: group, n (individuals), iqm
    (interquartile mean) with low and high, improvement (probability that an individual of the group scores higher than one of
    the control, the mean over tasks; NaN for the control) with improvement_low and improvement_high, note.
    """
    final = outcomes.final_scores(evidence)
    tasks = [task for task in evidence.tasks if task in set(final["task"])]
    columns = ["group", "n", "iqm", "low", "high", "improvement", "improvement_low", "improvement_high", "note"]
    if len(tasks) < 2:
        return pd.DataFrame(columns=columns)
    healthy = final[final["group"] == evidence.control]
    reference = healthy.groupby("task")["value"].mean().reindex(tasks).to_numpy()
    chance = np.array([outcomes.chance_of(evidence, task) for task in tasks])
    seeds = sorted(final["seed"].unique())
    matrices = {
        str(group): rows.pivot_table(index="seed", columns="task", values="value").reindex(index=seeds, columns=tasks)
        for group, rows in final.groupby("group", sort=False)
    }
    found = []
    for group in (group for group in evidence.groups if group in matrices):
        scores = matrices[group].to_numpy()
        middle = aggregates.interquartile_interval(aggregates.normalised(scores, chance, reference))
        told = {"group": group, "n": middle.n, "iqm": middle.estimate, "low": middle.low, "high": middle.high}
        if group != evidence.control and evidence.control in matrices:
            better = aggregates.probability_of_improvement(scores, matrices[evidence.control].to_numpy())
            told |= {"improvement": better.estimate, "improvement_low": better.low, "improvement_high": better.high}
        found.append({**told, "note": middle.note})
    return pd.DataFrame(found, columns=columns)


@lru_cache(maxsize=4)
def over_examples(evidence: Evidence) -> pd.DataFrame:
    """Final accuracy of each group, and its difference from the control twins, over individuals and test examples at once.

    From the answers to single examples that `Outputs` kept, at the last look of each individual that lived to the end.
    Columns: task, group, n (individuals), examples, mean with low and high, difference (group minus control, paired over
    seeds and examples; NaN for the control) with difference_low and difference_high. No rows where no answers were kept,
    and for several records.
    """
    columns = ["task", "group", "n", "examples", "mean", "low", "high", "difference", "difference_low", "difference_high"]
    table = record.read(evidence.directories[0]).examples("Outputs") if len(evidence.directories) == 1 else pd.DataFrame()
    if table.empty:
        return pd.DataFrame(columns=columns)
    people = evidence.participants[evidence.participants["status"] == "done"]
    table = table.dropna(subset=["right"]).merge(people[["group", "individual"]], on=["group", "individual"])
    table = table[table["step"] == table.groupby(["group", "individual", "task"])["step"].transform("max")]
    found = []
    for task, rows in table.groupby("task", sort=False):
        right = rows.pivot_table(index="seed", columns=["group", "example"], values="right", aggfunc="first").astype(float)
        for group in (group for group in evidence.groups if group in set(rows["group"])):
            cells = pd.DataFrame(right[group])
            own = aggregates.multi_bootstrap(cells.to_numpy())
            told = {"task": task, "group": group, "n": own.n, "examples": cells.shape[1]}
            told |= {"mean": own.estimate, "low": own.low, "high": own.high}
            if group != evidence.control and evidence.control in set(rows["group"]):
                other = pd.DataFrame(right[evidence.control]).reindex(columns=cells.columns)
                gap = aggregates.multi_bootstrap(cells.to_numpy(), other.to_numpy())
                told |= {"difference": gap.estimate, "difference_low": gap.low, "difference_high": gap.high}
            found.append(told)
    return pd.DataFrame(found, columns=columns)


@lru_cache(maxsize=4)
def overlaps(evidence: Evidence) -> pd.DataFrame:
    """One row for each pair of masks that was compared.

    Columns: group and individual of the first; other, the second's name; pairs (individuals, twins, self for the younger self,
    tasks for two tasks of one subject); task; step; age; jaccard; chance, that of independent masks of these densities;
    corrected = (jaccard - chance) / (1 - chance); kappa, how far the two err on the same examples beyond chance, the mean over
    tasks (NaN where that was not compared).
    """
    between = evidence.contrasts.dropna(subset=["value"])
    between = between.assign(other=between["other_group"] + " " + between["other_individual"].astype(str))
    within = evidence.measurements.dropna(subset=["value"])
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


def forgetting_means(evidence: Evidence) -> pd.DataFrame:
    """`outcomes.forgetting` by moment, metric and group: mean, low, high, n, note."""
    table = outcomes.forgetting(evidence)
    table = table.sort_values("moment", key=lambda moments: moments == outcomes.END, kind="stable")
    return _means(table, ["moment", "metric", "group"])


@lru_cache(maxsize=4)
def recovery_means(evidence: Evidence) -> pd.DataFrame:
    """What groups lost at each loss of synapses and regained by recovery: task, group, cycles, what, mean, low, high, n, note.

    `what` is lost (score before minus right after) or regained (score recovered minus right after): the mean over the losses
    (`cycles`) of each individual first, then over individuals.
    """
    table = outcomes.recoveries(evidence)
    table = table.assign(lost=table["before"] - table["after"], regained=table["recovered"] - table["after"])
    rows = []
    for (task, group), met in table.groupby(["task", "group"], sort=False):
        lives = met.groupby(WHO)[["lost", "regained"]].mean()
        for what in ("lost", "regained"):
            told = {"task": task, "group": group, "cycles": met["step"].nunique(), "what": what}
            rows.append({**told, **outcomes.summary(lives[what])})
    return pd.DataFrame(rows, columns=["task", "group", "cycles", "what", *SUMMARY])


@lru_cache(maxsize=4)
def overlap_means(evidence: Evidence) -> pd.DataFrame:
    """Overlap above chance at each group's last comparison of a kind: pairs, group, age, mean, low, high, n (pairs), note.

    The mean over all masks that a pair shares first, then over pairs. Pairs that have an individual in common are not
    independent, so that the interval is too narrow.
    """
    rows = []
    for (pairs, group), met in overlaps(evidence).groupby(["pairs", "group"], sort=False):
        last = met[met["step"] == met["step"].max()]
        values = last.groupby(["individual", "other"])["corrected"].mean()
        rows.append({"pairs": pairs, "group": group, "age": last["age"].mean(), **outcomes.summary(values)})
    return pd.DataFrame(rows, columns=["pairs", "group", "age", *SUMMARY])


@lru_cache(maxsize=4)
def memory_means(evidence: Evidence) -> pd.DataFrame:
    """Numbers of memory (`recall.memories`) by metric, task and group: mean, low, high, n, note. Infinite values left out."""
    table = recall.of_evidence(evidence)
    table = table[~table["metric"].str.contains("_low$|_high$|_beyond$")]
    return _means(table.assign(value=table["value"].replace([np.inf], np.nan)), ["metric", "task", "group"])


def _means(table: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    rows = [
        {**dict(zip(by, key, strict=True)), **outcomes.summary(met["value"])} for key, met in table.groupby(by, sort=False)
    ]
    return pd.DataFrame(rows, columns=[*by, *SUMMARY])
