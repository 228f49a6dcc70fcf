"""Telling a task by one gradient: against autograd over the superposition's weights, and that looking changes nothing."""

import math
from dataclasses import replace

import pytest
import torch
from conftest import TASKS, TINY
from torch.func import functional_call

from lifespan import MicroTask, Score, TaskInference, UserError
from lifespan.model.subject import Subject
from lifespan.probes.structure.superposition import Superposition
from lifespan.pruning.selection import weakest
from lifespan.randomness import Streams

THREE = MicroTask("inference", train_examples=48, eval_examples=40)
SIMILARITY = MicroTask("similarity", train_examples=48, eval_examples=40)
EVALUATION = Streams(0, "look")


def schooled(*tasks, precision="fp32", origin=TINY, sharpness=20.0):
    """A subject with a random mask for each task, and heads sure enough of themselves to differ."""
    subject = Subject(origin.build(Streams(0, "birth")), precision=precision)
    generator = torch.Generator().manual_seed(0)
    for i, task in enumerate(tasks):
        skill = subject.skill_for(task, "structure", Streams(i, "learn"))
        skill.head.output.weight.data *= sharpness
        strength = {name: torch.rand(w.shape, generator=generator) for name, w in subject.synapses.items()}
        skill.mask = weakest(strength, subject.alive, 0.2 + 0.2 * i, scope="global")
    return subject, {task.title: task for task in tasks}


def batch_of(subject, tasks, title):
    from lifespan.training.evaluation import tokenised

    _, tokens = tokenised(tasks[title], "dev", 32, subject.tokenizer)
    return tokens.collate(torch.arange(16).numpy())


def superposed_entropies(subject, titles, batch, weights):
    """Mean entropy (nats) of each head's answer, the encoder computing with W x sum(a_i mask_i); differentiable in a."""
    masks = [subject.effective(title) for title in titles]
    effective = {
        name: w.data * sum(a * mask[name] for a, mask in zip(weights, masks, strict=True))
        for name, w in subject.synapses.items()
    }
    first = functional_call(subject.encoder, effective, kwargs=batch).last_hidden_state[:, 0]
    answers = [subject.skills[title].head(first).softmax(dim=-1) for title in titles]
    return answers, torch.stack([-(p * p.log()).sum(dim=-1).mean() for p in answers])


def test_the_gradient_equals_autograd_over_the_superposition():
    subject, tasks = schooled(*TASKS, THREE)
    titles = list(tasks)
    batch = batch_of(subject, tasks, titles[0])
    weights = torch.full((3,), 1 / 3, requires_grad=True)
    _, entropies = superposed_entropies(subject, titles, batch, weights)
    whole = (weights * entropies / torch.tensor([math.log(2), math.log(2), math.log(3)])).sum()
    (expected,) = torch.autograd.grad(whole, weights)
    with Superposition(subject, titles) as superposed:
        found = superposed.gradient(batch)
        assert superposed.infer(batch) == titles[int(expected.argmin())]
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-4)
    assert float(found.max() - found.min()) > 1e-3


def test_tasks_are_ranked_as_by_the_entropy_over_all_their_classes():
    """The answer over the union of classes has head i's probabilities times a_i; its gradient differs by a constant."""
    subject, tasks = schooled(*TASKS)
    titles = list(tasks)
    batch = batch_of(subject, tasks, titles[1])
    weights = torch.full((2,), 1 / 2, requires_grad=True)
    answers, _ = superposed_entropies(subject, titles, batch, weights)
    union = torch.cat([a * p for a, p in zip(weights, answers, strict=True)], dim=-1)
    (whole,) = torch.autograd.grad(-(union * union.log()).sum(dim=-1).mean(), weights)
    with Superposition(subject, titles) as superposed:
        found = superposed.gradient(batch) * math.log(2)
    torch.testing.assert_close(whole - whole.mean(), found - found.mean(), atol=1e-5, rtol=1e-4)


def test_with_the_right_inference_the_accuracy_is_that_of_the_task(monkeypatch):
    subject, tasks = schooled(*TASKS)
    accuracy = {reading.task: reading.value for reading in Score().read(subject, tasks, EVALUATION)}
    true = iter([title for title in tasks for _ in range(5)])
    monkeypatch.setattr(Superposition, "infer", lambda self, batch: next(true))
    readings = {(r.task, r.metric): r for r in TaskInference(batch_size=8).read(subject, tasks, EVALUATION)}
    for title in tasks:
        assert readings[title, "inference_accuracy"].value == 1.0
        assert readings[title, "inferred_accuracy"].value == pytest.approx(accuracy[title])
        assert readings[title, "inferred_accuracy"].n == 40
    one = next(iter(tasks))
    monkeypatch.setattr(Superposition, "infer", lambda self, batch: one)
    readings = {(r.task, r.metric): r.value for r in TaskInference().read(subject, tasks, EVALUATION)}
    assert [readings[title, "inference_accuracy"] for title in tasks] == [1.0, 0.0]
    assert [readings[title, "inferred_accuracy"] for title in tasks] == [pytest.approx(accuracy[one]), 0.0]


def test_a_surer_head_is_believed():
    """Two heads read the same superposed state: the one that is certain of its answer is inferred."""
    subject, tasks = schooled(*TASKS, sharpness=1.0)
    titles = list(tasks)
    for sure in titles:
        for title in titles:
            subject.skills[title].head.output.bias.data = torch.tensor([0.0, 8.0 if title == sure else 0.0])
        readings = {(r.task, r.metric): r.value for r in TaskInference(examples=16).read(subject, tasks, EVALUATION)}
        assert {title: readings[title, "inference_accuracy"] for title in titles} == {t: float(t == sure) for t in titles}


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_looking_changes_nothing(precision):
    subject, tasks = schooled(*TASKS, THREE, precision=precision, origin=replace(TINY, dropout=0.5))
    subject.alive = weakest({n: w.data.abs() for n, w in subject.synapses.items()}, subject.alive, 0.3, scope="global")
    subject.skills[THREE.title].head.eval()
    before = {group: {name: value.clone() for name, value in tensors.items()} for group, tensors in subject.state().items()}
    parts = [subject.encoder, *(skill.head for skill in subject.skills.values())]
    places = [p.data_ptr() for p in subject.encoder.parameters()]
    training = [module.training for part in parts for module in part.modules()]
    draws = torch.random.get_rng_state()
    first = list(TaskInference().read(subject, tasks, EVALUATION))
    assert len(first) == 6 and all(0 <= reading.value <= 1 for reading in first)
    for group, tensors in subject.state().items():
        for name, value in tensors.items():
            assert torch.equal(value, before[group][name]), (group, name)
    assert places == [p.data_ptr() for p in subject.encoder.parameters()]
    assert training == [module.training for part in parts for module in part.modules()]
    assert all(p.grad is None and p.requires_grad for part in parts for p in part.parameters())
    assert torch.equal(draws, torch.random.get_rng_state())
    assert first == list(TaskInference().read(subject, tasks, EVALUATION))


def test_only_tasks_with_masks_and_classes_take_part():
    subject, tasks = schooled(*TASKS, SIMILARITY)
    assert {reading.task for reading in TaskInference().read(subject, tasks, EVALUATION)} == {task.title for task in TASKS}
    subject.skills[TASKS[1].title].mask = None
    assert list(TaskInference().read(subject, tasks, EVALUATION)) == []
    assert list(TaskInference().read(subject, {"unmet": THREE}, EVALUATION)) == []


def test_examples_thin_a_split():
    subject, tasks = schooled(*TASKS)
    assert {r.n for r in TaskInference(examples=11, batch_size=4).read(subject, tasks, EVALUATION)} == {11}
    readings = list(TaskInference(examples=999, split="test").read(subject, tasks, EVALUATION))
    assert {r.n for r in readings} == {40} and {r.split for r in readings} == {"test"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"batch_size": 0}, r"TaskInference\(batch_size=0\): must be a whole number, at least 1"),
        ({"examples": 0}, r"TaskInference\(examples=0\)"),
        ({"length": 3}, r"must be a whole number, at least 8"),
    ],
)
def test_mistakes_are_said(arguments, message):
    with pytest.raises(UserError, match=message):
        TaskInference(**arguments)
