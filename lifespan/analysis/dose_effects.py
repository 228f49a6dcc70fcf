"""Doses and what they cost: looks at rising doses, and groups that differ by one disorder. No torch here."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import pandas as pd

from lifespan.analysis import scores as outcomes
from lifespan.analysis.cohort import WHO, Evidence
from lifespan.analysis.exposures import exposures
from lifespan.stats.dose_response import DoseFit, fit_dose_response


@lru_cache(maxsize=4)
def dose_curves(evidence: Evidence) -> pd.DataFrame:
    """Primary scores by dose of damage that is tried and undone, at the last look of each individual.

    Columns: group, individual, seed, probe, task, step, dose (of the probe; 0 is health), value.
    """
    rows = evidence.measurements
    rows = rows[rows["probe"].str.startswith(("Response to ", "Pruned by "))].dropna(subset=["value"])
    columns = [*WHO, "probe", "task", "step", "dose", "value"]
    if rows.empty:
        return pd.DataFrame(columns=columns)
    rows = rows[rows["step"] == rows.groupby([*WHO, "probe", "task"])["step"].transform("max")]
    metric, dose = (rows["metric"].map(lambda name, place=place: name.partition("@")[place]) for place in (0, 2))
    rows = rows.assign(dose=pd.to_numeric(dose, errors="coerce"))
    rows = rows[metric == rows["task"].map(evidence.primary)].dropna(subset=["dose"])
    return rows[columns].sort_values(["probe", "task"], kind="stable").reset_index(drop=True)


@lru_cache(maxsize=4)
def dose_fits(evidence: Evidence) -> Mapping[tuple[str, str, str], DoseFit]:
    """Fits to `dose_curves` by (probe, task, group), for the groups that tell."""
    table = dose_curves(evidence)
    table = table[table["group"].isin(outcomes.telling(evidence))]
    keyed = table.groupby(["probe", "task", "group"], sort=False)
    return {key: _fit(rows, WHO, "dose") for key, rows in keyed}  # type: ignore[misc]


@lru_cache(maxsize=4)
def exposed_scores(evidence: Evidence) -> pd.DataFrame:
    """Final scores of groups that differ from the control by one disorder alone, with those of their control twins.

    Columns: disorder, severity, step, onset, lasting (see `exposures`), group, seed, task, value, control, difference.
    """
    final = outcomes.final_scores(evidence)
    table = exposures(evidence).merge(final[["group", "seed", "task", "value"]], on="group")
    healthy = final[final["group"] == evidence.control][["seed", "task", "value"]].rename(columns={"value": "control"})
    table = table.merge(healthy, on=["seed", "task"], how="left")
    return table.assign(difference=table["value"] - table["control"])


@lru_cache(maxsize=4)
def severity_rows(evidence: Evidence) -> Mapping[tuple[str, str, int], pd.DataFrame]:
    """`exposed_scores` by (disorder, task, step of the onset), where two severities or more were lived, health as dose 0."""
    found = {}
    healthy = outcomes.final_scores(evidence)
    healthy = healthy[healthy["group"] == evidence.control]
    for (disorder, task, _), rows in exposed_scores(evidence).groupby(["disorder", "task", "step"], sort=False):
        if rows["severity"].nunique() < 2 or rows["lasting"].nunique() > 1:
            continue
        zero = healthy[healthy["task"] == task].assign(severity=0.0, difference=0.0)
        same = {name: rows[name].iloc[0] for name in ("disorder", "step", "onset", "lasting")}
        zero = zero.assign(control=zero["value"], **same).reindex(columns=rows.columns)
        united = pd.concat([part.dropna(axis="columns", how="all") for part in (zero, rows) if len(part)])
        found[str(disorder), str(task), int(rows["step"].iloc[0])] = united.reindex(columns=rows.columns).reset_index(
            drop=True
        )
    return found


@lru_cache(maxsize=4)
def severity_fits(evidence: Evidence) -> Mapping[tuple[str, str, int], DoseFit]:
    """Fits to `severity_rows`, by the same keys."""
    return {key: _fit(rows, ["seed"], "severity") for key, rows in severity_rows(evidence).items()}


def ed50s(evidence: Evidence) -> pd.DataFrame:
    """Every ED50 of the record, by source (looks or groups), damage, task, and group or onset; see `DoseFit`."""
    rows = []
    for (probe, task, group), fit in dose_fits(evidence).items():
        rows.append({"source": "looks", "damage": probe, "task": task, "group": group, **told(fit)})
    for (disorder, task, step), fit in severity_fits(evidence).items():
        onset = severity_rows(evidence)[disorder, task, step]["onset"].iloc[0]
        rows.append({"source": "groups", "damage": disorder, "task": task, "onset": onset, **told(fit)})
    columns = ["source", "damage", "task", "group", "onset", "model", "ed50", "ed50_low", "ed50_high", "inside", "note"]
    return pd.DataFrame(rows, columns=columns)


def told(fit: DoseFit) -> dict[str, Any]:
    """A fit as entries of a row."""
    named = {"model": fit.model, "ed50": fit.ed50, "ed50_low": fit.low, "ed50_high": fit.high}
    return {**named, "inside": fit.inside, "note": fit.note}


def _fit(rows: pd.DataFrame, who: list[str], dose: str) -> DoseFit:
    matrix = rows.pivot_table(index=who, columns=dose, values="value", sort=True)
    return fit_dose_response(matrix.columns.to_numpy(dtype=float), matrix.to_numpy(dtype=float))
