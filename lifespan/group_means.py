"""Means over individuals, with intervals, of what sentences tell group by group. No torch here."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pandas as pd

from lifespan import outcomes, recall
from lifespan.evidence import WHO, Evidence
from lifespan.overlaps import overlaps

SUMMARY = ["mean", "low", "high", "n", "note"]


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
