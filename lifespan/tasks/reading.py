"""Tables of text from files, folders and the Hugging Face hub, with errors that name file, row and rule.

Every reader returns a `Table` or raises `DataError`. Text files count lines from 1, header included; typed sources
(Parquet, `datasets`) count rows from 1.
"""

from __future__ import annotations

import csv
import io
import json
import logging
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lifespan.contracts.sources import Files, files_in
from lifespan.errors import DataError, did_you_mean

if TYPE_CHECKING:
    import datasets
    import pyarrow

HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")


@dataclass(frozen=True)
class Table:
    """Named columns of equal length. `classes` holds the class names of columns of them, or of lists of them (ClassLabel)."""

    where: str
    columns: Mapping[str, Any]
    rows: Sequence[int]
    unit: str = "row"
    classes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.rows)

    def at(self, index: int) -> str:
        """How an error names one row: file and line."""
        return f"{self.where}, {self.unit} {self.rows[index]}"

    def values(self, name: str) -> list[Any]:
        """One column as a list. Raises `DataError` where there is none of this name."""
        if name not in self.columns:
            raise DataError(self.where, f"has no column {name!r}.", did_you_mean(name, self.columns))
        column = self.columns[name]
        return column.to_pylist() if hasattr(column, "to_pylist") else list(column)

    def texts(self, name: str, *, may_be_empty: bool = False) -> list[str]:
        """A column of sentences, exactly as written. A missing value is an error, an empty one unless allowed."""
        values = self.values(name)
        for index, value in enumerate(values):
            if not isinstance(value, str):
                raise DataError(self.at(index), f"{name!r} is {value!r}, but must be text.")
            if not may_be_empty and not value.strip():
                raise DataError(self.at(index), f"{name!r} is empty, but must be text.", "Fill it in or drop the row.")
        return values

    def codes(self, name: str, coding: Mapping[str, int]) -> np.ndarray:
        """A column of class labels as int64 indices, through `coding` from the label as written."""
        codes = np.empty(len(self), dtype=np.int64)
        for index, value in enumerate(self.values(name)):
            label = as_written(value)
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


def as_written(value: object) -> str:
    """A label as a person writes it: whole floats without a point, a missing one as ''."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()


def read_text(path: Path) -> str:
    """A whole UTF-8 file, with or without a byte order mark."""
    try:
        content = path.read_bytes()
    except OSError as error:
        near = did_you_mean(path.name, sorted(entry.name for entry in path.parent.glob("*"))[:20])
        raise DataError(str(path), f"cannot be read ({error.strerror}).", near if path.parent.is_dir() else "") from None
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise DataError(f"{path}, line {line}", "is not UTF-8.", "Save the file as UTF-8.") from None


def read_separated(
    path: Path, separator: str, *, quoted: bool, header: Sequence[str] | None = None, broken_rows: int = 0
) -> Table:
    """A CSV or TSV file whose first line names its columns, unless `header` does.

    Unquoted files are split on the separator and on newlines only, quotes being text. Every row must have as many
    cells as there are columns; up to `broken_rows` that do not are left out.
    """
    lines = _quoted_lines(path, separator) if quoted else _plain_lines(path, separator)
    if header is None:
        _, header = next(lines, (1, []))
        if not any(name.strip() for name in header):
            raise DataError(str(path), "is empty.", "The first line must name the columns.")
        header = [name.strip() for name in header]
        if len(set(header)) < len(header):
            twice = next(name for name in header if header.count(name) > 1)
            raise DataError(f"{path}, line 1", f"names the column {twice!r} twice.", "Give every column its own name.")
    numbers, rows, broken = [], [], 0
    for number, cells in lines:
        if len(cells) == len(header):
            numbers.append(number)
            rows.append(cells)
            continue
        broken += 1
        if broken > broken_rows:
            raise DataError(
                f"{path}, line {number}",
                f"has {len(cells)} columns where {len(header)} are expected ({', '.join(header)}).",
                "Look for a stray tab, separator or line break.",
            )
    columns = zip(*rows, strict=True) if rows else [()] * len(header)
    return Table(str(path), dict(zip(header, columns, strict=True)), numbers, unit="line")


def _plain_lines(path: Path, separator: str) -> Iterator[tuple[int, list[str]]]:
    lines = read_text(path).split("\n")
    while lines and not lines[-1].strip("\r"):
        lines.pop()
    for number, line in enumerate(lines, start=1):
        yield number, line.rstrip("\r").split(separator)


def _quoted_lines(path: Path, separator: str) -> Iterator[tuple[int, list[str]]]:
    # Not splitlines(): it also splits on separators, such as U+2028, that are text to CSV.
    reader = csv.reader(io.StringIO(read_text(path), newline=""), delimiter=separator, strict=True)
    start = 1
    try:
        for cells in reader:
            if cells:
                yield start, cells
            start = reader.line_num + 1
    except csv.Error as error:
        remedy = "Check the quotes, or write quoted=False."
        raise DataError(f"{path}, line {start}", f"is not valid CSV ({error}).", remedy) from None


def read_parquet(paths: Sequence[Path]) -> Table:
    """One or more Parquet shards, in order."""
    import pyarrow
    import pyarrow.parquet

    where = str(paths[0]) if len(paths) == 1 else f"{paths[0]} and {len(paths) - 1} more"
    try:
        table = pyarrow.concat_tables([pyarrow.parquet.read_table(path, partitioning=None) for path in paths])
    except (OSError, pyarrow.ArrowException) as error:
        raise DataError(where, f"is not readable as Parquet ({_first_line(error)}).") from None
    described = json.loads((table.schema.metadata or {}).get(b"huggingface", b"{}"))
    features = described.get("info", {}).get("features", {})
    inner = {name: kind.get("feature", kind) if isinstance(kind, dict) else kind for name, kind in features.items()}
    classes = {
        name: tuple(feature["names"])
        for name, feature in inner.items()
        if isinstance(feature, dict) and feature.get("_type") == "ClassLabel"
    }
    return _from_arrow(where, table, classes)


def is_saved(folder: Path) -> bool:
    """Whether `save_to_disk` of the `datasets` library wrote this folder."""
    return (folder / "dataset_dict.json").is_file() or (folder / "state.json").is_file()


def saved_splits(folder: Path) -> tuple[str, ...]:
    """Splits of a folder written by `save_to_disk`; none where it holds a single unsplit dataset."""
    index = folder / "dataset_dict.json"
    return tuple(json.loads(index.read_text(encoding="utf-8"))["splits"]) if index.is_file() else ()


def saved_files(folder: Path, split: str | None) -> Files:
    """The files of one split, or of the only dataset, of a folder written by `save_to_disk`; caches beside them left out."""
    known = saved_splits(folder)
    place = folder / str(split) if known else folder
    index = [folder / "dataset_dict.json"] if known else []
    data = [path for path in files_in(place) if not path.name.startswith("cache-")] if place.is_dir() else [place]
    return Files((*index, *data))


def read_saved(folder: Path, split: str | None = None) -> Table:
    """One split, or the only dataset, of a folder written by `save_to_disk`."""
    import datasets

    known = saved_splits(folder)
    if known and split not in known:
        raise DataError(str(folder), f"has no split {split!r}.", did_you_mean(split, known))
    place = folder / str(split) if known else folder
    try:
        return _from_dataset(str(place), datasets.Dataset.load_from_disk(str(place)))
    except (OSError, ValueError, KeyError) as error:
        raise DataError(str(place), f"cannot be read by the datasets library ({_first_line(error)}).") from None


def read_hub(name: str, config: str | None, split: str, revision: str | None = None) -> Table:
    """One split through `datasets.load_dataset`: the hub (a branch or commit of it), its local cache, or a folder of files.

    The `DataError` on failure carries the library's own first line and no remedy: callers know the ways out.
    """
    import datasets

    where = "/".join(part for part in (name, config, split) if part)
    try:
        pinned = {} if revision is None else {"revision": revision}
        with _hushed("huggingface_hub"):
            return _from_dataset(where, datasets.load_dataset(name, config, split=split, **pinned))
    # Whatever the network, the hub or the library raises, the user's question is the same: where is the data?
    except Exception as error:
        raise DataError(where, f"could not be loaded ({type(error).__name__}: {_first_line(error)}).") from error


@contextmanager
def _hushed(name: str) -> Iterator[None]:
    """Every retry of a library would be a line; where all fail, the error says so once."""
    logger = logging.getLogger(name)
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(before)


def _from_dataset(where: str, dataset: datasets.Dataset) -> Table:
    import datasets

    inner = {name: getattr(kind, "feature", kind) for name, kind in dataset.features.items()}
    classes = {name: tuple(kind.names) for name, kind in inner.items() if isinstance(kind, datasets.ClassLabel)}
    return _from_arrow(where, dataset.with_format("arrow")[:], classes)


def _from_arrow(where: str, table: pyarrow.Table, classes: Mapping[str, tuple[str, ...]]) -> Table:
    columns = {name: table.column(name) for name in table.column_names}
    return Table(where, columns, range(1, table.num_rows + 1), classes=classes)


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
