"""Overlap of masks against chance, in whatever way a record compared them. No torch here."""

from __future__ import annotations

from functools import lru_cache

import pandas as pd

from lifespan.evidence import Evidence

PAIRS = {
    "individuals": "between individuals",
    "twins": "between twins of two groups",
    "tasks": "between tasks of one subject",
    "self": "with the younger self",
}
"""Kinds of pairs, in words."""

COLUMNS = ["group", "individual", "other", "pairs", "task", "step", "age", "jaccard", "chance", "corrected", "kappa"]


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
