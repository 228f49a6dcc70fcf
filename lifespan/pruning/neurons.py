"""Ageing by loss of whole feed-forward neurons."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from lifespan.contracts import Pruner, Task
from lifespan.contracts.length import STANDARD_LENGTH

if TYPE_CHECKING:
    import torch

    from lifespan.contracts.subject import Subject
    from lifespan.model.anatomy import Units
    from lifespan.randomness import Streams


@dataclass(frozen=True, kw_only=True)
class Neurons(Pruner):
    """The feed-forward neurons that matter least die first, whole.

    `criterion="taylor"` is the first-order rise of the loss when a neuron is silenced, E abs(dL/dxi) with a gate xi at 1
    on its activation (the Taylor criterion of Molchanov et al. 2017, summed over tokens); `batches`, `batch_size` and
    `per` are as in `Heads`. `criterion="magnitude"` is the l2 norm of all living weights that the neuron owns (Li et al.
    2017, who take the l1 norm), which needs no data. `normalize` divides by the l2 norm of a layer's values, so that
    layers compare.

    A dead neuron has lost its row of the first feed-forward matrix (in ModernBERT two rows: value and gate) and its column
    of the second; its bias is no synapse and stays. As many neurons die as fit under `to` of all prunable synapses, `keep` in
    each layer stay, and a `to` beyond that is a `ScenarioError` that says how much can be reached. `scope="layer"` takes
    the same share of every layer.
    """

    exact = False
    citation = "molchanov2017pruning"

    criterion: Literal["taylor", "magnitude"] = "taylor"
    batches: int = 8
    batch_size: int = 32
    per: Literal["example", "batch"] = "example"
    normalize: bool = True
    scope: Literal["global", "layer"] = "global"
    keep: int = 1
    length: int = STANDARD_LENGTH

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_literal("criterion")
        self.require_count("batches")
        self.require_count("batch_size")
        self.require_literal("per")
        self.require_literal("scope")
        self.require_count("keep")
        self.require_count("length", at_least=8)

    def choose(self, subject: Subject, sparsity: float, streams: Streams, tasks: Sequence[Task]) -> dict[str, torch.Tensor]:
        """One forward and one backward pass per batch, or none by magnitude. Draws from the "order" stream of the event."""
        from lifespan.pruning.gates import units_of
        from lifespan.pruning.whole_units import weakest_units

        units = units_of(subject, "neurons")
        importance = self._importance(subject, units, streams, tasks)
        return weakest_units(subject, units, importance, sparsity, scope=self.scope, keep=self.keep, who=self.describe())

    def _importance(
        self, subject: Subject, units: Sequence[Units], streams: Streams, tasks: Sequence[Task]
    ) -> list[torch.Tensor]:
        from lifespan.pruning._task_batches import task_batches
        from lifespan.pruning.gates import gate_importance, magnitudes

        if self.criterion == "magnitude":
            return magnitudes(subject, units, normalize=self.normalize)
        pairs = task_batches(
            subject,
            tasks,
            batches=self.batches,
            batch_size=self.batch_size,
            streams=streams,
            who=self.describe(),
            length=self.length,
        )
        return gate_importance(subject, units, pairs, per=self.per, normalize=self.normalize)
