"""An analysis seen through some of its tasks: the same numbers, without the rows of other tasks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

import pandas as pd

from lifespan.analysis.analysis import Analysis
from lifespan.errors import RecordError, did_you_mean

BY_TASK = {"task_controls": None, "severity_rows": 1, "severity_fits": 1, "dose_fits": 1, "item_draws": 0}
"""Tables that are dictionaries, and where in their keys the task stands (None: the key is the task)."""


def some_tasks(analysis: Analysis, tasks: Sequence[str]) -> Analysis:
    """The analysis with these tasks alone; rows that concern no task stay. None named: the analysis itself.

    Nothing is computed anew: controls, highlighted groups and adjusted p values are those of all tasks. Raises `RecordError`
    for a task that the records do not have.
    """
    known = list(analysis.cohort.tasks)
    for task in tasks:
        if task not in known:
            raise RecordError(f"task {task!r}", "is in none of the records.", did_you_mean(task, known))
    return cast("Analysis", _SomeTasks(analysis, tasks)) if tasks else analysis


class _SomeTasks:
    """Reads like the `Analysis` that it was made of."""

    def __init__(self, whole: Analysis, tasks: Sequence[str]) -> None:
        cohort = whole.cohort
        kept = {title: task for title, task in cohort.tasks.items() if title in tasks}
        rows, pairs = _of(cohort.measurements, tasks), _of(cohort.contrasts, tasks)
        self.cohort = replace(cohort, tasks=kept, measurements=rows, contrasts=pairs)
        self._whole, self._tasks = whole, tasks

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._whole, name)
        if name in BY_TASK:
            return _with_keys(found, BY_TASK[name], self._tasks)
        return _of(found, self._tasks) if isinstance(found, pd.DataFrame) else found


def _of(table: pd.DataFrame, tasks: Sequence[str]) -> pd.DataFrame:
    """Rows of these tasks and of none, where a table says which task a row is of."""
    return table[table["task"].isin([*tasks, ""])].reset_index(drop=True) if "task" in table else table


def _with_keys(table: Mapping[Any, Any], place: int | None, tasks: Sequence[str]) -> dict[Any, Any]:
    return {key: value for key, value in table.items() if (key if place is None else key[place]) in tasks}
