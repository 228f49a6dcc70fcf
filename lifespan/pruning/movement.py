"""Ageing by loss of the synapses that learning would move towards zero."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lifespan.contracts import Pruner, Task
from lifespan.contracts.length import STANDARD_LENGTH
from lifespan.pruning.scopes import Scope

if TYPE_CHECKING:
    import torch

    from lifespan.contracts.subject import Subject
    from lifespan.randomness import Streams


@dataclass(frozen=True, kw_only=True)
class Movement(Pruner):
    """Synapses that learning moves towards zero die first, by S = -sum_t rate_t dL/dW_t W_t (Sanh et al. 2020, equation 4).

    From the present state the pruner fine-tunes a copy of encoder and heads for `steps` AdamW steps on the tasks
    learned so far, in turn (rates rise to `rate` over the first tenth and fall to zero, gradients are clipped at 1, no
    weight decay), records S, and restores everything bit for bit. The paper prunes while it trains; here masks stay as they
    are until those steps are over. S is positive where abs(W) is pushed up; its unit is the loss times `rate`. Each task is
    trained at its effective weights. Ranked as `scope` says: "global", "layer" or "row". Cost: `steps`
    optimizer steps and the memory of one more model. Raises `ScenarioError` where no task was learned, and `Diverged`
    where the loss stops being finite.
    """

    citation = "sanh2020movement"

    steps: int = 100
    rate: float = 3e-5
    batch_size: int = 32
    scope: Scope = "global"
    length: int = STANDARD_LENGTH

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_count("steps")
        self.require_positive("rate")
        self.require_count("batch_size")
        self.require_count("length", at_least=8)
        self.require_literal("scope")

    def choose(self, subject: Subject, sparsity: float, streams: Streams, tasks: Sequence[Task]) -> dict[str, torch.Tensor]:
        """Exactly `round(sparsity * synapses)` dead, those already dead included; ties die by position."""
        from lifespan.pruning.selection import weakest

        return weakest(self.strength(subject, streams, tasks), subject.alive, sparsity, scope=self.scope)

    def strength(self, subject: Subject, streams: Streams, tasks: Sequence[Task]) -> dict[str, torch.Tensor]:
        """Movement of every synapse over the steps; negative towards zero."""
        from lifespan.pruning._task_batches import batch_count, task_batches
        from lifespan.pruning.window import movement_scores

        who, steps = self.describe(), batch_count(self.steps, tasks)
        pairs = task_batches(
            subject, tasks, batches=steps, batch_size=self.batch_size, streams=streams, who=who, length=self.length
        )
        return movement_scores(subject, pairs, steps=steps, rate=self.rate, streams=streams, who=who)
