"""Ageing into an N:M pattern, whose zeros hardware can skip."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lifespan.contracts import Pruner, Task
from lifespan.errors import ScenarioError

if TYPE_CHECKING:
    import torch

    from lifespan.contracts.subject import Subject
    from lifespan.randomness import Streams


@dataclass(frozen=True, kw_only=True)
class NofM(Pruner):
    """Of every `of` consecutive inputs of a neuron, the `keep` largest abs(W) live: 2:4 sparsity (Mishra et al. 2021).

    The pattern fixes the sparsity at 1 - keep / of; `choose` refuses any other, and matrices whose inputs are no multiple
    of `of`. Groups in which more were dead before stay so: then the sparsity ends above that.
    """

    citation = "mishra2021accelerating"
    exact = False

    keep: int = 2
    of: int = 4

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_count("of", at_least=2)
        self.require_count("keep")
        self.require("keep", self.keep < self.of, f"must be below of={self.of}.", "Else nothing dies.")

    def choose(self, subject: Subject, sparsity: float, streams: Streams, tasks: Sequence[Task]) -> dict[str, torch.Tensor]:
        """At most `keep` living in every group; among equal abs(W) the first die."""
        import torch

        fixed = 1 - self.keep / self.of
        if abs(sparsity - fixed) > 1e-9:
            raise ScenarioError(
                self.describe(),
                f"keeps {self.keep} of {self.of}, which fixes the sparsity at {fixed:.12g}, not {sparsity:.12g}.",
                f"Write Age(to={fixed:.12g}, by={self.describe()}).",
            )
        masks = {}
        for name, weight in subject.synapses.items():
            neurons, inputs = weight.shape
            if inputs % self.of:
                raise ScenarioError(
                    self.describe(), f"{name} has {inputs} inputs, no multiple of {self.of}.", "Choose another `of`."
                )
            alive = subject.alive[name].view(neurons, -1, self.of)
            size = weight.data.abs().view_as(alive).masked_fill(~alive, -1.0)
            order = size.argsort(dim=-1, stable=True)
            stays = torch.arange(self.of, device=weight.device) >= self.of - self.keep
            kept = torch.empty_like(alive).scatter_(-1, order, stays.expand_as(order))
            masks[name] = (kept & alive).view(neurons, inputs)
        return masks
