"""Curves of scores over time to numbers of memory and plasticity.

A curve is scores of one task at successive evaluations. What depends on how often one evaluates (the stability gap's
numbers) says so; report the interval with them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike
from scipy import optimize, stats

from lifespan.stats._arrays import NDArray


def minimum_accuracy(curves: Sequence[ArrayLike]) -> float:
    """min-ACC = mean over earlier tasks of the lowest score at any evaluation since the task was learned.

    `curves` are those of the earlier tasks, one each, from right after their own learning on. In the scores' range; lower is a
    deeper fall. NaN without earlier tasks. Source: De Lange et al. (2023, equation 2), https://arxiv.org/abs/2205.13452.

    >>> round(minimum_accuracy([[0.9, 0.4, 0.8], [0.8, 0.6]]), 6)
    0.5
    """
    return float(np.mean([np.min(_scores(curve)) for curve in curves])) if len(curves) else float("nan")


def worst_case_accuracy(current: float, curves: Sequence[ArrayLike]) -> float:
    """WC-ACC = A_k / k + (1 - 1/k) min-ACC (De Lange et al. 2023, equation 3).

    `current` is A_k, the present task's score after k - 1 earlier tasks.

    >>> round(worst_case_accuracy(0.9, [[0.9, 0.4, 0.8]]), 6)
    0.65
    """
    k = len(curves) + 1
    return float(current / k + (1 - 1 / k) * minimum_accuracy(curves)) if k > 1 else float(current)


def windowed_forgetting(curve: ArrayLike, window: int) -> float:
    """WF^w: the largest fall of a score inside any `window` successive evaluations (De Lange et al. 2023, equation 4).

    At least 0; a fall needs an earlier and a later evaluation at most window - 1 apart.

    >>> round(windowed_forgetting([0.9, 0.5, 0.8, 0.3], window=2), 6)
    0.5
    """
    return _largest(curve, window, sign=1)


def windowed_plasticity(curve: ArrayLike, window: int) -> float:
    """WP^w: the largest rise of a score inside any `window` successive evaluations (De Lange et al. 2023, equation 5).

    >>> round(windowed_plasticity([0.9, 0.5, 0.8, 0.3], window=2), 6)
    0.3
    """
    return _largest(curve, window, sign=-1)


def learning_curve_area(scores: ArrayLike) -> float:
    """LCA_b = mean of Z_0 ... Z_b, the scores after 0 to b batches of a new task (Chaudhry et al. 2019, equation 4).

    In the scores' range; higher is faster. Between evaluations at equal intervals of batches it is the mean of those made.

    >>> round(learning_curve_area([0.5, 0.7, 0.9]), 6)
    0.7
    """
    return float(np.mean(_scores(scores)))


def steps_to_criterion(steps: ArrayLike, scores: ArrayLike, criterion: float) -> float:
    """Steps until a score first reaches a criterion, by a straight line between evaluations; NaN where it never does.

    >>> round(steps_to_criterion([0, 10, 20], [0.5, 0.6, 0.8], criterion=0.7), 6)
    15.0
    """
    at, curve = np.asarray(steps, dtype=float), _scores(scores)
    reached = np.flatnonzero(curve >= criterion)
    if len(reached) == 0:
        return float("nan")
    after = int(reached[0])
    if after == 0:
        return float(at[0])
    part = (criterion - curve[after - 1]) / (curve[after] - curve[after - 1])
    return float(at[after - 1] + part * (at[after] - at[after - 1]))


def savings(first: float, again: float) -> float:
    """Relearning savings (first - again) / first, from steps to one criterion (Ebbinghaus 1885, Memory, section 18).

    1 is knowing it still, 0 as slow as the first time, negative slower. NaN where one learning never reached the criterion.

    >>> savings(first=40, again=10)
    0.75
    """
    return float((first - again) / first) if first > 0 else float("nan")


def half_life(times: ArrayLike, retention: ArrayLike) -> float:
    """Time after which half is retained, of exponential decay R(t) = 2^(-t / h), by least squares on the retention itself.

    `retention` is (score - chance) / (score right after learning - chance); `times` since then, above 0, in any unit, which
    is the result's. Infinite where nothing is lost on balance; NaN for fewer than two finite values. A half-life beyond the
    last time is an extrapolation: say so. Exponential decay is a model of convenience (Wixted & Ebbesen 1991 fit powers
    better).

    >>> round(half_life([10, 20, 40], [0.5, 0.25, 0.0625]), 6)
    10.0
    """
    t, kept = _finite(times, retention)
    if len(t) < 2:
        return float("nan")

    def misfit(log_rate: float) -> float:
        return float(((kept - np.exp2(-np.exp(log_rate) * t)) ** 2).sum())

    scale = np.log(1 / t.max())
    grid = scale + np.linspace(-12, 12, 97)
    best = float(grid[int(np.argmin([misfit(rate) for rate in grid]))])
    if best == grid[0]:
        return float("inf")
    fit = optimize.minimize_scalar(misfit, bounds=(best - 0.25, best + 0.25), method="bounded", options={"xatol": 1e-10})
    return float(np.exp(-fit.x))


def half_life_interval(times: ArrayLike, retention: ArrayLike, *, confidence: float = 0.95) -> tuple[float, float]:
    """Interval of the half-life that `half_life` fits: all h with SSE(h) <= SSE(h*) (1 + F / (n - 1)).

    A profile-likelihood interval under normal errors of one unknown size: F is the `confidence` quantile of the F
    distribution with 1 and n - 1 degrees of freedom. The upper end is infinite where decay cannot be distinguished from none.
    From few evaluations it is wide: with two, F is 161. NaN as of `half_life`. Source: Bates & Watts (1988), Nonlinear
    regression analysis, section 6.1.

    >>> low, high = half_life_interval([10, 20, 40, 80], [0.52, 0.23, 0.08, 0.01])
    >>> low < 10 < high
    True
    """
    t, kept = _finite(times, retention)
    if len(t) < 2:
        return float("nan"), float("nan")
    rates = np.log(1 / t.max()) + np.linspace(-12, 12, 4801)
    misfits = ((kept - np.exp2(-np.exp(rates)[:, None] * t)) ** 2).sum(axis=1)
    best = half_life(t, kept)
    least = ((kept - np.exp2(-t / best)) ** 2).sum()
    quantile = stats.f.ppf(confidence, 1, len(t) - 1)
    inside = rates[misfits <= least * (1 + quantile / (len(t) - 1))]
    low = min([best, *np.exp(-inside[-1:])])
    if best == np.inf or (len(inside) and inside[0] == rates[0]):
        return float(low), float("inf")
    return float(low), float(max([best, *np.exp(-inside[:1])]))


def _finite(times: ArrayLike, retention: ArrayLike) -> tuple[NDArray, NDArray]:
    t, kept = np.asarray(times, dtype=float), np.asarray(retention, dtype=float)
    fine = np.isfinite(t) & np.isfinite(kept) & (t > 0)
    return t[fine], kept[fine]


def _scores(curve: ArrayLike) -> NDArray:
    scores = np.asarray(curve, dtype=float)
    if scores.ndim != 1 or len(scores) == 0:
        raise ValueError(f"a curve of shape {scores.shape}: must hold the scores of one task, at least one.")
    return scores


def _largest(curve: ArrayLike, window: int, *, sign: int) -> float:
    scores = _scores(curve)
    if window < 2:
        raise ValueError(f"window={window}: must be at least 2 evaluations.")
    falls = [sign * (scores[:-lag] - scores[lag:]) for lag in range(1, min(window, len(scores)))]
    return float(max([0.0, *(fall.max() for fall in falls)]))
