"""Steps, individuals, comparisons of lives and outputs for every example, beside what the store holds of them."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lifespan.record.assembly import unite_examples
from lifespan.record.differences import IDENTITY, NOT_STORED, Checked, Difference, LifeOf, Row, short, value_of, whose
from lifespan.record.examples import read_parquet
from lifespan.record.record import ANEW, MADE, Record
from lifespan.record.store import Store
from lifespan.study.plan import Plan

if TYPE_CHECKING:
    import pandas


def check_steps(record: Record, store: Store, lives: Sequence[LifeOf], found: Checked) -> None:
    """Compare `steps.jsonl` with the store."""
    table, groups = "steps.jsonl", record.study.get("groups", {})
    by_name = {(life.group, life.individual): life for life in lives}
    met: set[tuple[str, int]] = set()
    for line, row in enumerate(record.lines(table), 1):
        life = by_name.get((str(row.get("group")), _number(row.get("individual"))))
        step = _number(row.get("step"))
        name = f"{row.get('group')},{row.get('individual')},{step}"
        if life is None or not 0 <= step < len(life.steps):
            found.differences.append(Difference(table, line, name, "a step", "no such life or step", "store"))
            continue
        met.add((life.name, step))
        node, ended = store.node(life.steps[step]), store.ended(life.steps[step])
        if node is None and ended is None and row.get("status") != "pending":
            found.unchecked[NOT_STORED] += 1
            continue
        found.rows += 1
        moment = (groups.get(life.group, {}).get("timeline") or [{}] * len(life.steps))[step]
        expected = {"digest": life.steps[step], "seed": life.seed, **_columns(node, ended)}
        expected |= {column: moment[column] for column in ("stage", "kind") if column in moment}
        for column, value in expected.items():
            if column in row and row[column] != value:
                found.differences.append(Difference(table, line, f"{name}, {column}", str(row[column]), str(value), "store"))
    for life in lives:
        for step, digest in enumerate(life.steps):
            if (life.name, step) not in met and all(map(store.has_node, life.steps[: step + 1])):
                what = f"{life.group},{life.individual},{step}"
                found.differences.append(Difference(table, 0, what, "no such row", digest[:16], "store"))


def _number(cell: object) -> int:
    """A cell that counts from 0; -1 for anything else."""
    return cell if isinstance(cell, int) else -1


def _columns(node: Mapping[str, Any] | None, ended: Mapping[str, Any] | None) -> Row:
    """What `steps.jsonl` has of a stored step."""
    if node is None:
        return {"status": (ended or {}).get("status", "pending"), "optimizer_steps": (ended or {}).get("optimizer_steps", 0)}
    made = node.get("made") or {}
    counted = {name: node[name] for name in ("parent", "optimizer_steps", "examples", "tokens", "seconds")}
    made_by = {column: made.get(name) for column, name in MADE.items()}
    return {"status": "done", "age": node["facts"]["age"], "bytes": node.get("bytes"), **counted, **made_by}


def check_participants(record: Record, store: Store, lives: Sequence[LifeOf], found: Checked) -> None:
    """Compare `participants.tsv` with the store."""
    people = {str(row["individual"]): row for row in record.participants().to_dict("records")}
    for life in lives:
        row = people.pop(life.name, None)
        lived = next((i for i, digest in enumerate(life.steps) if not store.has_node(digest)), len(life.steps))
        ended = next((end for end in map(store.ended, life.steps[: lived + 1]) if end is not None), None)
        if lived < len(life.steps) and ended is None and row is not None and row["status"] != "pending":
            found.unchecked[NOT_STORED] += 1
            continue
        found.rows += 1
        status = ended["status"] if ended is not None else "done" if lived == len(life.steps) else "pending"
        for column, value in {"status": status, "seed": life.seed, "group": life.group}.items():
            told = "no such row" if row is None else str(row[column])
            if told != str(value):
                found.differences.append(
                    Difference("participants.tsv", 0, f"{life.name}, {column}", told, str(value), "store")
                )
    for name in people:
        found.differences.append(Difference("participants.tsv", 0, name, "an individual", "no such life", "store"))


def check_contrasts(record: Record, store: Store, plan: Plan | None, found: Checked) -> None:
    """Compare `contrasts.jsonl` with the store."""
    table = "contrasts.jsonl"
    rows = list(enumerate(record.lines(table), 1))
    left = _compared(record.study, store, plan)
    if not left and rows:
        found.unchecked[NOT_STORED] += len(rows)
        return
    for line, row in rows:
        found.rows += 1
        at = next((i for i, (who, own) in enumerate(left) if _fits(row, who, own, own)), None)
        if at is None:
            at = next((i for i, (who, own) in enumerate(left) if _fits(row, who, own, (*IDENTITY, "other_step"))), None)
            other = "no such row" if at is None else value_of(left[at][1], row)
            found.differences.append(
                Difference(table, line, short(row), value_of(row, left[at][1] if at else None), other, "store")
            )
        if at is not None:
            left.pop(at)
    for who, row in left:
        found.differences.append(Difference(table, 0, short({**who, **row}), "no such row", value_of(row), "store"))


def _fits(row: Row, who: Row, own: Row, names: Iterable[str]) -> bool:
    return all(row.get(n) == value for n, value in who.items()) and all(row.get(n) == own.get(n) for n in names)


def _compared(study: Mapping[str, Any], store: Store, plan: Plan | None) -> list[tuple[Row, Row]]:
    """(whose it is, where that is known; row) of all stored comparisons."""
    pairs = {pair.digest: pair for pair in plan.pairs} if plan is not None else {}
    found = []
    for digest, known in (study.get("pairs") or {}).items():
        who = whose(pairs[digest]) if digest in pairs else {}
        found += [(who, row) for row in store.evaluation(known["at"], digest) or ()]
    return found


def check_examples(record: Record, store: Store, plan: Plan | None, found: Checked) -> None:
    """Outputs for every example, written anew from the store beside those of the record."""

    kept = sorted((record.directory / "examples").glob("*.parquet"))
    if not kept:
        return
    steps = {digest for life in record.study["lives"].values() for digest in life["steps"]}
    absent = plan is None or not steps <= set(plan.nodes) or len(plan.lives) != len(record.study["lives"])
    if plan is None or absent or not any(map(store.has_node, steps)):
        why = "outputs for every example need all of the study at hand" if absent else NOT_STORED
        found.unchecked[why] += sum(len(read_parquet(path, ANEW)) for path in kept)
        return
    with tempfile.TemporaryDirectory(prefix="lifespan-verify-") as folder:
        unite_examples(plan, store, Path(folder))
        for path in kept:
            written = Path(folder) / "examples" / path.name
            table = read_parquet(path, ANEW)
            stored = read_parquet(written, ANEW) if written.is_file() else table.iloc[:0]
            found.rows += len(table)
            for what, told in _frames_apart(table, stored):
                found.differences.append(Difference(f"examples/{path.name}", 0, what, "a column", told, "store"))


def _frames_apart(one: pandas.DataFrame, other: pandas.DataFrame) -> Iterator[tuple[str, str]]:
    if list(one.columns) != list(other.columns) or len(one) != len(other):
        yield "all", f"{len(other):,} rows and {len(other.columns)} columns, not {len(one):,} and {len(one.columns)}"
        return
    for column in one.columns:
        if not one[column].equals(other[column]):
            wrong = (one[column] != other[column]) & ~(one[column].isna() & other[column].isna())
            yield (
                column,
                f"{int(wrong.sum()):,} of {len(one):,} rows differ, the first in line {int(wrong.to_numpy().argmax()) + 1}",
            )
