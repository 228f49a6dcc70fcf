"""What each group lived as rows of a table: the first group's life whole, of the others the steps that differ from it."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from lifespan.analysis.analysis import Analysis


@dataclass(frozen=True)
class Step:
    """One step of a life as the page shows it."""

    position: str
    stage: str
    event: str
    optimizer_steps: str
    lived: str


@dataclass(frozen=True)
class Life:
    """A group's steps, and in a few words what they are."""

    group: str
    note: str
    steps: tuple[Step, ...]


def lives(analysis: Analysis) -> list[Life]:
    """A table for each group that lived; none where nothing was lived."""
    table = analysis.steps_lived
    if table.empty:
        return []
    people = analysis.cohort.participants.groupby("group")["individual"].nunique()
    rows = {
        str(group): tuple(_step(row, int(people[group])) for _, row in part.iterrows())
        for group, part in table.groupby("group", sort=False)
    }
    first = analysis.cohort.control if analysis.cohort.control in rows else next(iter(rows))
    made = [Life(first, f"{len(rows[first])} steps", rows[first])]
    return made + [_other(group, steps, first, rows[first]) for group, steps in rows.items() if group != first]


def _other(group: str, steps: tuple[Step, ...], first: str, known: tuple[Step, ...]) -> Life:
    own = tuple(step for step in steps if step not in known)
    gone = len({step.position for step in known} - {step.position for step in steps})
    note = f"as {first}" if not own else f"{len(own)} of {len(steps)} steps differ from {first}"
    return Life(group, note + (f"; {gone} fewer" if gone else ""), own)


def _step(row: pd.Series, total: int) -> Step:
    trained = f"{row['optimizer_steps']:,.0f}" if row["optimizer_steps"] > 0 else ""
    event = str(row["event"] or "")
    return Step(str(row["step"]), str(row["stage"]), event, trained, f"{row['lived']} of {total}")
