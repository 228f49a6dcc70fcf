"""The check of a disorder or a treatment."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

from lifespan.contracts import AETIOLOGIES, Disorder
from lifespan.disorders.optimiser.unstable_optimizer import UnstableOptimizer
from lifespan.errors import did_you_mean
from lifespan.study.events import Event, Probe, Recover, Suffer
from lifespan.testing.lives import Biography, biography, difference, must_agree, plain, usual_events
from lifespan.testing.specs import check, check_citation, check_rejects, check_spec
from lifespan.testing.watch import own_hooks, watched

OTHER = UnstableOptimizer(severity=0.05)


def check_disorder(disorder: Disorder, *, events: Sequence[Event] | None = None) -> None:
    """Raise `AssertionError` where a disorder or treatment breaks a rule of `lifespan.contracts.Disorder`.

    It is lived four times, in seconds, on a body of two narrow layers: at its own severity (0.5 if that is 0) with and
    without a kill inside every learning (one that only strikes does not act then, and just strikes again); and beside another
    disorder at 1, and at 0, which must equal health bit for bit. It begins at birth and a second time before the first
    recovery. `events` is a tiny life of the author's for a disorder that does not suit the default one (development, a task by
    weights, one by masks, age, recovery, an evaluation).
    """
    check_spec(disorder, Disorder)
    doc = " ".join((inspect.getdoc(type(disorder)) or "").split())
    remedy = 'write "Native parameter: ..." and how severity maps to it'
    check("native parameter" in doc.lower(), disorder, "does not state its native parameter in the docstring", remedy)
    aetiology = type(disorder).aetiology
    known = did_you_mean(aetiology, AETIOLOGIES).removesuffix(".")
    check(aetiology in AETIOLOGIES, disorder, f"has the unknown aetiology {aetiology!r}", f"set it in its class. {known}")
    check_citation(disorder, required=True)
    for wrong in (-0.1, 1.1):
        check_rejects(disorder, "severity", wrong)
    control = disorder.control()
    fine = control is None or (isinstance(control, Disorder) and control != disorder)
    check(fine, disorder, f"has the control {control!r}", "return another disorder, or None")
    if events is None:
        _check_lives(disorder, usual_events(), _usual_twin())
    else:
        _check_lives(disorder, tuple(events), _twin(tuple(events)))


@lru_cache(maxsize=1)
def _usual_twin() -> Biography:
    return _twin(usual_events())


def _twin(events: tuple[Event, ...]) -> Biography:
    """The life without the disorder, in which another one acts that it must not affect."""
    return biography((Suffer(OTHER), *events))


def _check_lives(disorder: Disorder, events: tuple[Event, ...], healthy: Biography) -> None:
    sham = _suffered(replace(disorder, severity=0.0), (Suffer(OTHER), *events))
    remedy = "return every input unchanged where severity is 0, and draw nothing that others draw"
    must_agree(healthy, sham, disorder, "differs from health at severity 0", remedy)
    ill = disorder if disorder.severity > 0 else replace(disorder, severity=0.5)
    first = _suffered(ill, events)
    if own_hooks(type(ill)) <= {"strike"}:
        _check_strikes(ill, first)
    else:
        _check_kills(ill, first, events)
    _suffered(replace(disorder, severity=1.0), (Suffer(OTHER), *events))


def _check_strikes(disorder: Disorder, first: Biography) -> None:
    """Each of its strikes injures the same subject twice alike."""
    remedy = "draw only from the streams given, and keep nothing outside course.memory"
    for position in first.after(Suffer):
        again = biography((Suffer(watched(disorder)),), about=disorder, since=first.until(position))
        found = difference(first.states[position], again.states[position])
        found = found or ("" if _injuries(first, position) == _injuries(again, position) else "what it reports")
        check(not found, disorder, f"leads twice to different lives ({found})", remedy)


def _injuries(life: Biography, position: int) -> list[str]:
    return plain([row for row in life.rows[position] if row.probe.startswith("Injury/")])


def _check_kills(disorder: Disorder, first: Biography, events: tuple[Event, ...]) -> None:
    killed = _suffered(disorder, events, killed=True)
    try:
        remedy = "keep in course.memory, as tensors, what must survive a kill"
        must_agree(first, killed, disorder, "continues with other bits after a kill", remedy)
    except AssertionError:
        remedy = "draw only from the streams given, and keep nothing outside course.memory"
        must_agree(first, _suffered(disorder, events), disorder, "leads twice to different lives", remedy)
        raise


def _suffered(disorder: Disorder, events: tuple[Event, ...], *, killed: bool = False) -> Biography:
    """The life with two onsets of this disorder, each hook checked: at the first event and before the first recovery."""
    suffer = Suffer(watched(disorder))
    late = next((i for i, event in enumerate(events) if isinstance(event, Recover)), len(events))
    while late > 0 and isinstance(events[late - 1], Probe):
        late -= 1
    return biography((suffer, *events[:late], suffer, *events[late:]), killed=killed, about=disorder)
