"""Whether everything in a plan can do with the answers of its tasks, asked before anything is lived."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from typing import TYPE_CHECKING

from lifespan.contracts import Measure, Task
from lifespan.contracts.spec import Spec
from lifespan.errors import ScenarioError
from lifespan.study.events import Age, Learn, Recover

if TYPE_CHECKING:
    from lifespan.study.plan import Step

USUAL = {"classes", "score"}
"""Kinds of answer that a task has by itself."""


def check_answers(step: Step) -> None:
    """Raise `ScenarioError` for the first method of a step whose `answers` lack those of a task that it meets here."""
    for part, tasks in _meetings(step):
        kinds: tuple[str, ...] = getattr(type(part), "answers", ())
        for task in tasks if kinds else ():
            # By itself a task has classes or a score. Which one may have to be read from its data.
            if type(task).head is Task.head and set(kinds) >= USUAL:
                continue
            kind = task.head.kind
            if kind not in kinds:
                what = f"cannot do with {task.title!r}, whose answers are {kind}: it knows {' and '.join(kinds)}."
                raise ScenarioError(part.describe(), what, "Leave it out, or take a task of another kind.")


def _meetings(step: Step) -> Iterator[tuple[Spec, tuple[Task, ...]]]:
    """Every method of a step, and the tasks that it meets."""
    event = step.event
    taught = event.tasks if isinstance(event, Learn) else step.tasks if isinstance(event, Recover) else ()
    if isinstance(event, Learn | Recover | Age):
        for part in _parts(event.by) if event.by is not None else ():
            yield part, step.tasks if isinstance(event, Age) else taught
    if isinstance(event, Learn) and event.against_forgetting is not None:
        yield event.against_forgetting, step.tasks
    for _, disorder in step.active:
        yield disorder, taught
    for each in step.evaluations:
        for part in _parts(each.measure):
            yield part, tuple(_read_by(each.measure, step.tasks))


def _read_by(measure: Measure, learned: tuple[Task, ...]) -> Iterator[Task]:
    """The tasks that a measure reads, and those whose skill it names."""
    yield from (task for task in learned if task.title in measure.skills)
    yield from (effort.source for effort in measure.effort(learned) if isinstance(effort.source, Task))


def _parts(spec: Spec) -> Iterator[Spec]:
    """A spec and the specs inside it, tasks left out."""
    yield spec
    for inner in (getattr(spec, field.name) for field in fields(spec)):
        if isinstance(inner, Spec) and not isinstance(inner, Task):
            yield from _parts(inner)
