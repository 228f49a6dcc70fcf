"""Ageing by loss of the weakest synapses."""

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
class Magnitude(Pruner):
    """The smallest abs(W) among the living die first (LeCun et al. 1990's baseline; Han et al. 2015; Gale et al. 2019).

    `scope="global"` ranks all matrices together; "layer" takes the same fraction of every matrix, "row" of every output row
    of every matrix.
    """

    citation = "gale2019state"

    scope: Scope = "global"

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_literal("scope")

    def choose(self, subject: Subject, sparsity: float, streams: Streams, tasks: Sequence[Task]) -> dict[str, torch.Tensor]:
        """Exactly `round(sparsity * synapses)` dead, those already dead included; ties die by position."""
        from lifespan.pruning.selection import weakest

        strength = {name: weight.data.abs() for name, weight in subject.synapses.items()}
        return weakest(strength, subject.alive, sparsity, scope=self.scope)
