"""Slopes of twins against published and textbook values, false positives at their rate, and every reason for the fallback."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats as reference

from lifespan.stats import mixed_models as module
from lifespan.stats.intervals import mean_interval
from lifespan.stats.mixed_models import MIXED_MODEL, OWN_SLOPES, growth

# Potthoff & Roy (1964): distances of 11 girls and 16 boys at 8, 10, 12 and 14 years, the Orthodont data of nlme.
GIRLS = """21 20 21.5 23 21 21.5 24 25.5 20.5 24 24.5 26 23.5 24.5 25 26.5 21.5 23 22.5 23.5 20 21 21 22.5 21.5 22.5 23 25
23 23 23.5 24 20 21 22 21.5 16.5 19 19 19.5 24.5 25 28 28"""
BOYS = """26 25 29 31 21.5 22.5 23 26.5 23 22.5 24 27.5 25.5 27.5 26.5 27 20 23.5 22.5 26 24.5 25.5 27 28.5 22 22 24.5 26.5
24 21.5 24.5 25.5 23 20.5 31 26 27.5 28 31 31.5 23 23 23.5 25 21.5 23.5 24 28 17 24.5 26 29.5 22.5 25.5 25.5 26
23 24.5 26 30 22 21.5 23.5 25"""


def cohort(draw, *, individuals=10, ages=6, shared=1.0, own=0.5, noise=0.5, effect=0.0, missing=0.0):
    """Lives of twins on [0, 1]: a shared and an own random intercept and slope, and a fall in the treated group's slope."""
    age, rows = np.linspace(0, 1, ages), []
    for individual in range(individuals):
        both = shared * draw.normal(size=2)
        for group, extra in (("healthy", 0.0), ("struck", effect)):
            level, slope = both + own * draw.normal(size=2) + (0, extra)
            values = level + slope * age + noise * draw.normal(size=ages)
            kept = draw.random(ages) >= missing
            rows += [(individual, group, *row) for row in zip(age[kept], values[kept], strict=True)]
    return pd.DataFrame(rows, columns=["individual", "group", "age", "value"])


def own_slopes(rows):
    lives = rows.groupby(["individual", "group"])
    return lives.apply(lambda life: np.polyfit(life["age"], life["value"], 1)[0]).unstack()


def first_mixed(draw, **settings):
    """The first cohort to which the mixed model can be fitted, and what was found."""
    for _ in range(20):
        rows = cohort(draw, **settings)
        found = growth(rows, "healthy")
        if found.differences[0].method == MIXED_MODEL:
            return rows, found
    raise AssertionError("the mixed model was never fitted")


def test_the_fit_agrees_with_nlme_on_the_orthodont_data():
    value = np.array(f"{BOYS} {GIRLS}".split(), dtype=float)
    age, lives = np.tile([8.0, 10.0, 12.0, 14.0], 27), np.repeat(np.arange(27), 4)
    girl = (lives >= 16).astype(float)
    fixed = np.column_stack([np.ones(108), age - 11, girl, girl * (age - 11)])
    # Pinheiro & Bates (2000): lme(distance ~ age * Sex, random = ~ age | Subject) has -0.3048 with error 0.1347.
    found = module._fitted(value, fixed, lives, np.column_stack([np.ones(108), age - 11]))
    assert found == pytest.approx((-0.30483, 0.13474), abs=2e-5)


def test_equal_ages_make_it_the_paired_t_test_of_slopes():
    rows, found = first_mixed(np.random.default_rng(1), effect=-1.0)
    slopes = own_slopes(rows)
    expected = reference.ttest_rel(slopes["struck"], slopes["healthy"])
    difference = found.differences[0].difference
    assert found.differences[0].p == pytest.approx(expected.pvalue, rel=1e-3)
    assert difference.estimate == pytest.approx((slopes["struck"] - slopes["healthy"]).mean())
    fitted, own = expected.confidence_interval(), mean_interval(slopes["struck"] - slopes["healthy"])
    ends = min(fitted.low, own.low), max(fitted.high, own.high)
    assert (difference.low, difference.high) == pytest.approx(ends, rel=1e-3)
    assert found.slopes == pytest.approx(slopes.mean().to_dict())
    assert found.differences[0].n == 10 and found.differences[0].reason == ""


def test_what_twins_share_cannot_move_the_difference():
    rows, found = first_mixed(np.random.default_rng(2), missing=0.2)
    moved = rows.assign(value=rows["value"] + rows["individual"] ** 2 - 3 * rows["individual"] * rows["age"])
    again = growth(moved, "healthy").differences[0]
    assert again.method == MIXED_MODEL
    assert again.difference.estimate == pytest.approx(found.differences[0].difference.estimate, rel=1e-3)
    assert again.p == pytest.approx(found.differences[0].p, rel=0.01)


def test_units_only_scale_the_slopes():
    rows, found = first_mixed(np.random.default_rng(3), missing=0.2)
    again = growth(rows.assign(age=5000 + 20_000 * rows["age"], value=rows["value"] / 1000), "healthy").differences[0]
    assert again.method == MIXED_MODEL
    assert again.difference.low * 2e7 == pytest.approx(found.differences[0].difference.low, rel=1e-3)
    assert again.p == pytest.approx(found.differences[0].p, rel=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize("cohorts", [30, 120])
def test_null_twins_differ_in_one_of_twenty_cohorts(cohorts):
    draw = np.random.default_rng(4)
    found = [growth(cohort(draw, individuals=8, missing=0.1), "healthy").differences[0] for _ in range(cohorts)]
    low, high = reference.binom.interval(0.999, cohorts, 0.05)
    assert low <= sum(one.p <= 0.05 for one in found) <= high
    assert {one.method for one in found} == {MIXED_MODEL, OWN_SLOPES}
    assert all(bool(one.reason) == (one.method == OWN_SLOPES) for one in found)


@pytest.mark.slow
@pytest.mark.parametrize("cohorts", [30, 120])
def test_a_planted_difference_is_found_as_often_as_it_should(cohorts):
    draw, age = np.random.default_rng(5), np.linspace(0, 1, 6)
    error = 0.5**2 + 0.5**2 / np.sum((age - age.mean()) ** 2)
    size = 1.0 / math.sqrt(2 * error) * math.sqrt(10)
    power = reference.nct.sf(reference.t.ppf(0.975, 9), 9, size)
    found = [growth(cohort(draw, effect=-1.0), "healthy").differences[0] for _ in range(cohorts)]
    low, high = reference.binom.interval(0.999, cohorts, power)
    assert 0.5 < power < 0.8 and low <= sum(one.p <= 0.05 for one in found) <= high
    assert np.mean([one.difference.estimate for one in found]) == pytest.approx(-1.0, abs=0.15)


@pytest.mark.parametrize(
    ("settings", "change", "reason"),
    [
        ({"individuals": 2}, {}, "fewer than 3 pairs of twins"),
        ({"ages": 2}, {}, "fewer than 3 assessments a life"),
        ({}, {"value": 0.5}, "all values are the same"),
        ({"own": 0.0}, {}, "the random effects are singular"),
    ],
)
def test_the_fallback_says_why(settings, change, reason):
    rows = cohort(np.random.default_rng(6), effect=-1.0, **settings).assign(**change)
    found = growth(rows, "healthy").differences[0]
    slopes = own_slopes(rows)
    assert found.method == OWN_SLOPES and found.reason.startswith(reason)
    assert found.difference.estimate == pytest.approx((slopes["struck"] - slopes["healthy"]).mean(), abs=1e-12)


@pytest.mark.parametrize("noise", [0.0, 1e-6])
def test_lives_without_noise_fall_back(noise):
    """REML cannot find its variances then: its p was 0.15 where that of the paired t test is 0.38."""
    rows = cohort(np.random.default_rng(7), noise=noise)
    found = growth(rows, "healthy").differences[0]
    assert (found.method, found.reason.split(":")[0]) == (OWN_SLOPES, "the lives are straight lines")
    assert found.difference.n == 10 and found.difference.known


def test_little_noise_keeps_the_p_of_the_paired_test():
    rows = cohort(np.random.default_rng(7), noise=3e-3)
    found, slopes = growth(rows, "healthy").differences[0], own_slopes(rows)
    assert found.method == MIXED_MODEL
    assert found.p == pytest.approx(reference.ttest_rel(slopes["struck"], slopes["healthy"]).pvalue, rel=0.01)


class Complaining:
    """A mixed model that cannot be fitted as it should."""

    def __init__(self, told, *arguments, **named):
        self.told = told

    def fit(self, **_):
        raise self.told


def test_a_failed_fit_is_the_reason(monkeypatch):
    from statsmodels.regression import mixed_linear_model

    failure = np.linalg.LinAlgError("Singular matrix")
    monkeypatch.setattr(mixed_linear_model, "MixedLM", lambda *a, **k: Complaining(failure))
    found = growth(cohort(np.random.default_rng(8)), "healthy").differences[0]
    assert (found.method, found.reason) == (OWN_SLOPES, "the mixed model could not be fitted: Singular matrix")


def test_every_group_is_compared_with_the_control_and_lives_without_a_twin_are_left_out():
    rows = cohort(np.random.default_rng(9))
    third = rows[rows["group"] == "struck"].assign(group="treated", value=lambda frame: frame["value"] - 2 * frame["age"])
    lonely = (rows["individual"] == 3) & (rows["group"] == "struck") & (rows["age"] > 0)
    unseen = (rows["individual"] == 4) & (rows["group"] == "struck") & (rows["age"] == 1)
    rows.loc[unseen, "value"] = math.nan
    found = growth(pd.concat([rows[~lonely], third]), "healthy")
    assert [(one.group, one.n) for one in found.differences] == [("struck", 9), ("treated", 10)]
    assert list(found.slopes) == ["healthy", "struck", "treated"]
    assert found.differences[1].p < 0.05 and found.differences[1].difference.high < 0


def test_no_pair_at_all_has_no_difference():
    rows = cohort(np.random.default_rng(10))
    rows = rows[(rows["group"] == "healthy") | (rows["age"] == 0)]
    found = growth(rows, "healthy").differences[0]
    assert found.n == 0 and math.isnan(found.p) and math.isnan(found.difference.estimate)


def test_bad_rows_are_told_apart():
    rows = cohort(np.random.default_rng(11))
    with pytest.raises(ValueError, match=r"no age$"):
        growth(rows.drop(columns="age"), "healthy")
    with pytest.raises(ValueError, match=r"no rows of a control group 'heathy'\. Did you mean 'healthy'"):
        growth(rows, "heathy")
