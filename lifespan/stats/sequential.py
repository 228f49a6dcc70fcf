"""Group-sequential bounds: how small a p must be at each of several looks, so that all of them together keep one error.

A statistic that grows by independent normal increments is looked at when a share t of all individuals is there. Its
standardised value Z(t) crosses a bound c / sqrt(t) (O'Brien & Fleming 1979) or c (Pocock 1977) at any look with probability
`alpha`, two-sided, when nothing is there; c is found by recursive numerical integration (Armitage, McPherson & Rowe 1969) for
exactly these shares. Bounds are given as nominal two-sided p values, and used with the p of t tests (the significance level
approach: Jennison & Turnbull 2000, section 4.4).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Literal

import numpy as np
from scipy import optimize, stats

SOURCES = ("armitage1969repeated", "obrien1979multiple", "pocock1977group")
"""Citation keys of what stands here."""

Shape = Literal["obrien-fleming", "pocock"]
_NODES = 256


def nominal_levels(fractions: Sequence[float], shape: Shape, alpha: float) -> tuple[float, ...]:
    """The two-sided p that each look must not exceed; `fractions` are rising shares of all individuals, the last is 1.

    >>> [round(level, 4) for level in nominal_levels((0.5, 1.0), "pocock", 0.05)]
    [0.0294, 0.0294]
    >>> [round(level, 4) for level in nominal_levels((0.5, 1.0), "obrien-fleming", 0.05)]
    [0.0052, 0.048]
    """
    return _levels(tuple(float(share) for share in fractions), shape, float(alpha))


@lru_cache(maxsize=1000)
def _levels(fractions: tuple[float, ...], shape: Shape, alpha: float) -> tuple[float, ...]:
    if not 0 < alpha < 1:
        raise ValueError(f"alpha={alpha} must lie in (0, 1)")
    if not fractions or fractions[0] <= 0 or fractions[-1] != 1 or any(np.diff(fractions) <= 0):
        raise ValueError(f"fractions={fractions} must rise from above 0 to 1")
    if len(fractions) == 1:
        return (alpha,)
    power = 0.5 if shape == "obrien-fleming" else 0.0
    shares = np.asarray(fractions)

    def excess(constant: float) -> float:
        return crossing_probability(fractions, constant / shares**power) - alpha

    least = float(stats.norm.isf(alpha / 2))
    constant = optimize.brentq(excess, 0.9 * least, 2 * least + 2, xtol=1e-9)
    return tuple(float(2 * stats.norm.sf(bound)) for bound in constant / shares**power)


def crossing_probability(fractions: Sequence[float], bounds: Sequence[float] | np.ndarray, drift: float = 0.0) -> float:
    """Probability that |Z| reaches its bound at some look, where Z has the mean `drift` * sqrt(share).

    `drift` is the expected Z at the last look. Each look's part that goes on is integrated by Gauss-Legendre quadrature.

    >>> round(crossing_probability((0.5, 1.0), (2.178, 2.178)), 3)
    0.05
    """
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    edges = np.asarray(bounds) * np.sqrt(fractions)
    # The score S = Z sqrt(t) has independent increments; `dense` is its density times the quadrature's weights.
    place, dense, last, crossed = np.zeros(1), np.ones(1), 0.0, 0.0
    for share, edge in zip(fractions, edges, strict=True):
        spread, mean = math.sqrt(share - last), place + drift * (share - last)
        beyond = stats.norm.sf((edge - mean) / spread) + stats.norm.cdf((-edge - mean) / spread)
        crossed += float(dense @ beyond)
        grid = edge * nodes
        going_on = stats.norm.pdf((grid[:, None] - mean[None, :]) / spread) / spread
        dense = (going_on @ dense) * weights * edge
        place, last = grid, share
    return crossed
