"""Intervals over individuals and test items at once: other individuals, and another test set of the same size.

All individuals answer the same test items, so that an interval over individuals alone speaks of this test set only: with 256
items it covers .79 to .68 of what a task's other items would show. Of individuals x items, crossed at random, the variance
of the mean score is that of individuals' scores by their number, which an interval over individuals has, plus sigma^2
(items) by their number. The latter is added to each end of the former in squares (MOVER: Zou & Donner 2008), so that the
ends keep their skew.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from lifespan.stats._arrays import NDArray
from lifespan.stats.intervals import SEED, Interval, mean_interval

SOURCES = ("zou2008construction",)
"""Citation keys of what stands here."""

RESAMPLES = 400
"""Resamples of items for metrics that are no mean over items: their variance is then known to 7% of itself."""

COUNTED = ("accuracy", "matthews", "f1", "macro_f1", "precision", "recall")
CORRELATED = ("pearson", "spearman")
RESAMPLED = (*COUNTED, *CORRELATED)
"""Metrics that are computed anew on resampled items. The area under the ROC curve and those of tagged words are not."""


def with_items(interval: Interval, variance: float, items: int) -> Interval:
    """An interval over individuals, widened by the variance that the choice of so many items adds to its estimate.

    >>> found = with_items(Interval(0.8, 0.77, 0.83, 10), variance=0.01**2, items=400)
    >>> round(found.low, 4), round(found.high, 4)
    (0.7641, 0.8359)
    """
    if not interval.known or not math.isfinite(variance):
        return interval
    reach = float(stats.t.isf((1 - interval.level) / 2, items - 1)) * math.sqrt(variance)
    low = interval.estimate - math.hypot(interval.estimate - interval.low, reach)
    high = interval.estimate + math.hypot(interval.high - interval.estimate, reach)
    return Interval(interval.estimate, low, high, interval.n, interval.level, interval.note)


def crossed_mean(cells: ArrayLike, other: ArrayLike | None = None, *, level: float = 0.95) -> Interval:
    """Mean over individuals x items with its interval over both; with `other`, that of the difference, paired over both.

    `cells` holds 0 and 1, or any score of one item; row i is one individual, column j one item. An individual without any
    value is left out, then an item that somebody lacks. `n` counts individuals, of whom it needs 4.

    >>> crossed_mean([[1, 1, 0, 1], [1, 0, 0, 1], [1, 1, 1, 1]]).note
    'no interval: it needs at least 4 individuals'
    """
    scores = np.asarray(cells, dtype=float)
    if other is not None:
        second = np.asarray(other, dtype=float)
        if second.shape != scores.shape:
            raise ValueError(f"cells of shape {scores.shape} and other of shape {second.shape}: both pair seeds and items")
        scores = scores - second
    scores = scores[np.isfinite(scores).any(axis=1)]
    scores = scores[:, np.isfinite(scores).all(axis=0)]
    if not scores.size:
        return mean_interval([], level=level)
    return with_items(mean_interval(scores.mean(axis=1), level=level), variance_of_mean(scores), scores.shape[1])


def variance_of_mean(cells: ArrayLike) -> float:
    """Variance that the choice of items adds to a mean over individuals x items; at least 0.

    (mean square of items - mean square of the interaction) / cells, the moment estimator of a two-way layout without
    replicates (Searle, Casella & McCulloch 1992, Variance Components, chapter 4). 0 for one individual or one item.

    >>> variance_of_mean([[1.0, 0.0, 0.0, 1.0], [1.0, 0.0, 0.0, 1.0]]) == 1 / 3 / 4
    True
    """
    scores = np.asarray(cells, dtype=float)
    n, items = scores.shape
    if n < 2 or items < 2:
        return 0.0
    own = scores - scores.mean(axis=1, keepdims=True)
    common = own.mean(axis=0)
    of_items = n * float((common**2).sum()) / (items - 1)
    interaction = float(((own - common) ** 2).sum()) / ((n - 1) * (items - 1))
    share: float = max(0.0, of_items - interaction) / (n * items)
    return share


def variance_of_metric(drawn: ArrayLike) -> float:
    """The same for any metric, from its values on resampled items, resamples x individuals; at least 0.

    The variance of the mean over individuals holds the items' part and, by the number of individuals, the interaction, which
    the interval over individuals has already; that of one individual holds both whole. So the items' part is (n V - mean v)
    / (n - 1).
    """
    values = np.asarray(drawn, dtype=float)
    values = values[np.isfinite(values).all(axis=1)]
    n = values.shape[1] if values.ndim == 2 else 0
    if n < 2 or len(values) < 2:
        return 0.0
    together, alone = float(np.var(values.mean(axis=1), ddof=1)), float(np.var(values, axis=0, ddof=1).mean())
    return max(0.0, (n * together - alone) / (n - 1))


def times_drawn(items: int, *, resamples: int = RESAMPLES, seed: int = SEED) -> NDArray:
    """How often each item is drawn in as many draws with replacement, resamples x items."""
    return np.random.default_rng(seed).multinomial(items, np.full(items, 1 / items), size=resamples).astype(float)


def metric_on_resamples(
    name: str, predictions: ArrayLike, labels: ArrayLike, times: NDArray, *, positive: float = 1
) -> NDArray:
    """A metric of `RESAMPLED` on resampled items, resamples x individuals; `predictions` are individuals x items.

    `times` is how often each item is drawn (`times_drawn`). Spearman's keeps the ranks of the whole test set. NaN where a
    metric does not exist. Raises `KeyError` for another metric.
    """
    answers, true = np.atleast_2d(np.asarray(predictions, dtype=float)), np.asarray(labels, dtype=float)
    if name in CORRELATED:
        if name == "spearman":
            answers, true = stats.rankdata(answers, axis=1), stats.rankdata(true)
        return _correlations(answers, true, times)
    classes = np.unique(np.concatenate([answers.ravel(), true]))
    hits = np.stack([times @ ((answers == one) & (true == one)).T for one in classes])
    guessed = np.stack([times @ (answers == one).T for one in classes])
    actual = np.stack([times @ (true == one).astype(float) for one in classes])[:, :, None]
    return _FROM_COUNTS[name](hits, guessed, actual, classes == positive)


def _accuracy(hits: NDArray, guessed: NDArray, actual: NDArray, positive: NDArray) -> NDArray:
    return _ratio(hits.sum(axis=0), guessed.sum(axis=0))


def _matthews(hits: NDArray, guessed: NDArray, actual: NDArray, positive: NDArray) -> NDArray:
    n = guessed.sum(axis=0)
    spread = (n**2 - (guessed**2).sum(axis=0)) * (n**2 - (actual**2).sum(axis=0))
    return _ratio(n * hits.sum(axis=0) - (guessed * actual).sum(axis=0), np.sqrt(np.maximum(spread, 0.0)))


def _f1(hits: NDArray, guessed: NDArray, actual: NDArray, positive: NDArray) -> NDArray:
    return _ratio(2 * hits[positive].sum(axis=0), (guessed + actual)[positive].sum(axis=0))


def _macro_f1(hits: NDArray, guessed: NDArray, actual: NDArray, positive: NDArray) -> NDArray:
    marked = guessed + actual
    occurring = (marked > 0).sum(axis=0)
    return _ratio(_ratio(2 * hits, marked).sum(axis=0), occurring.astype(float))


def _precision(hits: NDArray, guessed: NDArray, actual: NDArray, positive: NDArray) -> NDArray:
    return _ratio(hits[positive].sum(axis=0), guessed[positive].sum(axis=0))


def _recall(hits: NDArray, guessed: NDArray, actual: NDArray, positive: NDArray) -> NDArray:
    return _ratio(hits[positive].sum(axis=0), np.broadcast_to(actual, guessed.shape)[positive].sum(axis=0))


_FROM_COUNTS = {
    **{"accuracy": _accuracy, "matthews": _matthews, "f1": _f1},
    **{"macro_f1": _macro_f1, "precision": _precision, "recall": _recall},
}


def _correlations(answers: NDArray, true: NDArray, times: NDArray) -> NDArray:
    items = times.sum(axis=1, keepdims=True)
    means, mean = times @ answers.T / items, (times @ true)[:, None] / items
    product = times @ (answers * true).T / items - means * mean
    spread = np.maximum(times @ (answers**2).T / items - means**2, 0.0)
    scale = np.maximum((times @ true**2)[:, None] / items - mean**2, 0.0)
    return np.where(spread * scale > 1e-18, _ratio(product, np.sqrt(spread * scale)), math.nan)


def _ratio(part: NDArray, whole: NDArray) -> NDArray:
    """part / whole, 0 where there is no whole."""
    return np.divide(part, whole, out=np.zeros(np.broadcast_shapes(part.shape, whole.shape)), where=whole > 0)
