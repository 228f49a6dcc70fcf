"""What a step left when it was lived again, beside what a record says of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import torch

from lifespan.execution._state_comparison import LIVED, Comparison, Standard, compare_outputs, compare_state
from lifespan.execution.reliving import Lived
from lifespan.record.differences import Difference, LifeOf, bare, lives_of, short, whose
from lifespan.record.record import Record
from lifespan.record.store import Store
from lifespan.study.plan import Pair, Plan

Row = dict[str, Any]
SAME_PLACE = ("step", "age", "stage", "probe", "task", "split", "metric", "other_step", "other_age")


class Tables:
    """The rows of a record's tables with their lines, read once; `plan` tells which evaluations are whose."""

    def __init__(self, record: Record, plan: Plan) -> None:
        self.study = str(record.study.get("name"))
        self.contrasts = list(enumerate(record.lines("contrasts.jsonl"), 1))
        self.lives: dict[str, list[tuple[LifeOf, int]]] = {}
        for life in lives_of(record.study, plan):
            for index, digest in enumerate(life.steps):
                self.lives.setdefault(digest, []).append((life, index))
        self.statuses = {row.get("digest"): str(row.get("status")) for row in record.lines("steps.jsonl")}
        self._rows: dict[tuple[Any, ...], list[tuple[int, Row]]] = {}
        for line, row in enumerate(record.lines("measurements.jsonl"), 1):
            self._rows.setdefault((row.get("group"), row.get("individual"), row.get("step")), []).append((line, row))

    def of(self, life: LifeOf, index: int) -> list[tuple[int, Row]]:
        """Lines and rows of `measurements.jsonl` of one step of a life."""
        return self._rows.get((life.group, life.individual, index), [])


def compare_step(
    tables: Tables,
    store: Store,
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
    status = "done" if node is not None else (ended or {}).get("status") or tables.statuses.get(digest, "done")
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
        compare_state(store, lived.store, node, lived.node, standard, found)
        compare_outputs(store, lived.store, digest, looks, standard, found)
    _compare_tables(tables, store, digest, lived, lost, standard, found)
    return found


def compare_pair_rows(tables: Tables, pair: Pair, rows: Sequence[Row], standard: Standard) -> Comparison:
    """Compare the rows of a comparison of lives that was made again with the table's."""
    found = Comparison(threads=[_threads(None)])
    own = [
        (line, row)
        for line, row in tables.contrasts
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


def _compare_tables(
    tables: Tables,
    store: Store,
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
    for life, index in tables.lives.get(digest, ()):
        own = _without(tables.of(life, index), other, lost, {row["probe"] for _, row in made})
        looks = life.looks[index]
        rows = [row for look, row in made if look is None or looks is None or look in looks]
        who = {"study": tables.study, "group": life.group, "individual": life.individual, "seed": life.seed}
        _compare_rows("measurements.jsonl", own, rows, who, standard, found, whole=looks is not None)


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
    found.rows_compared += len(own)
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
