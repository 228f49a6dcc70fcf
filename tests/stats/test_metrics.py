"""Metrics against scikit-learn and SciPy, by hand, and by their invariants."""

from __future__ import annotations

import doctest
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import pearsonr, spearmanr
from sklearn.metrics import accuracy_score, f1_score, matthews_corrcoef

from lifespan.errors import ScenarioError
from lifespan.stats import metrics

BINARY = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 1)), min_size=1, max_size=60)
CLASSES = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=60)
NUMBERS = st.floats(-1e6, 1e6, allow_nan=False).map(lambda value: round(value, 3))
SCORES = st.lists(st.tuples(NUMBERS, NUMBERS), min_size=2, max_size=60)
MATRICES = st.integers(2, 6).flatmap(
    lambda tasks: st.lists(st.floats(0, 1), min_size=tasks**2, max_size=tasks**2).map(
        lambda cells: np.array(cells).reshape(tasks, tasks)
    )
)
steady = settings(deadline=None, database=None, max_examples=60)
LOWER = np.array([[0.8, np.nan, np.nan], [0.9, 0.7, np.nan], [0.6, 0.5, 0.9]])


def columns(rows):
    return np.array([row[0] for row in rows]), np.array([row[1] for row in rows])


def test_doctests_hold():
    result = doctest.testmod(metrics)
    assert result.attempted >= 13
    assert result.failed == 0


@steady
@given(BINARY)
def test_f1_is_scikit_learns(rows):
    predictions, labels = columns(rows)
    assert metrics.f1(predictions, labels) == pytest.approx(f1_score(labels, predictions, zero_division=0))


@steady
@given(CLASSES)
@pytest.mark.filterwarnings("ignore:A single label was found")
def test_accuracy_and_matthews_are_scikit_learns(rows):
    predictions, labels = columns(rows)
    assert metrics.accuracy(predictions, labels) == pytest.approx(accuracy_score(labels, predictions))
    assert metrics.matthews(predictions, labels) == pytest.approx(matthews_corrcoef(labels, predictions))


@steady
@given(SCORES)
@pytest.mark.filterwarnings("ignore")
def test_correlations_are_scipys(rows):
    predictions, labels = columns(rows)
    if min(np.ptp(predictions), np.ptp(labels)) > 1e-6 * (1 + max(np.abs(predictions).max(), np.abs(labels).max())):
        assert metrics.pearson(predictions, labels) == pytest.approx(pearsonr(predictions, labels)[0], abs=1e-7)
    expected = spearmanr(predictions, labels)[0]
    assert metrics.spearman(predictions, labels) == pytest.approx(expected, nan_ok=True)


@steady
@given(CLASSES)
def test_ranges_of_class_metrics(rows):
    predictions, labels = columns(rows)
    assert 0 <= metrics.accuracy(predictions, labels) <= 1
    assert 0 <= metrics.f1(predictions, labels) <= 1
    assert -1 - 1e-12 <= metrics.matthews(predictions, labels) <= 1 + 1e-12
    assert metrics.accuracy(labels, labels) == 1
    assert metrics.matthews(labels, labels) == pytest.approx(1 if len(set(labels)) > 1 else 0)


@steady
@given(SCORES, st.randoms())
def test_order_of_examples_does_not_matter(rows, random):
    shuffled = random.sample(rows, len(rows))
    for name in (name for name in metrics.CLASS_METRICS + metrics.SCORE_METRICS if name not in metrics.FROM_OUTPUTS):
        metric = metrics.METRICS[name]
        assert metric(*columns(shuffled)) == pytest.approx(metric(*columns(rows)), nan_ok=True, abs=1e-9)


@steady
@given(SCORES)
def test_spearman_sees_only_order(rows):
    predictions, labels = columns(rows)
    # Dense ranks keep order and ties, whatever the spacing was.
    stretched = np.exp(np.unique(predictions, return_inverse=True)[1])
    assert metrics.spearman(stretched, labels) == pytest.approx(metrics.spearman(predictions, labels), nan_ok=True)
    assert metrics.spearman(-predictions, labels) == pytest.approx(-metrics.spearman(predictions, labels), nan_ok=True)


def test_by_hand_mrpc_and_cola():
    predictions, labels = [1] * 6 + [0] * 4, [1] * 4 + [0] * 2 + [1] + [0] * 3
    assert metrics.accuracy(predictions, labels) == pytest.approx(0.7)
    assert metrics.f1(predictions, labels) == pytest.approx(8 / 11)
    assert metrics.matthews(predictions, labels) == pytest.approx((4 * 3 - 2 * 1) / np.sqrt(6 * 5 * 4 * 5))


def test_degenerate_inputs():
    assert metrics.matthews([0, 0, 0], [0, 1, 1]) == 0
    assert metrics.matthews([0, 1, 1], [1, 1, 1]) == 0
    assert metrics.f1([0, 0], [0, 0]) == 0
    assert metrics.f1([0, 0], [0, 1]) == 0
    for correlation in (metrics.pearson, metrics.spearman):
        assert np.isnan(correlation([0.1] * 10, np.arange(10)))
        assert np.isnan(correlation([1.0], [2.0]))
        assert np.isnan(correlation([1.0, np.nan, 2.0], [1.0, 2.0, 3.0]))
        assert np.isnan(correlation([1.0, np.inf, 2.0], [1.0, 2.0, 3.0]))
    assert metrics.pearson([1e300, -1e300, 0.0], [1e-300, -1e-300, 0.0]) == pytest.approx(1)


def test_integer_scores_do_not_overflow():
    assert metrics.pearson(np.array([0, 100, 120], dtype=np.int8), [0, 100, 120]) == pytest.approx(1)


@pytest.mark.parametrize(("predictions", "labels"), [([1, 0], [1]), ([], []), ([[1]], [[1]])])
def test_shapes_are_checked(predictions, labels):
    with pytest.raises(ValueError, match="two one-dimensional arrays of one length"):
        metrics.accuracy(predictions, labels)


def test_score_finds_metrics_by_name():
    assert metrics.score("matthews", [1, 0], [1, 0]) == 1
    assert set(metrics.CLASS_METRICS + metrics.SCORE_METRICS + metrics.TAG_METRICS) == set(metrics.METRICS)
    with pytest.raises(ScenarioError, match=r"'acuracy'.*Did you mean 'accuracy'\? Known: accuracy, f1"):
        metrics.score("acuracy", [1], [1])


SPANS = {
    # (predicted, labelled): F1 by hand, the same as seqeval 1.2.2 gives.
    "all": (["B-A", "I-A", "O", "B-B"], ["B-A", "I-A", "O", "B-B"], 1.0),
    "too short": (["B-A", "O", "O", "B-B"], ["B-A", "I-A", "O", "B-B"], 0.5),
    "another kind": (["B-B", "I-B", "O"], ["B-A", "I-A", "O"], 0.0),
    "no begin": (["I-A", "I-A", "O"], ["B-A", "I-A", "O"], 1.0),
    "two in a row": (["B-A", "B-A"], ["B-A", "I-A"], 0.0),
    "kind changes inside": (["B-A", "I-B"], ["B-A", "B-B"], 1.0),
    "IOBES": (["S-A", "B-B", "I-B", "E-B"], ["S-A", "B-B", "E-B", "S-B"], 0.4),
    "nothing anywhere": (["O", "O"], ["O", "O"], 0.0),
    "cut away": (["B-A", ""], ["B-A", "B-B"], 2 / 3),
}


@pytest.mark.parametrize("case", SPANS)
def test_span_f1_by_hand(case):
    predicted, labelled, expected = SPANS[case]
    assert metrics.span_f1([predicted], [labelled]) == pytest.approx(expected)
    assert metrics.span_f1([["O"], predicted], [["O"], labelled]) == pytest.approx(expected)


def test_a_span_does_not_cross_sentences():
    assert metrics.span_f1([["B-A"], ["I-A"]], [["B-A"], ["B-A"]]) == 1.0
    assert metrics.spans(["B-A", "I-A"]) == [("A", 0, 1)]


def test_accuracy_of_tags_counts_words():
    assert metrics.tag_accuracy([["O", "O", "B-A"], ["O"]], [["O", "B-A", "B-A"], ["O"]]) == 0.75
    with pytest.raises(ValueError, match="as many tags as words"):
        metrics.tag_accuracy([["O"]], [["O", "O"]])


def test_chance_of_tags_is_that_of_one_tag_for_every_word():
    labels = [["O", "O", "B-A"], ["B-A", "O"]]
    assert metrics.chance("tag_accuracy", labels) == 0.6
    assert metrics.chance("span_f1", labels) == pytest.approx(2 * 2 / (5 + 2))


def test_sequence_by_hand():
    scores = [[0.8, 0.5, 0.4], [0.9, 0.7, 0.6], [0.6, 0.8, 0.9]]
    assert metrics.average_accuracy(scores) == pytest.approx((0.6 + 0.8 + 0.9) / 3)
    assert metrics.backward_transfer(scores) == pytest.approx((-0.2 + 0.1) / 2)
    assert metrics.forward_transfer(scores, [0.5, 0.4, 0.5]) == pytest.approx((0.1 + 0.1) / 2)
    assert metrics.forgetting_max(scores) == pytest.approx((0.3 - 0.1) / 2)
    assert metrics.forgetting_last(scores) == pytest.approx((0.2 - 0.1) / 2)
    assert metrics.intransigence(scores, [0.9, 0.9, 0.9]) == pytest.approx((0.1 + 0.2 + 0.0) / 3)


def test_tasks_not_yet_met_need_no_scores():
    assert metrics.average_accuracy(LOWER) == pytest.approx(2 / 3)
    assert metrics.forgetting_max(LOWER) == pytest.approx((0.3 + 0.2) / 2)
    assert metrics.forgetting_last(LOWER) == pytest.approx((0.2 + 0.2) / 2)
    assert np.isnan(metrics.forward_transfer(LOWER, [0, 0, 0]))


def test_a_single_task_has_nothing_to_forget():
    assert metrics.average_accuracy([[0.7]]) == 0.7
    assert metrics.intransigence([[0.7]], [0.8]) == pytest.approx(0.1)
    for summary in (metrics.backward_transfer, metrics.forgetting_max, metrics.forgetting_last):
        assert np.isnan(summary([[0.7]]))
    assert np.isnan(metrics.forward_transfer([[0.7]], [0.5]))


@steady
@given(MATRICES)
def test_forgetting_by_maximum_is_never_smaller(scores):
    assert metrics.forgetting_max(scores) >= metrics.forgetting_last(scores) - 1e-12
    assert metrics.forgetting_last(scores) == -metrics.backward_transfer(scores)


@steady
@given(MATRICES)
def test_summaries_against_the_written_formula(scores):
    tasks = len(scores)
    best = [max(scores[i][j] for i in range(tasks - 1)) for j in range(tasks - 1)]
    assert metrics.forgetting_max(scores) == pytest.approx(sum(best - scores[-1][:-1]) / (tasks - 1), abs=1e-12)
    changes = [scores[-1][j] - scores[j][j] for j in range(tasks - 1)]
    assert metrics.backward_transfer(scores) == pytest.approx(sum(changes) / (tasks - 1), abs=1e-12)
    zero_shot = [scores[j - 1][j] for j in range(1, tasks)]
    assert metrics.forward_transfer(scores, np.zeros(tasks)) == pytest.approx(sum(zero_shot) / (tasks - 1), abs=1e-12)


def test_shapes_of_score_matrices_are_checked():
    with pytest.raises(ValueError, match=r"shape \(2, 3\): must be \(tasks, tasks\)"):
        metrics.average_accuracy(np.zeros((2, 3)))
    with pytest.raises(ValueError, match=r"at_birth of shape .*one score per task, 2 here"):
        metrics.forward_transfer(np.zeros((2, 2)), [0.5])
    with pytest.raises(ValueError, match=r"joint of shape .*one score per task"):
        metrics.intransigence(np.zeros((2, 2)), [0.5])


@pytest.mark.parametrize("metric", ["accuracy", "f1", "matthews"])
def test_an_answer_that_is_none_leaves_no_score(metric):
    assert math.isnan(metrics.score(metric, np.array([0, -1, 1]), [0, 0, 1]))
    assert math.isfinite(metrics.score(metric, np.array([0, 0, 1]), [0, 0, 1]))
