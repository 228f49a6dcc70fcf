"""Aggregates against rliable's definitions written out slowly, and intervals that cover what they say."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from hypothesis.extra.numpy import arrays
from scipy import stats as reference

from lifespan.stats import aggregates
from lifespan.stats.inference import SEED

some_scores = arrays(float, some.tuples(some.integers(1, 6), some.integers(1, 4)), elements=some.floats(-1, 1, width=16))


def within(hits, trials, chance):
    """Whether so many hits lie in the central 99.9% of a binomial."""
    low, high = reference.binom.interval(0.999, trials, chance)
    return low <= hits <= high


def cohort(draw, *, individuals, tasks, shared):
    """Scores of mean 0 and variance 1 that correlate by `shared` between the tasks of an individual."""
    own = draw.normal(size=(individuals, tasks))
    return math.sqrt(shared) * draw.normal(size=(individuals, 1)) + math.sqrt(1 - shared) * own


def test_normalised_scores_are_zero_at_chance_and_one_at_the_reference():
    chance, best = np.array([0.5, 0.0]), np.array([0.9, 0.6])
    found = aggregates.normalised([chance, best, [0.3, 0.9]], chance, best)
    assert found == pytest.approx(np.array([[0, 0], [1, 1], [-0.5, 1.5]]))
    assert np.isnan(aggregates.normalised([0.5, 0.5], 0.6, [0.6, 0.5])).all()


@settings(max_examples=50, deadline=None)
@given(some_scores)
def test_the_interquartile_mean_leaves_out_a_quarter_of_all_scores_at_either_end(scores):
    ordered = sorted(scores.ravel().tolist())
    cut = len(ordered) // 4
    assert aggregates.interquartile_mean(scores) == pytest.approx(np.mean(ordered[cut : len(ordered) - cut]), abs=1e-12)


def test_the_interquartile_mean_leaves_out_missing_scores():
    scores = np.random.default_rng(1).normal(size=(7, 5))
    scores[[0, 3, 6], [1, 1, 4]] = math.nan
    expected = reference.trim_mean(scores[np.isfinite(scores)], 0.25)
    assert aggregates.interquartile_mean(scores) == pytest.approx(expected)
    assert math.isnan(aggregates.interquartile_mean([[math.nan]]))
    assert math.isnan(aggregates.interquartile_mean(np.empty((0, 3))))


def test_within_tasks_is_the_stratified_bootstrap_of_rliable():
    scores = np.random.default_rng(2).normal([0.0, 1.0, 2.0], [0.1, 0.2, 0.3], size=(6, 3))
    draw, drawn = np.random.default_rng(3), []
    for _ in range(4000):
        columns = [draw.choice(scores[:, task], size=6) for task in range(3)]
        drawn.append(reference.trim_mean(np.stack(columns), 0.25, axis=None))
    found = aggregates.interquartile_interval(scores, within_tasks=True, resamples=4000)
    assert found.estimate == reference.trim_mean(scores, 0.25, axis=None)
    reach = reference.t.ppf(0.975, 5) * np.std(drawn) * math.sqrt(6 / 5)
    assert (found.low, found.high) == pytest.approx((found.estimate - reach, found.estimate + reach), abs=0.012)


def test_whole_individuals_are_resampled():
    # Each individual has one score on all tasks: the interval must be that of a single task.
    one = np.random.default_rng(4).normal(size=(8, 1))
    found, alone = (aggregates.interquartile_interval(np.repeat(one, tasks, axis=1)) for tasks in (4, 1))
    apart = aggregates.interquartile_interval(np.repeat(one, 4, axis=1), within_tasks=True)
    assert (found.low, found.high) == pytest.approx((alone.low, alone.high), abs=0.1)
    assert apart.high - apart.low < 0.7 * (found.high - found.low)


def test_intervals_are_repeatable_and_told_apart_by_their_seed():
    scores = cohort(np.random.default_rng(5), individuals=8, tasks=3, shared=0.3)
    assert aggregates.interquartile_interval(scores) == aggregates.interquartile_interval(scores, seed=SEED)
    assert aggregates.interquartile_interval(scores) != aggregates.interquartile_interval(scores, seed=1)


@pytest.mark.parametrize(("within_tasks", "shared", "chance"), [(False, 0.5, 0.945), (True, 0.0, 0.95), (True, 0.5, 0.78)])
def test_coverage_of_the_interquartile_interval(within_tasks, shared, chance):
    """The last case is why whole individuals are the default: apart, tasks that correlate look like more evidence."""
    draw, hits = np.random.default_rng(7), 0
    for seed in range(150):
        scores = cohort(draw, individuals=20, tasks=4, shared=shared)
        found = aggregates.interquartile_interval(scores, within_tasks=within_tasks, resamples=300, seed=seed)
        hits += found.low <= 0 <= found.high
    assert within(hits, 150, chance)


@settings(max_examples=30, deadline=None)
@given(some_scores)
def test_the_probability_of_improvement_is_the_mann_whitney_u_by_pairs(control):
    treated = np.roll(control, 1, axis=0) + 0.25
    tasks = zip(treated.T, control.T, strict=True)
    expected = np.mean([reference.mannwhitneyu(x, y).statistic / (len(x) * len(y)) for x, y in tasks])
    found = aggregates.probability_of_improvement(treated, control, resamples=10)
    back = aggregates.probability_of_improvement(control, treated, resamples=10)
    assert found.estimate == pytest.approx(expected)
    assert found.estimate + back.estimate == pytest.approx(1)


def test_the_interval_of_an_improvement_is_made_on_its_log_odds():
    draw = np.random.default_rng(13)
    treated, control = draw.normal(1, 1, (7, 1)), draw.normal(0, 1, (7, 1))
    found, drawn = aggregates.probability_of_improvement(treated, control, resamples=4000), []
    for _ in range(2000):
        rows = draw.integers(7, size=7)
        drawn.append(reference.mannwhitneyu(treated[rows, 0], control[rows, 0]).statistic / 49)
    error = np.std(drawn) * math.sqrt(7 / 6) / (found.estimate * (1 - found.estimate))
    odds = np.log(found.estimate / (1 - found.estimate)) + error * reference.t.ppf(0.975, 6) * np.array([-1, 1])
    assert (found.low, found.high) == pytest.approx(tuple(1 / (1 + np.exp(-odds))), abs=0.012)


def test_unpaired_groups_may_differ_in_size():
    draw = np.random.default_rng(8)
    treated, control = draw.normal(1, 1, (5, 3)), draw.normal(0, 1, (9, 3))
    found = aggregates.probability_of_improvement(treated, control, within_tasks=True)
    assert found.n == 5 and 0 < found.low < found.estimate < found.high < 1
    with pytest.raises(ValueError, match=r"treated of shape \(5, 3\) and control of shape \(9, 3\): twins share rows"):
        aggregates.probability_of_improvement(treated, control)


def test_a_twin_without_a_score_leaves_its_pair_out():
    treated = [[0.9, 0.8], [0.7, 0.6], [math.nan, math.nan], [0.8, 0.5], [0.5, 0.6]]
    control = [[0.5, 0.8], [0.9, 0.5], [0.0, 0.0], [0.6, math.nan], [0.4, 0.7]]
    found = aggregates.probability_of_improvement(treated, control)
    assert found.n == 4
    first = reference.mannwhitneyu([0.9, 0.7, 0.8, 0.5], [0.5, 0.9, 0.6, 0.4]).statistic / 16
    second = reference.mannwhitneyu([0.8, 0.6, 0.5, 0.6], [0.8, 0.5, 0.7]).statistic / 12
    assert found.estimate == pytest.approx((first + second) / 2)


def test_null_twins_are_as_likely_better_as_worse():
    draw, hits = np.random.default_rng(9), 0
    for seed in range(150):
        both = math.sqrt(0.5) * draw.normal(size=(20, 3))
        treated, control = (both + math.sqrt(0.5) * cohort(draw, individuals=20, tasks=3, shared=0.5) for _ in range(2))
        found = aggregates.probability_of_improvement(treated, control, resamples=300, seed=seed)
        hits += found.low <= 0.5 <= found.high
    assert within(hits, 150, 0.93)


def test_the_multi_bootstrap_draws_seeds_and_examples():
    draw = np.random.default_rng(10)
    correct = (draw.random((6, 40)) < draw.random((1, 40))).astype(float)
    drawn = []
    for _ in range(4000):
        seeds, examples = draw.integers(6, size=6), draw.integers(40, size=40)
        drawn.append(correct[np.ix_(seeds, examples)].mean())
    found = aggregates.multi_bootstrap(correct, resamples=4000)
    assert found.estimate == correct.mean() and found.n == 6
    assert (found.low, found.high) == pytest.approx(np.quantile(drawn, [0.025, 0.975]), abs=0.012)


def test_the_multi_bootstrap_counts_examples_that_every_individual_fails():
    # Seeds agree on every example: only the examples make the interval, sqrt(p q / examples) wide to either side.
    correct = np.repeat(np.arange(100)[None] % 4 > 0, 5, axis=0)
    found = aggregates.multi_bootstrap(correct)
    assert (found.low, found.high) == pytest.approx((0.75 - 1.96 * 0.0433, 0.75 + 1.96 * 0.0433), abs=0.01)


def test_the_multi_bootstrap_pairs_seeds_and_examples():
    draw = np.random.default_rng(11)
    control = (draw.random((8, 200)) < draw.random((1, 200))).astype(float)
    better = control.copy()
    better[:, :10] = 1
    found = aggregates.multi_bootstrap(better, control)
    assert found.estimate == pytest.approx((better - control).mean()) and found.excludes_zero
    back = aggregates.multi_bootstrap(control, better)
    assert (back.low, back.high) == pytest.approx((-found.high, -found.low))
    with pytest.raises(ValueError, match="both pair seeds and examples"):
        aggregates.multi_bootstrap(better, control[:, :9])


def test_the_multi_bootstrap_covers_no_difference_under_the_null():
    draw, hits = np.random.default_rng(12), 0
    for seed in range(150):
        examples, seeds = 0.3 * draw.normal(size=(1, 60)), 0.1 * draw.normal(size=(12, 1))
        first, second = (examples + seeds + 0.3 * draw.normal(size=(12, 60)) for _ in range(2))
        moved = 0.1 * draw.normal(size=(12, 1)) + 0.3 * draw.normal(size=(1, 60))
        found = aggregates.multi_bootstrap(first + moved, second, resamples=300, seed=seed)
        hits += found.low <= 0 <= found.high
    assert within(hits, 150, 0.96)


@pytest.mark.parametrize(
    ("values", "n", "note"),
    [
        (np.empty((0, 2)), 0, "no value"),
        ([[math.nan, math.nan]], 0, "no value"),
        ([[0.5, 0.4], [0.3, 0.2]], 2, "at least 4 individuals"),
        ([[0.5, 0.5]] * 4, 4, "every resample gives the same value"),
    ],
)
def test_no_interval_comes_with_a_reason(values, n, note):
    for found in (aggregates.interquartile_interval(values), aggregates.multi_bootstrap(values)):
        assert not found.known and found.n == n and note in found.note


def test_groups_that_do_not_overlap_have_no_interval():
    found = aggregates.probability_of_improvement([[1.0]] * 5, [[0.0]] * 5)
    assert found.estimate == 1 and not found.known and "every resample" in found.note


def test_a_matrix_has_two_dimensions():
    with pytest.raises(ValueError, match=r"values of shape \(3,\): a matrix has one row for each individual"):
        aggregates.interquartile_interval([0.1, 0.2, 0.3])
