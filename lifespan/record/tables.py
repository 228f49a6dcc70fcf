"""Records as one long table in a file, for other programs."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from lifespan.errors import RecordError
from lifespan.record.files import write_bytes
from lifespan.record.record import Record

ENDINGS = (".parquet", ".csv", ".csv.gz", ".tsv")


def united(records: Sequence[Record]) -> pd.DataFrame:
    """`Record.tidy` of all records, one below the other, with the column `run`: the directory of the row."""
    return pd.concat([record.tidy().assign(run=str(record.directory)) for record in records], ignore_index=True)


def write_table(records: Sequence[Record], out: Path) -> int:
    """Write `united` as Parquet, CSV or TSV, by the ending of the path; returns the number of rows.

    Raises `RecordError` for an unknown ending and where nothing can be written.
    """
    ending = next((ending for ending in ENDINGS if out.name.lower().endswith(ending)), None)
    if ending is None:
        raise RecordError(f"--out {out}", "has no known ending.", f"Use one of {', '.join(ENDINGS)}.")
    table = united(records)
    data = io.BytesIO()
    if ending == ".parquet":
        table.to_parquet(data, index=False)
    else:
        compressed = {"method": "gzip", "mtime": 0} if ending.endswith(".gz") else None
        table.to_csv(data, index=False, sep="\t" if ending == ".tsv" else ",", compression=compressed)
    write_bytes(out, data.getvalue())
    return len(table)
