"""Individuals that collapsed: an outcome of its own, beside a mean over the others.

With 5% collapses no interval of the mean covers (.69 to .87 at 5 to 20 individuals): most samples hold none and cannot know
of them. What can be said is said in two parts: which share collapsed, with an exact interval, and where the others ended,
with theirs.
"""

from __future__ import annotations

import math

import numpy as np
from scipy import stats

from lifespan.stats.intervals import Numbers

KEPT = 0.25
"""Of what the group's median has above chance: an individual that has less than this share collapsed."""

APART = 4.0
"""Robust standard deviations below the median from which on it stands apart, too."""


def collapsed(values: Numbers, chance: float) -> np.ndarray:
    """Which individuals of a group ended near chance while its median did not, as a mask; NaN is no collapse.

    Both must hold: the value is nearer to chance than a quarter of the way to the group's median, and it lies more than 4
    robust standard deviations (1.4826 times the median absolute deviation) below that median, so that the lower end of a
    wide group that learned little is no collapse. None of fewer than 3 values, or where the median is not above chance.

    >>> collapsed([0.80, 0.82, 0.51, 0.79, 0.83], chance=0.5).tolist()
    [False, False, True, False, False]
    >>> collapsed([0.53, 0.56, 0.51, 0.58, 0.62], chance=0.5).tolist()
    [False, False, False, False, False]
    """
    scores = np.asarray(values, dtype=float).ravel()
    known = scores[np.isfinite(scores)]
    middle = float(np.median(known)) if len(known) >= 3 else math.nan
    if not middle > chance:
        return np.zeros(len(scores), dtype=bool)
    deviation = 1.4826 * float(np.median(np.abs(known - middle)))
    found: np.ndarray = (scores < chance + KEPT * (middle - chance)) & (scores < middle - APART * deviation)
    return found


def more_collapses_p(first: np.ndarray, second: np.ndarray) -> float:
    """Two-sided exact p that one twin collapses as often as the other, from twins of whom one alone did (McNemar 1947).

    1 where no pair differs.

    >>> more_collapses_p(np.array([True] * 6 + [False] * 4), np.array([False] * 10))
    0.03125
    """
    more, fewer = int((first & ~second).sum()), int((~first & second).sum())
    return float(stats.binomtest(more, more + fewer).pvalue) if more + fewer else 1.0
