"""What so many individuals can show: power of the sign-flip test by simulation.

Differences of twins are drawn from a normal distribution of standard deviation 1 and mean `effect` (Cohen's d_z), and tested
as in `stats`. Everything is seeded, and larger samples contain the smaller ones' draws, so that power rises with n.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from lifespan.stats.inference import ENOUGH, SEED, sign_flip_p

SIMULATIONS = 1000
"""Studies that are simulated for one power."""
ALPHA = 0.05
ENOUGH_POWER = 0.8
_EXACT = 10
_FLIPS = 199


@lru_cache(maxsize=1000)
def paired_power(effect: float, n: int, *, alpha: float = ALPHA, simulations: int = SIMULATIONS, seed: int = SEED) -> float:
    """Share of simulated studies of n pairs in which the two-sided sign-flip test has p <= alpha, in [0, 1].

    The standard error is sqrt(power (1 - power) / simulations), at most 0.016. Beyond 10 pairs each test takes 199 random
    flips: p is then a multiple of 1/200, and alpha below 0.005 is out of reach.

    >>> paired_power(0.8, 5)
    0.0
    >>> paired_power(1.0, 20) > 0.95
    True
    """
    if n < 1 or not 0 < alpha < 1 or simulations < 1:
        raise ValueError(f"n={n}, alpha={alpha}, simulations={simulations}: n and simulations are at least 1, alpha in (0, 1)")
    if 2.0 ** (1 - n) > alpha:
        return 0.0
    draws = np.random.default_rng(seed).standard_normal((n, simulations)).T + effect
    if n <= _EXACT:
        return float(np.mean([sign_flip_p(draw)[0] <= alpha for draw in draws]))
    flips = np.random.default_rng(seed + 1).choice([-1.0, 1.0], size=(n, _FLIPS))
    beyond = (np.abs(draws @ flips) >= np.abs(draws.sum(axis=1, keepdims=True)) - 1e-12).sum(axis=1)
    return float(np.mean((beyond + 1) / (_FLIPS + 1) <= alpha))


@lru_cache(maxsize=100)
def individuals_needed(effect: float, *, power: float = ENOUGH_POWER, alpha: float = ALPHA, most: int = 200) -> int | None:
    """The fewest pairs with this power, or None where even `most` do not have it.

    >>> individuals_needed(1.0)
    11
    >>> individuals_needed(0.05) is None
    True
    """
    if paired_power(effect, most, alpha=alpha) < power:
        return None
    low, high = 1, most
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if paired_power(effect, middle, alpha=alpha) >= power else (middle + 1, high)
    return low


@lru_cache(maxsize=100)
def detectable_effect(n: int, *, power: float = ENOUGH_POWER, alpha: float = ALPHA) -> float:
    """The smallest effect, in standard deviations of the paired difference, that n pairs detect with this power, to 0.01.

    Infinite where no effect can be detected, because the smallest possible p lies above alpha.

    >>> detectable_effect(5)
    inf
    >>> 0.8 < detectable_effect(12) < 1.0
    True
    """
    if 2.0 ** (1 - n) > alpha:
        return math.inf
    low, high = 0.0, 16.0
    while high - low > 0.005:
        middle = (low + high) / 2
        low, high = (low, middle) if paired_power(middle, n, alpha=alpha) >= power else (middle, high)
    return round(high, 2)


def warning(n: int) -> str:
    """What n pairs cannot show, in one sentence; empty where an effect of half a standard deviation would be seen.

    >>> warning(5)
    'With 5 pairs of twins no effect can reach p = 0.05; at least 6 are needed, and 10 to carry a claim.'
    >>> warning(10).startswith('With 10 pairs of twins, an effect is seen with a power of 0.8 from')
    True
    """
    effect = detectable_effect(n) if n else math.inf
    if math.isinf(effect):
        return (
            f"With {n} pairs of twins no effect can reach p = {ALPHA}; at least 6 are needed, and {ENOUGH} to carry a claim."
        )
    if effect <= 0.5:
        return ""
    return (
        f"With {n} pairs of twins, an effect is seen with a power of {ENOUGH_POWER:g} from {effect:.2f} standard deviations "
        "of the paired difference on, before any adjustment for many comparisons: smaller ones may be missed."
    )
