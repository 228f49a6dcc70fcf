"""Overlap, turnover and degrees against naive counts, chance by simulation, and lives."""

import numpy as np
import pytest
import torch
from conftest import TASKS, weights
from small_lives import lived

from lifespan import (
    Age,
    Learn,
    Magnitude,
    MaskOverlap,
    Masks,
    Micro,
    Probe,
    Random,
    Recover,
    Rewire,
    Since,
    Sparsity,
    TaskOverlap,
    Turnover,
    Wiring,
)
from lifespan.model.anatomy import anatomy_of
from lifespan.randomness import Streams
from lifespan.stats import masks as structure

BODY = Micro(layers=2, width=16, heads=2, feed_forward=32)
SENTIMENT, ENTAILMENT = TASKS


def drawn(rng, density, shapes=((16, 16), (32, 16))):
    return {str(i): rng.random(shape) < density for i, shape in enumerate(shapes)}


@pytest.mark.parametrize(("p", "q"), [(0.5, 0.5), (0.9, 0.3), (0.05, 0.1)])
def test_the_chance_of_overlap_is_that_of_independent_masks(p, q):
    rng = np.random.default_rng(0)
    found = [structure.overlap(drawn(rng, p), drawn(rng, q)) for _ in range(400)]
    assert np.mean([f.jaccard for f in found]) == pytest.approx(np.mean([f.chance for f in found]), abs=0.004)
    assert np.mean([f.corrected for f in found]) == pytest.approx(0, abs=0.01)


def test_chance_knows_that_matrices_differ_in_density():
    first = {"a": np.ones(100, dtype=bool), "b": np.zeros(100, dtype=bool)}
    second = {"a": np.ones(100, dtype=bool), "b": np.arange(100) < 1}
    found = structure.overlap(first, second)
    assert found.jaccard == found.chance == pytest.approx(100 / 101)
    assert structure.overlap(first, first).jaccard == 1 and np.isnan(structure.overlap(first, first).corrected)


@pytest.mark.parametrize("one", [1.0, np.float32(1), np.uint8(255), np.int64(1), True])
def test_masks_of_others_are_read_for_what_they_mean(one):
    rng = np.random.default_rng(2)
    first, second = drawn(rng, 0.4), drawn(rng, 0.6)
    theirs = {name: (mask * one).astype(type(one)) for name, mask in first.items()}
    assert structure.overlap(theirs, second) == structure.overlap(first, second)
    assert structure.turnover(second, theirs) == structure.turnover(second, first)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.array([[0.0, 0.5]]), r"a: holds 0\.5, which is no mask\. Give booleans, 0 and 1, or 0 and 255"),
        (np.array([[0, 1, 255]]), r"a: mixes 1 and 255"),
        (np.array([["yes", "no"]]), r"entries of type <U3 are no mask"),
        (np.array([[1, np.nan]]), r"holds nan"),
        (np.ones((3, 1)), r"a: masks of shape \(3, 1\) and \(1, 2\) are not of one matrix"),
    ],
)
def test_what_is_no_mask_is_refused(values, message):
    for compare in (structure.overlap, structure.turnover):
        with pytest.raises(ValueError, match=message):
            compare({"a": values}, {"a": np.array([[True, False]])})
    with pytest.raises(ValueError, match="only one of the two has a mask of 'b'"):
        structure.overlap({"a": np.ones(2)}, {"a": np.ones(2), "b": np.ones(2)})


def test_equal_masks_overlap_wholly_and_turn_nothing_over():
    mask = drawn(np.random.default_rng(1), 0.4)
    assert structure.overlap(mask, mask).corrected == 1
    assert structure.turnover(mask, mask) == (0, 0)


def test_degrees_of_a_random_mask_are_spread_as_at_random_and_hubs_are_told():
    rng = np.random.default_rng(2)
    random = [((rng.random((400, 300)) < 0.3).sum(1), 300) for _ in range(5)]
    assert structure.dispersion(random) == pytest.approx(1, abs=0.1)
    hubs = np.zeros((400, 300), dtype=bool)
    hubs[:40] = True
    assert structure.dispersion([(hubs.sum(1), 300)]) == pytest.approx(300, rel=0.01)
    assert structure.gini(hubs.sum(1)) == pytest.approx(0.9)
    values = rng.random(50)
    slow = np.abs(values[:, None] - values[None, :]).mean() / (2 * values.mean())
    assert structure.gini(values) == pytest.approx(slow)


def readings(measure, subject, *tasks):
    return {(r.task, r.metric): r.value for r in measure.read(subject, {t.title: t for t in tasks}, Streams(0, "look"))}


def test_wiring_counts_what_lives():
    subject, _ = lived(Age(to=0.6, by=Random()), origin=BODY)
    found = readings(Wiring(), subject)
    for layer in anatomy_of(subject.encoder):
        name = f"{layer.path}.attention.self.query.weight"
        assert found["", f"alive/{layer.path}/query"] == pytest.approx(float(subject.alive[name].double().mean()))
        owned = [subject.alive[f"{layer.path}.attention.self.{part}.weight"][8:] for part in ("query", "key", "value")]
        owned.append(subject.alive[layer.heads.output][:, 8:])
        living = torch.cat([part.flatten() for part in owned]).double().mean()
        assert found["", f"head/{layer.path}/1"] == pytest.approx(float(living))
    degrees = np.concatenate([mask.double().mean(1).numpy() for mask in subject.alive.values()])
    assert found["", "in_degree/mean"] == pytest.approx(degrees.mean())
    assert found["", "in_degree/dead"] == (degrees == 0).mean()
    assert 0.5 < found["", "in_degree/dispersion"] < 1.5
    assert found["", "heads_heard"] == 1


def test_a_silent_head_and_a_dead_row_are_seen():
    subject, _ = lived(origin=BODY)
    layer = anatomy_of(subject.encoder)[0]
    subject.alive = {name: mask.clone() for name, mask in subject.alive.items()}
    subject.alive[layer.heads.output][:, :8] = False
    subject.alive[layer.neurons.inputs[0][0]][:4] = False
    found = readings(Wiring(), subject)
    assert found["", "heads_heard"] == 3 / 4 and found["", "neurons_heard"] == 1
    rows = sum(mask.shape[0] for mask in subject.alive.values())
    assert found["", "in_degree/dead"] == 4 / rows


def test_turnover_of_ageing_is_death_and_of_recovery_both():
    life = (Learn(SENTIMENT, by=weights(4)), Age(to=0.5, by=Magnitude()), Probe(Since(1, Turnover())))
    subject, seen = told(*life, Recover(steps=12, by=Rewire(rate=0.05)), Probe(Since(2, Turnover()), Sparsity()))
    aged = {metric: value for step, task, metric, value in seen if step == 2 and not task}
    moved = {metric: value for step, task, metric, value in seen if step == 3 and not task}
    assert aged["died"] == 0.5 and aged["born"] == 0
    assert moved["died"] == pytest.approx(moved["born"]) and moved["died"] > 0
    assert moved["sparsity"] == 0.5 and subject.living == round(subject.count / 2)


def told(*events):
    """A life with its past, as the conformance suite keeps one."""
    from lifespan.testing.lives import biography, reborn

    told = biography(events)
    rows = [(row.step, row.reading.task, row.reading.metric, row.reading.value) for step in told.rows for row in step]
    return reborn(told, -1), rows


def test_masks_of_tasks_individuals_and_ages_are_compared():
    by = Masks(steps=12, rate=2e-2, sparsity=0.3)
    life = (Learn(SENTIMENT, by=by), Learn(ENTAILMENT, by=by))
    one, other = (lived(*life, origin=BODY, seed=seed)[0] for seed in (0, 1))
    tasks = {task.title: task for task in TASKS}
    found = {(r.task, r.metric): r.value for r in MaskOverlap().compare(one, other, tasks, Streams(0, "x"))}
    masks = [{n: m.numpy() for n, m in subject.skills[SENTIMENT.title].mask.items()} for subject in (one, other)]
    both = sum((masks[0][n] & masks[1][n]).sum() for n in masks[0])
    either = sum((masks[0][n] | masks[1][n]).sum() for n in masks[0])
    assert found[SENTIMENT.title, "jaccard"] == both / either
    # Two births share no weights, so what is masked is shared by chance alone.
    assert abs(found[SENTIMENT.title, "corrected"]) < 0.05
    assert found["", "jaccard"] == 1 and np.isnan(found["", "corrected"])
    inside = readings(TaskOverlap(), one, *TASKS)
    assert set(inside) == {(SENTIMENT.title, f"{m}/{ENTAILMENT.title}") for m in ("jaccard", "chance", "corrected")}
    # The same weights underneath: both tasks start from one magnitude mask.
    assert inside[SENTIMENT.title, f"corrected/{ENTAILMENT.title}"] > 0.1
