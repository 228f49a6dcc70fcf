"""One-sided t tests and bounds of a mean paired difference, and what so many pairs can show by them."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache

import numpy as np
from scipy import integrate, optimize, stats

from lifespan.stats.inference import Numbers

SOURCES = ("schuirmann1987comparison",)
"""Citation keys of what stands here."""


def p_above(differences: Numbers, threshold: float) -> float:
    """One-sided p of "the mean is at most `threshold`": small where the mean lies above it. NaN for fewer than 2 values.

    Student's t of the differences; where all are equal, 0 above the threshold, 1 below it and 0.5 on it.

    >>> round(p_above([0.1, 0.2, 0.1, 0.3, 0.2], 0.0), 4)
    0.0043
    """
    sample = np.asarray(differences, dtype=float)
    n = len(sample)
    if n < 2:
        return math.nan
    distance, error = float(np.mean(sample)) - threshold, float(np.std(sample, ddof=1)) / math.sqrt(n)
    if error <= 1e-12 * max(1.0, abs(float(np.mean(sample)))):
        return 0.5 if abs(distance) <= 1e-12 else float(distance < 0)
    return float(stats.t.sf(distance / error, n - 1))


def p_below(differences: Numbers, threshold: float) -> float:
    """One-sided p of "the mean is at least `threshold`": small where the mean lies below it."""
    return p_above(-np.asarray(differences, dtype=float), -threshold)


def bounds(differences: Numbers, level: float) -> tuple[float, float]:
    """Lower and upper bound of the mean, each one-sided at this level; equal values bound themselves; NaN below 2 values."""
    sample = np.asarray(differences, dtype=float)
    n = len(sample)
    if n < 2:
        return math.nan, math.nan
    mean, error = float(np.mean(sample)), float(np.std(sample, ddof=1)) / math.sqrt(n)
    room = float(stats.t.ppf(level, n - 1)) * error
    return mean - room, mean + room


def least_pairs(level: float) -> int:
    """The fewest pairs of which an exact two-sided sign-flip test can reach a level: 2^(1-n) <= level.

    A t test has no such floor, but with fewer pairs it rests on the normal distribution alone.

    >>> least_pairs(0.05), least_pairs(0.0052)
    (6, 9)
    """
    return max(2, math.ceil(1 - math.log2(level) - 1e-12))


def superiority_power(effect: float, n: int, level: float) -> float:
    """Probability that a two-sided t test of n pairs finds a mean of `effect` standard deviations above 0, in [0, 1].

    >>> round(superiority_power(1.0, 10, 0.05), 3)
    0.803
    """
    if n < least_pairs(level):
        return 0.0
    return float(stats.nct.sf(stats.t.isf(level / 2, n - 1), n - 1, effect * math.sqrt(n)))


def non_inferiority_power(margin: float, n: int, level: float, effect: float = 0.0) -> float:
    """Probability that the mean is shown to lie above -margin, one-sided at level / 2; both in standard deviations."""
    return superiority_power(margin + effect, n, level)


def equivalence_power(margin: float, n: int, level: float, effect: float = 0.0) -> float:
    """Probability that two one-sided t tests at level / 2 show the mean to lie within the margin; in standard deviations.

    Integrated over the distribution of the sample's standard deviation, on which both tests rest.

    >>> round(equivalence_power(0.2, 10, 0.05), 2), round(equivalence_power(1.5, 10, 0.05), 2)
    (0.0, 0.97)
    """
    if n < least_pairs(level):
        return 0.0
    quantile, root = float(stats.t.isf(level / 2, n - 1)), math.sqrt(n)

    def shown(spread: float) -> float:
        room = margin * root - quantile * spread
        inside = stats.norm.cdf(room - effect * root) - stats.norm.cdf(-room - effect * root)
        return float(max(0.0, inside) * stats.chi.pdf(spread * math.sqrt(n - 1), n - 1) * math.sqrt(n - 1))

    widest = margin * root / quantile
    return float(integrate.quad(shown, 0.0, widest, limit=200)[0])


POWERS: dict[str, Callable[[float, int, float], float]] = {
    "greater": superiority_power,
    "non-inferior": non_inferiority_power,
    "equivalent": equivalence_power,
}
"""Power by prediction: of an effect, or of a margin where nothing differs, in standard deviations."""


@lru_cache(maxsize=1000)
def detectable(prediction: str, n: int, level: float, power: float = 0.8) -> float:
    """The smallest effect ("greater"), or margin where nothing differs, in standard deviations that n pairs show so often.

    Infinite where n pairs can show none.

    >>> round(detectable("greater", 16, 0.05), 2), round(detectable("equivalent", 16, 0.05), 2)
    (0.75, 0.87)
    >>> detectable("greater", 5, 0.05)
    inf
    """
    if n < least_pairs(level):
        return math.inf
    return float(optimize.brentq(lambda size: POWERS[prediction](size, n, level) - power, 1e-6, 100.0, xtol=1e-4))


def pairs_needed(prediction: str, effect: float, level: float, power: float = 0.8, most: int = 10_000) -> int | None:
    """The fewest pairs that show an effect, or a margin, of so many standard deviations so often; None beyond `most`.

    >>> pairs_needed("greater", 0.75, 0.05)
    16
    """
    if effect <= 0 or POWERS[prediction](effect, most, level) < power:
        return None
    low, high = least_pairs(level), most
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if POWERS[prediction](effect, middle, level) >= power else (middle + 1, high)
    return low
