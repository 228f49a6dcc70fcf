"""Tasks that are learned from texts of one length and evaluated, or recovered, at another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields
from typing import Any

from lifespan.contracts import Measure, Task
from lifespan.contracts.spec import Spec
from lifespan.study.events import Birth, Learn, Recover
from lifespan.study.plan import Life, Plan

Mismatch = tuple[int, int, str]
"""(tokens learned at, tokens read elsewhere, who reads so)."""


def length_mismatches(plan: Plan) -> list[str]:
    """One sentence for each pair of lengths that a task meets in one life; empty where lengths agree.

    Lengths beyond what the subject can read (its `positions`, where it names them) count as that.
    """
    found: dict[tuple[int, int], dict[str, dict[str, None]]] = {}
    for life in plan.lives:
        if life.individual > 0:
            continue
        for title, (learned, read, who) in _of(life):
            kinds = found.setdefault((learned, read), {"tasks": {}, "by": {}})
            kinds["tasks"][title], kinds["by"][who] = None, None
    return [_sentence(*lengths, list(kinds["tasks"]), list(kinds["by"])) for lengths, kinds in found.items()]


def _of(life: Life) -> Iterator[tuple[str, Mismatch]]:
    birth = life.steps[0].event
    limit = getattr(birth.origin, "positions", None) if isinstance(birth, Birth) else None
    learned: dict[str, int] = {}
    for step in life.steps:
        event = step.event
        if isinstance(event, Learn):
            learned |= {task.title: event.length for task in event.tasks}
        reads: list[tuple[str, int, str]] = []
        if isinstance(event, Recover):
            reads += [(title, event.length, "Recover") for title in learned]
        for measure in (evaluation.measure for evaluation in step.evaluations):
            reads += [(title, at, type(measure).__name__) for at in _lengths(measure) for title in _read(measure, step.tasks)]
        for title, at, who in reads:
            if title in learned and _cut(at, limit) != _cut(learned[title], limit):
                yield title, (_cut(learned[title], limit), _cut(at, limit), who)


def _cut(length: int, limit: Any) -> int:
    return min(length, limit) if isinstance(limit, int) else int(length)


def _lengths(spec: Spec) -> set[int]:
    """The lengths that a measure reads at: its own, or that of a contrast inside it."""
    own = {field.name: getattr(spec, field.name) for field in fields(spec)}
    if isinstance(own.get("length"), int):
        return {own["length"]}
    return {length for value in own.values() if isinstance(value, Spec) for length in _lengths(value)}


def _read(measure: Measure, tasks: Sequence[Task]) -> set[str]:
    """Titles of the tasks that a measure reads or asks for."""
    sources = (effort.source for effort in measure.effort(tasks))
    return {source.title for source in sources if isinstance(source, Task)} | set(measure.skills)


def _sentence(learned: int, read: int, tasks: Sequence[str], by: Sequence[str]) -> str:
    are = "is" if len(tasks) == 1 else "are"
    return (
        f"{', '.join(tasks)} {are} learned from texts cut at {learned} tokens, but {' and '.join(by)} "
        f"{'reads' if len(by) == 1 else 'read'} them cut at {read}. Write Study(length={learned}), "
        "or the same length= wherever they are read, unless that is meant."
    )
