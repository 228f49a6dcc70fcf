"""What differs between the runs of one analysis: settings of the study and its lives, `--set`, versions and hardware."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from lifespan.analysis.cohort import Cohort, run_names

STUDY = ("name", "control", "individuals", "seed", "precision", "threads")
ENVIRONMENT = (
    *("lifespan", "python", "torch", "transformers", "tokenizers", "datasets", "numpy", "scipy"),
    *("platform", "cpu", "cores", "device", "gpu", "git"),
)
EVERY_GROUP = "every group"

Settings = dict[tuple[str, str], str]
"""Values as text, by (part, setting)."""


def run_settings(cohort: Cohort) -> pd.DataFrame:
    """A row for each setting that is not the same in all runs: `part`, `setting`, and a column for each run.

    Parts are "study", "--set", "environment", "groups" (who has which), and for settings of lives the group, or "every group"
    where all groups that the runs share say the same. A life's events are told apart by kind and count: "Learn 2: by.rate".
    An empty cell: the run has no such setting.
    """
    names = run_names(cohort.studies, cohort.directories)
    runs = [_settings(study, made) for study, made in zip(cohort.studies, cohort.environments, strict=True)]
    keys = list(dict.fromkeys(key for run in runs for key in run))
    differing = [key for key in keys if _differs(key[1], {run.get(key, "") for run in runs})]
    rows = [[*key, *(run.get(key, "") for run in runs)] for key in differing]
    shared = set.intersection(*(set(study.get("groups", {})) for study in cohort.studies)) if cohort.studies else set()
    return pd.DataFrame(_united(rows, shared), columns=["part", "setting", *names])


def run_scores(cohort: Cohort, final_means: pd.DataFrame) -> pd.DataFrame:
    """Final primary scores: `task`, `group` by its own name, `run`, and the `mean`, `low`, `high`, `n` of `final_means`."""
    owner = {
        prefixed: (run, group)
        for run, study in zip(run_names(cohort.studies, cohort.directories), cohort.studies, strict=True)
        for group in study.get("groups", {})
        if (prefixed := f"{run}: {group}") in cohort.groups
    }
    found = final_means[final_means["group"].isin(list(owner))]
    runs = [owner[group][0] for group in found["group"]]
    own = [owner[group][1] for group in found["group"]]
    return found.assign(run=runs, group=own)[["task", "group", "run", "mean", "low", "high", "n"]]


def _settings(study: Mapping[str, Any], environment: Mapping[str, Any]) -> Settings:
    """All settings of one run."""
    found = {("study", name): _text(study.get(name)) for name in STUDY}
    found |= {("--set", name): value for name, value in _rebound(study.get("command") or ())}
    found |= {("environment", name): _text(environment.get(name)) for name in ENVIRONMENT}
    found["environment", "started"] = _text(environment.get("started"))[: len("2026-01-31T23:59")]
    for group, entry in study.get("groups", {}).items():
        found["groups", group] = "yes"
        scenario = entry.get("whole") or entry.get("scenario") or {}
        found |= {(f"group {group}", setting): value for setting, value in _of_a_life(scenario)}
    return found


def _differs(setting: str, values: set[str]) -> bool:
    """Whether values differ; that a class which only some runs have has a revision there says nothing."""
    return len(values - {""} if setting.endswith("revision") else values) > 1


def _rebound(command: Sequence[Any]) -> Iterator[tuple[str, str]]:
    """(name, value) of each `--set NAME=VALUE` of a command.

    >>> list(_rebound([]))
    []
    >>> list(_rebound(["lifespan", "simulate", "x", "--set", "A=1", "--set=B=2=3"]))
    [('A', '1'), ('B', '2=3')]
    """
    words = [str(word) for word in command]
    for word, after in itertools.pairwise([*words, ""]):
        given = after if word == "--set" else word.removeprefix("--set=") if word.startswith("--set=") else ""
        name, equals, value = given.partition("=")
        if equals:
            yield name, value


def _of_a_life(scenario: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """(setting, value) of everything that a scenario says of itself, its name left out."""
    for name, value in scenario.items():
        if name == "events" and isinstance(value, list):
            counts: Counter[str] = Counter()
            for event in value:
                kind = _kind(event)
                counts[kind] += 1
                yield f"{kind} {counts[kind]}", "yes"
                yield from _flat(event, f"{kind} {counts[kind]}: ")
        elif name != "name":
            yield from _flat(value, name)


def _flat(value: Any, path: str) -> Iterator[tuple[str, str]]:
    """(path, text) of every plain value inside a spec's data.

    >>> list(_flat({"class": "lifespan:Masks", "rate": 0.1, "layers": [1, 2]}, "by"))
    [('by', 'Masks'), ('by.rate', '0.1'), ('by.layers', '1, 2')]
    """
    if isinstance(value, Mapping):
        if "class" in value and not path.endswith(": "):
            yield path, _kind(value)
        for name, inner in value.items():
            if name != "class":
                yield from _flat(inner, f"{path}{'' if path.endswith(': ') else '.'}{name}")
    elif isinstance(value, list) and any(isinstance(inner, Mapping | list) for inner in value):
        for number, inner in enumerate(value, 1):
            yield from _flat(inner, f"{path} {number}")
    else:
        yield path, _text(value)


def _kind(value: Any) -> str:
    """The class of a spec's data, without its package."""
    return str(value.get("class", "?")).rpartition(":")[2] if isinstance(value, Mapping) else "?"


def _text(value: Any) -> str:
    if value is None:
        return ""
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _united(rows: list[list[str]], shared: set[str]) -> list[list[str]]:
    """The rows, those that say the same of every shared group as one; groups that are not shared are left out."""
    of_lives = {f"group {name}" for name in shared}
    alike = Counter((setting, *values) for part, setting, *values in rows if part in of_lives)
    found: dict[tuple[str, ...], None] = {}
    for part, setting, *values in rows:
        if part.startswith("group ") and part not in of_lives:
            continue
        everywhere = part in of_lives and len(shared) > 1 and alike[(setting, *values)] == len(shared)
        found[(EVERY_GROUP if everywhere else part, setting, *values)] = None
    return [list(row) for row in found]
