"""Which group is the control on which task, where the control group did not learn every task of the study.

A study may have a group for every task: "weights cola", "masks cola", "weights rte", ... The control of the study learned one
of them; on another task, the control is the group that lives the control's very life with that task in its place.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import takewhile
from typing import Any

import pandas as pd

from lifespan.analysis.cohort import Cohort
from lifespan.analysis.timelines import first_learned
from lifespan.contracts.spec import digest_of

OF_TASKS = ("task", "also", "tasks")
"""Arguments that hold tasks."""


def task_controls(cohort: Cohort, scores: pd.DataFrame) -> dict[str, str]:
    """The control group on each task: the study's where it learned it, else the group of its life with that task.

    A task that neither learned has no entry: nothing is compared on it. Of several such groups the study's order decides.
    `scores`, with columns task and group, count where a record does not say what was learned.
    """
    scored = _tasks_of(cohort, scores)
    life = life_without_tasks(cohort, cohort.control)
    found = {}
    for task in cohort.tasks:
        others = [group for group in cohort.groups if life_without_tasks(cohort, group) == life]
        chosen = [group for group in (cohort.control, *others) if task in scored.get(group, ())]
        if chosen:
            found[task] = chosen[0]
    return found


def arms(cohort: Cohort, scores: pd.DataFrame) -> dict[str, tuple[str, ...]]:
    """Groups that live one life on different tasks, by a name that they share; {} where the control learned all tasks.

    A group without such companions is an arm of its own. Over all tasks, arms can be compared where groups cannot: each of
    these has scores on its own task only.
    """
    scored = _tasks_of(cohort, scores)
    if set(cohort.tasks) <= set(scored.get(cohort.control, ())):
        return {}
    lives: dict[str, list[str]] = {}
    for group in (group for group in cohort.groups if group in scored):
        lives.setdefault(life_without_tasks(cohort, group), []).append(group)
    united = {}
    for groups in lives.values():
        tasks = [task for group in groups for task in scored[group]]
        # Groups that were scored on one task both are no parts of one arm.
        for name, part in [(_shared_name(groups), groups)] if len(set(tasks)) == len(tasks) else [(g, [g]) for g in groups]:
            united[name if name and name not in united else part[0]] = tuple(part)
    return united


def life_without_tasks(cohort: Cohort, group: str) -> str:
    """Digest of a group's scenario whatever the tasks in it, and its name."""
    scenario = cohort.groups.get(group, {}).get("scenario") or {}
    known = [task.get("spec") for task in cohort.tasks.values() if task.get("spec")]
    return digest_of(_blank({name: part for name, part in scenario.items() if name != "name"}, known))


def _blank(value: Any, known: list[Any]) -> Any:
    if value in known:
        return "a task"
    if isinstance(value, Mapping):
        return {name: _number(part) if name in OF_TASKS else _blank(part, known) for name, part in value.items()}
    return [_blank(part, known) for part in value] if isinstance(value, list) else value


def _number(tasks: Any) -> int:
    return len(tasks) if isinstance(tasks, list) else 1


def _tasks_of(cohort: Cohort, scores: pd.DataFrame) -> dict[str, list[str]]:
    """Tasks that each group learns by its plan, or was scored on."""
    scored = scores.groupby("group", sort=False)["task"].unique().to_dict()
    found = {group: [*first_learned(cohort, group), *scored.get(group, ())] for group in cohort.groups}
    return {group: list(dict.fromkeys(tasks)) for group, tasks in found.items() if tasks}


def _shared_name(groups: Iterable[str]) -> str:
    """What names have in common at their beginning, or else at their end, as whole words.

    >>> _shared_name(["masks cola", "masks rte"]), _shared_name(["cola, by masks", "rte, by masks"]), _shared_name(["a"])
    ('masks', 'by masks', 'a')
    """
    names = list(groups)
    if len(names) == 1:
        return names[0]
    first = _words([name.split(" ") for name in names])
    last = _words([name.split(" ")[::-1] for name in names])[::-1]
    return " ".join(first or last).strip(" ,:-")


def _words(names: list[list[str]]) -> list[str]:
    return [words[0] for words in takewhile(lambda words: len(set(words)) == 1, zip(*names, strict=False))]
