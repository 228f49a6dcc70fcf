"""Ageing by loss of the synapses with the smallest product of weight and input norm."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lifespan.pruning._data_pruner import DataPruner
from lifespan.pruning.scopes import Scope

if TYPE_CHECKING:
    import torch

    from lifespan.contracts import Task
    from lifespan.contracts.subject import Subject
    from lifespan.randomness import Streams


@dataclass(frozen=True, kw_only=True)
class Wanda(DataPruner):
    """abs(W_ij) x norm of input j over all tokens, smallest first within every output row (Sun et al. 2024, equation 1).

    Inputs are those of `batches` batches of the tasks learned so far, which take turns; padding does not count. Each task is
    measured at its effective weights: strength^2 = sum over tasks of W_ij^2 |X_j|^2, which is the paper's where all tasks
    have the same. The paper measures a block's inputs after it pruned the blocks below; here all are those of the present
    subject. Needs no labels and no gradients. Ranked as `scope` says: "row" (the paper's), "layer" or "global". Cost:
    `batches` forward passes. Raises `ScenarioError` where no task was learned.
    """

    citation = "sun2024wanda"

    scope: Scope = "row"

    def strength(self, subject: Subject, streams: Streams, tasks: Sequence[Task]) -> dict[str, torch.Tensor]:
        """abs(W) x input norm of every synapse, at least 0."""
        import torch

        from lifespan.pruning._task_batches import effective_weights
        from lifespan.pruning.inputs import squared_inputs

        pairs = self.task_batches(subject, streams, tasks)
        carried = {name: torch.zeros_like(weight.data) for name, weight in subject.synapses.items()}
        for task, squares in squared_inputs(subject, pairs).items():
            for name, weight in effective_weights(subject, task).items():
                carried[name] = torch.hypot(carried[name], weight.abs() * squares[name].sqrt().to(weight.dtype))
        return carried
