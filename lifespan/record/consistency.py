"""Whether the tables of a record say what its store's sealed files hold. Nothing is lived for it, and no torch is needed.

A table is written from the store, so every row of it has one behind it. A digit that was changed afterwards has none.
"""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lifespan.record.assembly import unite_examples
from lifespan.record.record import MADE, Record
from lifespan.record.store import Store
from lifespan.study.plan import Pair, Plan

if TYPE_CHECKING:
    import pandas

Row = dict[str, Any]
WHO = ("study", "group", "individual", "seed")
OTHER = ("other_group", "other_individual", "other_seed", "pairs")
IDENTITY = ("step", "age", "probe", "task", "split", "metric")
"""Columns by which rows of one life are told apart; `step` to `metric` is not unique where a value was measured again."""

NOT_STORED = "the store has no intact file that held them"


@dataclass(frozen=True)
class Difference:
    """One thing of a record that is not what it should be: where it stands, what is recorded, and what was found instead.

    `by` tells how: "store" (a sealed file), or "lived again". `line` is that of the table, 0 where there is none.
    """

    file: str
    line: int
    what: str
    recorded: str
    found: str
    by: str

    @property
    def where(self) -> str:
        """Such as "measurements.jsonl:12"."""
        return f"{self.file}:{self.line}" if self.line else self.file


@dataclass
class Checked:
    """How many rows were compared with the store, what differs, and how many rows could not be compared, by why."""

    rows: int = 0
    differences: list[Difference] = field(default_factory=list)
    unchecked: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class LifeOf:
    """One life as `study.json` names it, with the evaluations of each step, where it is known which are its own."""

    name: str
    group: str
    individual: int
    seed: int
    steps: tuple[str, ...]
    looks: tuple[tuple[str, ...] | None, ...]


def lives_of(study: Mapping[str, Any], plan: Plan | None) -> list[LifeOf]:
    """The lives of a record; `plan` is one of the same study, or of a part of it."""
    planned = {life.name: life for life in plan.lives} if plan is not None else {}
    alone = Counter(digest for life in study["lives"].values() for digest in life["steps"])
    known = study.get("nodes") or {}
    found = []
    for name, life in study["lives"].items():
        steps = planned[name].steps if name in planned else ()
        looks: list[tuple[str, ...] | None] = []
        for index, digest in enumerate(life["steps"]):
            recorded = tuple((known.get(digest) or {}).get("looks", ())) if digest in known else None
            same = index < len(steps) and steps[index].digest == digest
            if same and (recorded is None or _all_planned(plan, digest, recorded)):
                looks.append(tuple(look.digest for look in steps[index].evaluations))
            else:
                looks.append(recorded if alone[digest] == 1 else None)
        individual = int(name.rpartition("-")[2])
        seed = int(study.get("seed", 0)) + individual
        found.append(LifeOf(name, life["group"], individual, seed, tuple(life["steps"]), tuple(looks)))
    return found


def _all_planned(plan: Plan | None, digest: str, recorded: Sequence[str]) -> bool:
    """Whether a plan has all evaluations of a step that were recorded, of whichever life."""
    return plan is not None and set(recorded) <= {look.digest for look in plan.nodes[digest].evaluations}


def check_tables(record: Record, store: Store, plan: Plan | None) -> Checked:
    """Compare measurements, steps, participants and contrasts with the store's sealed files."""
    found, lives = Checked(), lives_of(record.study, plan)
    _check_measurements(record, store, lives, found)
    _check_steps(record, store, lives, found)
    _check_participants(record, store, lives, found)
    _check_contrasts(record, store, plan, found)
    _check_examples(record, store, plan, found)
    return found


def short(row: Mapping[str, Any]) -> str:
    """How a row is named, as `lifespan verify --row` takes it: group,individual,step,probe,metric[,task]."""
    parts = [row.get(name) for name in ("group", "individual", "step", "probe", "metric")]
    return ",".join(str(part) for part in [*parts, *([row["task"]] if row.get("task") else [])])


def bare(row: Mapping[str, Any]) -> Row:
    """A row without the columns that say whose it is."""
    return {name: value for name, value in row.items() if name not in (*WHO, *OTHER)}


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
        found.differences.append(Difference(table, line, short(row), _value(row), "no such life or step", "store"))
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
        return _Sealed(list(ended.get("rows", ())), [], bool(ended) or not (store.root / digest).is_dir())
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
        other = "no such row" if twin is None else _value(twin, row)
        found.differences.append(Difference(table, line, short(row), _value(row, twin), other, "store"))
    for row in rest:
        found.differences.append(Difference(table, 0, short({**who, **row}), "no such row", _value(row), "store"))


def _take_alike(row: Mapping[str, Any], among: list[Row]) -> Row | None:
    """The first row with the same identity, taken out of the list."""
    for place, other in enumerate(among):
        if all(row.get(name) == other.get(name) for name in IDENTITY):
            return among.pop(place)
    return None


def _value(row: Mapping[str, Any], beside: Mapping[str, Any] | None = None) -> str:
    """A row's value, with its n and stage where those of the row beside it are others."""
    told = [str(row.get("value"))]
    told += [f"{name} {row.get(name)}" for name in ("n", "stage") if beside is not None and row.get(name) != beside.get(name)]
    return ", ".join(told)


def _check_steps(record: Record, store: Store, lives: Sequence[LifeOf], found: Checked) -> None:
    table, groups = "steps.jsonl", record.study.get("groups", {})
    by_name = {(life.group, life.individual): life for life in lives}
    met: set[tuple[str, int]] = set()
    for line, row in enumerate(record.lines(table), 1):
        life = by_name.get((str(row.get("group")), int(row.get("individual", -1))))
        step = int(row.get("step", -1))
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


def _columns(node: Mapping[str, Any] | None, ended: Mapping[str, Any] | None) -> Row:
    """What `steps.jsonl` has of a stored step."""
    if node is None:
        return {"status": (ended or {}).get("status", "pending"), "optimizer_steps": (ended or {}).get("optimizer_steps", 0)}
    made = node.get("made") or {}
    counted = {name: node[name] for name in ("parent", "optimizer_steps", "examples", "tokens", "seconds")}
    made_by = {column: made.get(name) for column, name in MADE.items()}
    return {"status": "done", "age": node["facts"]["age"], "bytes": node.get("bytes"), **counted, **made_by}


def _check_participants(record: Record, store: Store, lives: Sequence[LifeOf], found: Checked) -> None:
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


def _check_contrasts(record: Record, store: Store, plan: Plan | None, found: Checked) -> None:
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
            other = "no such row" if at is None else _value(left[at][1], row)
            found.differences.append(
                Difference(table, line, short(row), _value(row, left[at][1] if at else None), other, "store")
            )
        if at is not None:
            left.pop(at)
    for who, row in left:
        found.differences.append(Difference(table, 0, short({**who, **row}), "no such row", _value(row), "store"))


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


def whose(pair: Pair) -> Row:
    """The columns of `contrasts.jsonl` that say which lives are compared."""
    first, second = pair.first, pair.second
    one = {"group": first.group, "individual": first.individual, "seed": first.seed}
    return {**one, "other_group": second.group, "other_individual": second.individual, "pairs": pair.between.pairs}


def _check_examples(record: Record, store: Store, plan: Plan | None, found: Checked) -> None:
    """Outputs for every example, written anew from the store beside those of the record."""
    import pandas

    kept = sorted((record.directory / "examples").glob("*.parquet"))
    if not kept:
        return
    steps = {digest for life in record.study["lives"].values() for digest in life["steps"]}
    if plan is None or not steps <= set(plan.nodes) or len(plan.lives) != len(record.study["lives"]):
        found.unchecked["outputs for every example need all of the study at hand"] += sum(
            len(pandas.read_parquet(path, columns=["step"])) for path in kept
        )
        return
    with tempfile.TemporaryDirectory(prefix="lifespan-verify-") as folder:
        unite_examples(plan, store, Path(folder))
        for path in kept:
            written = Path(folder) / "examples" / path.name
            table = pandas.read_parquet(path)
            stored = pandas.read_parquet(written) if written.is_file() else table.iloc[:0]
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
