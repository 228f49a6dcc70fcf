"""What the choice of test items adds to an interval, against planted effects, and metrics against their definitions."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats as reference

from lifespan.stats import items, metrics
from lifespan.stats.intervals import Interval, mean_interval


def crossed(draw, individuals, count, *, own=0.05, shared=0.3, noise=0.3):
    """Scores of individuals x items around 0, with effects of both and noise of each cell."""
    rows, columns = own * draw.normal(size=(individuals, 1)), shared * draw.normal(size=(1, count))
    return rows + columns + noise * draw.normal(size=(individuals, count))


def test_the_variance_that_items_add_is_the_planted_one():
    draw = np.random.default_rng(1)
    found = [items.variance_of_mean(crossed(draw, 8, 100)) for _ in range(400)]
    assert np.mean(found) == pytest.approx(0.3**2 / 100, rel=0.03)
    nothing = [items.variance_of_mean(crossed(draw, 8, 100, shared=0.0)) for _ in range(200)]
    assert np.mean(nothing) < 0.05 * 0.3**2 / 100


def test_resampling_finds_the_same_variance_as_the_formula():
    cells = crossed(np.random.default_rng(2), 6, 300)
    times = items.times_drawn(300, resamples=4000)
    assert times.shape == (4000, 300) and (times.sum(axis=1) == 300).all()
    drawn = times @ cells.T / 300
    assert items.variance_of_metric(drawn) == pytest.approx(items.variance_of_mean(cells), rel=0.1)


def test_both_ends_are_widened_in_squares_and_nothing_is_made_of_no_interval():
    found = items.with_items(Interval(0.5, 0.46, 0.6, 8), variance=0.01**2, items=101)
    reach = reference.t.ppf(0.975, 100) * 0.01
    assert (found.low, found.high) == pytest.approx((0.5 - math.hypot(0.04, reach), 0.5 + math.hypot(0.1, reach)))
    assert found.estimate == 0.5 and found.n == 8
    assert items.with_items(Interval(0.5, 0.46, 0.6, 8), 0.0, 100) == Interval(0.5, 0.46, 0.6, 8)
    unknown = Interval(0.5, math.nan, math.nan, 2, note="why")
    assert items.with_items(unknown, 0.1, 100) is unknown


def test_a_crossed_mean_is_over_those_that_answered_everything():
    cells = crossed(np.random.default_rng(3), 6, 50)
    with_gaps = np.vstack([np.hstack([cells, np.full((6, 1), math.nan)]), np.full((1, 51), math.nan)])
    found = items.crossed_mean(with_gaps)
    assert found == items.crossed_mean(cells) and found.n == 6
    alone = mean_interval(cells.mean(axis=1))
    assert found.estimate == pytest.approx(cells.mean()) and found.low < alone.low < alone.high < found.high
    assert items.crossed_mean(cells, cells - 0.25).estimate == pytest.approx(0.25)
    assert items.crossed_mean(np.empty((0, 3))).note == "no value was measured"
    with pytest.raises(ValueError, match=r"cells of shape \(6, 50\) and other of shape \(6, 9\): both pair seeds and items"):
        items.crossed_mean(cells, cells[:, :9])


@pytest.mark.parametrize("name", items.RESAMPLED)
def test_a_metric_on_resamples_is_the_metric_of_each(name):
    draw = np.random.default_rng(4)
    labels = draw.integers(0, 2 if name in metrics.OF_TWO_CLASSES else 3, size=60)
    answers = np.where(draw.random((4, 60)) < 0.7, labels, draw.integers(0, labels.max() + 1, size=(4, 60)))
    if name in items.CORRELATED:
        answers = answers + draw.normal(size=(4, 60))
    times = items.times_drawn(60, resamples=5)
    found = items.metric_on_resamples(name, answers, labels, times, positive=1)
    for row, drawn in enumerate(times.astype(int)):
        chosen = np.repeat(np.arange(60), drawn)
        for individual in range(4):
            expected = metrics.score(name, answers[individual][chosen], labels[chosen])
            # The ranks are those of the whole test set, not of each resample.
            assert found[row, individual] == pytest.approx(expected, abs=0.06 if name == "spearman" else 1e-9)


def test_one_answer_for_everything_has_the_metrics_own_value():
    labels, times = np.arange(20) % 2, items.times_drawn(20, resamples=3)
    constant = np.zeros((2, 20))
    assert (items.metric_on_resamples("matthews", constant, labels, times) == 0).all()
    assert (items.metric_on_resamples("f1", constant, labels, times) == 0).all()
    assert np.isnan(items.metric_on_resamples("pearson", constant, labels, times)).all()
    assert items.variance_of_metric(np.full((3, 2), math.nan)) == 0.0


@pytest.mark.parametrize(("name", "shared"), [("accuracy", True), ("matthews", True), ("accuracy", False)])
def test_intervals_over_individuals_and_items_cover_the_difference_on_other_items(name, shared):
    """The third case is the interval over individuals alone, which speaks of this test set only."""
    draw, hits = np.random.default_rng(5), 0
    for _ in range(200):
        labels = draw.integers(0, 2, size=128)
        better = draw.normal(0, 3, size=128)  # An item that the treated find easier by so much.
        skill = draw.normal(0, 1, size=128)
        answers = []
        for extra in (better, 0.0):
            odds = 1 + skill + extra + 0.1 * draw.normal(size=(8, 1))
            answers.append(np.where(draw.random((8, 128)) < 1 / (1 + np.exp(-odds)), labels, 1 - labels))
        times = items.times_drawn(128, resamples=150)
        values = [np.array([metrics.score(name, row, labels) for row in side]) for side in answers]
        drawn = [items.metric_on_resamples(name, side, labels, times) for side in answers]
        found = mean_interval(values[0] - values[1], resamples=999)
        if shared:
            found = items.with_items(found, items.variance_of_metric(drawn[0] - drawn[1]), 128)
        # By simulation on four million items.
        mean = {"accuracy": -0.0877, "matthews": -0.1754}[name]
        hits += found.low <= mean <= found.high
    low, high = reference.binom.interval(0.999, 200, 0.95 if shared else 0.75)
    assert hits >= low if shared else hits <= high
