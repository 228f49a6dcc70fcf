"""Which scores are on: cuts that leave a wanted number of synapses dead, and masks exact to the synapse."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch

from lifespan.contracts.subject import Masks
from lifespan.model.subject import true_entries
from lifespan.pruning.selection import exact_masks, nth_smallest

Scores = Mapping[str, torch.Tensor]


@dataclass(frozen=True)
class Rule:
    """A synapse is on where its score exceeds the cut; how that cut moves while learning.

    Where `target` is a fraction of the eligible synapses to be dead, a controller moves the cut every `refresh` steps along
    the cubic schedule (Zhu & Gupta 2017, equation 1) from `first` to `target`, between the fractions `begin` and `end` of
    the steps, and the last cut leaves exactly that fraction. With `cut=None` the first cut follows from `first`.
    `scope="layer"` gives every matrix a cut of its own. `absolute` compares abs(score).
    """

    cut: float | None = None
    first: float = 0.0
    target: float | None = None
    refresh: int = 10
    begin: float = 0.0
    end: float = 1.0
    scope: str = "global"
    absolute: bool = False

    def fraction_at(self, done: int, steps: int) -> float:
        """The fraction dead after `done` of `steps` steps, where a target is set."""
        assert self.target is not None
        passed = (done / steps - self.begin) / (self.end - self.begin)
        left = (1 - min(1.0, max(0.0, passed))) ** 3
        return self.target + (self.first - self.target) * left

    def strengths(self, scores: Scores) -> dict[str, torch.Tensor]:
        """What is compared with the cut."""
        return {name: score.detach().abs() if self.absolute else score.detach() for name, score in scores.items()}

    def cuts(self, scores: Scores, eligible: Masks, fraction: float) -> dict[str, float]:
        """The cut of every matrix that leaves about this fraction of the eligible entries dead."""
        strengths = self.strengths(scores)
        if self.scope == "layer":
            return {
                name: cut_for({name: value}, eligible, dead_of(eligible[name], fraction)) for name, value in strengths.items()
            }
        cut = cut_for(strengths, eligible, round(fraction * true_entries(eligible[name] for name in strengths)))
        return dict.fromkeys(strengths, cut)

    def masks(self, scores: Scores, eligible: Masks, fraction: float) -> Masks:
        """Masks with exactly this fraction (rounded; by matrix where the scope is "layer") of the eligible entries dead."""
        strengths = self.strengths(scores)
        if self.scope == "layer":
            parts = [
                exact_masks({name: value}, eligible, dead_of(eligible[name], fraction)) for name, value in strengths.items()
            ]
            return {name: mask for part in parts for name, mask in part.items()}
        return exact_masks(strengths, eligible, round(fraction * true_entries(eligible[name] for name in strengths)))


def dead_of(eligible: torch.Tensor, fraction: float) -> int:
    """How many entries a fraction of one matrix's eligible entries is."""
    return round(fraction * int(eligible.sum()))


def cut_for(scores: Scores, eligible: Masks, dead: int) -> float:
    """The score that is exceeded by all but about `dead` eligible entries."""
    if dead <= 0:
        return -float("inf")
    values = torch.cat([scores[name].detach().masked_select(eligible[name]) for name in scores])
    return float(nth_smallest(values, dead))
