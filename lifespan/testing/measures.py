"""What a measure owes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Any

from lifespan.contracts import Bulk, Contrast, Effort, Measure, Reading, Task
from lifespan.contracts.subject import Subject
from lifespan.pruning.magnitude import Magnitude
from lifespan.randomness import Streams
from lifespan.study.events import Age, Event, Learn
from lifespan.testing.lives import (
    BY_MASKS,
    BY_WEIGHTS,
    DEVELOP,
    FIRST,
    SECOND,
    Biography,
    Past,
    biography,
    copied,
    difference,
    reborn,
    untouched_randomness,
)
from lifespan.testing.specs import check, check_citation, check_spec

USUAL = (DEVELOP, Learn(FIRST, by=BY_WEIGHTS), Learn(SECOND, by=BY_MASKS), Age(to=0.3, by=Magnitude()))
"""Developed, one task learned by weights and one by masks, synapses lost."""


def check_measure(measure: Measure, *, before: Sequence[Event] | None = None) -> None:
    """Raise `AssertionError` where a measure breaks a rule of `lifespan.contracts.Measure`.

    It looks at a newborn without tasks and at a tiny subject that developed, learned one task by weights and one by masks,
    and lost synapses; `before` are the events of another tiny life. Looking changes nothing, and a second look sees the same.
    """
    check_spec(measure, Measure)
    tasks, told = _begun(measure, before)
    _check_look(measure, [_grown(told, 0)], {})
    found = _check_look(measure, [_grown(told, -1)], tasks)
    check(bool(found), measure, "reads nothing of a subject with two tasks", "yield Readings, or check it with before=(...)")


def check_contrast(contrast: Contrast, *, before: Sequence[Event] | None = None) -> None:
    """Raise `AssertionError` where a contrast breaks a rule of `lifespan.contracts.Contrast`.

    It compares the end of such a tiny life with its newborn self, and with what it was one event ago. Looking changes neither.
    """
    check_spec(contrast, Contrast)
    tasks, told = _begun(contrast, before)
    _check_look(contrast, [_grown(told, 0), _grown(told, -1)], {})
    found = _check_look(contrast, [_grown(told, -2), _grown(told, -1)], tasks)
    check(
        bool(found), contrast, "reads nothing of two subjects with two tasks", "yield Readings, or check it with before=(...)"
    )


Looker = Measure | Contrast


def _begun(looker: Looker, before: Sequence[Event] | None) -> tuple[dict[str, Task], Biography]:
    check_citation(looker, required=False)
    named = isinstance(looker.title, str) and bool(looker.title.strip())
    check(named, looker, f"has the title {looker.title!r}", "give a short text that names it in rows")
    told = _usual() if before is None else biography(before, about=looker)
    tasks = told.steps[-1].tasks
    fine = all(isinstance(part, Effort) and part.passes >= 0 for part in looker.effort(tasks))
    check(fine, looker, "does not tell what it costs", "return Effort(task, passes) for what it reads, or ()")
    return {task.title: task for task in tasks}, told


@lru_cache(maxsize=1)
def _usual() -> Biography:
    return biography(USUAL)


def _grown(told: Biography, position: int) -> Subject:
    subject = reborn(told, position)
    subject.past = Past(told)
    return subject


def _check_look(looker: Looker, subjects: Sequence[Subject], tasks: Mapping[str, Task]) -> list[Reading | Bulk]:
    states = [copied(subject.state()) for subject in subjects]
    parts = [part for subject in subjects for part in (subject.encoder, subject.language)]
    flags = [(module, module.training) for part in parts for module in part.modules()]
    first, second = _read(looker, subjects, tasks), _read(looker, subjects, tasks)
    remedy = "leave the subject as it was: subject.wearing(task), torch.inference_mode()"
    for state, subject in zip(states, subjects, strict=True):
        found = difference(state, subject.state())
        check(not found, looker, f"changes the subject ({found})", remedy)
        free = all(p.requires_grad and p.grad is None for p in subject.encoder.parameters())
        check(free, looker, "leaves gradients or frozen parameters behind", remedy)
    check(all(module.training == was for module, was in flags), looker, "switches training mode", remedy)
    equal = list(map(repr, first)) == list(map(repr, second))
    check(equal, looker, "sees something else the second time", 'draw only from the streams given ("evaluation")')
    for reading in first:
        if isinstance(reading, Bulk):
            _check_bulk(looker, reading)
        else:
            _check_reading(looker, reading, tasks)
            _check_meaning(looker, reading)
    return first


def _read(looker: Looker, subjects: Sequence[Subject], tasks: Mapping[str, Task]) -> list[Reading | Bulk]:
    look: Any = looker.compare if isinstance(looker, Contrast) else looker.read
    with untouched_randomness(looker, "compare" if isinstance(looker, Contrast) else "read"):
        try:
            found: Iterable[Reading | Bulk] = look(*subjects, tasks, Streams(0, "look").child(looker.digest()))
            return list(found)
        except Exception as error:
            what = f"cannot look at a subject with {len(tasks)} tasks ({type(error).__name__}: {error})"
            remedy = "read what there is, and nothing where there is nothing"
            raise AssertionError(f"{type(looker).__name__} {what}: {remedy}") from error


def _check_meaning(looker: Looker, reading: Reading) -> None:
    told = [meaning.metric for meaning in looker.meanings]
    known = not told or any(fnmatchcase(reading.metric, pattern) for pattern in told)
    check(known, looker, f"yields the metric {reading.metric!r}, which its `meanings` do not explain", "add a Meaning")


def _check_bulk(looker: Looker, bulk: Bulk) -> None:
    shapes = {values.shape for values in bulk.columns.values()}
    fine = len(shapes) == 1 and all(len(shape) == 1 for shape in shapes)
    check(fine, looker, f"yields a Bulk with columns of shapes {shapes}", "give one-dimensional arrays of one length")


def _check_reading(measure: Looker, reading: Reading, tasks: Mapping[str, Task]) -> None:
    check(isinstance(reading, Reading), measure, f"yields {reading!r}", "yield lifespan.Reading(metric, value, n)")
    named = isinstance(reading.metric, str) and bool(reading.metric)
    check(named, measure, f"yields {reading!r} without a metric", "name what was measured")
    number = isinstance(reading.value, int | float) and not isinstance(reading.value, bool)
    check(number, measure, f"yields {reading!r}", "make the value a float (NaN where it is not defined)")
    counted = isinstance(reading.n, int) and reading.n >= 0
    check(counted, measure, f"yields {reading!r}", "make n the whole number of examples or synapses behind the value")
    sources = {part.source.title for part in measure.effort(tuple(tasks.values()))}
    known = reading.task == "" or reading.task in tasks or reading.task in sources
    check(
        known, measure, f"yields {reading!r} for a task not met", "name a task of `tasks`, one that its effort names, or none"
    )
