"""Measures of plasticity and function where they could break: other architectures, bf16, mixed tasks, a copy that diverges."""

import math

import numpy as np
import pytest
import torch
from architectures import KINDS
from architectures import born as built
from conftest import TASKS, TINY, weights
from small_lives import content, lived, same

from lifespan import (
    Calibration,
    DormantUnits,
    EffectiveRank,
    FisherTrace,
    FreshTask,
    HeadOnly,
    Learn,
    Masks,
    MicroTask,
    MicroText,
    NullInput,
    Outputs,
    Perplexity,
    Probe,
    Readout,
    Scenario,
    Score,
    Study,
    WeightNorm,
    Weights,
    read,
    simulate,
)
from lifespan.analysis.examples import error_overlap
from lifespan.contracts import Bulk
from lifespan.randomness import Streams

SENTIMENT, ENTAILMENT = TASKS
SIMILARITY, INFERENCE = (MicroTask(name, train_examples=32, eval_examples=24) for name in ("similarity", "inference"))
FRESH = MicroTask("paraphrase", train_examples=32, eval_examples=16)
STREAMS = Streams(0, "look/test")
MEASURES = (
    Calibration(examples=12),
    DormantUnits(examples=12),
    EffectiveRank(examples=12),
    FisherTrace(examples=4),
    FreshTask(FRESH, by=Weights(steps=2, batch_size=8), every=1, examples=8),
    NullInput(examples=12),
    Outputs(examples=12),
    Perplexity(MicroText(number=40), examples=12),
    Readout((FRESH,), examples=12),
    WeightNorm(),
)

SMOOTH = {"log_loss", "brier", "entropy", "confidence", "effective_rank", "stable_rank", "fisher_trace", "rms", "perplexity"}
"""Metrics that small differences in logits move a little."""


def told(measure, subject, tasks):
    found = list(measure.read(subject, tasks, STREAMS))
    return {(r.task, r.metric): r.value for r in found if not isinstance(r, Bulk)}


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_architecture_can_be_looked_at(kind):
    subject = built(kind)
    tasks = {task.title: task for task in (SENTIMENT, SIMILARITY)}
    for task in tasks.values():
        subject.skill_for(task, "weights", Streams(0, f"learn/{task.title}"))
    draw = torch.Generator().manual_seed(1)
    subject.alive = {name: torch.rand(mask.shape, generator=draw) < 0.8 for name, mask in subject.alive.items()}
    before = content(subject)
    for measure in MEASURES:
        found = told(measure, subject, tasks)
        assert found, type(measure).__name__
        expected = {key: value for key, value in found.items() if not key[1].startswith("steps_to")}
        scores = {key: value for key, value in expected.items() if "pearson" not in key[1] and "spearman" not in key[1]}
        assert all(math.isfinite(value) for value in scores.values()), (type(measure).__name__, scores)
        assert told(measure, subject, tasks).keys() == found.keys()
    assert same(before, content(subject))


def test_half_precision_sees_about_the_same():
    subject, _ = lived(Learn(SENTIMENT, by=weights(8)), Learn(SIMILARITY, by=Masks(steps=8, rate=5e-3)), origin=TINY)
    tasks = {task.title: task for task in (SENTIMENT, SIMILARITY)}
    for measure in MEASURES:
        subject.precision = "fp32"
        whole = told(measure, subject, tasks)
        subject.precision = "bf16"
        half = told(measure, subject, tasks)
        assert whole.keys() == half.keys()
        for key in whole:
            if key[1] in SMOOTH:
                assert half[key] == pytest.approx(whole[key], rel=0.15), (type(measure).__name__, key)


@pytest.mark.parametrize("order", [(SIMILARITY, SENTIMENT, INFERENCE), (INFERENCE, SIMILARITY, SENTIMENT)])
def test_answers_of_tasks_with_unlike_outputs_stand_in_one_file(tmp_path, order):
    events = [(Learn(task, by=weights(2)), Probe(Outputs(examples=9))) for task in order]
    lives = {name: Scenario(name=name, subject=TINY, events=events[:count]) for name, count in (("short", 1), ("long", 3))}
    simulate(Study(name="answers", groups=lives), tmp_path)
    table = read(tmp_path).examples("Outputs")
    assert len(table) == 9 * (1 + 1 + 2 + 3)
    for task in order:
        own = table[table["task"] == task.title]
        logits = own[["logit_0", "logit_1", "logit_2"]].notna().sum(axis=1)
        assert (logits == (len(task.labels) or 1)).all()
        labels = np.asarray(task.examples("dev").labels)
        assert (labels[own["example"]] == own["label"]).all()
        assert own["right"].notna().all() == bool(task.labels)
    assert not error_overlap(read(tmp_path), within=False)["kappa"].gt(1).any()


def test_a_thinned_look_says_which_examples_it_saw():
    subject, _ = lived(Learn(SENTIMENT, by=weights(2)), origin=TINY)
    tasks = {SENTIMENT.title: SENTIMENT}
    whole, thin = (next(iter(Outputs(examples=n).read(subject, tasks, STREAMS))).columns for n in (None, 11))
    assert whole["example"].tolist() == list(range(40)) and len(thin["example"]) == 11
    assert thin["example"].tolist() == sorted(set(thin["example"].tolist()))
    for name in ("label", "prediction"):
        assert (whole[name][thin["example"]] == thin[name]).all()
    assert np.allclose(whole["logit_0"][thin["example"]], thin["logit_0"], atol=1e-6)


def test_a_copy_that_diverges_leaves_a_life_that_goes_on(tmp_path):
    wild = FreshTask(FRESH, by=Weights(steps=6, rate=1e30, warmup=0.0), every=2, criterion=0.0)
    events = (Learn(SENTIMENT, by=weights(4)), Probe(wild, Score()), Learn(ENTAILMENT, by=weights(4)))
    simulate(Study(name="wild", groups={"one": Scenario(name="wild", subject=TINY, events=events)}), tmp_path)
    assert read(tmp_path).participants()["status"].tolist() == ["done"]
    rows = read(tmp_path).measurements()
    found = rows[rows["probe"].str.startswith("FreshTask")].set_index("metric")["value"]
    assert found["accuracy@0"] >= 0 and found["steps_to_criterion"] == 0
    assert found[["accuracy@6", "learning_curve_area"]].isna().all()


def test_a_fresh_task_is_learned_alike_at_every_age_of_an_unchanged_body():
    """What the copy draws does not depend on when one looks; only the subject makes the difference."""
    probe = FreshTask(FRESH, by=weights(6), every=3, criterion=0.0)
    newborn, _ = lived(origin=TINY)
    older, _ = lived(Learn(SENTIMENT, by=HeadOnly(steps=8, rate=1e-2)), origin=TINY)
    assert told(probe, newborn, {}) == told(probe, older, {})


def test_a_learned_task_is_relearned_with_a_new_head():
    subject, _ = lived(Learn(SENTIMENT, by=weights(30)), origin=TINY)
    tasks, probe = {SENTIMENT.title: SENTIMENT}, FreshTask(SENTIMENT, by=weights(2), every=1, criterion=0.0)
    known = told(probe, subject, tasks)
    del subject.skills[SENTIMENT.title]
    assert told(probe, subject, tasks) == known
