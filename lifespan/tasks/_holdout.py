"""Which rows of a table are held out to score on: the same for every individual and every run."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

from lifespan.errors import DataError


def held_out_rows(
    count: int, fraction: float, where: str, *, groups: Sequence[str] | None = None, classes: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Ascending positions (kept, held out) of `count` rows.

    By itself the draw depends on the count and the fraction only. With `groups`, rows of one group stay together: whole groups
    are drawn until the fraction is reached as nearly as it can be. With `classes`, the fraction is drawn of every class.
    """
    if count < 2:
        raise DataError(where, f"has {count} rows; at least 2 are needed to hold one out.", "Or give a dev file.")
    draw = np.random.default_rng(int.from_bytes(hashlib.sha256(b"held out").digest()[:8], "big"))
    if groups is not None:
        chosen = _of_groups(draw, groups, fraction, where)
    elif classes is not None:
        chosen = _of_classes(draw.permutation(count), classes, fraction)
    else:
        chosen = draw.permutation(count)[: _share(count, fraction)]
    out = np.sort(chosen)
    return np.setdiff1d(np.arange(count), out), out


def _share(count: int, fraction: float) -> int:
    return min(max(1, round(fraction * count)), count - 1)


def _of_groups(draw: np.random.Generator, groups: Sequence[str], fraction: float, where: str) -> np.ndarray:
    names, number = np.unique(np.asarray(groups), return_inverse=True)
    if len(names) < 2:
        raise DataError(where, "has one group of rows only, so that none can be held out.", "Or give a dev file.")
    sizes = np.bincount(number)
    order = draw.permutation(len(names))
    behind = np.cumsum(sizes[order])
    # At least one group on either side, and as near to the fraction as whole groups in this order come.
    taken = 1 + int(np.argmin(np.abs(behind[:-1] - fraction * len(groups))))
    return np.flatnonzero(np.isin(number, order[:taken]))


def _of_classes(order: np.ndarray, classes: np.ndarray, fraction: float) -> np.ndarray:
    """A class of one row stays where it can be learned."""
    parts = [order[classes[order] == code] for code in np.unique(classes)]
    return np.concatenate([part[: _share(len(part), fraction)] for part in parts])
