"""Collapses against planted ones, and the exact test of twins against the binomial."""

from __future__ import annotations

import doctest
import math

import numpy as np
import pytest
from scipy import stats as reference

from lifespan.stats import collapses
from lifespan.stats.intervals import mean_interval


def test_the_examples_of_the_docstrings_hold():
    assert doctest.testmod(collapses).failed == 0


def test_planted_collapses_are_found_and_nobody_else():
    draw = np.random.default_rng(1)
    gone = draw.random((300, 20)) < 0.1
    values = np.where(gone, 0.5, 0.8) + 0.02 * draw.normal(size=gone.shape)
    found = np.array([collapses.collapsed(row, chance=0.5) for row in values])
    assert (found == gone).mean() > 0.999


@pytest.mark.parametrize("sample", ["normal", "exponential"])
def test_a_wide_group_that_learned_little_has_no_collapses(sample):
    values = 0.55 + 0.04 * getattr(np.random.default_rng(2), sample)(size=(300, 10))
    assert np.mean([collapses.collapsed(row, chance=0.5) for row in values]) < 0.01


def test_what_cannot_be_a_collapse_is_none():
    assert not collapses.collapsed([0.5, 0.8], chance=0.5).any()
    assert not collapses.collapsed([0.5, 0.5, 0.5, 0.8], chance=0.5).any()
    assert collapses.collapsed([0.5, math.nan, 0.8, 0.8, 0.81], chance=0.5).tolist() == [True, *[False] * 4]
    assert len(collapses.collapsed([], chance=0.5)) == 0


def test_the_mean_of_the_others_is_covered_where_the_mean_of_all_is_not():
    draw, others, everyone = np.random.default_rng(3), 0, 0
    for _ in range(300):
        values = np.where(draw.random(10) < 0.05, 0.5, 0.8) + 0.02 * draw.normal(size=10)
        gone = collapses.collapsed(values, chance=0.5)
        found, whole = (mean_interval(part, resamples=999) for part in (values[~gone], values))
        others += found.low <= 0.8 <= found.high
        everyone += whole.low <= 0.785 <= whole.high
    assert others >= reference.binom.ppf(0.001, 300, 0.95)
    assert everyone <= reference.binom.ppf(0.999, 300, 0.75)


def test_twins_of_whom_one_collapsed_decide():
    first = np.array([True] * 7 + [False] * 3 + [True] * 2)
    second = np.array([False] * 7 + [True] + [False] * 2 + [True] * 2)
    assert collapses.more_collapses_p(first, second) == pytest.approx(reference.binomtest(7, 8).pvalue)
    assert collapses.more_collapses_p(second, first) == collapses.more_collapses_p(first, second)
    assert collapses.more_collapses_p(first, first) == 1.0
