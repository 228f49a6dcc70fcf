"""A subject read back from its own state is the subject: nothing beside the state matters to what follows."""

import dataclasses

import pytest
import torch
from conftest import TASKS, TINY

from lifespan import SET, Age, Develop, Learn, Magnitude, Masks, MicroText, Rewire, RigL, Score, Weights
from lifespan.errors import ScenarioError
from lifespan.model.subject import Subject
from lifespan.randomness import Streams
from lifespan.training.batches import TurnSource, task_source
from lifespan.training.loop import Recipe, train

DROPOUT = dataclasses.replace(TINY, dropout=0.5)
STREAMS = Streams(3, "learn/test#0")
TASK = TASKS[0]


def learn(subject, by, steps=4):
    source = task_source(subject, TASK, length=32, batch_size=16, streams=STREAMS)
    source = TurnSource([source]) if by.moves_anatomy else source
    train(subject, by.attach(subject, (TASK,), steps, STREAMS), source, Recipe(steps, 0.1, 1.0), STREAMS)


def school(*learners):
    subject = Subject(DROPOUT.build(Streams(0, "birth")))
    subject.skill_for(TASK, "structure", STREAMS)
    learn(subject, Masks(rate=5e-3))
    subject.alive = Magnitude().choose(subject, 0.3, STREAMS, ())
    for by in learners:
        learn(subject, by)
    return subject


def reloaded(subject):
    other = Subject(DROPOUT.build(Streams(0, "birth")))
    state = {group: {name: value.clone() for name, value in part.items()} for group, part in subject.state().items()}
    other.load(subject.facts(), state)
    return other


def test_a_reloaded_subject_answers_as_before_dropout_off():
    subject = school()
    before = list(Score().read(subject, {TASK.title: TASK}, STREAMS))
    assert list(Score().read(reloaded(subject), {TASK.title: TASK}, STREAMS)) == before
    assert not any(module.training for module in reloaded(subject).skills[TASK.title].head.modules())
    assert not any(module.training for module in Subject(DROPOUT.build(Streams(0, "birth"))).encoder.modules())


@pytest.mark.parametrize("first", [Rewire(rate=5e-3), RigL(anatomy=True, every=2), SET(anatomy=True, every=2)])
@pytest.mark.parametrize("then", [Weights(rate=1e-3), Masks(rate=5e-3)])
def test_what_follows_a_recovery_is_the_same_after_a_reload(first, then):
    through = school(first)
    again = reloaded(through)
    learn(through, then)
    learn(again, then)
    one, two = through.state(), again.state()
    for group in one:
        assert all(torch.equal(one[group][name], two[group][name]) for name in one[group]), group


def test_no_gradient_is_left_behind():
    subject = school(Rewire(rate=5e-3))
    parameters = [*subject.encoder.parameters(), *subject.skills[TASK.title].head.parameters()]
    assert all(parameter.grad is None for parameter in parameters)


@pytest.mark.parametrize("by", [Rewire(), RigL(anatomy=True)])
def test_only_recover_moves_the_anatomy(by):
    with pytest.raises(ScenarioError, match="moves the shared anatomy, which only Recover may"):
        Learn(TASK, by=by)
    with pytest.raises(ScenarioError, match="moves the shared anatomy, which only Recover may"):
        Develop(MicroText(), steps=1, by=by)
    assert Age(to=0.5, by=Magnitude())


def test_a_new_head_and_a_reload_leave_the_global_generator_alone():
    subject = Subject(DROPOUT.build(Streams(0, "birth")))
    before = torch.random.get_rng_state()
    subject.skill_for(TASK, "structure", STREAMS)
    reloaded(subject)
    assert torch.equal(torch.random.get_rng_state(), before)
