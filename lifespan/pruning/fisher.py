"""Ageing by loss of the synapses whose removal raises the loss least, to second order."""

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
class Fisher(Pruner):
    """Fisher saliency, F x W^2 / 2, smallest first (Theis et al. 2018): the rise in loss that a death would cause.

    Optimal Brain Damage (LeCun et al. 1990) with the diagonal of the empirical Fisher information in place of the
    Hessian's: F = mean over examples of (dL/dW)^2, at the examples' own labels. The mean of squares is that of single
    examples, not of batches, whose gradients cancel before they are squared; so each of the `examples` costs a forward
    and a backward pass of its own. Tasks learned so far take turns, each at its effective weights. Ranked as `scope` says:
    "global", "layer" or "row". Raises `ScenarioError` where no task was learned.
    """

    citation = "theis2018faster"

    examples: int = 64
    scope: Scope = "global"
    length: int = STANDARD_LENGTH

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_count("examples")
        self.require_count("length", at_least=8)
        self.require_literal("scope")

    def choose(self, subject: Subject, sparsity: float, streams: Streams, tasks: Sequence[Task]) -> dict[str, torch.Tensor]:
        """Exactly `round(sparsity * synapses)` dead, those already dead included; ties die by position."""
        from lifespan.pruning.selection import weakest

        return weakest(self.strength(subject, streams, tasks), subject.alive, sparsity, scope=self.scope)

    def strength(self, subject: Subject, streams: Streams, tasks: Sequence[Task]) -> dict[str, torch.Tensor]:
        """Saliency of every synapse, at least 0, in units of the loss."""
        import torch

        from lifespan.pruning._task_batches import batch_count, effective_weights, loss_gradients, task_batches

        pairs = task_batches(
            subject, tasks, batches=self.examples, batch_size=1, streams=streams, who=self.describe(), length=self.length
        )
        rise = {name: torch.zeros_like(weight.data) for name, weight in subject.synapses.items()}
        for task, gradients in loss_gradients(subject, pairs):
            weights = effective_weights(subject, task)
            for name, gradient in gradients.items():
                change = gradient * weights[name]
                rise[name].addcmul_(change, change, value=0.5 / batch_count(self.examples, tasks))
        return rise
