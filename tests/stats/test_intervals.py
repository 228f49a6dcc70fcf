"""Intervals of means and shares against textbook versions and scipy, by invariant, and by how often they cover."""

from __future__ import annotations

import doctest
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from scipy import stats as reference

from lifespan.stats import inference, intervals

samples = some.lists(some.integers(-50, 50), min_size=4, max_size=12).filter(lambda values: len(set(values)) > 1)


def students(values, level=0.95):
    found = reference.ttest_1samp(values, 0).confidence_interval(level)
    return found.low, found.high


def test_the_examples_of_the_docstrings_hold():
    assert doctest.testmod(intervals).failed == 0


def bootstrap_t(values, level, seed):
    """The bootstrap-t by its definition, a resample at a time."""
    values = np.asarray(values, dtype=float)
    draw, studentised = np.random.default_rng(seed), []
    for _ in range(6000):
        resample = draw.choice(values, size=len(values))
        studentised.append((resample.mean() - values.mean()) / (np.std(resample, ddof=1) / math.sqrt(len(values))))
    low, high = np.quantile(studentised, [(1 - level) / 2, (1 + level) / 2])
    error = reference.sem(values)
    return values.mean() - high * error, values.mean() - low * error


@pytest.mark.parametrize("level", [0.95, 0.9])
def test_each_end_is_the_further_one_of_students_t_and_the_bootstrap_t(level):
    skewed = np.random.default_rng(3).exponential(size=14)
    found, own, drawn = (
        intervals.mean_interval(skewed, level=level),
        students(skewed, level),
        bootstrap_t(skewed, level, seed=9),
    )
    assert found.estimate == pytest.approx(skewed.mean()) and found.n == 14
    assert found.low == pytest.approx(min(own[0], drawn[0]), abs=0.03)
    assert found.high == pytest.approx(max(own[1], drawn[1]), abs=0.06)
    # The tail is long to the right: there the bootstrap-t reaches further, and to the left Student's.
    assert found.low == pytest.approx(own[0]) and found.high > own[1] + 0.05


def test_an_end_is_at_most_so_many_times_as_far_as_students():
    # Of four values two are close: the bootstrap-t alone would reach to 20 times as far.
    values = [0.5, 0.5001, 0.56, 0.62]
    found, own = intervals.mean_interval(values), students(values)
    reach = intervals.FURTHEST * (own[1] - found.estimate)
    assert (found.low, found.high) == pytest.approx((own[0], found.estimate + reach), abs=0.02)
    assert found.high == pytest.approx(found.estimate + reach)


def test_two_values_that_alternate_leave_students_interval_alone():
    found = intervals.mean_interval([0.5, 0.5, 0.5, 0.6])
    assert (found.low, found.high) == pytest.approx(students([0.5, 0.5, 0.5, 0.6]))


def test_of_very_many_values_it_is_students():
    values = np.random.default_rng(4).exponential(size=intervals.SAME_FROM + 1)
    found = intervals.mean_interval(values)
    assert (found.low, found.high) == pytest.approx(students(values))


@settings(max_examples=30, deadline=None)
@given(samples)
def test_an_interval_moves_stretches_and_turns_with_its_values(values):
    found = intervals.mean_interval(values)
    moved = intervals.mean_interval(3 + 2 * np.array(values, dtype=float))
    assert found.low <= students(values)[0] + 1e-9 and found.high >= students(values)[1] - 1e-9
    assert (moved.low, moved.high) == pytest.approx((3 + 2 * found.low, 3 + 2 * found.high))
    assert found == intervals.mean_interval(values)


def test_one_sided_bounds_are_the_ends_at_twice_their_error():
    differences = np.random.default_rng(5).normal(0.1, 1, 9)
    found = intervals.mean_interval(differences)
    assert intervals.one_sided_bounds(differences) == pytest.approx((found.low, found.high))
    low, high = intervals.one_sided_bounds(differences, level=0.95)
    greater, less = (reference.ttest_1samp(differences, 0, alternative=side) for side in ("greater", "less"))
    assert low <= greater.confidence_interval(0.95).low + 1e-12 and high >= less.confidence_interval(0.95).high - 1e-12
    assert found.low < low and high < found.high
    assert all(math.isnan(end) for end in intervals.one_sided_bounds([0.1, 0.2, 0.3]))
    assert all(math.isnan(end) for end in intervals.one_sided_bounds([0.1] * 5))
    with pytest.raises(ValueError, match=r"level=0.2: a one-sided level lies in \[0.5, 1\)"):
        intervals.one_sided_bounds(differences, level=0.2)


@pytest.mark.parametrize("level", [0.9, 0.95, 0.975])
def test_a_one_sided_p_is_below_its_level_where_the_bound_is_above_the_threshold(level):
    draw = np.random.default_rng(6)
    for _ in range(40):
        values, threshold = draw.exponential(size=8), draw.uniform(0, 1)
        low, high = intervals.one_sided_bounds(values, level=level)
        if abs(low - threshold) > 1e-3:
            assert (intervals.one_sided_p(values, threshold) < 1 - level) == (low > threshold)
        if abs(high - threshold) > 1e-3:
            assert (intervals.one_sided_p(-values, -threshold) < 1 - level) == (high < threshold)


def test_a_one_sided_p_is_at_least_that_of_a_t_test():
    values = np.random.default_rng(7).normal(0.3, 1, 12)
    expected = reference.ttest_1samp(values, 0.1, alternative="greater").pvalue
    assert expected <= intervals.one_sided_p(values, 0.1) < expected + 0.05
    many = np.random.default_rng(8).normal(0.1, 1, 300)
    assert intervals.one_sided_p(many) == pytest.approx(reference.ttest_1samp(many, 0, alternative="greater").pvalue)
    assert [intervals.one_sided_p([0.2] * 5, at) for at in (0.1, 0.2, 0.3)] == [0.0, 0.5, 1.0]
    assert math.isnan(intervals.one_sided_p([0.1, 0.2, 0.3]))


def test_the_interval_of_a_share_is_the_exact_one():
    found = intervals.share_interval(2, 10)
    assert found.estimate == 0.2 and found.n == 10
    assert reference.binom.sf(1, 10, found.low) == pytest.approx(0.025)
    assert reference.binom.cdf(2, 10, found.high) == pytest.approx(0.025)
    assert (intervals.share_interval(0, 5).low, intervals.share_interval(5, 5).high) == (0.0, 1.0)
    assert not intervals.share_interval(0, 0).known


def test_twins_have_the_interval_of_their_differences():
    draw = np.random.default_rng(4)
    first, second = draw.normal(0.3, 1, 7), draw.normal(0, 1, 7)
    assert inference.paired_difference(first, second).difference == intervals.mean_interval(first - second)


LAWS = {
    "normal": (lambda draw, size: draw.normal(size=size), 0.0),
    "exponential": (lambda draw, size: draw.exponential(size=size), 1.0),
    "bounded": (lambda draw, size: draw.beta(5, 1, size=size), 5 / 6),
    "tied": (lambda draw, size: draw.binomial(16, 0.85, size=size) / 16, 0.85),
}


@pytest.mark.parametrize("n", [4, 10])
@pytest.mark.parametrize("law", LAWS)
def test_intervals_cover_a_mean_at_least_93_times_in_100(law, n):
    draw, (sample, mean) = np.random.default_rng(n), LAWS[law]
    found = [intervals.mean_interval(values, resamples=999) for values in sample(draw, (600, n))]
    hits = sum(one.low <= mean <= one.high for one in found if one.known)
    known = sum(one.known for one in found)
    # No fewer than a coverage of .93 would bring in 999 of 1,000 studies of this size.
    assert hits >= reference.binom.ppf(0.001, known, 0.93) and known > 590
