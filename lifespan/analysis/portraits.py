"""What `Portrait` kept of one individual and its twins: who is shown, at which ages, and with which task."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from lifespan.analysis.cohort import Cohort
from lifespan.errors import RecordError
from lifespan.record import record

COLUMNS = (
    *("group", "individual", "seed", "step", "age", "stage", "part", "task", "name"),
    *("layer", "unit", "row", "column", "edge", "value"),
)


@dataclass(frozen=True)
class Sitting:
    """One portrait: of a group's individual, after a step, at an age in optimizer steps."""

    group: str
    step: int
    age: int
    stage: str


def portraits(cohort: Cohort) -> pd.DataFrame:
    """Rows of `examples/Portrait.parquet` of one individual in each group, twins of each other; none for several records.

    The individual is the one of lowest number that has a portrait in every group, or in most.
    """
    empty = pd.DataFrame(columns=list(COLUMNS))
    if len(cohort.directories) != 1:
        return empty
    rows = record.read(cohort.directories[0]).examples("Portrait")
    if rows.empty or not set(COLUMNS) <= set(rows):
        return empty
    rows = rows[rows["group"].isin(list(cohort.groups))]
    known = rows.groupby("individual")["group"].nunique()
    return rows[rows["individual"] == known.idxmax()].reset_index(drop=True) if len(known) else empty


def sittings(rows: pd.DataFrame, groups: Sequence[str]) -> list[Sitting]:
    """All portraits of these groups in their order, by age."""
    found = rows.drop_duplicates(["group", "step"]).sort_values("step", kind="stable")
    return [
        Sitting(group, int(row["step"]), int(row["age"]), str(row["stage"]))
        for group in groups
        for row in found[found["group"] == group].to_dict("records")
    ]


def at_ages(rows: pd.DataFrame, groups: Sequence[str], ages: Sequence[float]) -> list[Sitting]:
    """The portraits of these groups at these ages: each the last that was made by then. No ages: the first and the last.

    Raises `RecordError` for an age before a group's first portrait.
    """
    chosen: list[Sitting] = []
    for group in groups:
        own = sittings(rows, [group])
        if not ages:
            chosen += dict.fromkeys((own[0], own[-1])) if own else ()
        for age in ages:
            before = [one for one in own if one.age <= age]
            if own and not before:
                known = ", ".join(f"{one.age:,}" for one in own)
                raise RecordError(f"portrait(age={age:g})", f"{group!r} has none by then.", f"Ages of its portraits: {known}.")
            chosen += before[-1:]
    return chosen


def shown_task(rows: pd.DataFrame) -> str:
    """The task whose sentences a portrait shows where nobody chose one: the first that has attention, else none."""
    seen = rows[rows["part"] == "attention"]["task"]
    return str(next((task for task in seen if task), next(iter(seen), "")))
