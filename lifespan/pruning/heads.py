"""Ageing by loss of whole attention heads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from lifespan.contracts import Pruner, Task
from lifespan.contracts.length import STANDARD_LENGTH

if TYPE_CHECKING:
    import torch

    from lifespan.contracts.subject import Subject
    from lifespan.randomness import Streams


@dataclass(frozen=True, kw_only=True)
class Heads(Pruner):
    """The heads that matter least to the loss die first, whole (Michel et al. 2019, equation 2).

    Importance of a head: I = E abs(dL/dxi), where xi, at 1, multiplies its output; by the chain rule this is their
    abs(Att(x)^T dL/dAtt(x)). The mean is over `batches` training batches of `batch_size` examples of the tasks learned so
    far, in turn; with `per="example"` the absolute value is taken for each example's own loss, with "batch" for each
    batch's mean loss. `normalize` divides by the l2 norm of a layer's values, as the paper does.

    A dead head has lost its rows of query, key and value (in DeBERTa of the position projections, too) and its columns of
    the attention's output; biases are no synapses and stay. `to` counts all prunable synapses: half the heads of a BERT
    whose feed-forward layers are four times as wide as its states are `Age(to=1/6)`. As many heads die as fit, `keep` in each
    layer stay, and a `to` beyond that is a `ScenarioError` that says how much can be reached. `scope="layer"` takes the
    same share of every layer.
    """

    exact = False
    citation = "michel2019sixteen"

    batches: int = 8
    batch_size: int = 32
    per: Literal["example", "batch"] = "example"
    normalize: bool = True
    scope: Literal["global", "layer"] = "global"
    keep: int = 1
    length: int = STANDARD_LENGTH

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_count("batches")
        self.require_count("batch_size")
        self.require_literal("per")
        self.require_literal("scope")
        self.require_count("keep")
        self.require_count("length", at_least=8)

    def choose(self, subject: Subject, sparsity: float, streams: Streams, tasks: Sequence[Task]) -> dict[str, torch.Tensor]:
        """One forward and one backward pass per batch. Batches come from the "order" stream of the event."""
        from lifespan.pruning._task_batches import task_batches
        from lifespan.pruning.gates import gate_importance, units_of
        from lifespan.pruning.whole_units import weakest_units

        who = self.describe()
        units = units_of(subject, "heads")
        pairs = task_batches(
            subject, tasks, batches=self.batches, batch_size=self.batch_size, streams=streams, who=who, length=self.length
        )
        importance = gate_importance(subject, units, pairs, per=self.per, normalize=self.normalize)
        return weakest_units(subject, units, importance, sparsity, scope=self.scope, keep=self.keep, who=who)
