"""Macro-F1, precision, recall and the area under the ROC curve, against scikit-learn and by hand."""

import numpy as np
import pytest
from sklearn.metrics import f1_score, precision_score, recall_score, roc_auc_score

from lifespan.errors import ScenarioError
from lifespan.stats import metrics
from lifespan.stats.class_metrics import auc, macro_f1, merged, precision, recall

DICE = np.random.default_rng(7)


def softmax(outputs):
    shares = np.exp(outputs - outputs.max(axis=1, keepdims=True))
    return shares / shares.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("classes", [2, 3, 5])
@pytest.mark.parametrize("drawn", range(5))
def test_metrics_of_answers_agree_with_scikit_learn(classes, drawn):
    dice = np.random.default_rng(drawn)
    predicted, labels = dice.integers(0, classes, 60), dice.integers(0, classes, 60)
    assert macro_f1(predicted, labels) == pytest.approx(f1_score(labels, predicted, average="macro"))
    for positive in range(2 if classes == 2 else 0):
        chosen = {"pos_label": positive}
        assert precision(predicted, labels, positive) == pytest.approx(precision_score(labels, predicted, **chosen))
        assert recall(predicted, labels, positive) == pytest.approx(recall_score(labels, predicted, **chosen))
        assert metrics.f1(predicted, labels, positive) == pytest.approx(f1_score(labels, predicted, **chosen))


@pytest.mark.parametrize("drawn", range(5))
def test_area_of_two_classes_agrees_with_scikit_learn_ties_included(drawn):
    dice = np.random.default_rng(drawn)
    # Multiples of 1/8: the log-odds of many examples are equal without rounding.
    outputs, labels = dice.integers(-8, 8, (80, 2)) / 8, dice.integers(0, 2, 80)
    odds = outputs[:, 1] - outputs[:, 0]
    assert len(np.unique(odds)) < len(odds)
    assert auc(outputs, labels) == pytest.approx(roc_auc_score(labels, odds))
    assert auc(outputs, labels, positive=0) == pytest.approx(roc_auc_score(1 - labels, -odds))


@pytest.mark.parametrize("classes", [3, 6])
@pytest.mark.parametrize("drawn", range(3))
def test_area_of_more_classes_is_the_macro_mean_of_one_against_the_rest(classes, drawn):
    dice = np.random.default_rng(drawn)
    outputs = dice.normal(size=(90, classes))
    labels = np.concatenate([np.arange(classes), dice.integers(0, classes, 90 - classes)])
    expected = roc_auc_score(labels, softmax(outputs), multi_class="ovr", average="macro")
    assert auc(outputs, labels) == pytest.approx(expected)


def test_area_by_hand():
    # Scores 1, 2, 2, 3 of labels 0, 0, 1, 1: of four pairs three are in order and one is tied.
    outputs = np.array([[0, 1], [0, 2], [0, 2], [0, 3]], dtype=float)
    assert auc(outputs, [0, 0, 1, 1]) == pytest.approx(3.5 / 4)
    assert auc(np.zeros((4, 2)), [0, 1, 0, 1]) == 0.5
    assert auc(outputs, [1, 1, 0, 0]) == pytest.approx(0.5 / 4)


def test_sure_outputs_are_not_rounded_to_ties():
    outputs = np.array([[0.0, 800.0], [0.0, 900.0], [0.0, 850.0]])
    assert auc(outputs, [0, 1, 1]) == 1.0


def test_classes_that_do_not_occur_are_left_out_and_one_class_alone_has_no_area():
    outputs = DICE.normal(size=(30, 3))
    labels = np.arange(30) % 2
    alone = [roc_auc_score(labels == name, softmax(outputs)[:, name]) for name in (0, 1)]
    assert auc(outputs, labels) == pytest.approx(np.mean(alone))
    assert np.isnan(auc(outputs, np.zeros(30, dtype=int)))
    assert np.isnan(auc(np.full((4, 2), np.nan), [0, 1, 0, 1]))


def test_outputs_of_a_wrong_shape_are_refused():
    with pytest.raises(ValueError, match=r"outputs of shape \(3,\) and 3 labels: auc needs \(examples, classes\) outputs"):
        auc([0.1, 0.2, 0.3], [0, 1, 0])


def test_merged_outputs_are_probabilities_of_what_they_mean():
    outputs = np.log([[0.5, 0.3, 0.2], [0.1, 0.1, 0.8]])
    assert np.exp(merged(outputs, [0, 1, 1], 2)) == pytest.approx(np.array([[0.5, 0.5], [0.1, 0.9]]))
    assert auc(merged(outputs, [0, 1, 1], 2), [0, 1]) == 1.0
    # A class that no answer means is scored alike for all, at chance.
    assert auc(merged(outputs, [0, 0, 0], 2), [0, 1]) == 0.5
    assert np.isnan(auc(merged([[np.inf, 0.0], [0.0, 1.0]], [0, 1], 2), [0, 1]))


@pytest.mark.parametrize(
    ("metric", "labels", "constant", "positive"),
    [
        *(("f1", [0, 0, 1], 0, 0), ("precision", [0, 0, 1], 0, 0), ("recall", [1, 0, 0], 1, 1)),
        *(("macro_f1", [0, 0, 1, 2], 0, 1), ("precision", [1, 0, 0, 0], 1, 1)),
    ],
)
def test_chance_is_that_of_a_constant_answer_to_the_positive_class(metric, labels, constant, positive):
    answer = np.full(len(labels), constant)
    expected = metrics.score(metric, answer, labels, positive=positive)
    assert metrics.chance(metric, labels, positive) == pytest.approx(expected)


def test_area_has_a_chance_of_one_half_and_needs_outputs():
    assert metrics.chance("auc", [1, 0, 0]) == 0.5
    with pytest.raises(ScenarioError, match=r"metric 'auc': is made from a head's outputs, not from answers. Give them"):
        metrics.score("auc", [1, 0], [1, 0])
    assert metrics.score("auc", [1, 0], [1, 0], outputs=[[0.0, 1.0], [1.0, 0.0]]) == 1.0
