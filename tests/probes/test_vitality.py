"""Plasticity and function: dormancy, rank, norms, Fisher information, fresh tasks, calibration, language, null input."""

import math

import numpy as np
import pytest
import torch
from conftest import TASKS, TINY, weights
from sklearn.linear_model import Ridge
from sklearn.metrics import brier_score_loss
from sklearn.metrics import log_loss as sklearn_log_loss
from small_lives import content, lived, same

from lifespan import (
    Calibration,
    Develop,
    DormantUnits,
    EffectiveRank,
    FisherTrace,
    FreshTask,
    Learn,
    Lottery,
    Masks,
    MicroTask,
    MicroText,
    NullInput,
    Perplexity,
    Readout,
    Rewire,
    WeightNorm,
)
from lifespan.errors import ScenarioError
from lifespan.model.anatomy import anatomy_of
from lifespan.probes.representation.readout import ridge_answers
from lifespan.randomness import Streams
from lifespan.stats import calibration, metrics
from lifespan.training.batches import Tokens
from lifespan.training.evaluation import task_logits

SENTIMENT = TASKS[0]
TASK = {SENTIMENT.title: SENTIMENT}
STREAMS = Streams(0, "look/test")
RNG = np.random.default_rng(0)


@pytest.fixture(scope="module")
def pupil():
    torch.set_num_threads(1)
    return lived(Develop(MicroText(number=200), steps=20, batch_size=16), Learn(SENTIMENT, by=weights(20)), origin=TINY)[0]


def readings(measure, subject, tasks=TASK):
    return {r.metric: r.value for r in measure.read(subject, tasks, STREAMS)}


def test_dormant_neurons_are_those_that_never_fire():
    subject, _ = lived(Learn(SENTIMENT, by=weights(2)), origin=TINY)
    layer = anatomy_of(subject.encoder)[0]
    assert readings(DormantUnits(tau=0.0), subject)["dormant"] == 0
    dense = subject.encoder.get_submodule(layer.neurons.inputs[0][0].removesuffix(".weight"))
    dense.weight.data[:8] = 0
    dense.bias.data[:8] = 0
    found = readings(DormantUnits(), subject)
    assert found["dormant"] == found[f"dormant/{layer.path}"] == 8 / 32


def test_activity_is_the_mean_over_real_tokens_of_every_batch():
    from lifespan.pruning.inputs import mean_inputs

    subject, _ = lived(Learn(SENTIMENT, by=weights(2)), origin=TINY)
    name = anatomy_of(subject.encoder)[0].neurons.output
    texts = ["the cat is lovely .", "the dog and the cat are lovely and the queen is not ."]
    both = Tokens(subject.tokenizer, texts, None, 32)
    together = mean_inputs(subject, SENTIMENT.title, [both.collate(np.arange(2))])[name]
    single = [Tokens(subject.tokenizer, [text], None, 32) for text in texts]
    parts = [mean_inputs(subject, SENTIMENT.title, [t.collate(np.array([0]))])[name] for t in single]
    lengths = [int(t.lengths[0]) for t in single]
    slow = sum(part * n for part, n in zip(parts, lengths, strict=True)) / sum(lengths)
    assert torch.allclose(together, slow, atol=1e-6)


@pytest.mark.parametrize("rank", [1, 3, 8])
def test_the_rank_of_planted_states_is_recovered(rank):
    basis, _ = np.linalg.qr(RNG.normal(size=(12, 12)))
    loads, _ = np.linalg.qr(np.column_stack([np.ones(100), RNG.normal(size=(100, rank))]))
    states = loads[:, 1 : rank + 1] @ basis[:rank]
    assert metrics.effective_rank(states) == pytest.approx(rank)
    assert metrics.stable_rank(states) == pytest.approx(rank)
    assert math.isnan(metrics.effective_rank(np.ones((5, 3)))) and math.isnan(metrics.stable_rank(np.ones((5, 3))))


def test_effective_rank_is_read_from_the_last_states(pupil):
    found = readings(EffectiveRank(), pupil)
    assert 1 <= found["stable_rank"] <= found["effective_rank"] <= 16


def test_weight_norms_are_those_of_living_synapses(pupil):
    found = readings(WeightNorm(), pupil)
    everything = torch.cat([weight.data.flatten() for weight in pupil.synapses.values()]).double()
    assert found["norm"] == pytest.approx(float(everything.norm()))
    assert found["rms"] == pytest.approx(float(everything.square().mean().sqrt()))
    query = next(name for name in pupil.synapses if "query" in name)
    layer = anatomy_of(pupil.encoder)[0].path
    assert found[f"rms/{layer}/query"] == pytest.approx(float(pupil.synapses[query].data.double().square().mean().sqrt()))


def test_the_sampled_fisher_trace_agrees_with_the_exact_one(pupil):
    from lifespan.model.forward import token_states

    task = MicroTask("sentiment", train_examples=48, eval_examples=40)
    exact = []
    texts = task.examples("train")
    tokens = Tokens(pupil.tokenizer, texts.first, texts.second, 128)
    parameters = list(pupil.synapses.values())
    for i in range(len(texts)):
        states = token_states(pupil, tokens.collate(np.array([i])))
        logs = pupil.skills[task.title].head(states[:, 0]).log_softmax(-1)[0]
        for label in range(2):
            found = torch.autograd.grad(logs[label], parameters, retain_graph=True)
            square = sum(float(g.double().square().sum()) for g in found)
            exact.append(float(logs[label].detach().exp()) * square)
    slow = sum(exact) / len(texts)
    draws = []
    for seed in range(12):
        found = {r.metric: r.value for r in FisherTrace().read(pupil, {task.title: task}, Streams(seed, "x"))}
        draws.append(found["fisher_trace"])
    assert np.mean(draws) == pytest.approx(slow, rel=0.15)


def test_a_copy_learns_and_the_subject_does_not(pupil):
    before = content(pupil)
    fresh = MicroTask("paraphrase", train_examples=48, eval_examples=40)
    probe = FreshTask(fresh, by=weights(12), every=4, criterion=0.3)
    found = readings(probe, pupil)
    curve = {name: value for name, value in found.items() if "@" in name}
    assert list(curve) == [f"accuracy@{step}" for step in (0, 4, 8, 12)]
    assert found["learning_curve_area"] == pytest.approx(np.mean(list(curve.values())))
    assert found["steps_to_criterion"] == 0
    assert same(before, content(pupil)) and list(pupil.skills) == [SENTIMENT.title]
    assert readings(probe, pupil) == found


def test_a_task_that_was_learned_starts_with_a_new_head(pupil):
    from lifespan.model.forward import copy_of

    known = readings(FreshTask(SENTIMENT, by=weights(4), every=4, examples=None), pupil)
    pupil_then = copy_of(pupil)
    del pupil_then.skills[SENTIMENT.title]
    pupil_then.skill_for(SENTIMENT, "weights", Streams(0, "look/test/fresh"))
    logits, labels = task_logits(pupil_then, SENTIMENT, "dev", 128)
    assert known["accuracy@0"] == metrics.score("accuracy", logits.argmax(1), labels)
    assert SENTIMENT.title in pupil.skills


@pytest.mark.parametrize(
    ("by", "rule"), [(Rewire(), "moves the shared anatomy"), (Lottery(rewind="birth"), "needs an earlier state of the life")]
)
def test_what_a_copy_cannot_do_is_refused(by, rule):
    with pytest.raises(ScenarioError, match=rule):
        FreshTask(SENTIMENT, by=by)


def test_masks_can_learn_a_fresh_task_too(pupil):
    before = content(pupil)
    readings(FreshTask(MicroTask("paraphrase", train_examples=32, eval_examples=20), by=Masks(steps=4)), pupil)
    assert same(before, content(pupil))


def slow_ece(p, labels, bins):
    total = 0.0
    for b in range(bins):
        inside = [i for i in range(len(p)) if b / bins < p[i].max() <= (b + 1) / bins]
        if inside:
            right = np.mean([p[i].argmax() == labels[i] for i in inside])
            total += len(inside) / len(p) * abs(right - np.mean([p[i].max() for i in inside]))
    return total


def test_calibration_agrees_with_the_definition_and_scikit_learn():
    p = RNG.dirichlet([1, 1, 1], size=300)
    labels = RNG.integers(3, size=300)
    assert calibration.expected_calibration_error(p, labels) == pytest.approx(slow_ece(p, labels, 10))
    assert calibration.log_loss(p, labels) == pytest.approx(sklearn_log_loss(labels, p))
    two = p[:, :2] / p[:, :2].sum(axis=1, keepdims=True)
    binary = labels % 2
    assert calibration.brier(two, binary) == pytest.approx(2 * brier_score_loss(binary, two[:, 1]))
    sure = np.eye(3)[labels]
    assert calibration.expected_calibration_error(sure, labels) == calibration.brier(sure, labels) == 0
    with pytest.raises(ValueError, match="must be"):
        calibration.brier(p, labels[:10])


def test_a_planted_overconfidence_is_its_calibration_error():
    labels = (np.arange(1000) % 10 >= 7).astype(int)
    p = np.tile([0.9, 0.1], (1000, 1))
    assert calibration.expected_calibration_error(p, labels) == pytest.approx(0.2)


def test_calibration_is_read_from_the_heads(pupil):
    found = readings(Calibration(), pupil)
    logits, labels = task_logits(pupil, SENTIMENT, "dev", 128)
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    assert found["log_loss"] == pytest.approx(sklearn_log_loss(labels, p), rel=1e-5)
    assert found["confidence"] == pytest.approx(p.max(axis=1).mean(), rel=1e-5)


def test_without_words_all_sentences_of_a_length_are_one(pupil):
    found = readings(NullInput(examples=None), pupil)
    assert 0.5 <= found["confidence"] <= 1 and 0 <= found["entropy"] <= 1
    rows = SENTIMENT.examples("dev")
    seen = set()
    from lifespan.training.evaluation import token_logits

    tokens = Tokens(pupil.tokenizer, rows.first, rows.second, 128)
    special = set(pupil.tokenizer.all_special_ids)

    def masked(batch, number):
        ids = batch["input_ids"].clone()
        for i in range(ids.shape[0]):
            for j in range(ids.shape[1]):
                if int(ids[i, j]) not in special:
                    ids[i, j] = pupil.tokenizer.mask_token_id
        return {**batch, "input_ids": ids}

    logits = token_logits(pupil, SENTIMENT.title, tokens, masked)
    for length, row in zip(tokens.lengths, logits, strict=True):
        seen.add((int(length), tuple(np.round(row, 4))))
    assert len(seen) == len(set(tokens.lengths.tolist()))
    p = calibration.softmax(logits)
    assert found["confidence"] == pytest.approx(p.max(axis=1).mean(), rel=1e-5)


def test_perplexity_falls_with_development_and_is_near_chance_at_birth():
    probe = Perplexity(MicroText(number=200), examples=100)
    newborn, _ = lived(origin=TINY)
    grown, _ = lived(Develop(MicroText(number=200), steps=60, batch_size=16, rate=3e-3), origin=TINY)
    born, later = readings(probe, newborn, {}), readings(probe, grown, {})
    size = len(newborn.tokenizer)
    assert 0.5 * size < born["perplexity"] < 2 * size
    assert later["perplexity"] < 0.5 * born["perplexity"] and later["masked_accuracy"] > born["masked_accuracy"]


def test_perplexity_is_the_exponential_of_the_loss_on_the_masked_tokens(pupil):
    probe = Perplexity(MicroText(number=100), examples=20)
    source = probe._source(pupil)
    batch = source.batch(0)
    with torch.no_grad():
        loss = float(source.loss(pupil, batch))
    assert source.order.per_epoch == 1
    assert readings(probe, pupil)["perplexity"] == pytest.approx(math.exp(loss), rel=1e-5)


def test_the_readout_is_ridge_regression():
    known, asked = RNG.normal(size=(60, 5)) * [1, 2, 3, 4, 5], RNG.normal(size=(20, 5))
    taught = RNG.integers(3, size=60)
    found = ridge_answers(known, taught, asked, 3, 0.5, (0.0, 1.0))
    centre, spread = known.mean(0), known.std(0)
    model = Ridge(alpha=0.5 * 60).fit((known - centre) / spread, np.eye(3)[taught])
    assert found == pytest.approx(model.predict((asked - centre) / spread))
    scores = RNG.random(60) * 5
    slow = Ridge(alpha=60.0).fit((known - centre) / spread, scores / 5).predict((asked - centre) / spread)
    assert ridge_answers(known, scores, asked, 0, 1.0, (0.0, 5.0))[:, 0] == pytest.approx(slow)


def test_the_readout_asks_for_no_head_and_no_learning():
    newborn, _ = lived(origin=TINY)
    found = {(r.task, r.metric) for r in Readout(TASKS).read(newborn, {}, STREAMS)}
    assert found == {(task.title, "readout_accuracy") for task in TASKS}
    with pytest.raises(ScenarioError, match="must be a tuple of tasks"):
        Readout(SENTIMENT)
