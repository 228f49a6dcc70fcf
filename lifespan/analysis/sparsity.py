"""Synapses that were lost and regrown: sparsity over life, and the scores before and after each loss and recovery."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd

from lifespan.analysis.cohort import INDIVIDUAL, Cohort
from lifespan.analysis.scores import in_order, mean_entries


def sparsities(cohort: Cohort) -> pd.DataFrame:
    """Measured fraction of dead prunable synapses, of every individual, in the order in which it was lived."""
    rows = cohort.measurements
    rows = rows[(rows["probe"] == "Sparsity") & (rows["metric"] == "sparsity") & (rows["task"] == "")]
    rows = rows.dropna(subset=["value"]).drop_duplicates([*INDIVIDUAL, "step"], keep="last")
    return in_order(cohort, rows)


def sparsity_reached(cohort: Cohort, measured: pd.DataFrame) -> pd.DataFrame:
    """Sparsity by group: the mean of the last of `sparsities` of each finished individual, and what the plan asks for.

    Where nobody of a group has finished yet, the means are over all of its individuals.
    """
    last = measured.groupby(INDIVIDUAL, sort=False).tail(1)
    last = last.merge(cohort.participants[["group", "individual", "status"]], on=["group", "individual"], how="left")
    finished = last["status"] == "done"
    last = last[finished | ~last["group"].isin(last.loc[finished, "group"])]
    rows = []
    for group in cohort.groups:
        planned = [step["to"] for step in cohort.timeline(group) if step.get("to") is not None]
        reached = mean_entries(last.loc[last["group"] == group, "value"])
        rows.append({"group": group, "planned": float(planned[-1]) if planned else 0.0, **reached})
    return pd.DataFrame(rows, columns=["group", "planned", "mean", "low", "high", "n", "note"])


def recoveries(cohort: Cohort, scores: pd.DataFrame) -> pd.DataFrame:
    """Every loss of synapses that a recovery followed at once: the score before, right after, and recovered.

    Columns: group, individual, seed, task, step (of the ageing), to (planned sparsity), before, after, recovered. A moment at
    which the score was not measured leaves the row out; "before" is the last score before the loss. `scores` are the primary
    scores.
    """
    rows = []
    for group in cohort.groups:
        own = scores[scores["group"] == group]
        for event, following in pairwise(cohort.timeline(group)):
            if event.get("kind") != "Age" or following.get("kind") != "Recover":
                continue
            step = int(event["step"])
            moments = {
                "before": _last_by_task(own[own["step"] < step]),
                "after": _last_by_task(own[own["step"] == step]),
                "recovered": _last_by_task(own[own["step"] == step + 1]),
            }
            rows.append(pd.DataFrame(moments).dropna().reset_index().assign(step=step, to=float(event.get("to") or np.nan)))
    columns = [*INDIVIDUAL, "task", "step", "to", "before", "after", "recovered"]
    return pd.concat(rows, ignore_index=True)[columns] if rows else pd.DataFrame(columns=columns)


def _last_by_task(rows: pd.DataFrame) -> pd.Series:
    return rows.groupby([*INDIVIDUAL, "task"], sort=False)["value"].last()
