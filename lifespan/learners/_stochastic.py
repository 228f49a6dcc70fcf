"""Variations of `MaskChange`: masks drawn at every step, and scores pulled down by a penalty."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from lifespan.learners._masks import MaskChange
from lifespan.model.subject import true_entries
from lifespan.randomness import Streams


class DrawnChange(MaskChange):
    """The forward pass sees a draw, Bernoulli(sigmoid(score)); the outcome is the likelier state of every synapse."""

    def __init__(self, *arguments: Any, streams: Streams, **others: Any) -> None:
        super().__init__(*arguments, **others)
        self.streams, self.at = streams, 0
        self.drawn: dict[str, torch.Tensor] = {}

    def enter(self, task: str | None) -> None:
        if self.stale:
            device = self.subject.device
            generator = self.streams.torch("mask", self.at, device)
            for name, score in self.scores.items():
                luck = torch.rand(score.shape, generator=generator, device=device)
                self.drawn[name] = (luck < score.data.sigmoid()) & self.eligible[name]
        super().enter(task)

    def advance(self, step: int) -> None:
        super().advance(step)
        self.at = step + 1

    def state(self) -> dict[str, torch.Tensor]:
        return {**super().state(), "at": torch.tensor(self.at)}

    def load_state(self, state: Mapping[str, torch.Tensor]) -> None:
        super().load_state(state)
        self.at = int(state["at"])

    def _visible(self, name: str, task: str | None) -> torch.Tensor:
        return self.drawn[name]


class PenalisedChange(MaskChange):
    """The loss has a further term, `strength` times the mean of sigmoid(score) over the eligible synapses.

    Its gradient is added to that of the scores, so that the loss in rows stays the task's own.
    """

    def __init__(self, *arguments: Any, strength: float, **others: Any) -> None:
        super().__init__(*arguments, **others)
        self.pull = strength / max(1, true_entries(self.eligible.values()))

    def score_gradient(self, name: str, gradient: torch.Tensor) -> torch.Tensor:
        chance = self.scores[name].data.sigmoid()
        return super().score_gradient(name, gradient).addcmul_(chance, 1 - chance, value=self.pull)
