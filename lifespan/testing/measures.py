"""What a measure owes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lifespan.contracts import Measure, Reading, Task
from lifespan.pruning.magnitude import Magnitude
from lifespan.randomness import Streams
from lifespan.scenario import Age, Event, Learn
from lifespan.subject import Subject
from lifespan.testing.lives import (
    BY_MASKS,
    BY_WEIGHTS,
    DEVELOP,
    FIRST,
    SECOND,
    biography,
    copied,
    difference,
    reborn,
    untouched_randomness,
)
from lifespan.testing.specs import check, check_citation, check_spec


def check_measure(measure: Measure, *, before: Sequence[Event] | None = None) -> None:
    """Raise `AssertionError` where a measure breaks a rule of `lifespan.contracts.Measure`.

    It looks at a newborn without tasks and at a tiny subject that developed, learned one task by weights and one by masks,
    and lost synapses; `before` are the events of another tiny life. Looking changes nothing, and a second look sees the same.
    """
    check_spec(measure, Measure)
    check_citation(measure, required=False)
    named = isinstance(measure.title, str) and bool(measure.title.strip())
    check(named, measure, f"has the title {measure.title!r}", "give a short text that names the probe in rows")
    usual = (DEVELOP, Learn(FIRST, by=BY_WEIGHTS), Learn(SECOND, by=BY_MASKS), Age(to=0.3, by=Magnitude()))
    told = biography(usual if before is None else before, about=measure)
    _check_look(measure, reborn(told, 0), {})
    found = _check_look(measure, reborn(told, -1), {task.title: task for task in told.steps[-1].tasks})
    check(bool(found), measure, "reads nothing of a subject with two tasks", "yield Readings, or check it with before=(...)")


def _check_look(measure: Measure, subject: Subject, tasks: Mapping[str, Task]) -> list[Reading]:
    state = copied(subject.state())
    flags = [(module, module.training) for part in (subject.encoder, subject.language) for module in part.modules()]
    first, second = _read(measure, subject, tasks), _read(measure, subject, tasks)
    remedy = "leave the subject as it was: subject.wearing(task), torch.inference_mode()"
    found = difference(state, subject.state())
    check(not found, measure, f"changes the subject ({found})", remedy)
    check(all(module.training == was for module, was in flags), measure, "switches training mode", remedy)
    free = all(p.requires_grad and p.grad is None for p in subject.encoder.parameters())
    check(free, measure, "leaves gradients or frozen parameters behind", remedy)
    equal = list(map(repr, first)) == list(map(repr, second))
    check(equal, measure, "sees something else the second time", 'draw only from the streams given ("evaluation")')
    for reading in first:
        _check_reading(measure, reading, tasks)
    return first


def _read(measure: Measure, subject: Subject, tasks: Mapping[str, Task]) -> list[Reading]:
    with untouched_randomness(measure, "read"):
        try:
            return list(measure.read(subject, tasks, Streams(0, f"look/{measure.digest()}")))
        except Exception as error:
            what = f"cannot look at a subject with {len(tasks)} tasks ({type(error).__name__}: {error})"
            remedy = "read what there is, and nothing where there is nothing"
            raise AssertionError(f"{type(measure).__name__} {what}: {remedy}") from error


def _check_reading(measure: Measure, reading: Reading, tasks: Mapping[str, Task]) -> None:
    check(isinstance(reading, Reading), measure, f"yields {reading!r}", "yield lifespan.Reading(metric, value, n)")
    named = isinstance(reading.metric, str) and bool(reading.metric)
    check(named, measure, f"yields {reading!r} without a metric", "name what was measured")
    number = isinstance(reading.value, int | float) and not isinstance(reading.value, bool)
    check(number, measure, f"yields {reading!r}", "make the value a float (NaN where it is not defined)")
    counted = isinstance(reading.n, int) and reading.n >= 0
    check(counted, measure, f"yields {reading!r}", "make n the whole number of examples or synapses behind the value")
    known = reading.task == "" or reading.task in tasks
    check(known, measure, f"yields {reading!r} for a task not met", "name a task of `tasks`, or none")
