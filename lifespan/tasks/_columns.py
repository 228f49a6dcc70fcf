"""Named columns of a table, and what an error says of one of their rows."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from lifespan.errors import DataError, did_you_mean


@dataclass(frozen=True)
class Table:
    """Named columns of equal length. `classes` holds the class names of columns of them, or of lists of them.

    `facts` says how the file was read, `repeated` which names several columns have.
    """

    where: str
    columns: Mapping[str, Any]
    rows: Sequence[int]
    unit: str = "row"
    classes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)
    repeated: frozenset[str] = frozenset()

    def __len__(self) -> int:
        return len(self.rows)

    def at(self, index: int) -> str:
        """How an error names one row: file and line."""
        return f"{self.where}, {self.unit} {self.rows[index]}"

    def values(self, name: str) -> list[Any]:
        """One column as a list. Raises `DataError` where there is none of this name."""
        twice = [each for each in sorted(self.repeated) if each == name or (each and name not in self.columns)]
        if twice:
            what = f"names the column {twice[0]!r} twice."
            raise DataError(f"{self.where}, line 1", what, "Give every column its own name.")
        if name not in self.columns:
            raise DataError(self.where, f"has no column {name!r}.", did_you_mean(name, self.columns))
        return _as_list((name, self.columns[name]))[1]

    def kept(self, index: Sequence[int]) -> Table:
        """The rows at these positions alone."""
        columns = {name: [values[i] for i in index] for name, values in map(_as_list, self.columns.items())}
        return replace(self, columns=columns, rows=[self.rows[i] for i in index])

    def texts(self, name: str, *, may_be_empty: bool = False) -> list[str]:
        """A column of sentences, exactly as written. A missing value is an error, an empty one unless allowed."""
        values = self.values(name)
        for index, value in enumerate(values):
            if not isinstance(value, str):
                shown = repr(value) if len(repr(value)) <= 80 else f"{repr(value)[:77]}..."
                remedy = "Join its parts to one text first." if isinstance(value, list) else ""
                raise DataError(self.at(index), f"{name!r} is {shown}, but must be text.", remedy)
            if not may_be_empty and not value.strip():
                raise DataError(self.at(index), f"{name!r} is empty, but must be text.", "Fill it in or drop the row.")
        return values

    def codes(self, name: str, coding: Mapping[str, int]) -> np.ndarray:
        """A column of class labels as int64 indices, through `coding` from the label as written."""
        codes = np.empty(len(self), dtype=np.int64)
        for index, value in enumerate(self.values(name)):
            label = as_written(value)
            label = label if label in coding else whole(label)
            if label in ("", "-1") and label not in coding:
                raise DataError(self.at(index), f"{name!r} is {label!r}: the row has no label.", "Only labelled rows work.")
            if label not in coding:
                raise DataError(self.at(index), f"the label {label!r} is not known.", did_you_mean(label, coding))
            codes[index] = coding[label]
        return codes

    def numbers(self, name: str, low: float, high: float) -> np.ndarray:
        """A column of scores in [low, high] as float64."""
        numbers = np.empty(len(self), dtype=np.float64)
        for index, value in enumerate(self.values(name)):
            try:
                number = float(value)
            except (TypeError, ValueError):
                number = math.nan
            if not low <= number <= high:
                raise DataError(self.at(index), f"{name!r} is {value!r}, but must be a number in [{low:g}, {high:g}].")
            numbers[index] = number
        return numbers


def _as_list(column: tuple[str, Any]) -> tuple[str, list[Any]]:
    name, values = column
    return name, values.to_pylist() if hasattr(values, "to_pylist") else list(values)


def as_written(value: object) -> str:
    """A label as a person writes it: whole floats without a point, a missing one as ''."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()


def whole(label: str) -> str:
    """A label as written, but a whole number without its point: "1.0" is "1"."""
    return str(int(label.partition(".")[0])) if re.fullmatch(r"[+-]?\d+\.0*", label) else label
