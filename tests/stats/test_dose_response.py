"""Dose-response fits: planted curves are found, and nothing is invented."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import optimize

from lifespan.stats.dose_response import fit_dose_response

DOSES = np.array([0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0])


def hill(doses, ed50, slope=4.0, start=0.9, end=0.5):
    return end + (start - end) / (1 + (doses / ed50) ** slope)


def hormetic(doses, rise=1.0, scale=0.45, slope=6.0, start=0.7, end=0.4):
    return end + (start - end + rise * doses) / (1 + (doses / scale) ** slope)


def noisy(curve, individuals=10, noise=0.01, seed=0):
    dice = np.random.default_rng(seed)
    return curve + dice.normal(0, noise, (individuals, len(curve))) + dice.normal(0, noise, (individuals, 1))


@pytest.mark.parametrize("ed50", [0.2, 0.35, 0.6])
def test_hills_form_is_found_with_its_ed50(ed50):
    found = fit_dose_response(DOSES, noisy(hill(DOSES, ed50)))
    assert found.model == "hill" and found.inside and found.n == 10 and found.note == ""
    assert found.ed50 == pytest.approx(ed50, abs=0.02)
    assert found.low - 0.01 < ed50 < found.high + 0.01 and found.high - found.low < 0.1


def test_a_small_dose_that_helps_is_brain_and_cousens():
    found = fit_dose_response(DOSES, noisy(hormetic(DOSES)))
    assert found.model == "brain-cousens" and found.rise > 0
    fine = np.linspace(0, 1, 1001)
    middle = (0.7 + 0.4) / 2
    truth = fine[np.flatnonzero(hormetic(fine) > middle)[-1]]
    assert found.ed50 == pytest.approx(truth, abs=0.03)
    assert np.abs(found.predict(DOSES) - hormetic(DOSES)).max() < 0.02


def test_parameters_are_those_of_plain_least_squares():
    table = noisy(hill(DOSES, 0.35), seed=3)
    found = fit_dose_response(DOSES, table)
    curve = lambda x, s, e, c, b: e + (s - e) / (1 + (x / c) ** b)  # noqa: E731
    with np.errstate(all="ignore"):
        plain, _ = optimize.curve_fit(curve, np.tile(DOSES, 10), table.ravel(), p0=[0.9, 0.5, 0.3, 3.0])
    assert [found.start, found.end, found.scale, found.slope] == pytest.approx(plain.tolist(), rel=1e-3)


# 95% of 40 is 38, with a standard error of 1.4.
@pytest.mark.parametrize(("cohorts", "least"), [(10, 7), pytest.param(40, 35, marks=pytest.mark.slow)])
def test_intervals_cover_the_truth_about_as_often_as_they_say(cohorts, least):
    hits = 0
    for seed in range(cohorts):
        found = fit_dose_response(DOSES, noisy(hill(DOSES, 0.35), individuals=12, seed=seed))
        hits += found.low <= 0.35 <= found.high
    assert least <= hits <= cohorts


def test_few_individuals_do_not_make_intervals_too_short():
    fits = [fit_dose_response(DOSES, noisy(hill(DOSES, 0.35), individuals=5, seed=seed)) for seed in range(60)]
    # 95% of 60 is 57, with a standard error of 1.7; percentiles of a bootstrap of five covered 47.
    assert sum(fit.low <= 0.35 <= fit.high for fit in fits) >= 53


@pytest.mark.slow
@pytest.mark.parametrize("count", [5, 6])
def test_five_or_six_clean_points_have_a_curve(count):
    doses = np.linspace(0, 1, count)
    found = fit_dose_response(doses, hill(doses, 0.4)[None])
    assert found.model == "hill" and found.ed50 == pytest.approx(0.4, abs=0.01) and found.note == ""
    dice = np.random.default_rng(0)
    notes = [fit_dose_response(doses, dice.normal(0.7, 0.02, (1, count))).note for _ in range(40)]
    assert sum(note == "no fit: a constant describes the scores as well" for note in notes) >= 34


def test_an_ed50_beyond_the_doses_is_said_to_be_outside():
    found = fit_dose_response(DOSES * 0.3, noisy(hill(DOSES * 0.3, 0.5, slope=2.0), noise=0.002))
    assert not found.inside and (not found.fitted or found.note == "outside the tested range")


@pytest.mark.parametrize(("cohorts", "most"), [(6, 2), pytest.param(20, 3, marks=pytest.mark.slow)])
def test_noise_around_a_level_is_rarely_fitted(cohorts, most):
    flat = sum(fit_dose_response(DOSES, noisy(np.full(9, 0.7), seed=seed)).fitted for seed in range(cohorts))
    assert flat <= most


def test_a_flat_curve_has_no_fit():
    found = fit_dose_response(DOSES, np.full((5, 9), 0.7))
    assert not found.fitted and math.isnan(found.ed50)


@pytest.mark.parametrize("columns", [2, 4])
def test_too_few_doses_have_no_fit(columns):
    found = fit_dose_response(DOSES[:columns], noisy(hill(DOSES, 0.2))[:, :columns])
    assert found.note == "no fit: it needs at least 5 doses" and np.isnan(found.predict([0.1])).all()


def test_missing_scores_are_left_out_and_two_individuals_have_no_interval():
    table = noisy(hill(DOSES, 0.35))
    table[0] = np.nan
    table[1, 3] = np.nan
    assert fit_dose_response(DOSES, table).n == 9
    pair = fit_dose_response(DOSES, table[2:4])
    assert pair.fitted and math.isnan(pair.low)


def test_wrong_shapes_and_orders_are_refused():
    with pytest.raises(ValueError, match="individuals x doses"):
        fit_dose_response(DOSES, np.zeros(9))
    with pytest.raises(ValueError, match="they rise, and none is below 0"):
        fit_dose_response(DOSES[::-1], np.zeros((2, 9)))
