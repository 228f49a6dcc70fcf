"""Outputs for every example as Parquet: what an evaluation leaves in the store, and the united files of a record."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow
from pyarrow import parquet

from lifespan.reading import plain_bytes, reading
from lifespan.record.files import writing

if TYPE_CHECKING:
    import pandas

COMPUTED = "Remove it: it is computed again."
"""What to do with outputs in a store that cannot be read."""


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
    """Write the tables of all lives to one file, each part (an individual, a file) as a row group of its own or more.

    Parts may have columns that others lack, as an evaluation has that met a task of more classes: they are null there.
    """
    found = list(parts)
    if not found:
        return
    columns = pyarrow.unify_schemas([_schema(path) for _, path in found], promote_options="permissive")
    first = {name: pyarrow.array([value]).type for name, value in found[0][0].items()}
    schema = pyarrow.schema([*first.items(), *columns])
    with writing(target, within=target.parent.parent) as file, parquet.ParquetWriter(file, schema) as writer:
        for who, path in found:
            table = _table(path)
            for name, value in who.items():
                table = table.append_column(name, pyarrow.array([value] * len(table)))
            writer.write_table(pyarrow.concat_tables([schema.empty_table(), table], promote_options="permissive").cast(schema))


def _schema(path: Path) -> pyarrow.Schema:
    with reading(path, COMPUTED):
        return parquet.read_schema(path)


def _table(path: Path) -> pyarrow.Table:
    with reading(path, COMPUTED):
        return parquet.read_table(path)


def read_parquet(path: Path, remedy: str) -> pandas.DataFrame:
    """The table of a Parquet file. Raises `RecordError` with this remedy where it cannot be read."""
    with reading(path, remedy):
        table: pandas.DataFrame = parquet.read_table(io.BytesIO(plain_bytes(path))).to_pandas()
    return table
