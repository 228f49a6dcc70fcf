"""L0-close tuning: sensitivity against a slow version, and that only the most sensitive layers move."""

import json
from dataclasses import replace

import pytest
import torch
from conftest import TASKS, TINY, tiny_study
from run_directories import lines
from test_lottery_and_distilled import STREAMS, born, copied, learn
from torch.nn.functional import cross_entropy

from lifespan import L0Close, Learn, Scenario, UserError, simulate
from lifespan.learners._l0_close import sensitivities, units_of
from lifespan.randomness import Streams
from lifespan.training.batches import task_source

TWO_LAYERS = replace(TINY, layers=2)


@pytest.mark.parametrize("unit", ["layer", "matrix"])
def test_sensitivity_equals_the_textbook(unit):
    by = L0Close(unit=unit, batches=2, batch_size=16)
    subject = born(origin=TWO_LAYERS)
    found = sensitivities(subject, TASKS[:1], by, units_of(subject, unit), STREAMS)
    source = task_source(subject, TASKS[0], length=128, batch_size=16, streams=Streams(3, f"{STREAMS.key}/0"))
    loss = 0
    for number in range(2):
        batch = source.batch(number)
        labels = batch.pop("labels")
        states = subject.encoder(**batch).last_hidden_state
        loss = loss + cross_entropy(subject.skills[TASKS[0].title].head(states[:, 0]), labels) / 2
    loss.backward()
    expected = {}
    for name, weight in subject.synapses.items():
        own = ".".join(name.split(".")[:3]) if unit == "layer" else name.removesuffix(".weight")
        expected[own] = expected.get(own, 0) + float(weight.grad.norm() * weight.data.norm())
    assert list(found) == list(expected) and len(found) == (2 if unit == "layer" else 12)
    assert list(found.values()) == pytest.approx(list(expected.values()), rel=1e-4)


@pytest.mark.parametrize(("unit", "share", "chosen"), [("layer", 0.5, 1), ("matrix", 0.25, 3), ("layer", 0.01, 1)])
def test_l0_close_moves_the_most_sensitive_and_nothing_else(unit, share, chosen):
    by = L0Close(rate=1e-2, share=share, unit=unit, batch_size=16)
    subject = born(origin=TWO_LAYERS)
    strength = sensitivities(subject, TASKS[:1], by, units_of(subject, unit), STREAMS)
    most = sorted(strength, key=strength.get, reverse=True)[:chosen]
    before = copied(subject)
    plasticity, _ = learn(subject, by, 4)
    assert sorted(plasticity.chosen) == sorted(most)
    for name, p in subject.encoder.named_parameters():
        moves = any(name.startswith(f"{unit}.") for unit in most)
        assert torch.equal(p.data, before[name]) is not moves, name
        assert p.requires_grad
    moved = sum(w.numel() for name, w in subject.synapses.items() if any(name.startswith(f"{u}.") for u in most))
    assert plasticity.report()["l0"] == pytest.approx(moved / subject.count, rel=0.01)


def test_dropout_has_no_say_in_sensitivity():
    subject = born(origin=replace(TWO_LAYERS, dropout=0.5))
    by, units = L0Close(batch_size=16), units_of(subject, "matrix")
    subject.encoder.train()
    first = sensitivities(subject, TASKS[:1], by, units, STREAMS)
    subject.encoder.train()
    assert first == sensitivities(subject, TASKS[:1], by, units, STREAMS)


def test_what_is_reported_is_in_the_rows(tmp_path):
    by = L0Close(steps=4, rate=1e-2, share=0.5, unit="matrix")
    simulate(tiny_study(x=Scenario(name="x", subject=TINY, events=(Learn(TASKS[0], by=by),))), tmp_path)
    rows = [json.loads(line) for line in lines(tmp_path)]
    assert [row["value"] for row in rows if row["metric"] == "l0"][-1] == pytest.approx(0.5, abs=0.2)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: L0Close(share=0.0), r"L0Close\(share=0\.0\): must be above 0.*HeadOnly\(\)"),
        (lambda: L0Close(share=1.5), r"must be a number in \[0, 1\]"),
        (lambda: L0Close(unit="head"), r"Known: layer, matrix"),
        (lambda: L0Close(batches=0), r"L0Close\(batches=0\)"),
        (lambda: L0Close().attach(born(), (), 4, STREAMS), r"development has no task\. Use it in Learn or Recover"),
    ],
)
def test_mistakes_are_said(build, message):
    with pytest.raises(UserError, match=message):
        build()
