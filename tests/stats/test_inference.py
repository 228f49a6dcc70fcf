"""Intervals, effects and tests against slow textbook versions, against scipy, and by invariant."""

from __future__ import annotations

import doctest
import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from scipy import stats as reference
from statsmodels.stats.multitest import multipletests

from lifespan.stats import inference as stats

numbers = some.lists(some.floats(-1, 1).map(lambda x: round(x, 3)), min_size=2, max_size=8)


def test_the_examples_of_the_docstrings_hold():
    assert doctest.testmod(stats).failed == 0


@settings(max_examples=40, deadline=None)
@given(numbers)
def test_sign_flip_p_counts_every_pattern(differences):
    met = abs(np.mean(differences))
    patterns = itertools.product((1, -1), repeat=len(differences))
    means = [abs(np.mean(np.multiply(signs, differences))) for signs in patterns]
    expected = np.mean([mean >= met - 1e-12 for mean in means])
    assert stats.sign_flip_p(differences) == (pytest.approx(expected), True)


def test_sign_flip_p_agrees_with_scipy():
    draw = np.random.default_rng(1)
    first, second = draw.normal(0.3, 1, 9), draw.normal(0, 1, 9)
    found = reference.permutation_test(
        (first, second), lambda a, b: np.mean(a - b), permutation_type="samples", n_resamples=np.inf
    )
    assert stats.sign_flip_p(first - second)[0] == pytest.approx(found.pvalue)


def test_sign_flip_p_of_many_pairs_is_drawn_repeatable_and_never_zero():
    differences = np.full(25, 0.5) + np.linspace(0, 0.1, 25)
    p, exact = stats.sign_flip_p(differences, draws=2000)
    assert not exact and p == pytest.approx(1 / 2001)
    assert stats.sign_flip_p(differences, draws=2000) == (p, exact)
    middling = np.tile([0.4, -0.3], 10)
    assert stats.sign_flip_p(middling, draws=20_000)[0] == pytest.approx(
        reference.permutation_test(
            (middling, np.zeros(20)),
            lambda a, b, axis=-1: np.mean(a - b, axis=axis),
            permutation_type="samples",
            vectorized=True,
            n_resamples=20_000,
            rng=np.random.default_rng(3),
        ).pvalue,
        abs=0.02,
    )


def test_five_pairs_cannot_reach_five_percent():
    assert stats.sign_flip_p([1, 1, 1, 1, 1])[0] == 0.0625
    assert stats.small_sample_warning(5) == "with n = 5 the smallest possible two-sided p is 0.0625"
    assert stats.small_sample_warning(10) == ""


@pytest.mark.parametrize(
    ("values", "note"),
    [
        ([], "no value"),
        ([0.5], "at least 4 individuals"),
        ([0.5, math.nan, 0.6, 0.7], "at least 4 individuals"),
        ([0.5] * 4, "same value"),
    ],
)
def test_no_interval_comes_with_a_reason(values, note):
    found = stats.mean_interval(values)
    assert not found.known and not found.excludes_zero and note in found.note


def test_missing_values_are_left_out_as_pairs():
    found = stats.paired_difference([0.5, math.nan, 0.7, 0.9, 0.8], [0.4, 0.5, 0.6, math.nan, 0.5])
    assert found.n == 3
    assert found.difference.estimate == pytest.approx((0.1 + 0.1 + 0.3) / 3)
    with pytest.raises(ValueError, match="2 treated and 1 control"):
        stats.paired_difference([1, 2], [1])


def test_swapping_the_twins_turns_every_sign():
    draw = np.random.default_rng(5)
    first, second = draw.normal(0, 1, 8), draw.normal(1, 1, 8)
    there, back = stats.paired_difference(first, second), stats.paired_difference(second, first)
    assert there.difference.estimate == pytest.approx(-back.difference.estimate)
    assert there.hedges_g_av == pytest.approx(-back.hedges_g_av)
    assert there.cliffs_delta == pytest.approx(-back.cliffs_delta)
    assert there.p == back.p


def test_hedges_g_av_by_hand():
    first, second = np.array([3.0, 4, 5, 6, 8]), np.array([1.0, 2, 2, 4, 5])
    spread = math.sqrt((first.var(ddof=1) + second.var(ddof=1)) / 2)
    square = 1 - (1 - np.corrcoef(first, second)[0, 1] ** 2) * 4 / 3
    freedom = 8 / (1 + square)
    correction = math.gamma(freedom / 2) / (math.sqrt(freedom / 2) * math.gamma((freedom - 1) / 2))
    assert stats.hedges_g_av(first, second) == pytest.approx(correction * (first - second).mean() / spread)
    assert math.isnan(stats.hedges_g_av([1, 1, 1], [2, 2, 2]))
    assert math.isnan(stats.hedges_g_av([1, 2], [2, 3]))


@pytest.mark.parametrize("rho", [0.0, 0.5, 0.8])
@pytest.mark.parametrize("n", [5, 10, 20])
def test_the_mean_of_hedges_g_av_is_the_true_size_within_2_percent(n, rho):
    draw = np.random.default_rng(n).standard_normal((8_000, 2, n))
    control, treated = draw[:, 0], 1 + rho * draw[:, 0] + math.sqrt(1 - rho**2) * draw[:, 1]
    # The size without noise in the mean: numerator and spread of normal samples are independent, the numerator's mean is 1.
    found = [stats.hedges_g_av(*pair) / (pair[0] - pair[1]).mean() for pair in zip(treated, control, strict=True)]
    assert np.mean(found) == pytest.approx(1.0, abs=0.02)


def test_hedges_g_av_of_a_constant_control_is_defined():
    found = stats.hedges_g_av([1.0, 2.0, 4.0], [1.0, 1.0, 1.0])
    assert math.isfinite(found) and found > 0


@settings(max_examples=30, deadline=None)
@given(numbers, numbers)
def test_cliffs_delta_counts_pairs(first, second):
    pairs = [(a > b) - (a < b) for a in first for b in second]
    assert stats.cliffs_delta(first, second) == pytest.approx(sum(pairs) / len(pairs))


def test_holm_never_lowers_a_p_and_keeps_missing_ones():
    adjusted = stats.holm([0.02, math.nan, 0.5, 0.01, 0.6])
    assert adjusted[[0, 2, 3, 4]].tolist() == pytest.approx([0.06, 1.0, 0.04, 1.0])
    assert math.isnan(adjusted[1])
    assert stats.holm([]).tolist() == []


def test_benjamini_hochberg_agrees_with_the_paper_and_with_statsmodels():
    # The 15 p values of the worked example in Benjamini & Hochberg (1995), section 3.3: the first four are rejected at 5%.
    raw = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.324, 0.4262, 0.5719, 0.6528, 0.759, 1.0]
    adjusted = stats.benjamini_hochberg(raw)
    assert (adjusted <= 0.05).tolist() == [True] * 4 + [False] * 11
    assert adjusted == pytest.approx(multipletests(raw, method="fdr_bh")[1])


def test_benjamini_hochberg_keeps_missing_ones_and_never_exceeds_holm():
    raw = [0.02, math.nan, 0.5, 0.01, 0.6]
    adjusted = stats.benjamini_hochberg(raw)
    assert adjusted[[0, 2, 3, 4]].tolist() == pytest.approx([0.04, 0.6, 0.04, 0.6])
    assert math.isnan(adjusted[1])
    assert (adjusted[[0, 2, 3, 4]] <= stats.holm(raw)[[0, 2, 3, 4]]).all()
    assert stats.benjamini_hochberg([]).tolist() == []
    with pytest.raises(ValueError, match=r"p values lie in \[0, 1\]: got 0.2 to 1.5"):
        stats.benjamini_hochberg([0.2, 1.5])


def test_null_cohorts_are_told_apart_from_their_twins_in_one_of_twenty():
    draw = np.random.default_rng(6)
    found = [stats.sign_flip_p(draw.normal(0, 1, 9))[0] <= 0.05 for _ in range(400)]
    low, high = reference.binom.interval(0.999, 400, 0.05)
    assert low <= sum(found) <= high
