"""Naming one row of a record: `group,individual,step,probe,metric[,task]`, or `table:line`."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from typing import Any

from lifespan.errors import RecordError, did_you_mean
from lifespan.record.record import Record

TABLES = ("measurements", "steps", "contrasts")
HOW = "Write group,individual,step,probe,metric[,task], quoted as in CSV, or a line as in measurements.jsonl:12."


@dataclass(frozen=True)
class Target:
    """The step, or with `pair` the comparison of lives, that made a row."""

    digest: str
    pair: bool
    how: str


def find_row(record: Record, named: str) -> Target:
    """The step or comparison that made the row of a name. Raises `RecordError` where there is no such row."""
    line = re.fullmatch(rf"(?:({'|'.join(TABLES)})(?:\.jsonl)?:)?(\d+)", named.strip())
    if line is not None:
        return _by_line(record, line[1] or "measurements", int(line[2]))
    try:
        parts = [part.strip() for part in next(csv.reader([named], skipinitialspace=True), [])]
    except csv.Error:
        parts = []
    if len(parts) not in (5, 6) or not (parts[1].isdigit() and parts[2].isdigit()):
        raise RecordError(f"--row {named}", "is no name of a row.", HOW)
    wanted: dict[str, Any] = dict(zip(("group", "individual", "step", "probe", "metric", "task"), parts, strict=False))
    wanted |= {"individual": int(parts[1]), "step": int(parts[2])}
    rows = record.lines("measurements.jsonl")
    for column in wanted:
        fitting = [row for row in rows if row.get(column) == wanted[column]]
        if not fitting:
            hint = did_you_mean(wanted[column], sorted({str(row.get(column)) for row in rows})) if rows else ""
            raise RecordError(f"--row {named}", f"there is no row with {column} {wanted[column]!r} that fits.", hint)
        rows = fitting
    return Target(_step_of(record, rows[0], f"--row {named}"), False, f"the step of the row {named}")


def _by_line(record: Record, table: str, line: int) -> Target:
    rows = record.lines(f"{table}.jsonl")
    where = f"{table}.jsonl:{line}"
    if not 1 <= line <= len(rows):
        raise RecordError(f"--row {where}", f"the table has {len(rows):,} rows.", "Lines are counted from 1.")
    row = rows[line - 1]
    if table != "contrasts":
        return Target(_step_of(record, row, f"--row {where}"), False, f"the step of the row {where}")
    at = _step_of(record, row, f"--row {where}")
    return Target(_pair_of(record, row, at, where), True, f"the comparison of the row {where}")


def _step_of(record: Record, row: dict[str, Any], where: str) -> str:
    life = record.study["lives"].get(f"{row.get('group')}-{int(row.get('individual', -1)):03d}", {"steps": []})
    step = row.get("step")
    if not isinstance(step, int) or not 0 <= step < len(life["steps"]):
        raise RecordError(where, "study.json has no such life or step.", HOW)
    return str(life["steps"][step])


def _pair_of(record: Record, row: dict[str, Any], at: str, where: str) -> str:
    """The comparison that has this row in the store, or the only one at that step."""
    from lifespan.record.differences import bare
    from lifespan.record.store import Store

    store = Store(record.directory / "store")
    pairs = [digest for digest, pair in (record.study.get("pairs") or {}).items() if pair["at"] == at]
    for digest in pairs:
        rows = store.evaluation(at, digest) or []
        if any({**one, "value": 0} == {**bare(row), "value": 0} for one in rows):
            return digest
    if not pairs:
        raise RecordError(f"--row {where}", "study.json names no comparison at that step.", HOW)
    return pairs[0]
