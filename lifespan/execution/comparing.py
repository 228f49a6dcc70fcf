"""What a step left when it was lived again, beside what a record says of it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from lifespan.errors import RecordError
from lifespan.execution.reliving import Lived, states_apart
from lifespan.record.consistency import Difference, LifeOf, bare, lives_of, short, whose
from lifespan.record.files import sha_of
from lifespan.record.record import Record
from lifespan.record.store import Store
from lifespan.study.plan import Pair, Plan

Row = dict[str, Any]
LIVED = "lived again"
COUNTS = ("optimizer_steps", "examples", "tokens", "facts")
SAME_PLACE = ("step", "age", "stage", "probe", "task", "split", "metric", "other_step", "other_age")


@dataclass(frozen=True)
class Standard:
    """What counts as equal: bits, or values within `tolerance` where something that decides about the last bits is `apart`."""

    apart: bool
    tolerance: float

    def close(self, one: object, other: object) -> bool:
        """Whether two values are within the tolerance, absolute or relative to the larger one."""
        if not self.apart or not all(isinstance(each, int | float) for each in (one, other)):
            return False
        return math.isclose(float(one), float(other), rel_tol=self.tolerance, abs_tol=self.tolerance)  # type: ignore[arg-type]


@dataclass
class Comparison:
    """How one step, or one comparison of lives, compares: `rows` of the tables that are equal, and all that differs.

    `close` tells that something is equal within the tolerance alone; `why`, that nothing could be compared.
    """

    rows: int = 0
    close: bool = False
    differences: list[Difference] = field(default_factory=list)
    threads: list[str] = field(default_factory=list)
    why: str = ""


def compare_step(
    record: Record,
    store: Store,
    plan: Plan,
    digest: str,
    lived: Lived,
    looks: Sequence[str],
    lost: Collection[str],
    standard: Standard,
) -> Comparison:
    """Compare a step that was lived again with what the record's store and tables say of it."""
    found = Comparison()
    node, ended = store.node(digest), store.ended(digest)
    name = digest[:12]
    status = "done" if node is not None else (ended or {}).get("status") or _status(record, digest)
    now = "done" if lived.node is not None else str((lived.ended or {}).get("status"))
    if "failed" in (status, now):
        return _compare_failure(status, now, ended or {}, lived)
    if status != now:
        reason = (lived.ended or ended or {}).get("reason", "")
        found.differences.append(Difference("store", 0, f"step {name}: how it ended", status, f"{now} ({reason})", LIVED))
        return found
    found.threads = [_threads(lived)]
    if lived.ended is not None:
        _compare_end(name, ended or {}, lived.ended, found)
    elif node is not None and lived.node is not None and lived.store is not None:
        _compare_state(store, lived.store, node, lived.node, standard, found)
        _compare_outputs(store, lived.store, digest, looks, standard, found)
    _compare_tables(record, store, plan, digest, lived, lost, standard, found)
    return found


def compare_pair_rows(record: Record, pair: Pair, rows: Sequence[Row], standard: Standard) -> Comparison:
    """Compare the rows of a comparison of lives that was made again with the table's."""
    found = Comparison(threads=[_threads(None)])
    own = [
        (line, row)
        for line, row in enumerate(record.lines("contrasts.jsonl"), 1)
        if row.get("probe") == pair.between.contrast.title
        and row.get("step") == pair.one.index
        and all(row.get(name) == value for name, value in whose(pair).items())
    ]
    _compare_rows("contrasts.jsonl", own, rows, whose(pair), standard, found, whole=True)
    return found


def _threads(lived: Lived | None) -> str:
    made = (lived.node or {}).get("made", {}) if lived is not None else {}
    count = made.get("threads") or torch.get_num_threads()
    return f"{count} thread{'' if count == 1 else 's'}"


def _status(record: Record, digest: str) -> str:
    """What `steps.jsonl` says of a step of which the store has nothing."""
    rows = [row for row in record.lines("steps.jsonl") if row.get("digest") == digest]
    return str(rows[0]["status"]) if rows else "done"


def _compare_failure(status: str, now: str, ended: Row, lived: Lived) -> Comparison:
    """A failure has causes outside the record: it is equal where it has the same reason, and tells nothing otherwise."""
    reason = (lived.ended or {}).get("reason", "")
    if status == now and ended.get("reason") in (reason, None):
        return Comparison(threads=[_threads(lived)])
    if status == "failed":
        told = f"failed ({reason})" if now == "failed" else f"is {now}"
        return Comparison(why=f"failed when it was recorded ({ended.get('reason', 'no reason is kept')}); here it {told}")
    return Comparison(why=f"fails here: {reason}")


def _compare_end(name: str, before: Row, now: Row, found: Comparison) -> None:
    for key in ("reason", "optimizer_steps"):
        if key in before and before[key] != now.get(key):
            told = str(before[key]), str(now.get(key))
            found.differences.append(Difference("store", 0, f"step {name}: {key}", *told, LIVED))


def _compare_state(
    store: Store, lived: Store, before: Mapping[str, Any], now: Mapping[str, Any], standard: Standard, found: Comparison
) -> None:
    name = f"{before['event']}, {before['digest'][:12]}"
    for key in COUNTS:
        if before[key] != now[key]:
            found.differences.append(Difference("store", 0, f"{name}: {key}", str(before[key]), str(now[key]), LIVED))
    for group, blob in before["blobs"].items():
        path = store.root / "blobs" / f"{blob}.safetensors"
        if path.is_file() and sha_of(path) != blob:
            what = f"{name}: state, {group}"
            found.differences.append(
                Difference(str(path.name), 0, what, "damaged", "its content is not its checksum's", "store")
            )
    if before["blobs"] == now["blobs"] or found.differences:
        return
    try:
        parts = list(states_apart(store, lived, before, now))
    except RecordError:
        parts = [("", float("inf"), "other checksums; the recorded tensors are not at hand")]
    for tensor, distance, told in parts:
        if standard.apart and distance <= standard.tolerance:
            found.close = True
        else:
            found.differences.append(Difference("store", 0, f"{name}: {tensor}", "state", told, LIVED))


def _compare_outputs(
    store: Store, lived: Store, digest: str, looks: Sequence[str], standard: Standard, found: Comparison
) -> None:
    """Outputs for every example, where a probe kept them."""
    for look in looks:
        before, now = store.bulk(digest, look), lived.bulk(digest, look)
        if before is None or now is None or sha_of(before) == sha_of(now):
            continue
        for column, told in _columns_apart(before, now, standard, found):
            what = f"outputs of an evaluation of {digest[:12]}: {column}"
            found.differences.append(Difference(before.name, 0, what, "a column", told, LIVED))


def _columns_apart(before: Path, now: Path, standard: Standard, found: Comparison) -> Iterator[tuple[str, str]]:
    import pandas

    one, other = pandas.read_parquet(before), pandas.read_parquet(now)
    if list(one.columns) != list(other.columns) or len(one) != len(other):
        yield "all", f"{len(other):,} rows and {len(other.columns)} columns, not {len(one):,} and {len(one.columns)}"
        return
    for column in one.columns:
        if one[column].equals(other[column]):
            continue
        pairs = zip(one[column].tolist(), other[column].tolist(), strict=True)
        wrong = sum(a != b and not (a != a and b != b) and not standard.close(a, b) for a, b in pairs)
        found.close = True
        if wrong:
            yield column, f"{wrong:,} of {len(one):,} rows differ"


def _compare_tables(
    record: Record,
    store: Store,
    plan: Plan,
    digest: str,
    lived: Lived,
    lost: Collection[str],
    standard: Standard,
    found: Comparison,
) -> None:
    """Rows of `measurements.jsonl` of all lives that lived a step."""
    if lived.node is None:
        made: list[tuple[str | None, Row]] = [(None, row) for row in (lived.ended or {}).get("rows", [])]
    else:
        made = [(None, row) for row in lived.node["rows"]]
        made += [(look, row) for look, rows in lived.rows.items() for row in rows if "columns" not in row]
    other = [row for look in lost for row in store.evaluation(digest, look) or []]
    table = list(enumerate(record.lines("measurements.jsonl"), 1))
    for life in lives_of(record.study, plan):
        if digest not in life.steps:
            continue
        index = life.steps.index(digest)
        own = [entry for entry in table if _is_of(entry[1], life, index)]
        own = _without(own, other, lost, {row["probe"] for _, row in made})
        looks = life.looks[index]
        rows = [row for look, row in made if look is None or looks is None or look in looks]
        who = {"study": record.study.get("name"), "group": life.group, "individual": life.individual, "seed": life.seed}
        _compare_rows("measurements.jsonl", own, rows, who, standard, found, whole=looks is not None)


def _is_of(row: Row, life: LifeOf, index: int) -> bool:
    return (row.get("group"), row.get("individual"), row.get("step")) == (life.group, life.individual, index)


def _without(own: list[tuple[int, Row]], other: list[Row], lost: Collection[str], probes: set[str]) -> list[tuple[int, Row]]:
    """Rows without those of evaluations that cannot be made here."""
    if not lost:
        return own
    left = Counter(repr(sorted(row.items())) for row in other)
    kept = []
    for line, row in own:
        key = repr(sorted(bare(row).items()))
        if left[key]:
            left[key] -= 1
        elif row.get("probe") in probes:
            kept.append((line, row))
    return kept


def _compare_rows(
    table: str,
    own: Sequence[tuple[int, Row]],
    rows: Sequence[Row],
    who: Row,
    standard: Standard,
    found: Comparison,
    *,
    whole: bool,
) -> None:
    """Rows of a table beside rows that were made again; with `whole`, none of those may be missing in the table."""
    left: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        left.setdefault(_place(row), []).append(row)
    for line, row in own:
        among = left.get(_place(row), [])
        if not among:
            found.differences.append(Difference(table, line, short(row), str(row.get("value")), "no such row", LIVED))
            continue
        made = among.pop(next((i for i, one in enumerate(among) if one["value"] == row.get("value")), 0))
        equal = made["value"] == row.get("value") and made["n"] == row.get("n")
        if equal or (made["n"] == row.get("n") and standard.close(made["value"], row.get("value"))):
            found.rows += 1
            found.close = found.close or not equal
            continue
        told = str(row.get("value")), str(made["value"])
        if made["n"] != row.get("n"):
            told = f"{told[0]}, n {row.get('n')}", f"{told[1]}, n {made['n']}"
        found.differences.append(Difference(table, line, short(row), *told, LIVED))
    for row in (one for among in left.values() for one in among if whole):
        found.differences.append(Difference(table, 0, short({**who, **row}), "no such row", str(row["value"]), LIVED))


def _place(row: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(row.get(name) for name in SAME_PLACE)
