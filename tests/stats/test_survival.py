"""Survival against Freireich's leukaemia trial, statsmodels and textbook sums."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from scipy import stats as reference
from statsmodels.duration.survfunc import SurvfuncRight, survdiff

from lifespan.stats.survival import COLUMNS, first_crossing, kaplan_meier, log_rank, median_survival

# Freireich et al. (1963): weeks in remission of 21 pairs of children on 6-mercaptopurine or placebo.
MERCAPTOPURINE = [6, 6, 6, 6, 7, 9, 10, 10, 11, 13, 16, 17, 19, 20, 22, 23, 25, 32, 32, 34, 35]
RELAPSED = [1, 1, 1, 0, 1, 0, 1, 0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0]
PLACEBO = [1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23]

some_lives = some.lists(some.tuples(some.integers(1, 8), some.booleans()), min_size=2, max_size=12)


def test_the_leukaemia_trial_comes_out_as_published():
    table = kaplan_meier(MERCAPTOPURINE, RELAPSED).set_index("time")
    lost = table[table["lost"] > 0]
    assert lost.index.tolist() == [6, 7, 10, 13, 16, 22, 23]
    assert lost["at_risk"].tolist() == [21, 17, 15, 12, 11, 7, 6]
    assert lost["survival"].round(3).tolist() == [0.857, 0.807, 0.753, 0.690, 0.627, 0.538, 0.448]
    p = log_rank(MERCAPTOPURINE, RELAPSED, PLACEBO, [True] * 21)
    assert reference.chi2.isf(p, 1) == pytest.approx(16.79, abs=0.005)
    treated, control = median_survival(MERCAPTOPURINE, RELAPSED), median_survival(PLACEBO, [True] * 21)
    # LIFETEST of SAS: 23 weeks [13, .) and 8 weeks [4, 11).
    assert (treated.estimate, treated.low, treated.n) == (23, 13, 21)
    assert math.isnan(treated.high) and treated.note == "not reached within the tested ages: upper end"
    assert (control.estimate, control.low, control.high, control.note) == (8, 4, 11, "")


@settings(max_examples=60, deadline=None)
@given(some_lives)
def test_kaplan_meier_is_the_product_of_the_shares_that_last(lives):
    times, happened = zip(*lives, strict=True)
    survival, rows = 1.0, []
    for time in sorted(set(times)):
        at_risk = sum(other >= time for other in times)
        lost = sum(other == time and event for other, event in lives)
        survival *= 1 - lost / at_risk
        rows.append((time, at_risk, lost, times.count(time) - lost, pytest.approx(survival)))
    assert list(kaplan_meier(times, happened)[COLUMNS[:5]].itertuples(index=False, name=None)) == rows


def test_kaplan_meier_agrees_with_statsmodels():
    table = kaplan_meier(MERCAPTOPURINE, RELAPSED)
    theirs = SurvfuncRight(MERCAPTOPURINE, RELAPSED)
    lost = table[table["lost"] > 0]
    assert lost["survival"].to_numpy() == pytest.approx(theirs.surv_prob)
    error = theirs.surv_prob_se / (theirs.surv_prob * np.abs(np.log(theirs.surv_prob)))
    low = theirs.surv_prob ** np.exp(1.959964 * error)
    high = theirs.surv_prob ** np.exp(-1.959964 * error)
    assert lost["low"].to_numpy() == pytest.approx(low, rel=1e-6)
    assert lost["high"].to_numpy() == pytest.approx(high, rel=1e-6)
    ends = theirs.quantile_ci(0.5, method="cloglog")
    assert median_survival(MERCAPTOPURINE, RELAPSED).estimate == theirs.quantile(0.5)
    assert median_survival(MERCAPTOPURINE, RELAPSED).low == pytest.approx(ends[0])


@settings(max_examples=40, deadline=None)
@given(some_lives, some_lives)
def test_log_rank_agrees_with_statsmodels_and_does_not_mind_the_order(first, second):
    times, happened = (np.array(column) for column in zip(*first, strict=True))
    others, lost = (np.array(column) for column in zip(*second, strict=True))
    found = log_rank(times, happened, others, lost)
    assert found == pytest.approx(log_rank(others, lost, times, happened), nan_ok=True)
    if not math.isnan(found):
        status, group = np.r_[happened, lost].astype(int), np.r_[np.zeros(len(times)), np.ones(len(others))]
        assert found == pytest.approx(survdiff(np.r_[times, others], status, group)[1], abs=1e-9)


def test_null_groups_differ_in_one_of_twenty_trials():
    draw, hits = np.random.default_rng(1), 0
    for _ in range(400):
        first, second = draw.exponential(10, (2, 20))
        hits += log_rank(np.minimum(first, 15), first < 15, np.minimum(second, 15), second < 15) <= 0.05
    low, high = reference.binom.interval(0.999, 400, 0.055)
    assert low <= hits <= high


def test_a_planted_hazard_is_found_as_often_as_it_should():
    # Schoenfeld (1981): power is Phi(|log hazard ratio| sqrt(losses / 4) - z).
    power = reference.norm.cdf(math.log(2.5) * math.sqrt(40 / 4) - 1.96)
    draw, hits = np.random.default_rng(2), 0
    for _ in range(300):
        first, second = draw.exponential(25, 20), draw.exponential(10, 20)
        hits += log_rank(first, [True] * 20, second, [True] * 20) <= 0.05
    low, high = reference.binom.interval(0.999, 300, power)
    assert 0.8 < power < 0.85 and low <= hits <= high


@pytest.mark.parametrize(
    ("values", "in_a_row", "expected"),
    [
        ([0.9, 0.6, 0.6, 0.9, 0.9], 2, (1, True)),
        ([0.9, 0.6, 0.9, 0.6, 0.6], 2, (3, True)),
        ([0.9, 0.6, 0.9, 0.9, 0.6], 2, (4, False)),
        ([0.9, 0.6, 0.9, 0.9, 0.6], 1, (1, True)),
        ([0.6, 0.6, 0.6, 0.9, 0.9], 3, (0, True)),
        ([0.9, 0.7, 0.7, 0.7, 0.7], 2, (4, False)),
        ([0.9, 0.6, math.nan, 0.6, 0.9], 2, (1, True)),
        ([0.9, 0.6, 0.9, math.nan, math.nan], 2, (2, False)),
        ([0.6, math.nan, math.nan, math.nan, math.nan], 2, (0, False)),
    ],
)
def test_a_crossing_stays_below_for_some_assessments(values, in_a_row, expected):
    assert first_crossing(range(5), values, 0.7, in_a_row) == expected


def test_a_life_without_assessments_has_no_time():
    found = first_crossing([], [], 0.7)
    assert math.isnan(found.time) and not found.happened
    assert len(kaplan_meier([found.time], [found.happened])) == 0


def test_nobody_lost_it():
    table = kaplan_meier([5, 5, 7], [False] * 3)
    assert table["survival"].tolist() == [1, 1] and table[["low", "high"]].isna().all(axis=None)
    found = median_survival([5, 5, 7], [False] * 3)
    assert math.isnan(found.estimate) and found.note == "not reached within the tested ages: median, lower end, upper end"
    assert math.isnan(log_rank([5, 5], [False] * 2, [7, 7], [False] * 2))
    assert math.isnan(log_rank([], [], [7, 7], [True] * 2))
    assert median_survival([], []).note == "no individual was followed"


def test_all_lost_it_at_once():
    table = kaplan_meier([5, 5, 5], [True] * 3)
    assert table["survival"].tolist() == [0] and table[["low", "high"]].isna().all(axis=None)
    assert math.isnan(log_rank([5, 5], [True] * 2, [5, 5], [True] * 2)) is True


def test_bad_lives_are_told_apart():
    with pytest.raises(ValueError, match="ages rise, with a value each"):
        first_crossing([0, 2, 1], [1, 1, 1], 0.5)
    with pytest.raises(ValueError, match="in_a_row is 0"):
        first_crossing([0, 1], [1, 1], 0.5, in_a_row=0)
    with pytest.raises(ValueError, match=r"times of shape \(2,\) and happened of shape \(1,\)"):
        kaplan_meier([1, 2], [True])
