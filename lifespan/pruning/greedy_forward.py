"""Greedy forward selection: each layer is rebuilt from the units that lower the loss most; the others die."""

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
class GreedyForward(Pruner):
    """Greedy forward selection of heads or neurons (Ye et al. 2020): what is never selected dies, whole.

    Layer by layer from the input on, the layer's `units` start all silent, and the one that lowers the loss most is added
    until as many live as `to` of all prunable synapses allows; layers before it are pruned already, those behind it still
    whole. Every layer loses the same share, up to whole units. The loss is the mean over `batches` training batches of
    `batch_size` examples of the tasks learned so far, in turn; they stay the same during the search.

    For "heads" every candidate is tried, as in the paper. "neurons" are an approximation: candidates are ranked by the
    first-order fall of the loss, -dL/dxi of a gate xi at 0, and the best `block` are added at once (None: an eighth of
    those to be added). Other than in the paper's mean-field networks, survivors are not rescaled, which no mask could do,
    and none is added twice.

    Cost, in passes over all batches through the layers from the searched one on: for heads one forward pass per layer and
    trial (57 to keep 6 of 12), for neurons one forward and backward pass per layer and block. One unit in each layer
    stays, and a `to` beyond that is a `ScenarioError` that says how much can be reached.
    """

    exact = False
    citation = "ye2020good"

    units: Literal["neurons", "heads"] = "neurons"
    batches: int = 2
    batch_size: int = 32
    block: int | None = None
    length: int = STANDARD_LENGTH

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_literal("units")
        self.require_count("batches")
        self.require_count("batch_size")
        self.require_count("length", at_least=8)
        if self.block is not None:
            self.require_count("block")

    def choose(self, subject: Subject, sparsity: float, streams: Streams, tasks: Sequence[Task]) -> dict[str, torch.Tensor]:
        """Batches come from the "order" stream of the event; nothing else is drawn."""
        from lifespan.pruning._task_batches import task_batches
        from lifespan.pruning.forward_selection import selected
        from lifespan.pruning.gates import units_of
        from lifespan.pruning.whole_units import weakest_units

        who = self.describe()
        units = units_of(subject, self.units)
        pairs = list(
            task_batches(
                subject, tasks, batches=self.batches, batch_size=self.batch_size, streams=streams, who=who, length=self.length
            )
        )
        # Units of a layer cost about alike, so a dry run yields how many to select in each; the last line makes it exact.
        nothing = [subject.alive[each.output].new_zeros(each.number) for each in units]
        planned = weakest_units(subject, units, nothing, sparsity, scope="layer", who=who)
        wanted = [int(each.heard(planned).sum()) for each in units]
        strength = selected(subject, units, wanted, pairs, block=self.block, exact=self.units == "heads")
        return weakest_units(subject, units, strength, sparsity, scope="layer", who=who)
