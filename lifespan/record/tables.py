"""Records as one long table in a file, for other programs."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import pyarrow
from pyarrow import parquet

from lifespan.errors import RecordError
from lifespan.names import cell
from lifespan.record.files import write_bytes
from lifespan.record.record import MEASUREMENT_COLUMNS, TIDY_COLUMNS, Record
from lifespan.record.seals import require_tables

ENDINGS = (".parquet", ".csv", ".csv.gz", ".tsv")


def united(records: Sequence[Record]) -> pd.DataFrame:
    """`Record.tidy` of all records, one below the other, with the column `run`: the directory of the row."""
    return pd.concat([record.tidy().assign(run=str(record.directory)) for record in records], ignore_index=True)


def neutral_cells(table: pd.DataFrame) -> pd.DataFrame:
    """A table for CSV in whose texts there is nothing that a spreadsheet would compute (`lifespan.names.cell`)."""
    texts = [name for name in table.columns if table[name].dtype.kind not in "biuf"]
    return table.assign(**{str(name): table[name].map(cell) for name in texts}).rename(columns=cell)


def write_table(records: Sequence[Record], out: Path, *, force: bool = False) -> int:
    """Write `united` as Parquet, CSV or TSV, by the ending of the path; returns the number of rows.

    Raises `RecordError` for an unknown ending, where nothing can be written, and where a file is there that is no such table,
    which only `force` replaces.
    """
    ending = next((ending for ending in ENDINGS if out.name.lower().endswith(ending)), None)
    if ending is None:
        raise RecordError(f"--out {out}", "has no known ending.", f"Use one of {', '.join(ENDINGS)}.")
    if not force and (out.exists() or out.is_symlink()) and not _is_table(out, ending):
        remedy = "Choose another --out, or add --force to replace it."
        raise RecordError(f"--out {out}", "is there already, and is no table that Lifespan wrote.", remedy)
    for record in records:
        require_tables(record)
    table = united(records)
    data = io.BytesIO()
    if ending == ".parquet":
        table.to_parquet(data, index=False)
    else:
        compressed = {"method": "gzip", "mtime": 0} if ending.endswith(".gz") else None
        neutral_cells(table).to_csv(data, index=False, sep="\t" if ending == ".tsv" else ",", compression=compressed)
    write_bytes(out, data.getvalue())
    return len(table)


def _is_table(path: Path, ending: str) -> bool:
    """Whether a file has the columns of `united`."""
    columns = [*MEASUREMENT_COLUMNS, *TIDY_COLUMNS, "run"]
    try:
        if ending == ".parquet":
            return list(parquet.read_schema(path).names) == columns
        with path.open("rb") as raw, gzip.open(raw) if ending == ".csv.gz" else raw as file:
            line = file.readline(10_000).decode().rstrip("\n")
        return line.split("\t" if ending == ".tsv" else ",") == columns
    except (OSError, EOFError, ValueError, zlib.error, pyarrow.ArrowException):
        return False
