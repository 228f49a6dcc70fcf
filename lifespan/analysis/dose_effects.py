"""Doses and what they cost: damage of rising dose that is tried and undone, and groups that differ by one disorder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from lifespan.analysis.cohort import INDIVIDUAL, Cohort
from lifespan.stats.dose_response import DoseFit, fit_dose_response


def dose_curves(cohort: Cohort) -> pd.DataFrame:
    """Primary scores by dose of damage that is tried and undone, at the last evaluation of each individual.

    Columns: group, individual, seed, probe, task, step, dose (of the probe; 0 is health), value.
    """
    rows = cohort.measurements
    rows = rows[rows["probe"].str.startswith(("Response to ", "Pruned by "))].dropna(subset=["value"])
    columns = [*INDIVIDUAL, "probe", "task", "step", "dose", "value"]
    if rows.empty:
        return pd.DataFrame(columns=columns)
    rows = rows[rows["step"] == rows.groupby([*INDIVIDUAL, "probe", "task"])["step"].transform("max")]
    metric, dose = (rows["metric"].map(lambda name, place=place: name.partition("@")[place]) for place in (0, 2))
    rows = rows.assign(dose=pd.to_numeric(dose, errors="coerce"))
    rows = rows[metric == rows["task"].map(cohort.primary)].dropna(subset=["dose"])
    return rows[columns].sort_values(["probe", "task"], kind="stable").reset_index(drop=True)


def dose_fits(curves: pd.DataFrame, groups: Sequence[str]) -> dict[tuple[str, str, str], DoseFit]:
    """Fits to `dose_curves` by (probe, task, group), for these groups."""
    keyed = curves[curves["group"].isin(groups)].groupby(["probe", "task", "group"], sort=False)
    return {_texts(key): _fit(rows, INDIVIDUAL, "dose") for key, rows in keyed}


def exposed_scores(cohort: Cohort, exposures: pd.DataFrame, final: pd.DataFrame) -> pd.DataFrame:
    """Final scores of groups that differ from the control by one disorder alone, with those of their control twins.

    Columns: disorder, severity, step, onset, lasting (see `single_exposures`), group, seed, task, value, control, difference.
    """
    table = exposures.merge(final[["group", "seed", "task", "value"]], on="group")
    healthy = final[final["group"] == cohort.control][["seed", "task", "value"]].rename(columns={"value": "control"})
    table = table.merge(healthy, on=["seed", "task"], how="left")
    return table.assign(difference=table["value"] - table["control"])


def severity_rows(cohort: Cohort, exposed: pd.DataFrame, final: pd.DataFrame) -> dict[tuple[str, str, int], pd.DataFrame]:
    """`exposed_scores` by (disorder, task, step of the onset), where two severities or more were lived, health as dose 0."""
    tables = {}
    healthy = final[final["group"] == cohort.control]
    for (disorder, task, _), rows in exposed.groupby(["disorder", "task", "step"], sort=False):
        if rows["severity"].nunique() < 2 or rows["lasting"].nunique() > 1:
            continue
        zero = healthy[healthy["task"] == task].assign(severity=0.0, difference=0.0)
        same = {name: rows[name].iloc[0] for name in ("disorder", "step", "onset", "lasting")}
        zero = zero.assign(control=zero["value"], **same).reindex(columns=rows.columns)
        united = pd.concat([part.dropna(axis="columns", how="all") for part in (zero, rows) if len(part)])
        key = (str(disorder), str(task), int(rows["step"].iloc[0]))
        tables[key] = united.reindex(columns=rows.columns).reset_index(drop=True)
    return tables


def severity_fits(tables: Mapping[tuple[str, str, int], pd.DataFrame]) -> dict[tuple[str, str, int], DoseFit]:
    """Fits to `severity_rows`, by the same keys."""
    return {key: _fit(rows, ["seed"], "severity") for key, rows in tables.items()}


def ed50s(
    dose_fits: Mapping[tuple[str, str, str], DoseFit],
    severity_fits: Mapping[tuple[str, str, int], DoseFit],
    severity_rows: Mapping[tuple[str, str, int], pd.DataFrame],
) -> pd.DataFrame:
    """Every ED50 of the record; see `DoseFit`.

    Columns: source ("looks": damage that is tried and undone; "groups": a disorder that was lived with), damage, task, group
    or onset, model, ed50 with ed50_low and ed50_high, inside, note.
    """
    rows = []
    for (probe, task, group), fit in dose_fits.items():
        rows.append({"source": "looks", "damage": probe, "task": task, "group": group, **fit_entries(fit)})
    for (disorder, task, step), fit in severity_fits.items():
        onset = severity_rows[disorder, task, step]["onset"].iloc[0]
        rows.append({"source": "groups", "damage": disorder, "task": task, "onset": onset, **fit_entries(fit)})
    columns = ["source", "damage", "task", "group", "onset", "model", "ed50", "ed50_low", "ed50_high", "inside", "note"]
    return pd.DataFrame(rows, columns=columns)


def fit_entries(fit: DoseFit) -> dict[str, Any]:
    """A fit as entries of a row."""
    named = {"model": fit.model, "ed50": fit.ed50, "ed50_low": fit.low, "ed50_high": fit.high}
    return {**named, "inside": fit.inside, "note": fit.note}


def _texts(key: Any) -> tuple[str, str, str]:
    probe, task, group = key
    return str(probe), str(task), str(group)


def _fit(rows: pd.DataFrame, index: list[str], dose: str) -> DoseFit:
    matrix = rows.pivot_table(index=index, columns=dose, values="value", sort=True)
    return fit_dose_response(matrix.columns.to_numpy(dtype=float), matrix.to_numpy(dtype=float))
