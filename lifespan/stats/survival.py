"""How long a function lasts: first crossings, Kaplan-Meier curves and the log-rank test.

The event is the loss of a function (a score that stays below a level), time is the age at which it happens, and a life in
which it has not happened is censored at its last assessment. One time for each individual. An assessment made every so
often only brackets the true moment: times are those of the first assessment after the loss.
"""

from __future__ import annotations

import math
import warnings
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import stats as scipy_stats

from lifespan.stats._arrays import NDArray
from lifespan.stats.inference import Interval, sign_flip_p

SOURCES = ("kaplan1958nonparametric", "mantel1966evaluation", "brookmeyer1982confidence")
"""Citation keys of what stands here."""

COLUMNS = ["time", "at_risk", "lost", "censored", "survival", "low", "high"]


class Crossing(NamedTuple):
    """When a value fell below a level for good (`happened`), or up to when it was seen not to (censored)."""

    time: float
    happened: bool


def first_crossing(ages: ArrayLike, values: ArrayLike, level: float, in_a_row: int = 2) -> Crossing:
    """The first assessment from which on the value is below the level, `in_a_row` assessments in a row.

    A single low assessment may be chance, and at the end of life it cannot be confirmed: it does not count. Assessments
    without a value are left out. Time is NaN without any. A life that broke off (diverged) is censored here too; give
    it a low value if that end was the loss.

    >>> first_crossing([0, 10, 20, 30, 40], [0.9, 0.6, 0.8, 0.6, 0.5], level=0.7)
    Crossing(time=30.0, happened=True)
    >>> first_crossing([0, 10, 20], [0.9, 0.8, 0.6], level=0.7)
    Crossing(time=20.0, happened=False)
    """
    age, value = np.asarray(ages, dtype=float), np.asarray(values, dtype=float)
    if age.ndim != 1 or age.shape != value.shape or (np.diff(age) <= 0).any():
        raise ValueError(f"ages of shape {age.shape} and values of shape {value.shape}: ages rise, with a value each")
    if in_a_row < 1:
        raise ValueError(f"in_a_row is {in_a_row}: at least one assessment makes a crossing")
    known = np.isfinite(value)
    age, below = age[known], value[known] < level
    if len(age) == 0:
        return Crossing(math.nan, False)
    for start in range(len(age) - in_a_row + 1):
        if below[start : start + in_a_row].all():
            return Crossing(float(age[start]), True)
    return Crossing(float(age[-1]), False)


def kaplan_meier(times: ArrayLike, happened: ArrayLike, *, level: float = 0.95) -> pd.DataFrame:
    """Share of individuals that still have the function, by time (Kaplan & Meier 1958).

    One row for each time at which an individual lost it or was censored: `at_risk` just before, `lost` and `censored`
    then, `survival` from then on, and its pointwise interval by Greenwood's variance on the log(-log) scale, which stays
    inside [0, 1]. `low` and `high` are NaN where survival is 1 or 0. Individuals with a time of NaN are left out.

    >>> kaplan_meier([10, 20, 20, 30], [True, True, False, False])[COLUMNS[:5]]
       time  at_risk  lost  censored  survival
    0  10.0        4     1         0      0.75
    1  20.0        3     1         1      0.50
    2  30.0        1     0         1      0.50
    """
    time, event = _lives(times, happened)
    if len(time) == 0:
        return pd.DataFrame({name: pd.Series(dtype=float) for name in COLUMNS})
    curve = scipy_stats.ecdf(_censored(time, event)).sf
    with warnings.catch_warnings():
        # scipy says that there is no interval where survival is 1 or 0; the table shows it.
        warnings.simplefilter("ignore", RuntimeWarning)
        interval = curve.confidence_interval(level, method="log-log")
    at = curve.quantiles[:, None]
    ends = (curve.probabilities > 0) & (curve.probabilities < 1)
    return pd.DataFrame(
        {
            "time": curve.quantiles,
            "at_risk": (time >= at).sum(axis=1),
            "lost": ((time == at) & event).sum(axis=1),
            "censored": ((time == at) & ~event).sum(axis=1),
            "survival": curve.probabilities,
            "low": np.where(ends, interval.low.probabilities, math.nan),
            "high": np.where(ends, interval.high.probabilities, math.nan),
        }
    )


def median_survival(times: ArrayLike, happened: ArrayLike, *, level: float = 0.95) -> Interval:
    """Time by which half have lost the function, with the interval of Brookmeyer & Crowley (1982).

    The first time at which survival is at most one half; the ends are those of its interval's lower and upper curve. What
    is not reached within the tested ages is NaN, and `note` says so. `n` counts individuals.

    >>> median_survival([10, 20, 20, 30], [True, True, False, False]).estimate
    20.0
    """
    table = kaplan_meier(times, happened, level=level)
    n = int(table["at_risk"].max()) if len(table) else 0
    if n == 0:
        return Interval(math.nan, math.nan, math.nan, 0, level, "no individual was followed")
    # Where survival is 0 there is no interval, and both curves are down.
    ends = table[["low", "high"]].where(table["survival"] > 0, 0.0)
    medians = [_first_at(table["time"], curve) for curve in (table["survival"], ends["low"], ends["high"])]
    unseen = [name for name, time in zip(("median", "lower end", "upper end"), medians, strict=True) if math.isnan(time)]
    note = f"not reached within the tested ages: {', '.join(unseen)}" if unseen else ""
    return Interval(medians[0], medians[1], medians[2], n, level, note)


def log_rank(times: ArrayLike, happened: ArrayLike, other_times: ArrayLike, other_happened: ArrayLike) -> float:
    """Two-sided p of the log-rank test (Mantel 1966) that two groups lose a function at the same rate.

    Groups are taken as independent, which is cautious where twins resemble each other. p is from the normal
    approximation, and rough below about ten individuals each. NaN where nobody lost it, or a group is empty.

    >>> round(log_rank([1, 2, 3, 4], [True] * 4, [5, 6, 7, 8], [True] * 4), 3)
    0.007
    """
    first, second = _lives(times, happened), _lives(other_times, other_happened)
    if not (first[1].any() or second[1].any()) or len(first[0]) == 0 or len(second[0]) == 0:
        return math.nan
    with np.errstate(invalid="ignore", divide="ignore"):
        return float(scipy_stats.logrank(_censored(*first), _censored(*second)).pvalue)


def twin_log_rank(times: ArrayLike, happened: ArrayLike, other_times: ArrayLike, other_happened: ArrayLike) -> float:
    """Two-sided p of the log-rank statistic by swapping twins: position i of both groups is one seed.

    The statistic is the sum of the log-rank scores of one group, 1 (lost) or 0 (censored) less the Nelson-Aalen estimate of
    both groups together at that time (Peto & Peto 1972). Twins that no group sets apart may change places, so that the
    sign-flip test of their differences is exact at every n, also where twins resemble each other. NaN where nobody lost it.

    >>> twin_log_rank([1, 2, 3, 4, 5, 6], [True] * 6, [7, 8, 9, 9, 9, 9], [True, True, False, False, False, False])
    0.03125
    """
    first, second = np.asarray(times, dtype=float), np.asarray(other_times, dtype=float)
    if first.shape != second.shape:
        raise ValueError(f"times of shape {first.shape} and {second.shape}: twins come in pairs")
    known = np.isfinite(first) & np.isfinite(second)
    time = np.concatenate([first[known], second[known]])
    event = np.concatenate([np.asarray(part, dtype=bool)[known] for part in (happened, other_happened)])
    if not event.any():
        return math.nan
    at_risk = (time[None, :] >= time[:, None]).sum(axis=1)
    hazard = ((event / at_risk)[None, :] * (time[None, :] <= time[:, None])).sum(axis=1)
    scores = event - hazard
    return sign_flip_p(scores[: known.sum()] - scores[known.sum() :])[0]


def _lives(times: ArrayLike, happened: ArrayLike) -> tuple[NDArray, NDArray]:
    time, event = np.asarray(times, dtype=float), np.asarray(happened, dtype=bool)
    if time.ndim != 1 or time.shape != event.shape:
        raise ValueError(f"times of shape {time.shape} and happened of shape {event.shape}: each individual has one of both")
    known = np.isfinite(time)
    return time[known], event[known]


def _censored(time: NDArray, event: NDArray) -> scipy_stats.CensoredData:
    return scipy_stats.CensoredData(uncensored=time[event], right=time[~event])


def _first_at(times: pd.Series, curve: pd.Series) -> float:
    """First time at which a falling curve is at most one half; a step of rounding does not count."""
    reached = times[curve <= 0.5 + 1e-12]
    return float(reached.iloc[0]) if len(reached) else math.nan
