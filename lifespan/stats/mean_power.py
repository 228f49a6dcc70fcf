"""What so many pairs can show of a mean difference: power, detectable effects, and the pairs that are needed.

Differences are drawn from a normal distribution of standard deviation 1 and judged as `lifespan.stats.intervals` judges them:
by the further one of Student's and the bootstrap-t's quantile. Where the bound of a sample lies does not depend on the effect,
but for its mean: so each sample has the smallest effect from which it shows what is asked, and power is a share of samples.
Everything is seeded; with `SAMPLES` samples the standard error of a power of 0.8 is 0.009.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy import stats

from lifespan.stats.intervals import SAME_FROM, SEED

SAMPLES = 2000
"""Studies that are simulated for one power."""

_RESAMPLES = 1999
_MOST = 200


def least_pairs(level: float) -> int:
    """The fewest pairs of which an exact two-sided sign-flip test can reach a level: 2^(1-n) <= level.

    With fewer pairs any other test rests on its assumptions alone.

    >>> least_pairs(0.05), least_pairs(0.0052)
    (6, 9)
    """
    return max(2, math.ceil(1 - math.log2(level) - 1e-12))


@dataclass(frozen=True, eq=False)
class Shown:
    """The smallest effect, in standard deviations, from which each simulated study shows what is asked, in rising order.

    `above`: that the mean lies above 0 (or, of an effect reckoned from there, above -margin). `within`: the smallest margin
    within which it shows the mean to lie where nothing differs. Infinite in studies that show nothing.
    """

    above: np.ndarray
    within: np.ndarray

    def power(self, effect: float, *, equivalence: bool = False) -> float:
        """Share of studies that show an effect, or with `equivalence` this margin where nothing differs, in [0, 1]."""
        needed = self.within if equivalence else self.above
        return float(np.searchsorted(needed, effect, side="right") / len(needed))

    def detectable(self, power: float, *, equivalence: bool = False) -> float:
        """The smallest effect, or margin, that this share of studies shows; infinite where there is none.

        >>> shown((5,), (0.05,)).detectable(0.8)
        inf
        """
        needed = self.within if equivalence else self.above
        return float(needed[min(len(needed) - 1, math.ceil(power * len(needed)) - 1)])


@lru_cache(maxsize=100)
def shown(looks: tuple[int, ...], levels: tuple[float, ...]) -> Shown:
    """What studies show at any of these looks, numbers of pairs, each at its two-sided level.

    >>> 1.0 < shown((10,), (0.05,)).detectable(0.8) < 1.2
    True
    """
    draws = np.random.default_rng(SEED).standard_normal((looks[-1], SAMPLES))
    above, within = np.full(SAMPLES, math.inf), np.full(SAMPLES, math.inf)
    for n, level in zip(looks, levels, strict=True):
        if n < least_pairs(level):
            continue
        low, high = _bounds(draws[:n], level / 2)
        above, within = np.minimum(above, -low), np.minimum(within, np.maximum(-low, high))
    return Shown(np.sort(above), np.sort(within))


def pairs_needed(effect: float, level: float, power: float = 0.8, *, equivalence: bool = False) -> int | None:
    """The fewest pairs that show an effect, or a margin, of so many standard deviations so often; None beyond 200.

    >>> pairs_needed(0.0, 0.05) is None
    True
    >>> 11 <= pairs_needed(1.0, 0.05) <= 14
    True
    """

    def has(n: int) -> bool:
        return shown((n,), (level,)).power(effect, equivalence=equivalence) >= power

    if effect <= 0:
        return None
    low = high = least_pairs(level)
    while not has(high):
        if high == _MOST:
            return None
        low, high = high + 1, min(_MOST, 2 * high)
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if has(middle) else (middle + 1, high)
    return low


def _bounds(samples: np.ndarray, tail: float) -> tuple[np.ndarray, np.ndarray]:
    """The one-sided bounds of each column's mean, as `intervals.mean_interval` has them."""
    n, means = len(samples), samples.mean(axis=0)
    errors = samples.std(axis=0, ddof=1) / math.sqrt(n)
    student = float(stats.t.isf(tail, n - 1))
    if n > SAME_FROM:
        return means - student * errors, means + student * errors
    studentised = np.sort(_studentised(samples - means), axis=0)
    place = max(1, round((_RESAMPLES + 1) * tail))
    lower, upper = np.minimum(studentised[place - 1], -student), np.maximum(studentised[_RESAMPLES - place], student)
    return means - upper * errors, means - lower * errors


def _studentised(deviations: np.ndarray) -> np.ndarray:
    """(mean* - mean) / standard error* of each resample (rows) of each sample (columns)."""
    n = len(deviations)
    times = np.random.default_rng(SEED).multinomial(n, np.full(n, 1 / n), size=_RESAMPLES).astype(float)
    means = times @ deviations / n
    variances = np.maximum(times @ deviations**2 / n - means**2, 1e-18) / (n - 1)
    studentised: np.ndarray = means / np.sqrt(variances)
    return studentised
