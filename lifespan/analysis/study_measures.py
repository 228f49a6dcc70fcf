"""What measures of other packages, and of scenario files, found: by what they declare of their metrics."""

from __future__ import annotations

import pandas as pd

from lifespan.analysis.cohort import INDIVIDUAL, Cohort
from lifespan.analysis.endpoints import declared_outcomes
from lifespan.analysis.scores import mean_entries

NAMED = ["name", "probe", "metric", "task", "unit", "better"]
COLUMNS = [*NAMED, "outcome", *INDIVIDUAL, "step", "age", "value"]


def own_measures(cohort: Cohort) -> pd.DataFrame:
    """Every value of a metric that a measure of another package, or of a scenario, declares; outcomes first.

    Columns: name (the outcome's, or else probe, metric and task), probe, metric, task, unit, better (higher, lower, neither),
    outcome (whether it is one), group, individual, seed, step, age, value.
    """
    outcomes = declared_outcomes(cohort)
    parts = []
    for (probe, task, metric), rows in cohort.measurements.dropna(subset=["value"]).groupby(
        ["probe", "task", "metric"], sort=False
    ):
        declared = cohort.declared.get(str(probe))
        fit = declared.of(str(metric)) if declared is not None and not declared.is_own else None
        if fit is None:
            continue
        key = (str(probe), str(task), str(metric))
        plain = f"{probe}: {metric}" + (f" on {task}" if task else "")
        name = outcomes[key][0] if key in outcomes else plain
        parts.append(rows.assign(name=name, unit=fit[0].unit, better=fit[0].better, outcome=key in outcomes))
    parts.sort(key=lambda rows: not rows["outcome"].iloc[0])
    return pd.concat(parts, ignore_index=True)[COLUMNS] if parts else pd.DataFrame(columns=COLUMNS)


def own_measure_means(cohort: Cohort, measures: pd.DataFrame) -> pd.DataFrame:
    """The last value in life of `own_measures` by name and group, over individuals that lived to the end.

    Columns: name, probe, metric, task, unit, better, group, mean, low, high, n, note.
    """
    people = cohort.participants[cohort.participants["status"] == "done"][["group", "individual"]]
    last = measures.merge(people, on=["group", "individual"])
    last = last.groupby([*NAMED, *INDIVIDUAL], sort=False).tail(1)
    table = [
        {**dict(zip([*NAMED, "group"], key, strict=True)), **mean_entries(rows["value"])}
        for key, rows in last.groupby([*NAMED, "group"], sort=False)
    ]
    return pd.DataFrame(table, columns=[*NAMED, "group", "mean", "low", "high", "n", "note"])
