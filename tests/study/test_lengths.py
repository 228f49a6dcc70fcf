"""One length for a study: what it reaches, what it leaves alone, and what is said where two lengths meet."""

import json
import pickle
from dataclasses import dataclass

import pytest
from conftest import TASKS, TINY, Listener

from lifespan import (
    Age,
    Between,
    Develop,
    ErrorOverlap,
    Fisher,
    Learn,
    Magnitude,
    MaskOverlap,
    Measure,
    Micro,
    MicroText,
    Movement,
    Outputs,
    Perplexity,
    Probe,
    Recover,
    Replay,
    RepresentationSimilarity,
    Scenario,
    Score,
    Since,
    Study,
    Treat,
    Weights,
    simulate,
    usual,
)
from lifespan.contracts.length import STANDARD_LENGTH
from lifespan.errors import ScenarioError
from lifespan.study.length_mismatches import length_mismatches
from lifespan.study.plan import compile_study
from lifespan.testing import check_measure, check_pruner


def events(**length):
    return (
        Develop(MicroText(number=300), steps=2, batch_size=8, **length),
        Treat(Replay(severity=0.5, tasks=(TASKS[1],), **length)),
        Learn(TASKS[0], by=Weights(steps=2, batch_size=8), **length),
        Probe(Outputs(**length), *usual(examples=8, **length)),
        Probe(Since("birth", RepresentationSimilarity(examples=8, **length)), Since("birth", MaskOverlap())),
        Age(to=0.2, by=Fisher(examples=2, **length)),
        Recover(steps=2, **length),
        Probe(Perplexity(MicroText(number=300), examples=8, **length), every=1),
    )


def study(scenario=None, study=None, between=None, **written):
    life = Scenario(name="life", subject=TINY, events=events(**written), length=scenario)
    groups = {"one": life, "two": life.with_events(after=0, add=Age(to=0.1, by=Magnitude()))}
    return Study(name="x", groups=groups, length=study, between=(Between(ErrorOverlap(**(between or {}))),))


def digests(study):
    plan = compile_study(study, precision="fp32")
    steps = [(step.digest, [each.digest for each in step.evaluations]) for step in plan.nodes.values()]
    return steps, [pair.digest for pair in plan.pairs]


def test_a_studys_length_equals_the_same_length_written_everywhere():
    by_hand = study(length=16, between={"length": 16})
    assert digests(study(study=16)) == digests(by_hand) != digests(study())
    assert digests(study(scenario=16, study=64))[0] == digests(by_hand)[0]


def test_without_one_nothing_changes_and_128_is_what_it_was():
    assert digests(study()) == digests(study(length=128, between={"length": 128}))
    assert "length" not in Score().to_data() and "length" not in Score(length=128).to_data()
    assert Score(length=32).to_data()["length"] == 32 and Score().describe() == "Score()"
    given = study()
    assert compile_study(given, precision="fp32").study is given


def test_what_says_its_own_length_keeps_it():
    life = Scenario(name="x", subject=TINY, events=(Learn(TASKS[0], by=Weights(steps=2), length=128), Probe(Score())))
    compiled = compile_study(Study(name="x", groups={"a": life}, length=16), precision="fp32")
    learned = compiled.lives[0].steps[-1]
    assert learned.event.length == 128 and learned.evaluations[0].measure.length == 16


def test_the_record_holds_the_lengths_as_they_were_lived(tmp_path):
    life = Scenario(name="x", subject=TINY, events=(Learn(TASKS[0], by=Weights(steps=2)), Probe(Score())))
    simulate(Study(name="x", groups={"a": life}, length=16), tmp_path)
    learn, look = json.loads((tmp_path / "study.json").read_text())["groups"]["a"]["scenario"]["events"]
    assert learn["length"] == 16 and look["measures"][0]["length"] == 16


def test_the_open_length_survives_a_copy():
    kept = pickle.loads(pickle.dumps(Score())).length
    assert type(kept) is type(STANDARD_LENGTH) and kept == 128 and repr(kept) == "128"


@dataclass(frozen=True, kw_only=True)
class Own(Measure):
    """A measure of somebody else with a length of its own."""

    length: int = 128

    def read(self, subject, tasks, streams):
        return ()


def plan(*events, subject=TINY, **how):
    return compile_study(
        Study(name="x", groups={"a": Scenario(name="x", subject=subject, events=events)}, **how), precision="fp32"
    )


def test_a_mismatch_is_said_once_with_the_tasks_and_who_reads():
    by = Weights(steps=2)
    school = [(Learn(task, by=by, length=16), Probe(Score(), Outputs())) for task in TASKS]
    (said,) = length_mismatches(plan(*school, individuals=3))
    assert said.startswith(
        "micro-sentiment, micro-entailment are learned from texts cut at 16 tokens, but Score and Outputs read them cut at 32."
    ), "the subject reads 32 at most"
    assert "Study(length=16)" in said
    assert length_mismatches(plan(*school, length=16)) == []
    (said,) = length_mismatches(
        plan(Learn(TASKS[0], by=by, length=16), Recover(steps=2, length=24), subject=Micro(positions=64))
    )
    assert "is learned from texts cut at 16 tokens, but Recover reads them cut at 24." in said
    (said,) = length_mismatches(plan(Learn(TASKS[0], by=by), Probe(Own()), length=16))
    assert "but Own reads them" in said


def test_nothing_is_said_of_texts_that_are_no_task():
    look = Probe(Perplexity(MicroText(number=50)), Since("birth", MaskOverlap()))
    assert length_mismatches(plan(Learn(TASKS[0], by=Weights(steps=2), length=16), look)) == []
    beyond = (Learn(TASKS[0], by=Weights(steps=2), length=64), Probe(Score()))
    assert length_mismatches(plan(*beyond)) == [], "this subject reads 32 tokens at most, whatever is written"


def test_plan_and_simulate_say_it(tmp_path, monkeypatch, run):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "short.py").write_text(
        "from lifespan import *\n"
        "tiny = Micro(layers=1, width=16, heads=2, feed_forward=32)\n"
        'task = MicroTask("sentiment", train_examples=48, eval_examples=40)\n'
        "events = (Learn(task, by=Weights(steps=2), length=16), Probe(Score()))\n"
        'study = Study(name="short", groups={"a": Scenario(name="a", subject=tiny, events=events)})\n'
    )
    code, _, err = run("plan", "short.py")
    assert code == 0 and err.count("micro-sentiment is learned from texts cut at 16 tokens") == 1
    code, out, err = run("simulate", "short.py", "--no-report")
    assert code == 0 and (out + err).count("micro-sentiment is learned from texts cut at 16 tokens") == 1


def test_simulate_says_it_to_its_observer(tmp_path):
    life = Scenario(name="x", subject=TINY, events=(Learn(TASKS[0], by=Weights(steps=2), length=16), Probe(Score())))
    listener = Listener()
    simulate(Study(name="x", groups={"a": life}), tmp_path, observer=listener)
    assert sum("cut at 16 tokens" in text for text in listener.said) == 1


@pytest.mark.parametrize("wrong", [4, 0, 32.0, "32", True])
def test_a_wrong_length_is_refused(wrong):
    life = Scenario(name="x", subject=TINY, events=())
    with pytest.raises(ScenarioError, match="whole number, at least 8"):
        Study(name="x", groups={"a": life}, length=wrong)
    with pytest.raises(ScenarioError, match="whole number, at least 8"):
        Scenario(name="x", subject=TINY, events=(), length=wrong)


def test_pruners_read_texts_at_their_length(monkeypatch):
    from lifespan.pruning import _task_batches as batches

    seen = []
    real = batches.task_source
    monkeypatch.setattr(batches, "task_source", lambda *a, length, **k: seen.append(length) or real(*a, length=length, **k))
    check_pruner(Movement(steps=2, length=16), sparsities=(0.2,))
    assert set(seen) == {16}
    check_measure(Score(length=16))
