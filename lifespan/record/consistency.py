"""Whether the tables of a record say what its store's sealed files hold. Nothing is lived for it, and no torch is needed.

A table is written from the store, so every row of it has one behind it. A digit that was changed afterwards has none.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lifespan.record._table_checks import check_contrasts, check_examples, check_participants, check_steps
from lifespan.record.differences import IDENTITY, NOT_STORED, Checked, Difference, LifeOf, Row, bare, lives_of, short, value_of
from lifespan.record.record import Record
from lifespan.record.store import Store
from lifespan.study.plan import Plan


def check_tables(record: Record, store: Store, plan: Plan | None) -> Checked:
    """Compare measurements, steps, participants and contrasts with the store's sealed files."""
    found, lives = Checked(), lives_of(record.study, plan)
    _check_measurements(record, store, lives, found)
    check_steps(record, store, lives, found)
    check_participants(record, store, lives, found)
    check_contrasts(record, store, plan, found)
    check_examples(record, store, plan, found)
    return found


def _canonical(row: Mapping[str, Any]) -> str:
    return json.dumps(row, sort_keys=True)


def _check_measurements(record: Record, store: Store, lives: Sequence[LifeOf], found: Checked) -> None:
    table = "measurements.jsonl"
    rows: dict[tuple[Any, ...], list[tuple[int, Row]]] = {}
    for line, row in enumerate(record.lines(table), 1):
        rows.setdefault((row.get("group"), row.get("individual"), row.get("step")), []).append((line, row))
    for life in lives:
        who = {"study": record.study.get("name"), "group": life.group, "individual": life.individual, "seed": life.seed}
        for step in range(len(life.steps)):
            own = rows.pop((life.group, life.individual, step), [])
            _check_step(table, who, own, _sealed(store, life, step), found)
    for line, row in (entry for group in rows.values() for entry in group):
        found.differences.append(Difference(table, line, short(row), value_of(row), "no such life or step", "store"))
        found.rows += 1


@dataclass
class _Sealed:
    """Rows of a step in the store: `sure` belong to the life, `perhaps` may; `whole` tells that none is missing."""

    sure: list[Row]
    perhaps: list[Row]
    whole: bool


def _sealed(store: Store, life: LifeOf, step: int) -> _Sealed:
    digest, looks = life.steps[step], life.looks[step]
    node, ended = store.node(digest), store.ended(digest) or {}
    if node is None:
        return _Sealed(list(ended.get("rows", ())), [], bool(ended))
    stored = {path.stem for path in (store.root / digest / "looks").glob("*.json")}
    read = {name: store.evaluation(digest, name) for name in (looks if looks is not None else sorted(stored))}
    rows = [row for part in read.values() for row in part or ()]
    whole = all(part is not None for part in read.values()) or bool(ended)
    sure = [*node["rows"], *(rows if looks is not None else [])]
    return _Sealed(sure, [] if looks is not None else rows, whole)


def _check_step(table: str, who: Row, own: list[tuple[int, Row]], sealed: _Sealed, found: Checked) -> None:
    left = Counter(map(_canonical, sealed.sure))
    optional = Counter(map(_canonical, sealed.perhaps))
    unmatched = []
    for line, row in own:
        found.rows += 1
        key = _canonical(bare(row))
        pool = left if left[key] else optional
        if not pool[key]:
            unmatched.append((line, row))
            continue
        pool[key] -= 1
        wrong = [name for name in who if row.get(name) != who[name]]
        if wrong:
            told = ", ".join(f"{name} {row.get(name)}" for name in wrong)
            right = ", ".join(f"{name} {who[name]}" for name in wrong)
            found.differences.append(Difference(table, line, short(row), told, right, "store"))
    rest = [json.loads(key) for key in left.elements()]
    spare = [json.loads(key) for key in optional.elements()]
    for line, row in unmatched:
        twin = _take_alike(row, rest) or _take_alike(row, spare)
        if twin is None and not sealed.whole:
            found.rows -= 1
            found.unchecked[NOT_STORED] += 1
            continue
        other = "no such row" if twin is None else value_of(twin, row)
        found.differences.append(Difference(table, line, short(row), value_of(row, twin), other, "store"))
    for row in rest:
        found.differences.append(Difference(table, 0, short({**who, **row}), "no such row", value_of(row), "store"))


def _take_alike(row: Mapping[str, Any], among: list[Row]) -> Row | None:
    """The first row with the same identity, taken out of the list."""
    for place, other in enumerate(among):
        if all(row.get(name) == other.get(name) for name in IDENTITY):
            return among.pop(place)
    return None
