"""What is compared in a record, and how a difference is told: rows, the lives that they belong to, and places."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from lifespan.study.plan import Pair, Plan

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


def united(found: Iterable[Difference]) -> tuple[Difference, ...]:
    """Differences, each once; one that was found in two ways says both."""
    by: dict[Difference, list[str]] = {}
    for one in found:
        by.setdefault(replace(one, by=""), []).append(one.by)
    return tuple(replace(one, by=" and ".join(dict.fromkeys(ways))) for one, ways in by.items())


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


def short(row: Mapping[str, Any]) -> str:
    """How a row is named, as `lifespan verify --row` takes it: group,individual,step,probe,metric[,task], quoted as in CSV.

    >>> short({"group": "a, b", "individual": 0, "step": 1, "probe": "Score", "metric": "f1", "task": "rte"})
    '"a, b",0,1,Score,f1,rte'
    """
    parts = [row.get(name) for name in ("group", "individual", "step", "probe", "metric")]
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow([str(part) for part in [*parts, *([row["task"]] if row.get("task") else [])]])
    return line.getvalue()


def bare(row: Mapping[str, Any]) -> Row:
    """A row without the columns that say whose it is."""
    return {name: value for name, value in row.items() if name not in (*WHO, *OTHER)}


def whose(pair: Pair) -> Row:
    """The columns of `contrasts.jsonl` that say which lives are compared."""
    first, second = pair.first, pair.second
    one = {"group": first.group, "individual": first.individual, "seed": first.seed}
    return {**one, "other_group": second.group, "other_individual": second.individual, "pairs": pair.between.pairs}


def value_of(row: Mapping[str, Any], beside: Mapping[str, Any] | None = None) -> str:
    """A row's value, with its n and stage where those of the row beside it are others."""
    told = [str(row.get("value"))]
    told += [f"{name} {row.get(name)}" for name in ("n", "stage") if beside is not None and row.get(name) != beside.get(name)]
    return ", ".join(told)
