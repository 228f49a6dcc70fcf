"""Power of the tests behind verdicts: it is that of studies simulated anew, and not above Student's."""

import math

import numpy as np
import pytest
from statsmodels.stats.power import TTestPower

from lifespan.stats.intervals import one_sided_bounds, one_sided_p
from lifespan.stats.mean_power import least_pairs, pairs_needed, shown


@pytest.mark.parametrize("n", [8, 16])
def test_a_detectable_effect_is_found_so_often(n):
    effect, dice = shown((n,), (0.05,)).detectable(0.8), np.random.default_rng(n)
    hits = [one_sided_p(dice.normal(effect, 1, n)) <= 0.025 for _ in range(400)]
    assert np.mean(hits) == pytest.approx(0.8, abs=0.06)


def test_a_margin_is_shown_so_often_where_nothing_differs():
    margin, dice = shown((12,), (0.05,)).detectable(0.8, equivalence=True), np.random.default_rng(1)
    hits = []
    for _ in range(400):
        low, high = one_sided_bounds(dice.normal(0, 1, 12), level=0.975)
        hits.append(-margin < low and high < margin)
    assert np.mean(hits) == pytest.approx(0.8, abs=0.06)


def test_power_lies_a_little_below_the_t_tests():
    for effect, n in ((0.8, 12), (0.6, 24)):
        assert 0 <= TTestPower().power(effect, n, 0.05) - shown((n,), (0.05,)).power(effect) < 0.15


def test_an_early_look_adds_power_to_the_last_one():
    last = shown((16,), (0.04,)).power(0.7)
    assert last < shown((10, 16), (0.01, 0.04)).power(0.7) < last + 0.1


def test_too_few_pairs_show_nothing():
    assert least_pairs(0.05) == 6 and 2.0 ** (1 - least_pairs(0.01)) <= 0.01 < 2.0 ** (2 - least_pairs(0.01))
    assert math.isinf(shown((5,), (0.05,)).detectable(0.8)) and shown((5,), (0.05,)).power(50.0) == 0.0


def test_pairs_and_effects_answer_each_other():
    n = pairs_needed(0.9, 0.05)
    assert shown((n,), (0.05,)).power(0.9) >= 0.8 > shown((n - 1,), (0.05,)).power(0.9)
    assert pairs_needed(5.0, 0.05) == 6 and pairs_needed(0.05, 0.05) is None
