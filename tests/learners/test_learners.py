"""Plasticity against slow textbook versions, and the law of flips."""

import itertools

import pytest
import torch
from conftest import TASKS, TINY
from torch.nn.functional import cross_entropy

from lifespan import Both, HeadOnly, Masks, Rewire, Weights
from lifespan.learners._selection import cut_for, exact_masks
from lifespan.learners._starts import ranks
from lifespan.model.forward import seeded
from lifespan.model.subject import Subject
from lifespan.randomness import Streams
from lifespan.training.batches import task_source
from lifespan.training.loop import Recipe, train

STREAMS = Streams(3, "learn/test#0")


def born(task=TASKS[0], dropout=None):
    subject = Subject(TINY.build(Streams(0, "birth")))
    subject.skill_for(task, "weights", STREAMS)
    return subject


def learn(subject, by, steps=5, task=TASKS[0]):
    source = task_source(subject, task, length=128, batch_size=16, streams=STREAMS)
    plasticity = by.attach(subject, (task,), steps, STREAMS)
    trace = train(subject, plasticity, source, Recipe(steps, by.warmup, by.clip), STREAMS)
    return plasticity, trace


def textbook_masks(by, steps):
    """The same learning with an autograd straight-through estimator, functional_call and plain AdamW."""

    class StraightThrough(torch.autograd.Function):
        @staticmethod
        def forward(context, score):
            return (score > by.threshold).float()

        @staticmethod
        def backward(context, gradient):
            return gradient

    subject = born()
    head = subject.skills[TASKS[0].title].head
    weights = {name: w.data.clone() for name, w in subject.synapses.items()}
    scores = {}
    for name, weight in weights.items():
        order = weight.abs().flatten().argsort(stable=True).argsort(stable=True).reshape(weight.shape)
        scores[name] = (by.threshold + by.spread * ((order + 0.5) / weight.numel() - by.sparsity)).requires_grad_()
    source = task_source(subject, TASKS[0], length=128, batch_size=16, streams=STREAMS)
    matrices = [p for p in head.parameters() if p.dim() > 1]
    vectors = [p for p in head.parameters() if p.dim() == 1]
    optimizer = torch.optim.AdamW(
        [
            {"params": list(scores.values()), "lr": by.rate, "weight_decay": 0.0},
            {"params": matrices, "lr": by.head_rate, "weight_decay": by.weight_decay},
            {"params": vectors, "lr": by.head_rate, "weight_decay": 0.0},
        ]
    )
    peaks = [group["lr"] for group in optimizer.param_groups]
    moving = [p for group in optimizer.param_groups for p in group["params"]]
    recipe = Recipe(steps, by.warmup, by.clip)
    subject.encoder.train()
    head.train()
    for step in range(steps):
        batch = source.batch(step)
        effective = {name: weights[name] * StraightThrough.apply(scores[name]) for name in weights}
        with seeded(STREAMS.number("dropout", step), torch.device("cpu")):
            inputs = {name: value for name, value in batch.items() if name != "labels"}
            states = torch.func.functional_call(subject.encoder, effective, kwargs=inputs).last_hidden_state
            loss = cross_entropy(head(states[:, 0]), batch["labels"])
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(moving, by.clip)
        for group, peak in zip(optimizer.param_groups, peaks, strict=True):
            group["lr"] = peak * recipe.factor(step)
        optimizer.step()
    return {name: score.detach() for name, score in scores.items()}, head


def test_masks_equal_the_textbook_straight_through_estimator():
    by = Masks(rate=5e-3, head_rate=5e-3)
    subject = born()
    plasticity, _ = learn(subject, by)
    scores, head = textbook_masks(by, 5)
    for name, score in plasticity.scores.items():
        torch.testing.assert_close(score.data, scores[name], atol=2e-6, rtol=1e-5)
    torch.testing.assert_close(subject.skills[TASKS[0].title].head.output.weight, head.output.weight, atol=1e-6, rtol=1e-5)
    flipped = plasticity.report()["flips"]
    assert flipped > 0, "a recipe that flips nothing proves nothing"


def test_both_moves_weights_and_masks():
    subject = born()
    before = {name: w.data.clone() for name, w in subject.synapses.items()}
    learn(subject, Both(rate=1e-3, masks=Masks(rate=5e-3)))
    assert any(not torch.equal(before[name], w.data) for name, w in subject.synapses.items())
    assert subject.skills[TASKS[0].title].mask is not None


def test_head_only_leaves_the_encoder_and_moves_the_head():
    subject = born()
    before = {name: p.data.clone() for name, p in subject.encoder.named_parameters()}
    head = subject.skills[TASKS[0].title].head.output.weight.detach().clone()
    learn(subject, HeadOnly())
    assert all(torch.equal(before[name], p.data) for name, p in subject.encoder.named_parameters())
    assert not torch.equal(head, subject.skills[TASKS[0].title].head.output.weight)
    assert all(p.requires_grad for p in subject.encoder.parameters())


def test_weight_learning_equals_plain_fine_tuning():
    by = Weights(rate=1e-3)
    subject, plain = born(), born()
    learn(subject, by)
    head = plain.skills[TASKS[0].title].head
    source = task_source(plain, TASKS[0], length=128, batch_size=16, streams=STREAMS)
    parameters = [*plain.encoder.parameters(), *head.parameters()]
    optimizer = torch.optim.AdamW(
        [
            {"params": [p for p in parameters if p.dim() > 1], "weight_decay": 0.01},
            {"params": [p for p in parameters if p.dim() == 1], "weight_decay": 0.0},
        ],
        lr=1e-3,
    )
    plain.encoder.train()
    head.train()
    for step in range(5):
        batch = source.batch(step)
        labels = batch.pop("labels")
        with seeded(STREAMS.number("dropout", step), torch.device("cpu")):
            loss = cross_entropy(head(plain.encoder(**batch).last_hidden_state[:, 0]), labels)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        for group in optimizer.param_groups:
            group["lr"] = 1e-3 * Recipe(5, 0.1, 1.0).factor(step)
        optimizer.step()
    for name, weight in subject.synapses.items():
        torch.testing.assert_close(weight.data, plain.synapses[name].data, atol=2e-6, rtol=1e-4)


@pytest.mark.parametrize("select", ["threshold", "topk"])
@pytest.mark.parametrize("target", [0.3, 0.77])
def test_a_target_sparsity_is_met_exactly(select, target):
    subject = born()
    learn(subject, Masks(rate=5e-3, target=target, select=select, refresh=2))
    mask = subject.skills[TASKS[0].title].mask
    assert sum(int((~m).sum()) for m in mask.values()) == round(target * subject.count)


@pytest.mark.parametrize("start", ["magnitude", "random", "two-level", "uniform"])
def test_starts_have_the_sparsity_they_promise(start):
    subject = born()
    sparsity = 0.0 if start == "uniform" else 0.2
    plasticity = Masks(start=start, sparsity=sparsity).attach(subject, (TASKS[0],), 5, STREAMS)
    off = sum(int((~m).sum()) for m in plasticity.masks().values())
    assert off == pytest.approx(sparsity * subject.count, abs=len(subject.synapses))
    plasticity.settle()


def test_a_magnitude_start_switches_off_the_smallest_weights():
    subject = born()
    plasticity = Masks(sparsity=0.25).attach(subject, (TASKS[0],), 5, STREAMS)
    for name, mask in plasticity.masks().items():
        size = plasticity.whole[name].abs()
        assert size[~mask].max() <= size[mask].min()
    plasticity.settle()


def test_a_recipe_that_cannot_flip_warns():
    subject = born()
    slow = Masks(rate=1e-3, start="two-level").attach(subject, (TASKS[0],), 5, STREAMS)
    assert "can hardly flip" in slow.warnings()[0]
    slow.settle()
    assert Masks(rate=5e-3).attach(subject, (TASKS[0],), 5, STREAMS).warnings() == []


def test_rewiring_moves_synapses_at_an_equal_count_and_keeps_weights_and_heads():
    subject = born()
    subject.alive = exact_masks({n: w.data.abs() for n, w in subject.synapses.items()}, subject.alive, 400)
    before = {name: mask.clone() for name, mask in subject.alive.items()}
    weights = {name: w.data.clone() for name, w in subject.synapses.items()}
    head = subject.skills[TASKS[0].title].head.output.weight.detach().clone()
    learn(subject, Rewire(rate=5e-3, refresh=2))
    assert sum(int((~m).sum()) for m in subject.alive.values()) == 400
    assert any(not torch.equal(before[name], mask) for name, mask in subject.alive.items())
    assert all(torch.equal(weights[name], w.data) for name, w in subject.synapses.items())
    assert torch.equal(head, subject.skills[TASKS[0].title].head.output.weight)


def test_dead_synapses_neither_act_nor_learn_and_keep_their_weight():
    subject = born()
    subject.alive = exact_masks({n: w.data.abs() for n, w in subject.synapses.items()}, subject.alive, 900)
    before = {name: w.data.clone() for name, w in subject.synapses.items()}
    learn(subject, Weights(rate=1e-2))
    for name, alive in subject.alive.items():
        assert torch.equal(before[name][~alive], subject.synapses[name].data[~alive])
        assert not torch.equal(before[name][alive], subject.synapses[name].data[alive])


def test_ranks_by_hand():
    values = torch.tensor([0.3, 0.1, 9.0, 0.2])
    among = torch.tensor([True, True, False, True])
    torch.testing.assert_close(ranks(values, among), torch.tensor([2.5, 0.5, 0.0, 1.5]) / torch.tensor([3.0, 3.0, 1.0, 3.0]))


def test_cut_and_exact_masks_by_hand():
    scores = {"a": torch.tensor([5.0, 1.0, 3.0]), "b": torch.tensor([2.0, 2.0])}
    eligible = {"a": torch.tensor([True, True, False]), "b": torch.tensor([True, True])}
    assert cut_for(scores, eligible, 0) == -float("inf")
    assert cut_for(scores, eligible, 2) == 2.0
    masks = exact_masks(scores, eligible, 2)
    assert masks["a"].tolist() == [True, False, False] and masks["b"].tolist() == [False, True]


def test_warm_up_and_decay_by_hand():
    recipe = Recipe(steps=10, warmup=0.2, clip=1.0)
    factors = [recipe.factor(step) for step in range(10)]
    assert factors[:3] == pytest.approx([1 / 3, 2 / 3, 1.0])
    assert factors[-1] == pytest.approx(1 / 8)
    assert all(a > b for a, b in itertools.pairwise(factors[2:]))
