"""Records for the trackers that a laboratory uses already, all without a network.

One run for each individual; a point's step is its age in optimizer steps, its name `<probe>/<task>/<metric>`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from lifespan.record.record import Record
from lifespan.record.trackers import Point, Tracker, tracker_class
from lifespan.record.trackers._tracker import tag
from lifespan.record.trackers.process import TrackerProcess

APART = ("wandb", "trackio")
"""Trackers that take over threads, output and settings of the process that they work in, and so get one of their own."""


def log(record: Record, to: str, out: Path) -> int:
    """Write a record for a tracker of `trackers.TRACKERS`, below the folder `out`.

    Returns the number of values written; values that do not exist are left out. Raises `ScenarioError` for another `to` and
    where the package is missing, `RecordError` where this record was logged there already or the tracker fails.
    """
    kind = tracker_class(to)
    study = str(record.study.get("name", "study"))
    tracker: Tracker | TrackerProcess = TrackerProcess(to, study, out) if to in APART else kind(study, out)
    written = 0
    try:
        for name, facts, values in _lives(record):
            tracker.begin(name, facts)
            points = zip(values["name"], values["age"], values["value"], strict=True)
            tracker.add(name, [Point(str(what), int(age), float(value)) for what, age, value in points])
            tracker.end(name, facts)
            written += len(values)
    finally:
        tracker.close()
    return written


def _lives(record: Record) -> Iterator[tuple[str, dict[str, Any], pd.DataFrame]]:
    """(name, its facts, its values as name, age and value) of each individual."""
    rows = record.measurements().dropna(subset=["value", "age"])
    rows = rows.assign(name=[tag(*parts) for parts in zip(rows["probe"], rows["task"], rows["metric"], strict=True)])
    for (_, person), number in zip(record.participants().iterrows(), record.numbered()["individual"], strict=True):
        own = rows[(rows["group"] == person["group"]) & (rows["individual"] == number)]
        facts: dict[str, Any] = {name: str(person[name]) for name in ("group", "status", "reason")}
        facts |= {name: int(person[name]) for name in ("seed", "steps")}
        facts |= {"study": record.study.get("name", ""), "precision": record.study.get("precision", "")}
        yield str(person["individual"]), facts, own[["name", "age", "value"]]
