"""Ageing by loss of whole layers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from lifespan.contracts import Pruner, Task
from lifespan.contracts.length import STANDARD_LENGTH
from lifespan.errors import OutOfReach

if TYPE_CHECKING:
    import torch

    from lifespan.contracts.subject import Subject
    from lifespan.randomness import Streams


@dataclass(frozen=True, kw_only=True)
class Layers(Pruner):
    """Whole layers die, all their synapses at once; what passes on is the residual stream, biases and LayerNorms.

    `order`: "top" takes the layers next to the output first (Sajjad et al. 2023, top-layer dropping); "every-other"
    takes the depths 1..L that are multiples of max(2, floor(L / n)) for n layers dead in all, then, past half, the rest
    from the top (Fan et al. 2020, "Every Other"); "importance" takes first the layers without which alone the mean loss
    over `batches` training batches of `batch_size` examples rises least, measured by trying, one forward pass per layer
    and batch. Only "importance" needs tasks.

    As many layers die as fit under `to` of all prunable synapses, in that order; one stays, and a `to` beyond that is a
    `ScenarioError`. An ALBERT has one layer and nothing to lose.
    """

    exact = False
    citation = "sajjad2023effect"

    order: Literal["top", "every-other", "importance"] = "top"
    batches: int = 8
    batch_size: int = 32
    length: int = STANDARD_LENGTH

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_literal("order")
        self.require_count("batches")
        self.require_count("batch_size")
        self.require_count("length", at_least=8)

    def choose(self, subject: Subject, sparsity: float, streams: Streams, tasks: Sequence[Task]) -> dict[str, torch.Tensor]:
        """Batches come from the "order" stream of the event."""
        from lifespan.model.subject import layer_of, true_entries

        layers: dict[str, list[str]] = {}
        for name in subject.synapses:
            layers.setdefault(layer_of(name), []).append(name)
        sizes = {layer: true_entries(subject.alive[name] for name in names) for layer, names in layers.items()}
        budget = round(sparsity * subject.count) - (subject.count - sum(sizes.values()))
        self._check(sparsity, subject.count, list(sizes.values()), budget)
        masks = {name: mask.clone() for name, mask in subject.alive.items()}
        ranked = [layer for layer in self._ranking(subject, list(layers), sparsity, streams, tasks) if sizes[layer] > 0]
        for layer in ranked[:-1]:
            if sizes[layer] > budget:
                break
            for name in layers[layer]:
                masks[name].zero_()
            budget -= sizes[layer]
        return masks

    def _check(self, sparsity: float, count: int, sizes: Sequence[int], budget: int) -> None:
        """Raise `OutOfReach` for more than half a layer beyond what can be removed, or for any with a single layer.

        `sizes` are the living synapses of each layer, `budget` how many of them are to die.
        """
        reach = sum(sizes) - min((size for size in sizes if size > 0), default=0)
        slack = max(sizes) / 2 if len(sizes) > 1 else 0
        if budget > reach + slack:
            most = (count - sum(sizes) + reach) / count
            rule = (
                f"cannot leave {sparsity:.4g} of the synapses dead: only whole layers go, and one of {len(sizes)} must stay."
            )
            raise OutOfReach(self.describe(), rule, f"At most {most:.4g} can be reached from here.")

    def _ranking(
        self, subject: Subject, layers: Sequence[str], sparsity: float, streams: Streams, tasks: Sequence[Task]
    ) -> list[str]:
        """The layers in their order of death."""
        depth = {layer: number for number, layer in enumerate(layers, start=1)}
        if self.order == "importance":
            losses = self._losses(subject, layers, streams, tasks)
            return sorted(layers, key=lambda layer: losses[layer])
        if self.order == "top":
            return sorted(layers, key=lambda layer: -depth[layer])
        dying = max(1, int(sparsity * len(layers) + 1e-9))
        stride = max(2, len(layers) // dying)
        chosen = [layer for layer in layers if depth[layer] % stride == 0]
        return chosen + [layer for layer in reversed(layers) if layer not in chosen]

    def _losses(self, subject: Subject, layers: Sequence[str], streams: Streams, tasks: Sequence[Task]) -> dict[str, float]:
        """The mean loss without each layer alone."""
        import torch

        from lifespan.model.subject import layer_of
        from lifespan.pruning._task_batches import task_batches
        from lifespan.pruning.gates import mean_loss, units_of

        who = self.describe()
        pairs = list(
            task_batches(
                subject, tasks, batches=self.batches, batch_size=self.batch_size, streams=streams, who=who, length=self.length
            )
        )
        units = [*units_of(subject, "heads"), *units_of(subject, "neurons")]
        closed = [(each, torch.zeros(each.number, device=subject.device)) for each in units]
        without = {layer: [gate for gate in closed if layer_of(gate[0].output) == layer] for layer in layers}
        return {layer: mean_loss(subject, pairs, gates) for layer, gates in without.items()}
