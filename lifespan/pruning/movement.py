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

    The pruner looks ahead: from the present state it fine-tunes encoder and heads for `steps` AdamW steps on the tasks
    learned so far, in turn (rates rise to `rate` over the first tenth and fall to zero, gradients are clipped at 1, no
    weight decay), records S, and puts everything back bit for bit. The paper prunes along while it trains; here masks
    stay as they are until the window's end. S is positive where abs(W) is pushed up; its unit is the loss times `rate`.
    Each task is trained at the weights that it wears. Ranked as `scope` says: "global", "layer" or "row". Cost: `steps`
    optimizer steps and the memory of one more model. Raises `ScenarioError` where no task was learned, and `Diverged`
    where the window's loss stops being finite.
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
        """Movement of every synapse over the window; negative towards zero."""
        from lifespan.pruning.evidence import asked, evidence
        from lifespan.pruning.window import movement_scores

        who, steps = self.describe(), asked(self.steps, tasks)
        pairs = evidence(
            subject, tasks, batches=steps, batch_size=self.batch_size, streams=streams, who=who, length=self.length
        )
        return movement_scores(subject, pairs, steps=steps, rate=self.rate, streams=streams, who=who)
