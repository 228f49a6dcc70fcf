"""From the files of a task of one's own to class names and splits."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from lifespan.contracts import Examples
from lifespan.errors import DataError
from lifespan.stats.metrics import OF_TWO_CLASSES
from lifespan.tasks._columns import whole
from lifespan.tasks._holdout import held_out_rows
from lifespan.tasks._table_files import Format, inner_splits, read_place, validation_of
from lifespan.tasks.reading import Table, as_written

if TYPE_CHECKING:
    from lifespan.tasks.table import TableTask

UNDIVIDED = "all"
"""The split of all rows of a file that is not divided by its author."""
WHOLE_NUMBER = re.compile(r"[+-]?\d+(\.0*)?")


@dataclass(frozen=True)
class Content:
    """What a task's files hold: class names, rows by split, columns beside the rows, and how the files were read."""

    names: tuple[str, ...]
    splits: Mapping[str, Examples]
    beside: Mapping[str, Mapping[str, list[str]]]
    facts: Mapping[str, Any]


def content_of_task(task: TableTask) -> Content:
    """Class names and every split, at once: a mistake in any file shows before learning starts."""
    tables, facts = _tables(task)
    names = _class_names(task, tables["train"]) if task.kind == "classes" else ()
    binary = [metric for metric in task.metrics if metric in OF_TWO_CLASSES]
    if binary and len(names) != 2:
        what = f"has {len(names)} classes ({', '.join(names)}), but {binary[0]} needs exactly two."
        raise DataError(tables["train"].where, what, "Choose other metrics with scored_by=, such as macro_f1.")
    splits = {split: _examples(task, table, names) for split, table in tables.items()}
    beside = {split: _beside(task, table) for split, table in tables.items()}
    _refuse_the_training_rows(splits, tables)
    if "dev" not in splits:
        _hold_out(task, splits, beside, tables["train"])
    return Content(names, splits, beside, facts)


def _tables(task: TableTask) -> tuple[dict[str, Table], dict[str, Any]]:
    form = Format(task.encoding, task.delimiter, task.quoted, task.columns)
    validation = validation_of(task.path)
    found = {"train": read_place(task.path, "train", form)}
    if task.dev is not None:
        found["dev"] = read_place(task.dev, validation or "validation", form)
    elif validation:
        found["dev"] = read_place(task.path, validation, form)
    if task.test is not None:
        found["test"] = read_place(task.test, "test", form)
    facts: dict[str, Any] = {split: dict(table.facts) for split, table in found.items() if table.facts}
    known = _given_names(task, found["train"])
    if task.test is None and "test" in inner_splits(task.path):
        hidden = read_place(task.path, "test", form)
        if task.label not in hidden.columns or len(_unlabelled(task, hidden, known)) == len(hidden):
            facts["test"] = {"left_out": "has no labels"}
        else:
            found["test"] = hidden
    for split, table in found.items():
        without = _unlabelled(task, table, known)
        if len(without) and task.unlabelled == "drop":
            found[split] = table.kept(np.setdiff1d(np.arange(len(table)), without).tolist())
            facts.setdefault(split, {})["dropped_without_label"] = len(without)
    return found, facts


def _given_names(task: TableTask, table: Table) -> tuple[str, ...]:
    """Class names that are known before any row is read."""
    if isinstance(task.classes, Mapping):
        return (*map(str, task.classes), *task.classes.values())
    return task.classes if task.classes is not None else table.classes.get(task.label, ())


def _unlabelled(task: TableTask, table: Table, known: Sequence[str]) -> np.ndarray:
    """Positions of rows without a label: an empty one; "-" or -1 where no class is called so."""
    marks = {"", "-"} if task.kind == "classes" else {""}
    marks |= {"-1"} if known else set()
    missing = marks - set(known)
    return np.array([i for i, value in enumerate(table.values(task.label)) if as_written(value) in missing], dtype=np.int64)


def _class_names(task: TableTask, table: Table) -> tuple[str, ...]:
    if isinstance(task.classes, Mapping):
        return tuple(dict.fromkeys(task.classes.values()))
    if task.classes is not None:
        return task.classes
    if task.label in table.classes:
        return table.classes[task.label]
    written = [as_written(value) for value in table.values(task.label)]
    for index, label in enumerate(written):
        if label == "":
            _refuse_no_label(task, table, index)
    names = set(written)
    if all(WHOLE_NUMBER.fullmatch(name) for name in names):
        names = {whole(name) for name in names}
    for index, label in enumerate(written):
        if re.fullmatch(r"-?\d*\.\d+", label) and whole(label) == label:
            what = f"{task.label!r} is {label}, a number with a fraction, which names no class."
            raise DataError(table.at(index), what, "Write kind='score', or name the classes.")
    if len(names) < 2:
        raise DataError(table.where, f"{task.label!r} has {len(names)} class; learning needs at least two.")
    numbers = all(re.fullmatch(r"[+-]?\d+", name) for name in names)
    return tuple(sorted(names, key=int)) if numbers else tuple(sorted(names))


def _refuse_no_label(task: TableTask, table: Table, index: int) -> None:
    what = f"{task.label!r} is {as_written(table.values(task.label)[index]) or 'empty'}: the row has no label."
    raise DataError(table.at(index), what, "Only labelled rows work: fill it in, or write unlabelled='drop'.")


def _examples(task: TableTask, table: Table, names: tuple[str, ...]) -> Examples:
    first = table.texts(task.first)
    second = None if task.second is None else table.texts(task.second)
    if task.kind == "score":
        return Examples(first, second, table.numbers(task.label, *task.scores))
    without = _unlabelled(task, table, names)
    if len(without) and as_written(table.values(task.label)[int(without[0])]) not in names:
        _refuse_no_label(task, table, int(without[0]))
    return Examples(first, second, table.codes(task.label, _coding(task, table, names)))


def _coding(task: TableTask, table: Table, names: tuple[str, ...]) -> dict[str, int]:
    """Class indices by the label as written."""
    coding = {name: index for index, name in enumerate(names)}
    if isinstance(task.classes, Mapping):
        given = {whole(str(label).strip()): coding[name] for label, name in task.classes.items()}
        coding = {**coding, **given}
    for name, index in list(coding.items()):
        coding.setdefault(whole(name), index)
    for index, name in enumerate(table.classes.get(task.label, ())):
        # A ClassLabel column stores indices, in its own order.
        if name in coding:
            coding.setdefault(str(index), coding[name])
    if isinstance(task.classes, tuple) and task.label not in table.classes:
        written = {whole(as_written(value)) for value in table.values(task.label)}
        numbers = {str(index): index for index in range(len(names))}
        if written and written <= set(numbers) and not written & set(coding):
            return {**coding, **numbers}
    return coding


def _beside(task: TableTask, table: Table) -> dict[str, list[str]]:
    """The columns that say to which group, part or edited pair a row belongs."""
    named = {name for name in (task.group, task.parts, task.pair_id) if name is not None}
    return {name: [as_written(value) for value in table.values(name)] for name in named if name in table.columns}


def _refuse_the_training_rows(splits: Mapping[str, Examples], tables: Mapping[str, Table]) -> None:
    for split in ("dev", "test"):
        if split in splits and splits[split].fingerprint == splits["train"].fingerprint:
            what = f"holds the rows of the training file {tables['train'].where}."
            raise DataError(tables[split].where, what, f"Name other rows, or leave out {split}=.")


def _hold_out(task: TableTask, splits: dict[str, Examples], beside: dict[str, dict[str, list[str]]], table: Table) -> None:
    """Divide the training rows; the undivided ones stay for tasks that are only evaluated."""
    rows, columns = splits["train"], beside["train"]
    if "test" not in splits:
        splits[UNDIVIDED], beside[UNDIVIDED] = rows, columns
    if task.held_out == 1:
        del splits["train"], beside["train"]
        return
    groups = None
    if task.group is not None:
        table.values(task.group)
        groups = columns[task.group]
        if "" in groups:
            what = f"{task.group!r} is empty: the row belongs to no group."
            raise DataError(table.at(groups.index("")), what, "Fill it in: a row on its own needs a group of its own.")
    classes = rows.labels if task.stratified else None
    for split, index in zip(
        ("train", "dev"), held_out_rows(len(rows), task.held_out, table.where, groups=groups, classes=classes), strict=True
    ):
        splits[split] = rows.take(index)
        beside[split] = {name: [values[i] for i in index] for name, values in columns.items()}


def pairs_of(ids: Sequence[str], where: str, column: str) -> np.ndarray:
    """The number of each row's pair (of edited rows), int64. A pair of one row is refused."""
    times = Counter(ids)
    lone = next((name for name in ids if times[name] < 2 or name == ""), None)
    if lone is not None:
        what = f"{column!r} is {lone!r} in {times[lone]} row{'' if times[lone] == 1 else 's'}: no pair of edited rows."
        raise DataError(where, what, "Every value of pair_id= must name at least two rows.")
    numbers = {name: number for number, name in enumerate(times)}
    return np.array([numbers[name] for name in ids], dtype=np.int64)
