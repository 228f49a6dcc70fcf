"""The checks of a measure and of a contrast."""

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

    It reads a newborn without tasks and a tiny subject that developed, learned one task by weights and one by masks, and
    lost synapses; `before` are the events of another tiny life. Reading changes nothing, and yields the same a second time.
    """
    check_spec(measure, Measure)
    tasks, life = _begun(measure, before)
    _check_evaluation(measure, [_grown(life, 0)], {})
    found = _check_evaluation(measure, [_grown(life, -1)], tasks)
    check(bool(found), measure, "reads nothing of a subject with two tasks", "yield Readings, or check it with before=(...)")


def check_contrast(contrast: Contrast, *, before: Sequence[Event] | None = None) -> None:
    """Raise `AssertionError` where a contrast breaks a rule of `lifespan.contracts.Contrast`.

    It compares the end of such a tiny life with its newborn self, and with itself one event earlier. It changes neither.
    """
    check_spec(contrast, Contrast)
    tasks, life = _begun(contrast, before)
    _check_evaluation(contrast, [_grown(life, 0), _grown(life, -1)], {})
    found = _check_evaluation(contrast, [_grown(life, -2), _grown(life, -1)], tasks)
    check(
        bool(found), contrast, "reads nothing of two subjects with two tasks", "yield Readings, or check it with before=(...)"
    )


AnyMeasure = Measure | Contrast


def _begun(measure: AnyMeasure, before: Sequence[Event] | None) -> tuple[dict[str, Task], Biography]:
    check_citation(measure, required=False)
    named = isinstance(measure.title, str) and bool(measure.title.strip())
    check(named, measure, f"has the title {measure.title!r}", "give a short text that names it in rows")
    life = _usual() if before is None else biography(before, about=measure)
    tasks = life.steps[-1].tasks
    fine = all(isinstance(part, Effort) and part.passes >= 0 for part in measure.effort(tasks))
    check(fine, measure, "does not say what it costs", "return Effort(task, passes) for what it reads, or ()")
    return {task.title: task for task in tasks}, life


@lru_cache(maxsize=1)
def _usual() -> Biography:
    return biography(USUAL)


def _grown(life: Biography, position: int) -> Subject:
    subject = reborn(life, position)
    subject.past = Past(life)
    return subject


def _check_evaluation(measure: AnyMeasure, subjects: Sequence[Subject], tasks: Mapping[str, Task]) -> list[Reading | Bulk]:
    states = [copied(subject.state()) for subject in subjects]
    parts = [part for subject in subjects for part in (subject.encoder, subject.language)]
    flags = [(module, module.training) for part in parts for module in part.modules()]
    first, second = _read(measure, subjects, tasks), _read(measure, subjects, tasks)
    remedy = "leave the subject as it was: subject.wearing(task), torch.inference_mode()"
    for state, subject in zip(states, subjects, strict=True):
        found = difference(state, subject.state())
        check(not found, measure, f"changes the subject ({found})", remedy)
        free = all(p.requires_grad and p.grad is None for p in subject.encoder.parameters())
        check(free, measure, "leaves gradients or frozen parameters behind", remedy)
    check(all(module.training == was for module, was in flags), measure, "switches training mode", remedy)
    equal = list(map(repr, first)) == list(map(repr, second))
    check(equal, measure, "yields something else the second time", 'draw only from the streams given ("evaluation")')
    for reading in first:
        if isinstance(reading, Bulk):
            _check_bulk(measure, reading)
        else:
            _check_reading(measure, reading, tasks)
            _check_meaning(measure, reading)
    return first


def _read(measure: AnyMeasure, subjects: Sequence[Subject], tasks: Mapping[str, Task]) -> list[Reading | Bulk]:
    call: Any = measure.compare if isinstance(measure, Contrast) else measure.read
    with untouched_randomness(measure, "compare" if isinstance(measure, Contrast) else "read"):
        try:
            found: Iterable[Reading | Bulk] = call(*subjects, tasks, Streams(0, "look").child(measure.digest()))
            return list(found)
        except Exception as error:
            what = f"cannot read a subject with {len(tasks)} tasks ({type(error).__name__}: {error})"
            remedy = "read what there is, and nothing where there is nothing"
            raise AssertionError(f"{type(measure).__name__} {what}: {remedy}") from error


def _check_meaning(measure: AnyMeasure, reading: Reading) -> None:
    patterns = [meaning.metric for meaning in measure.meanings]
    known = not patterns or any(fnmatchcase(reading.metric, pattern) for pattern in patterns)
    check(known, measure, f"yields the metric {reading.metric!r}, which its `meanings` do not explain", "add a Meaning")


def _check_bulk(measure: AnyMeasure, bulk: Bulk) -> None:
    shapes = {values.shape for values in bulk.columns.values()}
    fine = len(shapes) == 1 and all(len(shape) == 1 for shape in shapes)
    check(fine, measure, f"yields a Bulk with columns of shapes {shapes}", "give one-dimensional arrays of one length")


def _check_reading(measure: AnyMeasure, reading: Reading, tasks: Mapping[str, Task]) -> None:
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
        known,
        measure,
        f"yields {reading!r} for a task not learned",
        "name a task of `tasks`, one that its effort names, or none",
    )
