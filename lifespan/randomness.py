"""Named, stable random streams, and the seed of an individual.

A draw depends on (seed, step key, purpose, counter) and on nothing else: not on what was drawn before, not on the
process, not on the engine. A step's key names what it does ("learn/rte#0"), not what preceded it, so twins whose lives
differ in one event share every other draw.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy
    import torch


def individual_seed(study_seed: int, individual: int) -> int:
    """The seed of an individual, the same in all groups of a study: those of one number are twins.

    >>> individual_seed(100, 2)
    102
    """
    return study_seed + individual


@dataclass(frozen=True)
class Streams:
    """The random streams of one individual inside one step.

    `seed` is the individual's seed; `key` the step's key. Purposes in use: "init", "order", "masking", "dropout",
    "mask", "disorder", "evaluation".
    """

    seed: int
    key: str

    def child(self, *names: object) -> Streams:
        """Streams of a part of the step, which share no draw with these: the key continued by `names`.

        >>> Streams(0, "learn/rte#0").child("fresh", 3).key
        'learn/rte#0/fresh/3'
        """
        return Streams(self.seed, "/".join([self.key, *map(str, names)]))

    def number(self, purpose: str, counter: int = 0) -> int:
        """A 63-bit seed for this purpose and counter.

        >>> Streams(0, "birth").number("init") == Streams(0, "birth").number("init")
        True
        """
        name = f"{self.seed}/{self.key}/{purpose}/{counter}"
        return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") >> 1

    def numpy(self, purpose: str, counter: int = 0) -> numpy.random.Generator:
        """A fresh NumPy generator at the start of the named stream."""
        import numpy

        return numpy.random.default_rng(self.number(purpose, counter))

    def torch(self, purpose: str, counter: int = 0, device: str | torch.device = "cpu") -> torch.Generator:
        """A fresh torch generator at the start of the named stream. The draws differ between kinds of device."""
        import torch

        return torch.Generator(device).manual_seed(self.number(purpose, counter))
