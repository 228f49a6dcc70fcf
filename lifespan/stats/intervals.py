"""Intervals of a mean over individuals and of a share, chosen by their measured coverage (`benchmarks/coverage.py`).

Student's interval assumes symmetry: of skewed values it covers .87 to .92 where .95 is meant. The bootstrap-t (Efron 1982;
Hall 1988) follows the skew, but its ends scatter at small n. Here each end is the further one of both. At 4 to 20 individuals
this covers at least .93 of normal, exponential, bounded and tied values, and of the differences of twins, also where values of
one twin are twice as spread as those of the other. No method covers where single individuals collapse: see
`lifespan.stats.collapses`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy import stats

SEED = 20240229
"""Seed of every bootstrap and Monte-Carlo draw."""

RESAMPLES = 9999
"""Bootstrap resamples of an interval."""

FEWEST = 4
"""Individuals that an interval needs: of 3 no method covers skewed values."""

FURTHEST = 2.5
"""Times Student's quantile that the bootstrap-t may reach: of 4 or 5 values, two or three alike, it would be without bound."""

SAME_FROM = 200
"""Individuals beyond which Student's interval stands alone."""

Numbers = Sequence[float] | np.ndarray


@dataclass(frozen=True)
class Interval:
    """A mean with its interval. `low` and `high` are NaN where no interval can be had, and `note` says why."""

    estimate: float
    low: float
    high: float
    n: int
    level: float = 0.95
    note: str = ""

    @property
    def known(self) -> bool:
        """Whether there is an interval."""
        return not (math.isnan(self.low) or math.isnan(self.high))

    @property
    def excludes_zero(self) -> bool:
        """Whether the whole interval lies on one side of zero."""
        return self.known and (self.low > 0 or self.high < 0)


def mean_interval(values: Numbers, *, level: float = 0.95, resamples: int = RESAMPLES, seed: int = SEED) -> Interval:
    """Mean over individuals with its interval: at each end the further one of Student's t and the bootstrap-t.

    Ends are mean - q standard errors. q is the quantile of Student's t with n - 1 degrees of freedom, or that of t* = (mean* -
    mean) / standard error* over resampled individuals (Efron 1982, The Jackknife, the Bootstrap and Other Resampling Plans,
    section 10.10) where this is further out, up to 2.5 times Student's. Where so many values are equal that it is not finite,
    Student's stands alone, as it does of more than 200 values. Fewer than 4 values, or equal ones, give a note and no
    interval.

    >>> mean_interval([0.5, 0.7, 0.6])
    Interval(estimate=0.6, low=nan, high=nan, n=3, level=0.95, note='no interval: it needs at least 4 individuals')
    >>> found = mean_interval([0.70, 0.74, 0.71, 0.79, 0.73])
    >>> found.n, round(found.low, 3), round(found.estimate, 3), round(found.high, 3)
    (5, 0.69, 0.734, 0.804)
    """
    sample = finite(values)
    n = len(sample)
    if n == 0:
        return Interval(math.nan, math.nan, math.nan, 0, level, "no value was measured")
    mean = float(np.mean(sample))
    if n < FEWEST:
        return Interval(mean, math.nan, math.nan, n, level, f"no interval: it needs at least {FEWEST} individuals")
    if np.ptp(sample) <= 1e-12 * max(1.0, abs(mean)):
        return Interval(mean, math.nan, math.nan, n, level, "no interval: all individuals have the same value")
    low, high = _quantiles(sample, (1 - level) / 2, resamples, seed)
    error = standard_error(sample)
    return Interval(mean, mean - high * error, mean - low * error, n, level)


def one_sided_bounds(differences: Numbers, *, level: float = 0.975) -> tuple[float, float]:
    """Lower and upper bound of the mean difference of twins, each one-sided at this level; NaN where there is none.

    With a margin m > 0: "no less" (non-inferior) where low > -m, "no more" where high < m, "alike" (equivalent: the two
    one-sided tests of Schuirmann 1987) where both hold. At .975, the level that ICH E9 asks of non-inferiority, they are the
    ends of `mean_interval`, and each was wrong at most 5.5% of the time at 4 to 20 pairs, also where one twin's values are
    skewed and twice as spread as the other's. At .95 a bound was wrong 5% of the time where twins follow one law, and up to 9%
    there. Needs 4 differences that are not all equal.

    >>> low, high = one_sided_bounds([0.1, 0.3, 0.2, 0.2, 0.1])
    >>> 0.05 < low < 0.1, 0.25 < high < 0.35
    (True, True)
    """
    if not 0.5 <= level < 1:
        raise ValueError(f"level={level}: a one-sided level lies in [0.5, 1)")
    found = mean_interval(differences, level=2 * level - 1)
    return found.low, found.high


def one_sided_p(differences: Numbers, threshold: float = 0.0, *, resamples: int = RESAMPLES, seed: int = SEED) -> float:
    """One-sided p of "the mean is at most `threshold`", small where it lies above: the larger of Student's and bootstrap-t's.

    Below 1 - level where the lower one of `one_sided_bounds` lies above the threshold. For "at least", negate both. Where all
    values are equal it is 0 above the threshold, 1 below it and 0.5 on it; NaN for fewer than 4 values.

    >>> one_sided_p([0.1, 0.3, 0.2, 0.2, 0.1]) < 0.01 < one_sided_p([0.1, 0.3, 0.2, 0.2, 0.1], 0.1)
    True
    """
    sample = finite(differences)
    n = len(sample)
    if n < FEWEST:
        return math.nan
    distance, error = float(np.mean(sample)) - threshold, standard_error(sample)
    if np.ptp(sample) <= 1e-12 * max(1.0, abs(float(np.mean(sample)))):
        return 0.5 if abs(distance) <= 1e-12 else float(distance < 0)
    student = float(stats.t.sf(distance / error, n - 1))
    if n > SAME_FROM:
        return student
    drawn = _studentised(sample, resamples, seed)
    beyond = int(np.count_nonzero(np.isfinite(drawn) & (drawn >= distance / error)))
    furthest = float(stats.t.sf(distance / error / FURTHEST, n - 1))
    return max(student, min((beyond + 1) / (resamples + 1), furthest))


def mean_p(differences: Numbers) -> float:
    """Two-sided p of "the mean is 0": twice the smaller `one_sided_p`, at most 1; NaN for fewer than 4 values.

    Below 0.05 where the 95% interval of `mean_interval` excludes 0.

    >>> mean_p([0.1, 0.3, 0.2, 0.2, 0.1]) < 0.05 < mean_p([0.1, -0.3, 0.2, -0.2, 0.1])
    True
    """
    values = finite(differences)
    return min(1.0, 2 * min(one_sided_p(values), one_sided_p(-values))) if len(values) >= FEWEST else math.nan


def share_interval(count: int, n: int, *, level: float = 0.95) -> Interval:
    """Share `count` of `n` with the exact interval of Clopper & Pearson (1934), which never covers less than it says.

    >>> found = share_interval(0, 20)
    >>> found.low, round(found.high, 3)
    (0.0, 0.168)
    """
    if n == 0:
        return Interval(math.nan, math.nan, math.nan, 0, level, "no individual was counted")
    ends = stats.binomtest(count, n).proportion_ci(level, method="exact")
    return Interval(count / n, float(ends.low), float(ends.high), n, level)


def finite(values: Numbers) -> np.ndarray:
    """The finite ones of the values, flat."""
    sample = np.asarray(values, dtype=float).ravel()
    known: np.ndarray = sample[np.isfinite(sample)]
    return known


def standard_error(sample: np.ndarray) -> float:
    """Standard deviation (n - 1) by the root of n."""
    return float(np.std(sample, ddof=1)) / math.sqrt(len(sample))


def _quantiles(sample: np.ndarray, tail: float, resamples: int, seed: int) -> tuple[float, float]:
    """Lower and upper quantile of the studentised mean, each the further one of Student's and the resampled one."""
    student = float(stats.t.isf(tail, len(sample) - 1))
    if len(sample) > SAME_FROM:
        return -student, student
    studentised = np.sort(_studentised(sample, resamples, seed))
    place = max(1, round((resamples + 1) * tail))
    ends = -float(studentised[place - 1]), float(studentised[resamples - place])
    low, high = (min(max(student, end), FURTHEST * student) if math.isfinite(end) else student for end in ends)
    return -low, high


def _studentised(sample: np.ndarray, resamples: int, seed: int) -> np.ndarray:
    """Of each resample (mean* - mean) / standard error*; infinite where its values are equal."""
    n, deviations = len(sample), sample - np.mean(sample)
    times = _times_drawn(n, resamples, seed)
    means = times @ deviations / n
    errors = np.sqrt(np.maximum(times @ deviations**2 / n - means**2, 0.0) / (n - 1))
    least = 1e-9 * standard_error(sample)
    studentised: np.ndarray = np.where(np.abs(means) > least, np.copysign(math.inf, means), 0.0)
    np.divide(means, errors, out=studentised, where=errors > least)
    return studentised


@lru_cache(maxsize=16)
def _times_drawn(n: int, resamples: int, seed: int) -> np.ndarray:
    """How often each of n individuals is drawn in n draws with replacement, resamples x individuals."""
    return np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=resamples).astype(float)
