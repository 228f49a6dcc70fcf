"""The files of a task of one's own, read as tables, whatever their format."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lifespan.contracts.sources import Files
from lifespan.errors import DataError
from lifespan.tasks._decoding import content_of, decoded
from lifespan.tasks._json import columns_of_json, columns_of_lines
from lifespan.tasks._refused import advice, folder_advice, suffix_of
from lifespan.tasks.reading import Table, is_saved, read_parquet, read_saved, read_separated, saved_files, saved_splits

Place = str | Path | tuple[str | Path, ...]
"""A table; or two or three files with a line for each row: texts (first and second ones, for pairs) and labels."""

VALIDATION = ("validation", "dev", "valid", "val")


@dataclass(frozen=True)
class Format:
    """How the text files of a task are written; `columns` names the files of a tuple."""

    encoding: str
    delimiter: str | None
    quoted: bool | None
    columns: tuple[str, ...]


def files_of(place: Place | None) -> tuple[Path, ...]:
    """The paths that a place names, with ~ resolved."""
    if place is None:
        return ()
    return tuple(Path(path).expanduser() for path in (place if isinstance(place, tuple) else (place,)))


def inner_splits(place: Place) -> tuple[str, ...]:
    """Splits of a folder that `save_to_disk` wrote of a `DatasetDict`; none of anything else."""
    files = files_of(place)
    return saved_splits(files[0]) if len(files) == 1 else ()


def validation_of(place: Place) -> str | None:
    """The name of the validation split of such a folder."""
    return next((name for name in VALIDATION if name in inner_splits(place)), None)


def source_at(place: Place, split: str) -> Files:
    """The files of a place, those of a split alone where it is a folder that `save_to_disk` wrote."""
    files = files_of(place)
    return saved_files(files[0], split) if len(files) == 1 and files[0].is_dir() else Files(files)


def read_place(place: Place, split: str, form: Format) -> Table:
    """One table; `split` is the one that is read of a `DatasetDict`. Raises `DataError`."""
    files = files_of(place)
    for path in files:
        if not path.exists():
            raise DataError(str(path), "there is no such file or folder.", f"Looked in {path.absolute().parent}.")
    return _read_lines(files, form) if len(files) > 1 else _read_one(files[0], split, form)


def _read_one(path: Path, split: str, form: Format) -> Table:
    if path.is_dir():
        if not is_saved(path):
            raise DataError(str(path), "is no folder written by save_to_disk.", folder_advice(path))
        return _read_split(path, split)
    suffix = suffix_of(path)
    remedy = advice(path, form.delimiter)
    if remedy or (suffix == "" and form.delimiter is None):
        raise DataError(str(path), "is no table.", remedy or folder_advice(path.parent))
    if suffix == ".parquet":
        return read_parquet([path])
    if suffix in (".json", ".jsonl", ".ndjson"):
        read = columns_of_json if suffix == ".json" else columns_of_lines
        columns, rows, unit = read(path, decoded(path, content_of(path), form.encoding))
        return Table(str(path), columns, rows, unit=unit)
    quoted = True if suffix == ".csv" and form.quoted is None else form.quoted
    delimiter = form.delimiter or ("," if suffix == ".csv" else "\t")
    return read_separated(path, delimiter, quoted=quoted, encoding=form.encoding)


def _read_split(folder: Path, split: str) -> Table:
    known = saved_splits(folder)
    if known and split not in known:
        named = ", ".join(repr(str(folder / name)) for name in known)
        what = f"has no split {split!r}, but {', '.join(known)}."
        raise DataError(str(folder), what, f"Name the split's own folder: {named}.")
    return read_saved(folder, split)


def _read_lines(files: Sequence[Path], form: Format) -> Table:
    columns = {}
    for name, path in zip(form.columns, files, strict=True):
        lines = decoded(path, content_of(path), form.encoding).replace("\r\n", "\n").split("\n")
        columns[name] = lines[:-1] if lines[-1] == "" else lines
    counts = [len(lines) for lines in columns.values()]
    if len(set(counts)) > 1:
        counted = ", ".join(f"{path} has {count}" for path, count in zip(files, counts, strict=True))
        raise DataError(str(files[0]), f"must have as many lines as the files beside it: {counted}.", "One line is one row.")
    return Table(str(files[0]), columns, range(1, counts[0] + 1), unit="line")
