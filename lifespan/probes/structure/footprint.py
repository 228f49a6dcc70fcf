"""Bytes that each task adds to the shared base."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lifespan.contracts import Effort, Meaning, Measure, Reading, Task

if TYPE_CHECKING:
    import torch

    from lifespan.contracts.subject import Subject
    from lifespan.randomness import Streams


@dataclass(frozen=True, kw_only=True)
class Footprint(Measure):
    """Bytes that a task adds to the shared base, and how far its mask lies from plain magnitude.

    Metrics, by task learned so far:

    - `bytes`: the head in fp32, and beside it either the whole encoder in fp32 (learned by weights: nothing is shared) or
      the mask at the entropy floor of its distance to the magnitude mask, n x H(flips) bits a matrix (Shannon 1948), or an
      adapter's factors in fp32;
    - `mask_bytes`: that floor alone, 0 without a mask;
    - `from_magnitude`: the fraction of synapses, in [0, 1], in which the mask differs from the one that switches the same
      number of smallest abs(W) of each matrix off.
    """

    meanings = (
        Meaning(
            "bytes", "what the task adds to the shared base", "[0, inf)", "far below the base's own bytes", "bytes", "lower"
        ),
        Meaning("mask_bytes", "entropy floor of the task's mask", "[0, inf)", "small beside the head", "bytes", "lower"),
        Meaning("from_magnitude", "synapses in which the mask differs from a magnitude mask", "[0, 1]", ""),
    )
    cost = "negligible"

    def effort(self, tasks: Sequence[Task]) -> Iterable[Effort]:
        return ()

    def read(self, subject: Subject, tasks: Mapping[str, Task], streams: Streams) -> Iterable[Reading]:
        for title in tasks:
            skill = subject.skills.get(title)
            if skill is None:
                continue
            head = 4 * sum(parameter.numel() for parameter in skill.head.parameters())
            moved = skill.plasticity in ("weights", "both")
            encoder = 4 * sum(parameter.numel() for parameter in subject.encoder.parameters()) if moved else 0
            added = 4 * sum(up.numel() + down.numel() for up, down in subject.additions(title).values())
            bits, flips = 0.0, 0
            for name, mask in (skill.mask or {}).items():
                different = distance_to_magnitude(subject.synapses[name].data, mask)
                flips += different
                bits += mask.numel() * entropy(different / mask.numel())
            yield Reading("bytes", head + encoder + added + bits / 8, subject.count, title)
            yield Reading("mask_bytes", bits / 8, subject.count, title)
            yield Reading("from_magnitude", flips / subject.count, subject.count, title)


def entropy(p: float) -> float:
    """Binary entropy in bits, in [0, 1].

    >>> entropy(0.5), entropy(0.0), round(entropy(0.11), 3)
    (1.0, 0.0, 0.5)
    """
    return 0.0 if p in (0.0, 1.0) else -p * math.log2(p) - (1 - p) * math.log2(1 - p)


def distance_to_magnitude(weight: torch.Tensor, mask: torch.Tensor) -> int:
    """In how many entries a mask differs from the one that switches as many smallest abs(W) off (ties by position)."""
    import torch

    off = int((~mask).sum())
    plain = torch.ones(weight.numel(), dtype=torch.bool, device=weight.device)
    plain[torch.argsort(weight.abs().flatten(), stable=True)[:off]] = False
    return int((plain ^ mask.flatten()).sum())
