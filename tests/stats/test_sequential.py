"""Group-sequential bounds: those of published tables, and the errors that they promise, by simulation."""

import numpy as np
import pytest
from scipy import stats

from lifespan.stats.sequential import crossing_probability, nominal_levels


# Jennison & Turnbull 2000, tables 2.1 and 2.3: constants of two-sided tests at .05, with looks equally far apart.
@pytest.mark.parametrize(
    ("shape", "looks", "constant"),
    [
        *(("pocock", 2, 2.178), ("pocock", 3, 2.289), ("pocock", 4, 2.361), ("pocock", 5, 2.413)),
        *(("obrien-fleming", 2, 1.977), ("obrien-fleming", 3, 2.004)),
        *(("obrien-fleming", 4, 2.024), ("obrien-fleming", 5, 2.040)),
    ],
)
def test_constants_are_those_of_the_tables(shape, looks, constant):
    levels = nominal_levels([k / looks for k in range(1, looks + 1)], shape, 0.05)
    assert stats.norm.isf(levels[-1] / 2) == pytest.approx(constant, abs=0.0006)


def test_two_looks_have_the_nominal_levels_that_textbooks_print():
    assert nominal_levels((0.5, 1.0), "pocock", 0.05) == pytest.approx((0.0294, 0.0294), abs=5e-5)
    assert nominal_levels((0.5, 1.0), "obrien-fleming", 0.05) == pytest.approx((0.0052, 0.0480), abs=5e-5)


def test_one_look_takes_all_of_the_error():
    assert nominal_levels((1.0,), "obrien-fleming", 0.05) == (0.05,)


@pytest.mark.parametrize("shape", ["pocock", "obrien-fleming"])
def test_looks_at_other_shares_keep_the_error_too(shape):
    shares = np.array([0.3, 0.8, 1.0])
    levels = nominal_levels(shares, shape, 0.01)
    steps = np.random.default_rng(0).standard_normal((400_000, 3)) * np.sqrt(np.diff(shares, prepend=0))
    z = np.abs(steps.cumsum(axis=1)) / np.sqrt(shares)
    crossed = (z >= stats.norm.isf(np.array(levels) / 2)).any(axis=1).mean()
    assert crossed == pytest.approx(0.01, abs=0.0006)


def test_an_effect_is_found_at_the_power_of_the_table():
    """Jennison & Turnbull 2000, table 2.2: Pocock with two looks needs 1.100 times the fixed sample's size for power .9."""
    fixed = stats.norm.isf(0.025) + stats.norm.isf(0.1)
    assert crossing_probability((0.5, 1.0), (2.178, 2.178), drift=fixed * np.sqrt(1.100)) == pytest.approx(0.9, abs=0.003)


@pytest.mark.parametrize(
    ("fractions", "alpha", "said"),
    [((0.5, 0.9), 0.05, "rise from above 0 to 1"), ((1.0, 1.0), 0.05, "rise"), ((0.5, 1.0), 0.0, "alpha=0.0")],
)
def test_what_makes_no_sense_is_refused(fractions, alpha, said):
    with pytest.raises(ValueError, match=said):
        nominal_levels(fractions, "pocock", alpha)
