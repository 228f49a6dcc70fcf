"""One or several records as one `Cohort`: the rows from which all tables, figures and sentences of a report are made."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from lifespan.errors import RecordError, did_you_mean
from lifespan.randomness import individual_seed
from lifespan.record.changes import differing_tasks
from lifespan.record.declarations import Declared, declared
from lifespan.record.record import MADE, Record
from lifespan.record.seals import Altered, altered, require_tables

INDIVIDUAL = ["group", "individual", "seed"]
"""Columns that name one individual."""

COLUMNS = {
    "measurements": [
        *("study", "group", "individual", "seed", "step", "age"),
        *("stage", "probe", "task", "split", "metric", "value", "n"),
    ],
    "steps": [
        *("study", "group", "individual", "seed", "step", "digest", "parent", "stage", "kind", "status"),
        *("age", "optimizer_steps", "examples", "seconds", "shared"),
        *(*MADE, "evaluated_by"),
    ],
    "participants": ["individual", "group", "seed", "status", "steps", "reason"],
    "contrasts": [
        *("study", "group", "individual", "seed", "other_group", "other_individual", "other_seed", "pairs", "step", "age"),
        *("other_step", "other_age", "probe", "task", "split", "metric", "value", "n"),
    ],
}


@dataclass(frozen=True, eq=False)
class Cohort:
    """One or several records as one: groups by name in study order, tasks by title, and the kinds of rows.

    `declared` says what the probes' metrics mean, by the probe's title in rows; `altered` which files of the records are not
    as they were written.

    Compared by identity. Its tables are for reading: nobody changes them in place.
    """

    title: str
    control: str
    groups: Mapping[str, Mapping[str, Any]]
    tasks: Mapping[str, Mapping[str, Any]]
    measurements: pd.DataFrame
    steps: pd.DataFrame
    participants: pd.DataFrame
    contrasts: pd.DataFrame
    studies: tuple[Mapping[str, Any], ...]
    environments: tuple[Mapping[str, Any], ...]
    directories: tuple[Path, ...]
    declared: Mapping[str, Declared]
    altered: tuple[Altered, ...] = ()

    def timeline(self, group: str) -> list[dict[str, Any]]:
        """The planned steps of a group's life, birth first."""
        return list(self.groups[group].get("timeline", []))

    def primary(self, task: str) -> str:
        """The task's primary metric, or "score" where the record does not say."""
        return next(iter(self.tasks.get(task, {}).get("metrics", [])), "score")

    def positive(self, task: str) -> str:
        """The class that the task's F1, precision, recall or area under the ROC curve is about; empty where there is none."""
        return str(self.tasks.get(task, {}).get("positive", ""))

    def chance(self, task: str) -> float:
        """Primary score of the best constant answer; 0 where the record does not say."""
        return float(self.tasks.get(task, {}).get("chance", {}).get(self.primary(task), 0.0))

    def disputed(self) -> list[str]:
        """Tasks whose metrics or chance level differ between the records."""
        recorded = [(title, task) for study in self.studies for title, task in study.get("tasks", {}).items()]
        facts = ("metrics", "chance")
        differing = [title for title, task in recorded if any(task.get(fact) != self.tasks[title].get(fact) for fact in facts)]
        return list(dict.fromkeys(differing))


def gather(records: Sequence[Record]) -> Cohort:
    """Unite records. With more than one, a group is named "study: group"; the first record's control is the control."""
    if not records:
        raise RecordError("report", "no run directory was given.", "For example: lifespan report runs/first-life.")
    _check_same_data(records)
    for record in records:
        require_tables(record)
    prefixes = _prefixes(records)
    parts = [_part(record, prefix) for record, prefix in zip(records, prefixes, strict=True)]
    groups = {name: group for part in parts for name, group in part["groups"].items()}
    control = prefixes[0] + records[0].control
    return Cohort(
        title=" and ".join(dict.fromkeys(str(record.study.get("name", "unnamed")) for record in records)),
        control=control if control in groups else next(iter(groups), ""),
        groups=groups,
        tasks={title: task for record in records for title, task in record.study.get("tasks", {}).items()},
        studies=tuple(record.study for record in records),
        environments=tuple(record.environment or {} for record in records),
        directories=tuple(Path(record.directory) for record in records),
        declared=_declared(records, parts),
        altered=tuple(one for record in records for one in altered(record)),
        **{kind: pd.concat([part[kind] for part in parts], ignore_index=True) for kind in COLUMNS},
    )


def _check_same_data(records: Sequence[Record]) -> None:
    """Raise where two records read another content under one task's name: individuals of one seed would be no twins."""
    for one, other in itertools.combinations(records, 2):
        apart = differing_tasks(one.study, other.study)
        if apart:
            what = f"read other data than {other.directory}: {'; '.join(apart)}. Individuals of the two are no twins."
            remedy = "Simulate one of them again with the other's data, give the tasks different names, or report them apart."
            raise RecordError(str(one.directory), what, remedy)


def restricted(cohort: Cohort, groups: Sequence[str] = (), control: str | None = None) -> Cohort:
    """The cohort with these groups alone (none named: all), against another control group where one is named.

    The control group always stays. Raises `RecordError` for a name that no group has.
    """
    known = list(cohort.groups)
    for name in (*groups, *([control] if control is not None else [])):
        if name not in known:
            raise RecordError(f"group {name!r}", "is in none of the records.", did_you_mean(name, known))
    chosen = control if control is not None else cohort.control
    kept = {name: group for name, group in cohort.groups.items() if not groups or name in groups or name == chosen}
    tables = {}
    for kind, columns in COLUMNS.items():
        rows = getattr(cohort, kind)
        inside = rows["group"].isin(list(kept))
        tables[kind] = rows[inside & rows["other_group"].isin(list(kept))] if "other_group" in columns else rows[inside]
    return replace(cohort, groups=kept, control=chosen, **tables)


def run_names(studies: Sequence[Mapping[str, Any]], directories: Sequence[Path]) -> list[str]:
    """What each run is called: by its study, or by its directory, numbered where neither tells the runs apart."""
    names = [str(study.get("name", "unnamed")) for study in studies]
    if len(set(names)) < len(names):
        names = [Path(directory).name for directory in directories]
    united = [f"{name}: {group}" for name, study in zip(names, studies, strict=True) for group in study.get("groups", {})]
    if len(set(names)) == len(names) and len(set(united)) == len(united):
        return names
    return [f"{name} ({number})" for number, name in enumerate(names, start=1)]


def _prefixes(records: Sequence[Record]) -> list[str]:
    if len(records) == 1:
        return [""]
    return [f"{name}: " for name in run_names([record.study for record in records], [record.directory for record in records])]


def _part(record: Record, prefix: str) -> dict[str, Any]:
    """One record's groups and rows: groups renamed, participants numbered as in the rows, pending ones added."""
    groups = {prefix + name: group for name, group in record.study.get("groups", {}).items()}
    part: dict[str, Any] = {"groups": groups}
    for kind, columns in COLUMNS.items():
        frame = getattr(record, kind)().reindex(columns=columns)
        named = [name for name in ("group", "other_group") if name in columns]
        part[kind] = frame.assign(**{name: prefix + frame[name].astype(str) for name in named})
    for kind in ("measurements", "contrasts"):
        rows = part[kind]
        texts = [name for name in ("stage", "probe", "task", "split", "metric", "pairs") if name in rows]
        part[kind] = rows.assign(
            value=pd.to_numeric(rows["value"], errors="coerce").replace([np.inf, -np.inf], np.nan),
            **{name: rows[name].fillna("").astype(str) for name in texts},
        )
    people = record.numbered().reindex(columns=COLUMNS["participants"])
    part["participants"] = people.assign(group=prefix + people["group"].astype(str))
    part["participants"] = _everyone(part["participants"], groups, record.study)
    return part


def _declared(records: Sequence[Record], parts: Sequence[Mapping[str, Any]]) -> dict[str, Declared]:
    """What probes declare, in the order in which they first have rows."""
    found: dict[str, Declared] = {}
    for record, part in zip(records, parts, strict=True):
        titles = dict.fromkeys(str(title) for kind in ("measurements", "contrasts") for title in part[kind]["probe"])
        found = {**declared(record.dictionary(), titles), **found}
    return found


def _everyone(known: pd.DataFrame, groups: Mapping[str, Any], study: Mapping[str, Any]) -> pd.DataFrame:
    first = int(study.get("seed", 0))
    seeds = [(number, individual_seed(first, number)) for number in range(int(study.get("individuals", 0)))]
    planned = [
        {"individual": number, "group": group, "seed": seed, "status": "pending", "steps": 0, "reason": ""}
        for group in groups
        for number, seed in seeds
    ]
    rows = [*known.to_dict("records"), *planned]
    frame = pd.DataFrame(rows, columns=COLUMNS["participants"]).drop_duplicates(["group", "individual"], keep="first")
    frame = frame.assign(reason=frame["reason"].fillna(""), status=frame["status"].fillna("pending"))
    return frame.reset_index(drop=True)
