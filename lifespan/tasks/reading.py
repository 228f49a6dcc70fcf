"""Tables of text from files, folders and the Hugging Face hub, with errors that name file, row and rule.

Every reader returns a `Table` or raises `DataError`. Text files count lines from 1, header included; typed sources
(Parquet, `datasets`) count rows from 1.
"""

from __future__ import annotations

import csv
import json
import logging
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lifespan.contracts.sources import Files, files_in
from lifespan.errors import DataError, did_you_mean
from lifespan.reading import kind_of, read_object, reading
from lifespan.tasks._columns import Table, as_written
from lifespan.tasks._decoding import content_of, decoded
from lifespan.tasks._quoting import looks_quoted, plain_lines, quoted_cells, quoted_lines

if TYPE_CHECKING:
    import datasets
    import pyarrow

__all__ = [
    "HUB_ID",
    "Table",
    "as_written",
    "is_saved",
    "read_hub",
    "read_parquet",
    "read_saved",
    "read_separated",
    "read_text",
    "saved_files",
    "saved_splits",
]

HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")
SEPARATORS = (";", "\t", ",", "|")


def read_text(path: Path, encoding: str = "utf-8") -> str:
    """A whole text file, gzipped or not, with or without a byte order mark."""
    return decoded(path, content_of(path), encoding)


def read_separated(
    path: Path,
    separator: str,
    *,
    quoted: bool | None,
    header: Sequence[str] | None = None,
    broken_rows: int = 0,
    encoding: str = "utf-8",
) -> Table:
    """A CSV or TSV file whose first line names its columns, unless `header` does.

    Unquoted files are split on the separator and on newlines only, quotes being text; None finds out which. Every row must
    have as many cells as there are columns; up to `broken_rows` that do not are left out.
    """
    text = read_text(path, encoding)
    in_quotes = looks_quoted(text, separator) if quoted is None else quoted
    lines = _lines(path, text, separator, in_quotes)
    if header is None:
        _, names = next(lines, (1, []))
        header = _header(path, names)
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
    repeated = frozenset(name for name, times in Counter(header).items() if times > 1)
    facts = _quoting_facts(text, separator, quoted, in_quotes)
    named = dict(zip(header, columns, strict=True))
    return Table(str(path), named, numbers, unit="line", facts=facts, repeated=repeated)


def _lines(path: Path, text: str, separator: str, quoted: bool) -> Iterator[tuple[int, list[str]]]:
    try:
        yield from quoted_lines(text, separator) if quoted else plain_lines(text, separator)
    except csv.Error as error:
        what, start = error.args
        remedy = "Check the quotes, or write quoted=False."
        raise DataError(f"{path}, line {start}", f"is not valid CSV ({what}).", remedy) from None


def _header(path: Path, names: Sequence[str]) -> list[str]:
    names = [name.strip() for name in names]
    if not any(names):
        raise DataError(str(path), "is empty.", "The first line must name the columns.")
    other = next((mark for mark in SEPARATORS if len(names) == 1 and mark in names[0]), None)
    if other is not None:
        raise DataError(f"{path}, line 1", f"names one column, {names[0]!r}.", f"Write delimiter={other!r}.")
    return names


def _quoting_facts(text: str, separator: str, given: bool | None, chosen: bool) -> dict[str, Any]:
    """How quotes were read, and whether somebody said so; nothing for a file without quotes."""
    if '"' not in text:
        return {}
    cells = [] if chosen else quoted_cells(text, separator)[0]
    kept = {"cells_kept_in_quotes": len(cells)} if cells else {}
    return {"quotes": "of the format" if chosen else "of the text", "quotes_detected": given is None, **kept}


def read_parquet(paths: Sequence[Path]) -> Table:
    """One or more Parquet shards, in order."""
    import pyarrow
    import pyarrow.parquet

    where = str(paths[0]) if len(paths) == 1 else f"{paths[0]} and {len(paths) - 1} more"
    for path in paths:
        with reading(path, kind=DataError):
            if kind := kind_of(path):
                raise DataError(str(path), f"{kind}.", "Save the rows in a file.")
    try:
        table = pyarrow.concat_tables([pyarrow.parquet.read_table(path, partitioning=None) for path in paths])
    except (OSError, pyarrow.ArrowException) as error:
        raise DataError(where, f"is not readable as Parquet ({_first_line(error)}).") from None
    with reading(where, "Write its schema without `huggingface` metadata.", DataError):
        described = json.loads((table.schema.metadata or {}).get(b"huggingface", b"{}"))
        features = described.get("info", {}).get("features", {})
        inner = {name: kind.get("feature", kind) if isinstance(kind, dict) else kind for name, kind in features.items()}
        classes = {
            name: tuple(feature["names"])
            for name, feature in inner.items()
            if isinstance(feature, dict) and feature.get("_type") == "ClassLabel"
        }
    return _from_arrow(where, table, classes)


SAVED_AGAIN = "Save the dataset again by `save_to_disk`."


def is_saved(folder: Path) -> bool:
    """Whether `save_to_disk` of the `datasets` library wrote this folder."""
    return (folder / "dataset_dict.json").is_file() or (folder / "state.json").is_file()


def saved_splits(folder: Path) -> tuple[str, ...]:
    """Splits of a folder written by `save_to_disk`; none where it holds a single unsplit dataset."""
    index = folder / "dataset_dict.json"
    if not index.is_file():
        return ()
    splits = read_object(index, SAVED_AGAIN, DataError).get("splits")
    if not isinstance(splits, list) or not all(isinstance(split, str) for split in splits):
        raise DataError(str(index), "names no splits.", SAVED_AGAIN)
    return tuple(splits)


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
    import pyarrow.types

    while any(pyarrow.types.is_struct(kind.type) for kind in table.schema):
        table = table.flatten()
    columns = {name: table.column(name) for name in table.column_names}
    return Table(where, columns, range(1, table.num_rows + 1), classes=classes)


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
