"""The steps that were lived, each as the Python that wrote it, with its cost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from lifespan.analysis.cohort import Cohort
from lifespan.analysis.exposures import class_of, default_severity, events_of
from lifespan.contracts.spec import NOT_ARGUMENTS

_INVISIBLE = NOT_ARGUMENTS


def describe(data: Any, whole: Any = None) -> str:
    """A spec's data as the Python that wrote it.

    Data leaves out what equals its default; the severity of a disorder is written even so, from `whole`, the same spec with
    every argument, where the record has it.

    >>> describe({"class": "lifespan:Masks", "revision": 1, "sparsity": 0.05})
    'Masks(sparsity=0.05)'
    >>> describe({"class": "lifespan:UnstableOptimizer", "revision": 1})
    'UnstableOptimizer(severity=0.5)'
    """
    if isinstance(data, Mapping):
        name = class_of(data)
        known = whole if isinstance(whole, Mapping) else {}
        severity = known.get("severity", default_severity(data))
        entries = {"severity": severity, **data} if isinstance(severity, float) else data
        shown = [f"{key}={describe(value, known.get(key))}" for key, value in entries.items() if key not in _INVISIBLE]
        return f"{name}({', '.join(shown)})"
    if isinstance(data, list):
        return f"({', '.join(describe(value) for value in data)})"
    return f"{data:.4g}" if isinstance(data, float) else repr(data)


def steps_lived(cohort: Cohort) -> pd.DataFrame:
    """One row per group and step: what it was, who lived it, and what it cost.

    Columns: group, step, stage, event, lived (individuals), optimizer_steps, examples, seconds (medians; time over the
    individuals that lived the step themselves rather than sharing it).
    """
    rows = []
    for group in cohort.groups:
        scenario = cohort.groups[group].get("scenario", {})
        events = [scenario.get("subject", {}), *events_of(cohort, group)]
        whole = [None, *events_of(cohort, group, "whole")]
        lived = cohort.steps[(cohort.steps["group"] == group) & (cohort.steps["status"] == "done")]
        for step in sorted(lived["step"].astype(int).unique().tolist()):
            part = lived[lived["step"] == step]
            own = part[~part["shared"].astype("boolean").fillna(False).astype(bool)]
            rows.append(
                {
                    **{"group": group, "step": step, "stage": part["stage"].iloc[0]},
                    "event": describe(events[step], whole[step] if step < len(whole) else None) if step < len(events) else "",
                    "lived": part["individual"].nunique(),
                    **{name: _median(part[name]) for name in ("optimizer_steps", "examples")},
                    "seconds": _median((own if len(own) else part)["seconds"]),
                }
            )
    columns = ["group", "step", "stage", "event", "lived", "optimizer_steps", "examples", "seconds"]
    return pd.DataFrame(rows, columns=columns)


def _median(values: pd.Series) -> float:
    known = pd.to_numeric(values, errors="coerce").dropna()
    return float(known.median()) if len(known) else 0.0
