"""Choice and repetition of the rows of a data set."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from lifespan.contracts import ClassHead, Examples, Passage, Task
from lifespan.randomness import Streams

if TYPE_CHECKING:
    from numpy.random import Generator


def lasting_draw(streams: Streams, name: str) -> Generator:
    """A generator that is the same at every event of a life, so that data are wrong in the same way each time."""
    return Streams(streams.seed, "disorder").child(name).numpy("disorder")


def strata(examples: Examples, task: Task) -> np.ndarray:
    """The class of every row; one class for all where answers are no classes of texts."""
    return np.asarray(examples.labels) if isinstance(task.head, ClassHead) else np.zeros(len(examples), dtype=np.int64)


def repeated(rank: np.ndarray, groups: np.ndarray, share: float) -> np.ndarray:
    """Positions of as many rows as there are, fewer of them distinct: of each group the share of the lowest rank.

    A row that stays keeps its place; the places of the others are taken in turn by those of their group that stay, of
    which there is at least one. Ties in rank stay by position; a smaller share is contained in a larger one.
    """
    index = np.arange(len(rank))
    for group in np.unique(groups):
        members = np.flatnonzero(groups == group)
        ranked = members[np.argsort(rank[members], kind="stable")]
        kept, dropped = np.split(ranked, [max(1, round(share * len(members)))])
        index[np.sort(dropped)] = np.resize(np.sort(kept), len(dropped))
    return index


def overlap(texts: Sequence[Passage], anchor: int) -> np.ndarray:
    """Jaccard overlap of every text's words with those of one of them, in [0, 1]; case does not count."""
    words = [set((text if isinstance(text, str) else " ".join(text)).lower().split()) for text in texts]
    own = words[anchor]
    return np.array([len(own & other) / max(1, len(own | other)) for other in words])
