"""Disorders that groups differ in from the control, with dose, onset and course, read from the scenarios."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from lifespan.analysis.cohort import Cohort
from lifespan.contracts.spec import NOT_ARGUMENTS
from lifespan.record.specs import class_recorded

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
                severity = severity_of(_whole(cohort, group, place).get("disorder", disorder))
                rows.append(
                    {
                        **{"group": group, "disorder": class_of(disorder), "severity": severity},
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
    """The severity in a disorder's data; where they leave it out, the class's own default, or else NaN.

    Records that keep specs whole leave nothing out; of older ones the class is asked, where it can still be found.

    >>> severity_of({"class": "lifespan:WeightNoise", "severity": 0.25}), severity_of({"class": "lifespan:UnstableOptimizer"})
    (0.25, 0.5)
    """
    severity = disorder.get("severity", default_severity(disorder)) if isinstance(disorder, Mapping) else None
    return float(severity) if isinstance(severity, int | float) else float("nan")


def default_severity(disorder: Any) -> Any:
    """The default severity of the class that wrote this data, where that class has one and can be found; or else None."""
    return getattr(class_recorded(disorder), "severity", None)


def events_of(cohort: Cohort, group: str, form: str = "scenario") -> list[Any]:
    """A group's events as data, probes left out; in the form "whole" with every argument, where the record has that."""
    scenario = cohort.groups.get(group, {}).get(form) or {}
    return [event for event in scenario.get("events", []) if class_of(event) != "Probe"]


def _whole(cohort: Cohort, group: str, place: int) -> Mapping[str, Any]:
    """The event at a place of a group's life with every argument; empty where the record does not have that."""
    events = events_of(cohort, group, "whole")
    return events[place] if place < len(events) and isinstance(events[place], Mapping) else {}


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
