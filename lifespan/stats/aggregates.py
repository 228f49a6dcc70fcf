"""Many tasks, or many examples, to one number with its interval.

Matrices are individuals x tasks, NaN where a score is missing; twins share a row. An individual lives all of its tasks, so
its scores rise and fall together. The intervals therefore resample whole individuals. `within_tasks=True` resamples the
individuals of each task apart, as rliable does, which is right where every score comes from a run of its own: where the
scores of an individual correlate by 0.5 over four tasks, such a 95% interval covers about 75%.

Percentiles of a bootstrap over few individuals are too narrow (at 5, .82 to .90 of an interquartile mean). The intervals of
the interquartile mean and of the probability of improvement are therefore Student's, with n - 1 degrees of freedom and the
bootstrap's standard deviation times sqrt(n / (n - 1)) as standard error; that of a probability is made on its log-odds. All
bootstraps are seeded.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import ArrayLike
from scipy import special
from scipy import stats as scipy_stats

from lifespan.stats._arrays import NDArray
from lifespan.stats.intervals import FEWEST, SEED, Interval

Draw = Callable[[int], NDArray]

SOURCES = ("agarwal2021deep", "sellam2022multiberts", "zou2008construction")
"""Citation keys of what stands here."""

RESAMPLES = 2_000
"""Bootstrap resamples of an interval (rliable's number)."""

TRIMMED = 0.25
"""Share of the scores that the interquartile mean leaves out at either end."""

_CELLS = 4_000_000


def normalised(score: ArrayLike, chance: ArrayLike, reference: ArrayLike) -> NDArray:
    """Scores on one scale for all tasks: (score - chance) / (reference - chance), 0 at chance and 1 at the reference.

    Arguments broadcast, so that one row of chances serves a matrix. Below 0 and above 1 are possible. NaN where the
    reference does not lie above chance, since there is no scale then.

    >>> normalised([[0.75, 0.5], [1.0, 0.6]], chance=[0.5, 0.0], reference=[1.0, 0.8]).round(3).tolist()
    [[0.5, 0.625], [1.0, 0.75]]
    >>> normalised(0.6, chance=0.5, reference=0.5).tolist()
    nan
    """
    low = np.asarray(chance, dtype=float)
    span = np.asarray(reference, dtype=float) - low
    share: NDArray = (np.asarray(score, dtype=float) - low) / np.where(span > 0, span, math.nan)
    return share


def interquartile_mean(matrix: ArrayLike) -> float:
    """Mean of the middle half of all scores, individuals and tasks pooled (Agarwal et al. 2021).

    In the scores' unit. Of k finite scores, floor(k / 4) are left out at either end. NaN without any score.

    >>> interquartile_mean([[0.0, 0.5, 0.6, 9.0]])
    0.55
    """
    scores = np.asarray(matrix, dtype=float)
    return float(_trimmed(scores.reshape(1, -1))[0])


def interquartile_interval(
    matrix: ArrayLike,
    *,
    within_tasks: bool = False,
    level: float = 0.95,
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> Interval:
    """Interquartile mean over individuals x tasks with its bootstrap interval; `n` counts individuals.

    Individuals without any score are left out. Fewer than 4, or equal scores, give no interval and a note.

    >>> found = interquartile_interval([[0.70, 0.55], [0.74, 0.58], [0.71, 0.50], [0.79, 0.61]])
    >>> found.n, 0.5 < found.low < found.estimate < found.high < 0.8
    (4, True)
    """
    scores = _matrix(matrix)
    scores = scores[np.isfinite(scores).any(axis=1)]
    rng = np.random.default_rng(seed)

    def draw(count: int) -> NDArray:
        return _trimmed(_resampled(scores, _columns(scores, count, rng, within_tasks)).reshape(count, -1))

    return _student(interquartile_mean(scores), draw, len(scores), scores.size, level, resamples)


def probability_of_improvement(
    treated: ArrayLike,
    control: ArrayLike,
    *,
    within_tasks: bool = False,
    level: float = 0.95,
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> Interval:
    """P(treated > control) + P(treated = control) / 2 over all pairs of individuals, averaged over tasks, in [0, 1].

    0.5 where neither is better (Agarwal et al. 2021; a task's value is the Mann-Whitney U by the number of
    pairs). Both are individuals x tasks. Twins, who share a row, are resampled together; `n` counts the rows in which
    both have a score. With `within_tasks`, groups and tasks are resampled apart and may differ in size; `n` is the
    smaller group. Where all the treated, or none, are above all controls on every task there is no interval, since every
    resample says the same; nor is there one of fewer than 4 individuals.

    >>> found = probability_of_improvement([[0.6], [0.7], [0.8], [0.9]], [[0.5], [0.7], [0.6], [0.85]])
    >>> found.estimate, found.n, round(found.low, 2), round(found.high, 2)
    (0.6875, 4, 0.29, 0.92)
    """
    first, second = _matrix(treated), _matrix(control)
    if first.shape[1] != second.shape[1] or (not within_tasks and first.shape != second.shape):
        raise ValueError(f"treated of shape {first.shape} and control of shape {second.shape}: twins share rows and tasks")
    rng = np.random.default_rng(seed)
    if within_tasks:
        first, second = (scores[np.isfinite(scores).any(axis=1)] for scores in (first, second))
    else:
        both = (np.isfinite(first) & np.isfinite(second)).any(axis=1)
        first, second = first[both], second[both]

    def draw(count: int) -> NDArray:
        places = _columns(first, count, rng, within_tasks)
        others = _columns(second, count, rng, within_tasks) if within_tasks else places
        return _improvement(_resampled(first, places), _resampled(second, others))

    cells = first.shape[1] * first.shape[0] * max(1, second.shape[0])
    estimate = float(_improvement(first[None], second[None])[0]) if len(first) and len(second) else math.nan
    return _student(estimate, draw, min(len(first), len(second)), cells, level, resamples, share=True)


def multi_bootstrap(
    correct: ArrayLike,
    other: ArrayLike | None = None,
    *,
    level: float = 0.95,
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> Interval:
    """Mean over individuals x examples whose interval counts both: other individuals, and another test set of this size.

    Each resample draws individuals and examples with replacement and takes the mean of the cells where they meet (the
    Multi-Bootstrap of Sellam et al. 2022). `correct` holds 0 and 1, or any score of one example. With `other` (the
    same shape: row i is one seed, column j one example) the mean difference correct - other, paired over both. An
    individual without any value is left out, then an example that somebody lacks. `n` counts individuals.

    >>> alone = multi_bootstrap([[1, 1, 0, 1], [1, 0, 0, 1], [1, 1, 1, 1], [1, 1, 0, 1]])
    >>> alone.estimate, alone.n, alone.low < 0.75 < alone.high
    (0.75, 4, True)
    """
    cells = _matrix(correct)
    if other is not None:
        second = _matrix(other)
        if second.shape != cells.shape:
            raise ValueError(f"correct of shape {cells.shape} and other of shape {second.shape}: both pair seeds and examples")
        cells = cells - second
    cells = cells[np.isfinite(cells).any(axis=1)]
    cells = cells[:, np.isfinite(cells).all(axis=0)]
    n, examples = cells.shape
    rng = np.random.default_rng(seed)

    def draw(count: int) -> NDArray:
        rows, columns = (_times_drawn(size, count, rng) for size in (n, examples))
        means: NDArray = np.einsum("be,be->b", rows @ cells, columns) / (n * examples)
        return means

    estimate = float(cells.mean()) if cells.size else math.nan
    return _interval(estimate, draw, n if cells.size else 0, n + examples, level, resamples)


def _interval(estimate: float, draw: Draw, n: int, cells: int, level: float, resamples: int) -> Interval:
    """The percentile interval of `resamples` draws, which `draw` makes by blocks of bounded size."""
    drawn, none = _drawn(estimate, draw, n, cells, level, resamples)
    if none:
        return none
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    return Interval(estimate, float(low), float(high), n, level)


def _student(
    estimate: float, draw: Draw, n: int, cells: int, level: float, resamples: int, *, share: bool = False
) -> Interval:
    """Student's interval with the standard deviation of the draws as standard error; of a share, on its log-odds."""
    drawn, none = _drawn(estimate, draw, n, cells, level, resamples)
    if none:
        return none
    reach = float(scipy_stats.t.isf((1 - level) / 2, n - 1) * np.std(drawn) * math.sqrt(n / (n - 1)))
    if not share:
        return Interval(estimate, estimate - reach, estimate + reach, n, level)
    if not 0 < estimate < 1:
        return Interval(estimate, math.nan, math.nan, n, level, "no interval: the groups do not overlap")
    odds, reach = math.log(estimate / (1 - estimate)), reach / (estimate * (1 - estimate))
    low, high = (float(special.expit(odds + way * reach)) for way in (-1, 1))
    return Interval(estimate, low, high, n, level)


def _drawn(estimate: float, draw: Draw, n: int, cells: int, level: float, resamples: int) -> tuple[NDArray, Interval | None]:
    """The finite ones of `resamples` draws, and the interval without ends where they allow none."""
    if n == 0 or math.isnan(estimate):
        return np.empty(0), Interval(math.nan, math.nan, math.nan, 0, level, "no value was measured")
    if n < FEWEST:
        note = f"no interval: it needs at least {FEWEST} individuals"
        return np.empty(0), Interval(estimate, math.nan, math.nan, n, level, note)
    drawn = np.concatenate([draw(count) for count in _blocks(resamples, max(1, _CELLS // cells))])
    drawn = drawn[np.isfinite(drawn)]
    if len(drawn) == 0 or np.ptp(drawn) <= 1e-12 * max(1.0, abs(estimate)):
        note = "no interval: every resample gives the same value"
        return drawn, Interval(estimate, math.nan, math.nan, n, level, note)
    return drawn, None


def _blocks(total: int, most: int) -> Iterator[int]:
    while total > 0:
        yield min(total, most)
        total -= most


def _columns(scores: NDArray, count: int, rng: np.random.Generator, within_tasks: bool) -> NDArray:
    """Positions of drawn individuals, count x individuals x tasks; from those with a score where tasks are drawn apart."""
    n, tasks = scores.shape
    if not within_tasks:
        return np.broadcast_to(rng.integers(n, size=(count, n, 1)), (count, n, tasks))
    columns = []
    for task in range(tasks):
        known = np.flatnonzero(np.isfinite(scores[:, task]))
        missing = np.flatnonzero(~np.isfinite(scores[:, task]))
        drawn = rng.choice(known, size=(count, len(known))) if len(known) else np.empty((count, 0), dtype=int)
        columns.append(np.concatenate([drawn, np.broadcast_to(missing, (count, len(missing)))], axis=1))
    return np.stack(columns, axis=2)


def _resampled(scores: NDArray, places: NDArray) -> NDArray:
    return np.take_along_axis(scores[None], places, axis=1)


def _trimmed(rows: NDArray) -> NDArray:
    """`scipy.stats.trim_mean` of the finite values of each row."""
    if np.isfinite(rows).all() and rows.shape[1]:
        trimmed: NDArray = scipy_stats.trim_mean(rows, TRIMMED, axis=1)
        return trimmed
    known = np.isfinite(rows).sum(axis=1, keepdims=True)
    cut = np.floor(TRIMMED * known)
    place = np.arange(rows.shape[1])
    kept = (place >= cut) & (place < known - cut)
    total = np.where(kept, np.sort(np.where(np.isfinite(rows), rows, math.nan), axis=1), 0.0).sum(axis=1)
    count = kept.sum(axis=1)
    means: NDArray = np.divide(total, count, out=np.full(len(rows), math.nan), where=count > 0)
    return means


def _improvement(first: NDArray, second: NDArray) -> NDArray:
    """Mean over tasks of P(first > second) + P(equal) / 2, for stacks of matrices; tasks without a pair are left out."""
    signs = np.sign(first[:, :, None, :] - second[:, None, :, :])
    pairs = np.isfinite(signs).sum(axis=(1, 2))
    better = np.divide(np.nansum(signs, axis=(1, 2)), pairs, out=np.full(pairs.shape, math.nan), where=pairs > 0)
    tasks = np.isfinite(better).sum(axis=1)
    mean = np.divide(np.nansum(better, axis=1), tasks, out=np.full(len(tasks), math.nan), where=tasks > 0)
    chance: NDArray = (mean + 1) / 2
    return chance


def _times_drawn(size: int, count: int, rng: np.random.Generator) -> NDArray:
    """How often each of `size` things was drawn in `size` draws with replacement, count x size."""
    drawn = rng.integers(size, size=(count, size)) + size * np.arange(count)[:, None]
    return np.bincount(drawn.ravel(), minlength=count * size).reshape(count, size).astype(float)


def _matrix(values: ArrayLike) -> NDArray:
    matrix = np.asarray(values, dtype=float)
    if matrix.ndim != 2:
        raise ValueError(f"values of shape {matrix.shape}: a matrix has one row for each individual, and two dimensions")
    return matrix
