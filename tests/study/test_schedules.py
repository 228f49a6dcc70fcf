"""Courses of ageing: hand values, order, and lives that follow them."""

import itertools
import json

import pytest
from conftest import TINY, tiny_study
from hypothesis import given
from hypothesis import strategies as st

import lifespan
from lifespan import (
    Age,
    Magnitude,
    Probe,
    Regrow,
    Scenario,
    Sparsity,
    Treat,
    UserError,
    accelerating,
    at_once,
    gradually,
    normative,
    simulate,
    steadily,
)
from lifespan.study.plan import compile_study

COURSES = {"steadily": steadily, "gradually": gradually, "accelerating": accelerating}
IN_STEPS = pytest.mark.parametrize("course", COURSES.values(), ids=COURSES.keys())


def age(sparsity):
    return Age(to=sparsity, by=Magnitude())


def look(sparsity):
    return (age(sparsity), Probe(Sparsity()))


def grow(share):
    return Regrow(severity=share)


def ages(events):
    return [event.to for event in events if isinstance(event, Age)]


def human(**more):
    return normative(**{"each": look, "by": Magnitude(), "grow": grow, **more})


def course_of(events, start=0.0):
    """Sparsity after each event, by the rules of ageing and regrowing."""
    now, course = start, []
    for event in events:
        if isinstance(event, Age):
            now = event.to
        elif isinstance(event, Treat):
            now *= 1 - event.disorder.severity
        course.append(now)
    return course


def test_hand_values():
    assert ages(at_once(to=0.6, each=look)) == [0.6]
    assert ages(steadily(to=0.7, start=0.1, in_steps=3, each=age)) == pytest.approx([0.3, 0.5, 0.7])
    assert ages(gradually(to=0.8, in_steps=2, each=age)) == pytest.approx([0.7, 0.8])
    assert ages(gradually(to=0.9, start=0.1, in_steps=4, each=age)) == pytest.approx([0.5625, 0.8, 0.8875, 0.9])
    assert ages(accelerating(to=0.8, in_steps=2, each=age)) == pytest.approx([0.1, 0.8])
    assert ages(accelerating(to=0.9, start=0.1, in_steps=4, each=age)) == pytest.approx([0.1125, 0.2, 0.4375, 0.9])
    assert ages(accelerating(to=0.9, start=0.1, in_steps=2, power=2, each=age)) == pytest.approx([0.3, 0.9])


def test_steady_steps_take_equally_many_living_and_the_mirror_reverses_the_losses():
    losses = {
        name: [b - a for a, b in itertools.pairwise([0.1, *ages(course(to=0.7, start=0.1, in_steps=6, each=age))])]
        for name, course in COURSES.items()
    }
    assert losses["steadily"] == pytest.approx([0.1] * 6)
    assert losses["gradually"] == sorted(losses["gradually"], reverse=True)
    assert losses["accelerating"] == pytest.approx(losses["gradually"][::-1])
    one = ages(accelerating(to=0.7, start=0.1, in_steps=6, power=1, each=age))
    assert one == pytest.approx(ages(steadily(to=0.7, start=0.1, in_steps=6, each=age)))


@IN_STEPS
@given(ends=st.tuples(st.floats(0, 0.999), st.floats(0, 0.999)), steps=st.integers(1, 30))
def test_courses_never_turn_back_and_end_to_the_bit(course, ends, steps):
    start, to = sorted(ends)
    sparsities = [start, *ages(course(to=to, start=start, in_steps=steps, each=age))]
    assert sparsities == sorted(sparsities) and len(sparsities) == steps + 1
    assert sparsities[-1] == to
    Scenario(name="x", subject=TINY, events=tuple(map(age, [*sparsities, to])))


@given(st.integers(1, 40), st.floats(1, 60))
def test_any_power_is_monotone(steps, power):
    sparsities = [0.1, *ages(accelerating(to=0.6, start=0.1, in_steps=steps, power=power, each=age))]
    assert sparsities == sorted(sparsities) and sparsities[-1] == 0.6


def test_the_human_course_by_hand():
    events = human()
    grown = [event.disorder.severity for event in events if isinstance(event, Treat)]
    assert events[0] == age(0.5)
    assert grown == pytest.approx([0.4, 2 / 3]), "dead: 0.5 -> 0.3 -> 0.1"
    assert course_of(events)[:3] == pytest.approx([0.5, 0.3, 0.1])
    assert ages(events)[1:] == pytest.approx([0.6 - 0.5 * left**3 for left in (0.8, 0.6, 0.4, 0.2, 0.0)])
    assert events[3:] == gradually(start=0.1, to=0.6, in_steps=5, each=look)
    assert human(peak=0.0, growing=1)[1].disorder.severity == 1.0


@given(st.data())
def test_the_human_course_falls_to_the_peak_in_equal_steps_then_rises(data):
    peak, start = sorted(data.draw(st.lists(st.floats(0, 0.99), min_size=2, max_size=2, unique_by=lambda x: round(x, 3))))
    to = data.draw(st.floats(peak + 0.005, 0.999))
    growing, declining = data.draw(st.integers(1, 8)), data.draw(st.integers(1, 8))
    events = normative(each=age, by=Magnitude(), grow=grow, start=start, peak=peak, to=to, growing=growing, in_steps=declining)
    course = course_of(events)
    assert course[: growing + 1] == pytest.approx([start + (peak - start) * k / growing for k in range(growing + 1)])
    assert course[growing:] == sorted(course[growing:]) and course[-1] == to
    Scenario(name="x", subject=TINY, events=events)


def test_growth_may_be_written_as_events():
    watched = human(grow=lambda share: (Treat(Regrow(severity=share)), Probe(Sparsity())))
    assert [type(event).__name__ for event in watched[:5]] == ["Age", "Treat", "Probe", "Treat", "Probe"]
    assert tuple(event for event in watched[:5] if not isinstance(event, Probe)) == human()[:3]


def test_a_human_life_is_lived_and_the_sparsity_probe_follows(tmp_path):
    events = human(grow=lambda share: (Treat(Regrow(severity=share)), Probe(Sparsity())))
    study = tiny_study(human=Scenario(name="human", subject=TINY, events=(events[0], Probe(Sparsity()), *events[1:])))
    assert len(compile_study(study, precision="fp32").lives[0].steps) == 1 + 1 + 2 + 5
    simulate(study, tmp_path)
    rows = [json.loads(line) for line in (tmp_path / "measurements.jsonl").read_text().splitlines()]
    found = [row for row in rows if row["metric"] == "sparsity" and not row["task"]]
    wanted = [0.5, 0.3, 0.1, *ages(gradually(start=0.1, to=0.6, in_steps=5, each=age))]
    # Each treatment revives a whole number of synapses, so two of them may be off by one in all.
    assert [row["value"] for row in found] == pytest.approx(wanted, abs=1.5 / found[0]["n"])
    assert found[-1]["value"] == pytest.approx(round(0.6 * found[0]["n"]) / found[0]["n"])


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: at_once(to=1.0, each=age), r"at_once\(to=1\): the sparsity must satisfy 0 <= to < 1"),
        (lambda: at_once(to=0.5, each=lambda s: Magnitude()), r"Wrap it: Age\(Magnitude"),
        *(
            (
                lambda c=course: c(to=0.2, start=0.5, in_steps=2, each=age),
                rf"{name}\(start=0\.5, to=0\.2\).*0 <= start <= to < 1",
            )
            for name, course in COURSES.items()
        ),
        *(
            (lambda c=course: c(to=0.2, in_steps=0, each=age), rf"{name}\(in_steps=0\): must be a whole number, at least 1")
            for name, course in COURSES.items()
        ),
        (
            lambda: accelerating(to=0.5, in_steps=2, power=0.5, each=age),
            r"accelerating\(power=0\.5\): must be a number, at least 1",
        ),
        (lambda: accelerating(to=0.5, in_steps=2, power="3", each=age), r"accelerating\(power='3'\)"),
        (lambda: human(peak=0.5), r"normative\(start=0\.5, peak=0\.5, to=0\.6\).*0 <= peak < start < 1 and peak < to < 1"),
        (lambda: human(to=0.1), r"0 <= peak < start < 1 and peak < to < 1"),
        (lambda: human(growing=0), r"normative\(growing=0\): must be a whole number, at least 1"),
        (lambda: human(in_steps=True), r"normative\(in_steps=True\): must be a whole number, at least 1"),
    ],
)
def test_mistakes_are_met_where_they_are_typed(build, message):
    with pytest.raises(UserError, match=message):
        build()


def test_all_courses_are_public():
    assert {"at_once", "steadily", "gradually", "accelerating", "normative"} <= set(lifespan.__all__)
