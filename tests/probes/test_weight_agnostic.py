"""The weight-agnostic assay: equal to a slow version, and it changes nothing."""

import copy

import pytest
import torch
from conftest import TASKS, TINY

from lifespan import Random, Score, SignOnly, WeightAgnostic
from lifespan.errors import ScenarioError
from lifespan.model.subject import Subject
from lifespan.probes.structure.weight_agnostic import mean_strength, shared_strength
from lifespan.randomness import Streams
from lifespan.training.evaluation import task_logits

STREAMS = Streams(4, "learn/test#0")
BY_TITLE = {task.title: task for task in TASKS}
FIRST, SECOND = BY_TITLE


class NoDraws:
    """Streams from which nothing may be drawn."""

    def __getattr__(self, name):
        raise AssertionError(f"the assay drew from {name}")


def schooled(sparsity=0.3):
    """A subject with two skills, the second with a mask of its own, and dead synapses."""
    subject = Subject(TINY.build(Streams(0, "birth")))
    for task, plasticity in zip(TASKS, ("weights", "structure"), strict=True):
        subject.skill_for(task, plasticity, STREAMS)
    subject.skills[SECOND].mask = Random().choose(subject, 0.4, Streams(9, "x"), ())
    if sparsity:
        subject.alive = Random().choose(subject, sparsity, STREAMS, ())
    return subject


def textbook(subject, title, factor):
    """A copy of the subject whose weights for this task are written one by one, without any mask left to apply."""
    survivors, twin = [], copy.deepcopy(subject)
    own = subject.skills[title].mask
    for name, weight in subject.synapses.items():
        for i, row in enumerate(weight.tolist()):
            for j, value in enumerate(row):
                lives = bool(subject.alive[name][i, j]) and (own is None or bool(own[name][i, j]))
                survivors += [(name, i, j, value)] if lives else []
    constant = factor * sum(abs(value) for *_, value in survivors) / len(survivors)
    for weight in twin.synapses.values():
        weight.data.zero_()
    for name, i, j, value in survivors:
        twin.synapses[name].data[i, j] = constant if value > 0 else -constant
    twin.alive = {name: torch.ones_like(mask) for name, mask in twin.alive.items()}
    twin.skills[title].mask = None
    return twin, constant


def test_equals_the_textbook_and_names_its_readings():
    subject = schooled()
    readings = list(WeightAgnostic(factors=(0.5, 2, 40.0)).read(subject, BY_TITLE, NoDraws()))
    for title, task in BY_TITLE.items():
        found = {r.metric: r for r in readings if r.task == title}
        names = ("0.5", "2", "40", "mean", "max")
        assert list(found) == [f"weight_agnostic_{metric}@{name}" for metric in task.metrics for name in names]
        values = []
        for factor in (0.5, 2, 40.0):
            twin, constant = textbook(subject, title, factor)
            assert factor * mean_strength(subject, title) == pytest.approx(constant, rel=1e-9)
            [reading] = [r for r in Score().read(twin, {title: task}, STREAMS) if r.metric == task.metrics[0]]
            seen = found[f"weight_agnostic_{task.metrics[0]}@{factor:g}"]
            assert (seen.value, seen.n, seen.split) == (reading.value, reading.n, reading.split)
            with shared_strength(subject, constant):
                outputs, _ = task_logits(subject, task, "dev", 128)
            expected, _ = task_logits(twin, task, "dev", 128)
            torch.testing.assert_close(torch.tensor(outputs), torch.tensor(expected), rtol=1e-4, atol=1e-6)
            values.append(reading.value)
        assert found[f"weight_agnostic_{task.metrics[0]}@mean"].value == pytest.approx(sum(values) / 3)
        assert found[f"weight_agnostic_{task.metrics[0]}@max"].value == max(values)


def test_it_changes_nothing_and_draws_nothing():
    subject = schooled()
    before = {(group, name): t.clone() for group, part in subject.state().items() for name, t in part.items()}
    places = {name: weight.data_ptr() for name, weight in subject.synapses.items()}
    facts, generator = copy.deepcopy(subject.facts()), torch.get_rng_state()
    one, two = (list(WeightAgnostic().read(subject, BY_TITLE, NoDraws())) for _ in range(2))
    after = {(group, name): t for group, part in subject.state().items() for name, t in part.items()}
    assert one == two and len(one) == 7 * sum(len(task.metrics) for task in TASKS)
    assert before.keys() == after.keys() and all(torch.equal(value, after[key]) for key, value in before.items())
    assert places == {name: weight.data_ptr() for name, weight in subject.synapses.items()}
    assert facts == subject.facts() and torch.equal(generator, torch.get_rng_state())
    assert all(weight.grad is None and weight.requires_grad for weight in subject.synapses.values())


def test_an_error_inside_leaves_the_weights():
    subject = schooled()
    before = {name: weight.data.clone() for name, weight in subject.synapses.items()}
    with pytest.raises(RuntimeError, match="inside"), shared_strength(subject, 1.0):
        assert any(not torch.equal(value, subject.synapses[name].data) for name, value in before.items())
        raise RuntimeError("inside")
    assert all(torch.equal(value, subject.synapses[name].data) for name, value in before.items())


def test_at_factor_one_it_is_the_score_of_the_sign_only_subject():
    subject = schooled(sparsity=0.0)
    seen = {r.metric: r.value for r in WeightAgnostic(factors=(1.0,)).read(subject, {FIRST: TASKS[0]}, NoDraws())}
    SignOnly(severity=1.0, constant="shared").strike(subject, STREAMS)
    for reading in Score().read(subject, {FIRST: TASKS[0]}, STREAMS):
        assert seen[f"weight_agnostic_{reading.metric}@1"] == reading.value


def test_tasks_not_learned_are_left_out_and_a_bare_skill_has_no_strength():
    subject = schooled()
    del subject.skills[FIRST]
    assert {r.task for r in WeightAgnostic().read(subject, BY_TITLE, NoDraws())} == {SECOND}
    subject.skills[SECOND].mask = {name: torch.zeros_like(mask) for name, mask in subject.alive.items()}
    assert mean_strength(subject, SECOND) == 0
    values = {r.value for r in WeightAgnostic().read(subject, BY_TITLE, NoDraws()) if "accuracy" in r.metric}
    assert len(values) == 1


def test_where_a_score_is_undefined_the_mean_is_and_the_best_is_of_the_others(monkeypatch):
    values = iter([0.2, float("nan"), 0.6])
    monkeypatch.setattr("lifespan.stats.metrics.score", lambda metric, predicted, labels, **given: next(values))
    subject = schooled()
    task = {FIRST: TASKS[0]}
    found = {r.metric.split("@")[1]: r.value for r in WeightAgnostic(factors=(0.5, 1.0, 2.0)).read(subject, task, NoDraws())}
    assert found["mean"] != found["mean"] and found["max"] == 0.6


@pytest.mark.parametrize("factors", [(), (0.0,), (1.0, 1.0), (-1.0,), (True,), ("1",), [1.0], 1.0, (float("inf"),)])
def test_messages(factors):
    with pytest.raises(ScenarioError, match=r"WeightAgnostic\(factors=.*must be a tuple of different numbers above 0"):
        WeightAgnostic(factors=factors)
    with pytest.raises(ScenarioError, match=r"WeightAgnostic\(length=3\): must be a whole number, at least 8"):
        WeightAgnostic(length=3)
