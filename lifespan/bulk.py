"""Outputs for every example as Parquet: what a look leaves in the store, and the united files of a record. No torch here."""

from __future__ import annotations

import io
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow
from pyarrow import parquet


def as_parquet(sheets: Sequence[Mapping[str, Any]]) -> bytes:
    """Rows with `columns` as one Parquet table, the place in the life (`step`, `age`, `stage`) before the outputs."""
    tables = []
    for sheet in sheets:
        columns = {name: pyarrow.array(values) for name, values in sheet["columns"].items()}
        count = len(next(iter(columns.values()), ()))
        place = {name: pyarrow.array([sheet[name]] * count) for name in ("step", "age", "stage")}
        tables.append(pyarrow.table(place | columns))
    written = io.BytesIO()
    parquet.write_table(pyarrow.concat_tables(tables, promote_options="permissive"), written)
    return written.getvalue()


def unite(parts: Iterable[tuple[Mapping[str, Any], Path]], target: Path) -> None:
    """Write the tables of all lives to one file, each part (an individual, a file) as a row group of its own or more."""
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.{os.getpid()}")
    writer: parquet.ParquetWriter | None = None
    for who, path in parts:
        table = parquet.read_table(path)
        for name, value in reversed(list(who.items())):
            table = table.add_column(0, name, pyarrow.array([value] * len(table)))
        writer = writer or parquet.ParquetWriter(temporary, table.schema)
        writer.write_table(table.cast(writer.schema))
    if writer is not None:
        writer.close()
        os.replace(temporary, target)
