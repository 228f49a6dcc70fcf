"""Scores over age to slopes: does a group grow, or decline, at another rate than its control twins?

One life is one individual of one group. Twins (one individual number in two groups) share a seed, so their lives resemble
each other, and each life still has a course of its own. Each group is therefore compared with the control group by the
linear mixed model (Laird & Ware 1982; REML)

    value = seed + seed x age + group + group x age, with a random intercept and slope for each life,

that is value ~ age * group with the seeds as blocks: what twins share is taken out, and what sets a life apart from its twin
is the noise that the difference in slope is measured against. Random effects by seed alone would leave that noise out, and
random effects by life alone what twins share. The test is Wald's, with Student's t on (pairs - 1) degrees of freedom; where
all lives are assessed at the same ages it equals the paired t test of the lives' own slopes. The interval reaches at least
to both ends of that of the lives' own slopes (`intervals.mean_interval`), which follows skew.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy import stats as scipy_stats

from lifespan.errors import did_you_mean
from lifespan.stats.inference import Interval, paired_difference

SOURCES = ("laird1982random",)
"""Citation keys of what stands here."""

MIXED_MODEL = "mixed model"
OWN_SLOPES = "slopes of individuals"

_OPTIMISERS = ("lbfgs", "bfgs")
_VARIANCES = (1e-3, 1e5)
"""Smallest and largest variance of a random effect that is believed, in units of the residual variance."""


@dataclass(frozen=True)
class SlopeDifference:
    """A group's slope less that of its control twins, in the value's unit per unit of age.

    `method` is `MIXED_MODEL`, or `OWN_SLOPES` where that could not be had, and `reason` says why: then each life has its
    least-squares line, and the slopes of twins are compared by `stats.paired_difference`.
    """

    group: str
    difference: Interval
    p: float
    method: str
    reason: str = ""

    @property
    def n(self) -> int:
        """Number of pairs of twins."""
        return self.difference.n


@dataclass(frozen=True)
class Growth:
    """Mean least-squares slope of the lives of each group, and each group's difference from the control group."""

    control: str
    slopes: Mapping[str, float]
    differences: tuple[SlopeDifference, ...]


def growth(rows: pd.DataFrame, control: str) -> Growth:
    """Compare slopes over age with those of the control twins.

    `rows` has the columns individual (equal in twins), group, age and value, one row for each assessment; rows without a
    value are left out, as is a life with fewer than two ages, and with it its twin. Before twins part they are identical,
    which no straight line describes: give the rows from their parting on. Ages and their number may differ between lives.

    Raises `ValueError` for a missing column and an unknown control.

    >>> lives = [(i, group, age, 0.9 - (fall + 0.01 * i) * age) for i in range(5) for age in (0, 1, 2)
    ...          for group, fall in (("healthy", 0.1), ("struck", 0.2))]
    >>> found = growth(pd.DataFrame(lives, columns=["individual", "group", "age", "value"]), control="healthy")
    >>> round(found.slopes["healthy"], 3), round(found.differences[0].difference.estimate, 3), found.differences[0].n
    (-0.12, -0.1, 5)
    """
    missing = [name for name in ("individual", "group", "age", "value") if name not in rows]
    if missing:
        raise ValueError(f"growth needs the columns individual, group, age and value: no {', '.join(missing)}")
    groups = list(dict.fromkeys(rows["group"]))
    if control not in groups:
        raise ValueError(f"no rows of a control group {control!r}. {did_you_mean(control, groups)}")
    known = rows[np.isfinite(rows["value"].to_numpy(dtype=float)) & np.isfinite(rows["age"].to_numpy(dtype=float))]
    known = known[known.groupby(["individual", "group"])["age"].transform("nunique") >= 2]
    slopes = _slopes(known).reindex(columns=groups)
    treated = [group for group in groups if group != control]
    return Growth(
        control=control,
        slopes={group: float(slopes[group].mean()) for group in groups},
        differences=tuple(_difference(known, slopes, group, control) for group in treated),
    )


def _slopes(rows: pd.DataFrame) -> pd.DataFrame:
    """Least-squares slope of each life, individuals x groups."""
    slopes: dict[object, dict[object, float]] = {}
    for (individual, group), life in rows.groupby(["individual", "group"], sort=False):
        age, value = life["age"].to_numpy(dtype=float), life["value"].to_numpy(dtype=float)
        centred = age - age.mean()
        slopes.setdefault(group, {})[individual] = float(centred @ value / (centred @ centred))
    return pd.DataFrame(slopes)


def _difference(rows: pd.DataFrame, slopes: pd.DataFrame, group: str, control: str) -> SlopeDifference:
    twins = slopes[[group, control]].dropna().index
    pairs = rows[rows["group"].isin([group, control]) & rows["individual"].isin(twins)]
    fit = _mixed_model(pairs, group, len(twins))
    own = paired_difference(slopes.loc[twins, group].to_numpy(), slopes.loc[twins, control].to_numpy())
    if not isinstance(fit, str):
        difference, p = fit
        return SlopeDifference(group, _wider(difference, own.difference), p, MIXED_MODEL)
    return SlopeDifference(group, own.difference, own.p, OWN_SLOPES, reason=fit)


def _wider(fitted: Interval, own: Interval) -> Interval:
    """The fitted interval, widened to each end of that of the lives' own slopes, which follows their skew."""
    if not own.known:
        return replace(fitted, low=math.nan, high=math.nan, note=own.note)
    return replace(fitted, low=min(fitted.low, own.low), high=max(fitted.high, own.high))


def _mixed_model(rows: pd.DataFrame, group: str, pairs: int) -> tuple[Interval, float] | str:
    """Difference in slope and p, or the reason why there is none."""
    if pairs < 3:
        return "fewer than 3 pairs of twins"
    if len(rows) < 6 * pairs:
        return "fewer than 3 assessments a life"
    raw_age, raw_value = rows["age"].to_numpy(dtype=float), rows["value"].to_numpy(dtype=float)
    if np.ptp(raw_value) <= 1e-12 * max(1.0, float(np.abs(raw_value).max())):
        return "all values are the same"
    # statsmodels calls a variance below 0.01 a boundary, whatever the unit: the values' deviation is made large.
    unit_age, unit_value = float(raw_age.std()), float(raw_value.std()) / 1000
    age, value = (raw_age - raw_age.mean()) / unit_age, raw_value / unit_value
    treated = (rows["group"] == group).to_numpy(dtype=float)
    seeds = pd.get_dummies(rows["individual"], dtype=float).to_numpy()
    fixed = np.column_stack([seeds, seeds * age[:, None], treated, treated * age])
    lives = rows.groupby(["individual", "group"], sort=False).ngroup().to_numpy()
    fit = _fitted(value, fixed, lives, np.column_stack([np.ones(len(age)), age]))
    if isinstance(fit, str):
        return fit
    estimate, error = (number * unit_value / unit_age for number in fit)
    half = float(scipy_stats.t.ppf(0.975, pairs - 1)) * error
    p = float(2 * scipy_stats.t.sf(abs(estimate) / error, pairs - 1))
    return Interval(estimate, estimate - half, estimate + half, pairs), p


def _fitted(value: np.ndarray, fixed: np.ndarray, lives: np.ndarray, random: np.ndarray) -> tuple[float, float] | str:
    """The last fixed effect and its standard error by REML, or the first optimiser's complaint where all complain."""
    # Importing statsmodels takes a second.
    from statsmodels.regression.mixed_linear_model import MixedLM

    complaints = []
    for optimiser in _OPTIMISERS:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                fit = MixedLM(value, fixed, groups=lives, exog_re=random).fit(reml=True, method=optimiser)
                estimate, error = float(fit.fe_params[-1]), float(fit.bse_fe[-1])
                smallest, largest = np.linalg.eigvalsh(fit.cov_re_unscaled).tolist()
            except (np.linalg.LinAlgError, ValueError) as error_met:
                complaints.append(f"the mixed model could not be fitted: {error_met}")
                continue
        if not fit.converged:
            complaints.append("the mixed model did not converge")
        elif not largest <= _VARIANCES[1]:
            complaints.append("the lives are straight lines: no noise is left to fit the mixed model to")
            break
        elif not smallest >= _VARIANCES[0]:
            complaints.append("the random effects are singular: lives do not differ in both level and slope beyond the noise")
            break
        elif caught:
            complaints.append(f"the mixed model was fitted with a warning: {' '.join(str(caught[0].message).split())}")
        elif math.isfinite(estimate) and error > 0 and math.isfinite(error):
            return estimate, error
        else:
            complaints.append("the mixed model has no standard error")
    return complaints[0]
