"""Random choices for building text: reproducible from a name, and fast."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


class Dice:
    """Choices drawn from a stream that depends on `name` and on nothing else."""

    def __init__(self, name: str) -> None:
        seed = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big")
        self._uniform = random.Random(seed).random

    def chance(self, probability: float) -> bool:
        """True with this probability."""
        return self._uniform() < probability

    def pick(self, items: Sequence[T]) -> T:
        """One of the items, all equally likely."""
        return items[int(self._uniform() * len(items))]

    def pick_other(self, items: Sequence[T], *unwanted: T) -> T:
        """One of the items that is none of the unwanted ones."""
        return self.pick([item for item in items if item not in unwanted])

    def pick_two(self, items: Sequence[T]) -> tuple[T, T]:
        """Two different items, in random order."""
        first = self.pick(items)
        return first, self.pick_other(items, first)

    def shuffled(self, items: Sequence[T]) -> list[T]:
        """The items in random order (Fisher and Yates)."""
        order = list(items)
        for last in range(len(order) - 1, 0, -1):
            other = int(self._uniform() * (last + 1))
            order[last], order[other] = order[other], order[last]
        return order
