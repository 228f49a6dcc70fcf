"""Ageing by loss of random synapses: the control of every criterion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lifespan.contracts import Pruner, Task
from lifespan.pruning.scopes import Scope

if TYPE_CHECKING:
    import torch

    from lifespan.contracts.subject import Subject
    from lifespan.randomness import Streams


@dataclass(frozen=True, kw_only=True)
class Random(Pruner):
    """Living synapses die with equal probability.

    `scope="global"` draws among all; "layer" takes the same fraction of every matrix, "row" of every output row.
    """

    scope: Scope = "global"

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_literal("scope")

    def choose(self, subject: Subject, sparsity: float, streams: Streams, tasks: Sequence[Task]) -> dict[str, torch.Tensor]:
        """Exactly `round(sparsity * synapses)` dead, drawn from the "mask" stream of the event."""
        import torch

        from lifespan.pruning.selection import weakest

        generator = streams.torch("mask")
        draw = {
            name: torch.rand(weight.shape, generator=generator).to(weight.device) for name, weight in subject.synapses.items()
        }
        return weakest(draw, subject.alive, sparsity, scope=self.scope)
