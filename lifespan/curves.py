"""Dose-response curves to numbers: area, D50 and critical dose. No torch here.

A curve is a score at rising doses, the first of which is 0 (health). `floor` is the score of chance.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def area(doses: ArrayLike, scores: ArrayLike) -> float:
    """Mean score over the range of doses, by the trapezoid rule: integral of score d(dose) / (largest - smallest dose).

    In the score's unit and range; higher is more robust. NaN where a score is.

    >>> area([0, 1, 2], [1.0, 0.5, 0.5])
    0.625
    """
    x, y = _curve(doses, scores)
    return float(np.trapezoid(y, x) / (x[-1] - x[0]))


def dose_at(doses: ArrayLike, scores: ArrayLike, share: float, *, floor: float = 0.0) -> float:
    """Smallest dose at which only this share of the healthy score above `floor` is left, between doses by a straight line.

    NaN where the curve never falls so low inside the tested range, and where the healthy score is not above the floor.

    >>> round(dose_at([0, 1, 2], [0.9, 0.8, 0.6], share=0.5, floor=0.5), 6)
    1.5
    >>> dose_at([0, 1, 2], [0.9, 0.9, 0.9], share=0.5, floor=0.5)
    nan
    """
    x, y = _curve(doses, scores)
    level = floor + share * (y[0] - floor)
    below = np.flatnonzero(y <= level)
    if not y[0] > floor or len(below) == 0 or below[0] == 0:
        return float("nan")
    after = int(below[0])
    part = (y[after - 1] - level) / (y[after - 1] - y[after])
    return float(x[after - 1] + part * (x[after] - x[after - 1]))


def d50(doses: ArrayLike, scores: ArrayLike, *, floor: float = 0.0) -> float:
    """Dose at which half of the healthy score above `floor` is lost (ED50 of pharmacology, by interpolation).

    >>> d50([0, 1], [1.0, 0.0])
    0.5
    """
    return dose_at(doses, scores, 0.5, floor=floor)


def critical_dose(doses: ArrayLike, scores: ArrayLike, *, floor: float = 0.0, keep: float = 0.9) -> float:
    """Largest dose up to which the share `keep` of the healthy score above `floor` is kept.

    >>> round(critical_dose([0, 1], [1.0, 0.0]), 3)
    0.1
    """
    return dose_at(doses, scores, keep, floor=floor)


def _curve(doses: ArrayLike, scores: ArrayLike) -> tuple[NDArray, NDArray]:
    x, y = np.asarray(doses, dtype=float), np.asarray(scores, dtype=float)
    if x.ndim != 1 or x.shape != y.shape or len(x) < 2 or (np.diff(x) <= 0).any():
        raise ValueError(f"doses of shape {x.shape} and scores of shape {y.shape}: at least two doses, rising, a score each.")
    return x, y
