"""Masks to numbers: overlap corrected for chance, turnover, and how degrees are spread.

Masks are arrays by matrix, True where a synapse lives. Beside booleans, masks of others are understood that hold nothing but
0 and 1, or 0 and 255, of any type of number; see `as_mask`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

KINDS = ("query", "key", "value", "attention output", "feed-forward in", "feed-forward out")
"""Kinds of synapse matrices in a layer."""

MaskArrays = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Overlap:
    """Two masks compared, over all their matrices.

    `jaccard` = living in both / living in either, in [0, 1]; `chance` = what independent masks of these densities, matrix by
    matrix, would have; `corrected` = (jaccard - chance) / (1 - chance): 1 for equal masks, 0 at chance, negative below, NaN
    where chance is 1 (both masks whole) or nothing lives.
    """

    jaccard: float
    chance: float
    corrected: float
    count: int


def as_mask(values: ArrayLike, name: str = "mask") -> np.ndarray:
    """A mask as booleans, from booleans, or numbers that are all 0 or 1, or all 0 or 255. Raises `ValueError` for others.

    >>> as_mask([[0, 255], [255, 0]]).tolist()
    [[False, True], [True, False]]
    """
    found = np.asarray(values)
    if found.dtype == bool:
        return found
    if not np.issubdtype(found.dtype, np.number):
        raise ValueError(f"{name}: entries of type {found.dtype} are no mask. Give booleans, 0 and 1, or 0 and 255.")
    if not any(np.isin(found, [0, one]).all() for one in (1, 255)):
        odd = found[~np.isin(found, [0, 1, 255])]
        held = f"holds {odd.flat[0]}" if odd.size else "mixes 1 and 255"
        raise ValueError(f"{name}: {held}, which is no mask. Give booleans, 0 and 1, or 0 and 255; threshold scores first.")
    return np.asarray(found != 0, dtype=bool)


def _matched(first: MaskArrays, second: MaskArrays) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Both masks of every matrix, as booleans. Raises `ValueError` where matrices or shapes differ."""
    if set(first) != set(second):
        apart = sorted(set(first) ^ set(second))
        raise ValueError(f"only one of the two has a mask of {apart[0]!r}; both must be of the same matrices.")
    for name in first:
        one, other = as_mask(first[name], name), as_mask(second[name], name)
        if one.shape != other.shape:
            raise ValueError(f"{name}: masks of shape {one.shape} and {other.shape} are not of one matrix.")
        yield one, other


def overlap(first: MaskArrays, second: MaskArrays) -> Overlap:
    """Jaccard index (Jaccard 1912) of the living synapses, and its correction for chance as in kappa (Cohen 1960).

    Chance is the ratio of expectations: sum of n p q over sum of n (p + q - p q), with n entries and densities p and q of a
    matrix.

    >>> import numpy as np
    >>> half = np.array([True, True, False, False])
    >>> found = overlap({"a": half}, {"a": np.array([True, False, True, False])})
    >>> round(found.jaccard, 3), round(found.chance, 3), round(found.corrected, 3)
    (0.333, 0.333, 0.0)
    """
    both = either = expected_both = expected_either = 0.0
    count = 0
    for one, other in _matched(first, second):
        both += int((one & other).sum())
        either += int((one | other).sum())
        p, q, n = float(one.mean()), float(other.mean()), one.size
        expected_both += n * p * q
        expected_either += n * (p + q - p * q)
        count += n
    jaccard = both / either if either else float("nan")
    chance = expected_both / expected_either if expected_either else float("nan")
    corrected = (jaccard - chance) / (1 - chance) if either and chance < 1 - 1e-12 else float("nan")
    return Overlap(jaccard, chance, corrected, count)


def turnover(before: MaskArrays, after: MaskArrays) -> tuple[float, float]:
    """(died, born): synapses lost, as a share of those alive before, and new, as a share of those alive after.

    >>> import numpy as np
    >>> turnover({"a": np.array([True, True, False, False])}, {"a": np.array([True, False, True, False])})
    (0.5, 0.5)
    """
    alive = living = died = born = 0
    for earlier, later in _matched(before, after):
        alive, living = alive + int(earlier.sum()), living + int(later.sum())
        died, born = died + int((earlier & ~later).sum()), born + int((later & ~earlier).sum())
    return died / max(1, alive), born / max(1, living)


def dispersion(degrees: Sequence[tuple[np.ndarray, int]]) -> float:
    """Variance of degrees over that of independent survival: sum (d - n p)^2 over sum n p (1 - p), p the matrix's own density.

    `degrees` are, for each matrix, the living partners of every unit and the number n of possible ones. 1 as at random,
    above 1 where some units keep many and others few; NaN where all or none live.

    >>> import numpy as np
    >>> dispersion([(np.array([4, 0]), 4)])
    4.0
    """
    spread = expected = 0.0
    for living, possible in degrees:
        p = living.mean() / possible
        spread += float(((living - possible * p) ** 2).sum())
        expected += len(living) * possible * p * (1 - p)
    return float(spread / expected) if expected > 0 else float("nan")


def gini(values: ArrayLike) -> float:
    """Gini coefficient of non-negative values: mean absolute difference of pairs over twice the mean, in [0, 1).

    >>> gini([1, 1, 1]), gini([0, 0, 0, 1])
    (0.0, 0.75)
    """
    ordered = np.sort(np.asarray(values, dtype=float))
    n, total = len(ordered), ordered.sum()
    if n == 0 or total == 0:
        return float("nan") if n == 0 else 0.0
    return float((2 * np.arange(1, n + 1) - n - 1) @ ordered / (n * total))
