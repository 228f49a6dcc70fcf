"""Scenarios, plans and digests."""

import json
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from conftest import TASKS, TINY, tiny_life, tiny_study

from lifespan import (
    Age,
    Develop,
    Disorder,
    FreshTask,
    Glue,
    Learn,
    Lottery,
    Magnitude,
    Masks,
    Micro,
    MicroText,
    Probe,
    Recover,
    Scenario,
    Score,
    Study,
    Suffer,
    UserError,
    Weights,
    gradually,
    stream,
)
from lifespan.contracts import Measure
from lifespan.contracts.spec import Spec
from lifespan.record.specs import rebuilt
from lifespan.study.plan import compile_study

GOLDEN = Path(__file__).parents[1] / "golden" / "digests.json"


def specs():
    return {
        "Micro": Micro(),
        "Develop": Develop(MicroText(), steps=10),
        "Learn by masks": Learn(TASKS[0], by=Masks()),
        "Learn by weights": Learn(Glue("rte"), by=Weights(epochs=2.0)),
        "Learn for steps": Learn(TASKS[0], by=Weights(steps=10)),
        "Age": Age(to=0.5, by=Magnitude()),
        "Recover": Recover(steps=10),
        "Probe": Probe(Score()),
        "tiny life": tiny_life(),
    }


def test_digests_are_what_they_always_were():
    """A new field with a no-op default must not change these; changed behaviour raises the class's revision, and these."""
    assert {name: spec.digest() for name, spec in specs().items()} == json.loads(GOLDEN.read_text())


def test_epochs_count_whole_batches_and_say_so():
    assert [Weights(epochs=e).steps_for(n) for e, n in ((3.0, 10), (1.0, 40), (3.0, 40), (0.5, 40), (1.0, 64))] == [
        3,
        2,
        6,
        1,
        2,
    ]
    assert Learn(TASKS[0], by=Weights()).to_data()["epochs_counted"] == "ceil"
    for event in (Learn(TASKS[0], by=Weights(steps=5)), Develop(MicroText(), steps=5, by=Weights()), Recover(steps=5)):
        assert "epochs_counted" not in json.dumps(event.to_data())
    look = FreshTask(TASKS[0], by=Weights())
    assert rebuilt(look.to_data(), Measure, "study.json") == look


def test_a_blurred_stream_counts_one_round_of_a_lottery():
    rows = len(TASKS[0].examples("train"))
    events = stream(*TASKS, by=Lottery(epochs=1.0, batch_size=10, rounds=2), blur=0.2)
    one = -(-rows // 10)
    assert events[0].by.steps == one - round(0.2 * one)


def test_a_new_field_with_a_default_leaves_the_digest():
    @dataclass(frozen=True, kw_only=True)
    class Thing(Spec):
        a: int = 1

    old = Thing(a=2).digest()

    @dataclass(frozen=True, kw_only=True)
    class Thing(Spec):
        a: int = 1
        b: float = 0.5

    Thing.__qualname__ = "test_a_new_field_with_a_default_leaves_the_digest.<locals>.Thing"
    assert Thing(a=2).digest() == old
    assert Thing(a=2, b=0.6).digest() != old
    Thing.revision = 2
    assert Thing(a=2).digest() != old


def test_an_integer_given_for_a_float_is_another_value_only_if_it_differs():
    assert Age(to=0.5, by=Magnitude()).digest() == Age(by=Magnitude(), to=0.5).digest()


def test_gradually_follows_zhu_and_gupta():
    events = gradually(to=0.6, in_steps=3, each=lambda s: (Age(to=s, by=Magnitude()), Recover(steps=5)))
    sparsities = [event.to for event in events if isinstance(event, Age)]
    assert sparsities == pytest.approx([0.6 * (1 - (2 / 3) ** 3), 0.6 * (1 - (1 / 3) ** 3), 0.6])
    assert len(events) == 6


def test_with_events_inserts_where_it_says():
    life = tiny_life()
    ill = life.with_events(after=0, add=Age(to=0.1, by=Magnitude()))
    assert isinstance(ill.events[0], Age) and ill.events[1:] == life.events
    last = life.with_events(after=-1, add=Probe(Score(split="test")))
    assert last.events[:-1] == life.events


def test_the_tree_shares_what_is_common_and_counts_it():
    healthy = tiny_life()
    plan = compile_study(
        tiny_study(individuals=3, healthy=healthy, ill=healthy.with_events(after=3, add=Age(to=0.1, by=Magnitude()))),
        precision="fp32",
    )
    assert (plan.separate, plan.shared) == (3 * 7 + 3 * 8, 3 * (2 + 5 + 6))
    digests = {life.steps[0].digest for life in plan.lives}
    assert len(digests) == 3, "one birth per seed"


def test_twins_share_the_streams_of_what_they_share():
    healthy = tiny_life()
    ill = healthy.with_events(after=1, add=Age(to=0.1, by=Magnitude()))
    plan = compile_study(tiny_study(healthy=healthy, ill=ill), precision="fp32")
    keys = [{step.key for step in life.steps} for life in plan.lives]
    assert keys[0] - {"age#1"} <= keys[1]


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: Age(to=60, by=Magnitude()), r"Age\(to=60\): must be a number in \[0, 1\)\. For 60 percent write 0\.6"),
        (lambda: Age(to=0.5, by=Magnitude), r"is a class, not an object\. Write Magnitude\(\.\.\.\)"),
        (lambda: Age(too=0.5, by=Magnitude()), r"Age\(too=\.\.\.\): there is no such argument\. Did you mean 'to'\?"),
        (lambda: Age(to=0.5), r"the argument 'by' is missing"),
        (lambda: Learn("rte", by=Weights()), r"must be a Task\. For example: Glue\(\"rte\"\)"),
        (lambda: Learn(TASKS[0], by="masks"), r"must be a Learner"),
        (lambda: Weights(rate=-1.0), r"Weights\(rate=-1\.0\): must be a number above 0"),
        (lambda: Weights(rate=float("nan")), r"must be a number above 0"),
        (lambda: Masks(start="magnitud"), r"Did you mean 'magnitude'\?"),
        (lambda: Masks(start="uniform"), r"Write sparsity=0\.0 with it"),
        (lambda: Micro(width=30, heads=4), r"must be a multiple of heads=4"),
        (lambda: Develop(MicroText(), steps=0), r"must be a whole number, at least 1"),
        (lambda: Develop(MicroText(), steps=True), r"must be a whole number, at least 1"),
        (lambda: Probe(), r"needs at least one measure"),
        (lambda: Probe(Score), r"is a class, not an object"),
        (lambda: Probe(TASKS[0]), r"must be a Measure"),
        (lambda: Scenario(name="a b", subject=TINY, events=()), r"For example: 'a-b'"),
        (lambda: Scenario(name="x", subject=TINY, events=(TASKS[0],)), r"Wrap it: Learn\(MicroTask"),
        (lambda: Scenario(name="x", subject=TINY, events=(Recover(steps=3),)), r"none is learned before it"),
        (
            lambda: Scenario(name="x", subject=TINY, events=(Age(to=0.5, by=Magnitude()), Age(to=0.4, by=Magnitude()))),
            r"dead synapses stay dead",
        ),
        (
            lambda: Scenario(
                name="x",
                subject=TINY,
                events=(Learn(TASKS[0], by=Weights()), Learn(replace(TASKS[0], train_examples=9), by=Weights())),
            ),
            r"two different tasks share the title 'micro-sentiment'",
        ),
        (lambda: Study(name="x", groups={}), r"needs at least one group"),
        (lambda: Study(name="x", groups={"a": 3}), r"group 'a': must be a Scenario"),
        (lambda: Study(name="x", groups={"a": tiny_life()}, control="b"), r"control='b'\): is not known here"),
        (lambda: Study(name="x", groups={"a": tiny_life()}, precision="fp16"), r"Known: auto, fp32, bf16"),
        (lambda: gradually(to=0.2, start=0.5, in_steps=2, each=lambda s: ()), r"0 <= start <= to < 1"),
        (lambda: tiny_life().with_events(after=99, add=Probe(Score())), r"Use 0 to"),
        (lambda: Suffer(Disorder), r"is a class, not an object"),
    ],
)
def test_mistakes_are_met_where_they_are_typed(build, message):
    with pytest.raises(UserError, match=message):
        build()
