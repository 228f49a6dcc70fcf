"""Disorders that groups differ in from the control, with dose, onset and course, read from the scenarios."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

import lifespan
from lifespan.analysis.cohort import Cohort
from lifespan.contracts.spec import NOT_ARGUMENTS

COLUMNS = ["group", "disorder", "severity", "step", "onset", "lasting"]


def single_exposures(cohort: Cohort) -> pd.DataFrame:
    """Groups whose life is the control's with one disorder more.

    Columns: group; disorder, the class's name, with its settings where groups differ in them; severity in [0, 1]; step, the
    position in life of the disorder; onset, the mean age at which it struck, in optimizer steps (NaN where nobody has come
    so far); lasting, the events that it stays for, or NaN where the scenario does not limit it. Groups that differ from the
    control in anything else have no row.
    """
    healthy = events_of(cohort, cohort.control)
    rows = []
    for group in cohort.groups:
        if _subject(cohort, group) != _subject(cohort, cohort.control):
            continue
        events = events_of(cohort, group)
        for place, event in enumerate(events):
            if class_of(event) == "Suffer" and events[:place] + events[place + 1 :] == healthy:
                disorder = event.get("disorder", {})
                rows.append(
                    {
                        **{"group": group, "disorder": class_of(disorder), "severity": severity_of(disorder)},
                        "settings": _settings(disorder),
                        **{"step": place + 1, "onset": _age(cohort, group, place)},
                        "lasting": event.get("lasting"),
                    }
                )
                break
    table = pd.DataFrame(rows, columns=[*COLUMNS, "settings"])
    several = table.groupby("disorder")["settings"].transform("nunique") > 1
    table["disorder"] = table["disorder"].where(~several, table["disorder"] + "(" + table["settings"] + ")")
    return table[COLUMNS].astype({"severity": float, "onset": float, "lasting": float})


def class_of(data: Any) -> str:
    """The class's name in a spec's data.

    >>> class_of({"class": "lifespan:WeightNoise", "severity": 0.25})
    'WeightNoise'
    """
    return str(data.get("class", "")).rpartition(":")[2] if isinstance(data, Mapping) else ""


def severity_of(disorder: Any) -> float:
    """The severity in a disorder's data, which leaves it out where it is the class's own default; NaN where none is known.

    >>> severity_of({"class": "lifespan:WeightNoise", "severity": 0.25}), severity_of({"class": "lifespan:UnstableOptimizer"})
    (0.25, 0.5)
    """
    default = getattr(getattr(lifespan, class_of(disorder), None), "severity", float("nan"))
    severity = disorder.get("severity", default) if isinstance(disorder, Mapping) else default
    return float(severity) if isinstance(severity, int | float) else float("nan")


def events_of(cohort: Cohort, group: str) -> list[Any]:
    """A group's events as data, probes left out."""
    scenario = cohort.groups.get(group, {}).get("scenario", {})
    return [event for event in scenario.get("events", []) if class_of(event) != "Probe"]


def _subject(cohort: Cohort, group: str) -> Any:
    return cohort.groups.get(group, {}).get("scenario", {}).get("subject")


def _settings(disorder: Any) -> str:
    """What was set of a disorder beside its severity.

    >>> _settings({"class": "lifespan:HeadLoss", "revision": 1, "severity": 0.5, "by": "random"})
    "by='random'"
    """
    apart = (*NOT_ARGUMENTS, "severity")
    return ", ".join(f"{name}={value!r}" for name, value in disorder.items() if name not in apart)


def _age(cohort: Cohort, group: str, step: int) -> float:
    """Mean age at the end of a step of a group's life."""
    rows = cohort.steps
    return float(rows[(rows["group"] == group) & (rows["step"] == step)]["age"].mean())
