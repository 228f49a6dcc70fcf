"""`lifespan simulate --until-decided`: looks in turn, the same rows, and going on after a kill."""

import json

import pytest
from conftest import rows_of

from lifespan import UserError, read
from lifespan.analysis.sequential import looks_to_take, simulate_until_decided
from lifespan.study.loading import load

SCENARIO = """
from lifespan import HeadOnly, Learn, Micro, MicroTask, Probe, Scenario, Score, Sequential, Study, Weights, superior

MARGIN = 0.0
RATE = 0.0
task = MicroTask("sentiment", train_examples=48, eval_examples=40)

def life(by):
    subject = Micro(layers=1, width=16, heads=2, feed_forward=32)
    return Scenario(name="life", subject=subject, events=(Learn(task, by=by), Probe(Score())))

study = Study(
    name="until",
    groups={"a": life(Weights(steps=2, rate=3e-3)), "b": life(HeadOnly(steps=1))},
    individuals=8,
    length=24,
    hypotheses=(superior("a", over="b", margin=MARGIN),),
    design=Sequential(looks=(6, 8), bounds="pocock"),
)
"""


@pytest.fixture
def scenario(tmp_path):
    path = tmp_path / "until.py"
    path.write_text(SCENARIO)
    return path


def looks(directory):
    return [json.loads(line) for line in (directory / "looks.jsonl").read_text().splitlines()]


def test_a_study_that_is_not_decided_goes_on_to_its_last_look(scenario, run, tmp_path):
    code, said, _ = run("simulate", scenario, "--until-decided", "--out", tmp_path / "a", "--no-report", "--engine", "inline")
    assert code == 0 and "Look 1 of 2, at 6 individuals: going on to 8." in said and "Look 2 of 2" in said
    assert [(line["look"], line["individuals"], line["decided"]) for line in looks(tmp_path / "a")] == [
        (1, 6, False),
        (2, 8, False),
    ]
    assert looks(tmp_path / "a")[0]["decisions"][0]["hypothesis"] == "a above b"
    run("simulate", scenario, "--out", tmp_path / "b", "--no-report", "--engine", "inline")
    assert rows_of(tmp_path / "a") == rows_of(tmp_path / "b"), "the same rows as a study of so many individuals"
    kept = (tmp_path / "a" / "looks.jsonl").read_bytes()
    code, said, _ = run(
        "simulate", scenario, "--until-decided", "--out", tmp_path / "a", "--no-report", "--resume", "--engine", "inline"
    )
    assert code == 0 and (tmp_path / "a" / "looks.jsonl").read_bytes() == kept and "Look 1" not in said


def test_a_study_that_is_decided_stops(scenario, run, tmp_path):
    """A difference that lies far below what counts is decided at the first look."""
    arguments = ("simulate", scenario, "--until-decided", "--set", "MARGIN=5", "--out", tmp_path / "a", "--no-report")
    code, said, _ = run(*arguments, "--engine", "inline")
    assert code == 0 and "Look 1 of 2, at 6 individuals: all decided." in said and "Look 2" not in said
    assert "a above b: too small to matter" in said
    assert len(read(tmp_path / "a").participants()) == 12 and looks(tmp_path / "a")[0]["decided"]
    code, said, _ = run(*arguments, "--engine", "inline")
    assert code == 0 and "all decided" in said and len(looks(tmp_path / "a")) == 1


def test_a_killed_study_goes_on_at_the_look_that_it_was_at(scenario, tmp_path):
    study = load(str(scenario))
    directory = tmp_path / "a"
    stop = iter([False] * 20)
    from lifespan.training.loop import Interrupted

    with pytest.raises(Interrupted):
        simulate_until_decided(study, directory, threads=1, should_stop=lambda: next(stop, True))
    outcome, found = simulate_until_decided(study, directory, threads=1)
    assert outcome.done == 16 and found.taken == 2 and [line["look"] for line in looks(directory)] == [1, 2]
    whole, _ = simulate_until_decided(study, tmp_path / "b", threads=1)
    assert rows_of(directory) == rows_of(whole.directory)
    assert [number for number, _ in looks_to_take(study, directory)] == [2]


def test_a_record_that_has_more_individuals_keeps_them(scenario, run, tmp_path):
    run("simulate", scenario, "--out", tmp_path / "a", "--no-report", "--engine", "inline")
    assert [cohort.individuals for _, cohort in looks_to_take(load(str(scenario)), tmp_path / "a")] == [8, 8]


def test_what_it_needs_is_asked_for(scenario, run, tmp_path):
    code, _, said = run("simulate", scenario, "--until-decided", "--individuals", 3)
    assert code == 2 and "the looks say how many individuals" in said
    plain = tmp_path / "plain.py"
    plain.write_text(SCENARIO.replace('    design=Sequential(looks=(6, 8), bounds="pocock"),\n', ""))
    code, _, said = run("simulate", plain, "--until-decided", "--out", tmp_path / "x")
    assert code == 2 and "has no looks" in said and "design=Sequential(looks=(10, 16))" in said
    none = tmp_path / "none.py"
    none.write_text(SCENARIO.replace('    hypotheses=(superior("a", over="b", margin=MARGIN),),\n', ""))
    with pytest.raises(UserError, match="no primary hypothesis"):
        next(looks_to_take(load(str(none)), tmp_path / "x"))


def test_plan_prints_what_can_be_shown(scenario, run, tmp_path):
    scenario.write_text(SCENARIO.replace('bounds="pocock"', 'bounds="obrien-fleming"'))
    code, said, told = run("plan", scenario, "--out", tmp_path / "x")
    assert code == 0 and "Hypotheses (looks at 6, 8 individuals" in said
    assert "a above b: shows a difference of" in said and "testable from" in said
    assert "Looks at 6 individuals can decide nothing yet" in told
    code, said, _ = run("plan", scenario, "--json", "--out", tmp_path / "x")
    assert json.loads(said)["hypotheses"][0]["hypothesis"] == "a above b"
