"""Power by simulation: it agrees with the t test's where that is nearly the same test, and with studies simulated anew."""

from __future__ import annotations

import math

import numpy as np
import pytest
from statsmodels.stats.power import TTestPower

from lifespan.stats import inference as stats
from lifespan.stats import power


@pytest.mark.parametrize(("effect", "n"), [(0.5, 20), (0.8, 15), (1.0, 12)])
def test_power_is_close_to_the_paired_t_tests(effect, n):
    known = TTestPower().power(effect, n, 0.05)
    assert power.paired_power(effect, n) == pytest.approx(known, abs=0.06)


def test_no_effect_is_found_in_five_of_a_hundred_studies():
    for n in (8, 20):
        assert power.paired_power(0.0, n) == pytest.approx(0.05, abs=0.021)


def test_planted_effects_are_recovered_at_the_stated_power():
    stated, n, dice = power.paired_power(0.9, 10), 10, np.random.default_rng(5)
    hits = [stats.paired_difference(dice.normal(0.9, 1, n), np.zeros(n)).p <= 0.05 for _ in range(150)]
    assert np.mean(hits) == pytest.approx(stated, abs=0.11)


def test_few_pairs_can_show_nothing():
    assert power.paired_power(10.0, 5) == 0.0 and math.isinf(power.detectable_effect(5))
    assert power.paired_power(10.0, 6) == 1.0


def test_sizes_and_effects_answer_each_other():
    n = power.individuals_needed(0.7)
    assert power.paired_power(0.7, n) >= 0.8 > power.paired_power(0.7, n - 1)
    assert power.detectable_effect(n) <= 0.71
    assert power.individuals_needed(0.01, most=20) is None


def test_the_warning_tells_what_can_be_seen():
    assert "no effect can reach p = 0.05" in power.warning(3) and "0 pairs" in power.warning(0)
    assert f"from {power.detectable_effect(10):.2f} standard deviations" in power.warning(10)
    assert power.warning(60) == ""


def test_wrong_numbers_are_refused():
    with pytest.raises(ValueError, match="n and simulations are at least 1"):
        power.paired_power(0.5, 0)
