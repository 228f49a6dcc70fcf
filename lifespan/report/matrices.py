"""Tables of the page with a row for each group: final scores by task, and continual-learning metrics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from lifespan.analysis.analysis import Analysis
from lifespan.report.formatting import bounds, number
from lifespan.report.labels import NORMALISED, metric_label, primary_label

SEQUENCE = ("acc", "bwt", "fwt", "forgetting_max", "forgetting_last", "intransigence")
"""The field's metrics of a sequence of tasks, in the order in which the table has them."""


@dataclass(frozen=True)
class Cell:
    """A mean with its interval as the page shows them, the individuals behind it, and what else is to be known."""

    mean: str
    interval: str
    n: str
    note: str


@dataclass(frozen=True)
class Matrix:
    """Groups by columns: `columns` are (name, what its numbers are), `rows` a group's name and its cells, None where empty.

    `n` is the number of individuals behind every cell, or empty where they differ: then each cell says its own.
    """

    columns: tuple[tuple[str, str], ...]
    rows: tuple[tuple[str, tuple[Cell | None, ...]], ...]
    n: str


def final_matrix(analysis: Analysis) -> Matrix:
    """Mean final primary score of each group on each task."""
    table, lost = analysis.final_means, analysis.statuses.set_index("group")[["failed", "diverged", "pending"]].sum(axis=1)
    tasks = [task for task in analysis.cohort.tasks if task in set(table["task"])]
    notes = {group: f"{count} lost" for group, count in lost.items() if count}
    rows = {(row["group"], row["task"]): row for _, row in table.iterrows()}
    columns = [(task, primary_label(analysis.cohort, task)) for task in tasks]
    return _matrix(list(analysis.cohort.groups), tasks, columns, rows, notes)


def sequence_matrix(analysis: Analysis) -> Matrix:
    """ACC, BWT, FWT, forgetting and intransigence of each group: chance-normalised, and as published where those exist."""
    table = analysis.memory_means
    table = table[table["task"] == ""]
    known = [name for name in (*(f"{metric}{NORMALISED}" for metric in SEQUENCE), *SEQUENCE) if name in set(table["metric"])]
    rows = {(row["group"], row["metric"]): row for _, row in table.iterrows()}
    scales = {True: "chance-normalised", False: "as published"}
    columns = [(metric_label(name.removesuffix(NORMALISED)), scales[name.endswith(NORMALISED)]) for name in known]
    groups = [group for group in analysis.cohort.groups if any((group, name) in rows for name in known)]
    return _matrix(groups, known, columns, rows, {})


def _matrix(
    groups: Sequence[str],
    names: Sequence[str],
    columns: Sequence[tuple[str, str]],
    rows: Mapping[tuple[Any, Any], pd.Series],
    notes: Mapping[Any, str],
) -> Matrix:
    cells = {key: _cell(row, notes.get(key[0], "")) for key, row in rows.items() if key[1] in names}
    counts = {cell.n for cell in cells.values()}
    shown = tuple((group, tuple(cells.get((group, name)) for name in names)) for group in groups)
    return Matrix(tuple(columns), shown, counts.pop() if len(counts) == 1 else "")


def _cell(row: pd.Series, note: str) -> Cell:
    parts = [str(row["note"] or ""), note, f"last measured after {row['stage']}" if row.get("stage") else ""]
    return Cell(number(row["mean"]), bounds(row, "[{}, {}]"), str(row["n"]), "; ".join(filter(None, parts)))
