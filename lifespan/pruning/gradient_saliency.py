"""Ageing by loss of the synapses to which the loss is least sensitive, to first order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lifespan.pruning._data_pruner import DataPruner

if TYPE_CHECKING:
    import torch

    from lifespan.contracts import Task
    from lifespan.contracts.subject import Subject
    from lifespan.randomness import Streams


@dataclass(frozen=True, kw_only=True)
class GradientSaliency(DataPruner):
    """Connection sensitivity, abs(dL/dW x W), smallest first (SNIP, Lee et al. 2019, equations 4-6).

    It is the derivative of the loss by a gate c = 1 on the synapse, of the mean loss over `batches` batches: gradients are
    summed, then made absolute. The gate is shared by all tasks learned so far, which take turns, each at its effective
    weights, so a synapse that every task's skill has off has sensitivity 0. The paper prunes at birth; here the present
    subject is measured. Ranked as `scope` says: "global" (the paper's), "layer" or "row". Cost: `batches`
    forward and backward passes. Raises `ScenarioError` where no task was learned.
    """

    citation = "lee2019snip"

    def strength(self, subject: Subject, streams: Streams, tasks: Sequence[Task]) -> dict[str, torch.Tensor]:
        """Sensitivity of every synapse, at least 0, in units of the loss; not normalised to sum 1 (equation 5)."""
        import torch

        from lifespan.pruning._task_batches import batch_count, effective_weights, loss_gradients

        pairs = self.task_batches(subject, streams, tasks)
        sensitivity = {name: torch.zeros_like(weight.data) for name, weight in subject.synapses.items()}
        for task, gradients in loss_gradients(subject, pairs):
            weights = effective_weights(subject, task)
            for name, gradient in gradients.items():
                sensitivity[name].addcmul_(gradient, weights[name], value=1 / batch_count(self.batches, tasks))
        return {name: value.abs_() for name, value in sensitivity.items()}
