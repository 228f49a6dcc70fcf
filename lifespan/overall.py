"""Groups over all tasks at once, and over individuals and test examples at once. No torch here."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pandas as pd

from lifespan import aggregates, outcomes, record
from lifespan.evidence import Evidence


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
