"""The utility of feed-forward neurons, and the replacement of those with the lowest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch

from lifespan.contracts.subject import Subject
from lifespan.model.anatomy import Units, anatomy_of
from lifespan.pruning._task_batches import task_batches
from lifespan.pruning.inputs import squared_inputs
from lifespan.randomness import Streams

if TYPE_CHECKING:
    from lifespan.disorders.treatments.reinitialize_dormant import ReinitializeDormant

Activities = Mapping[str, torch.Tensor]
"""Size of each neuron's activation, up to a constant factor, by the neurons' output matrix."""


def activities(subject: Subject, recipe: ReinitializeDormant, streams: Streams) -> Activities:
    """Root of the sum of squares of each neuron's activation over real tokens of the recipe's tasks."""
    known = [task for task in recipe.tasks if task.title in subject.skills] or list(recipe.tasks)
    pairs = task_batches(
        subject, known, batches=recipe.batches, batch_size=recipe.batch_size, streams=streams, who=recipe.describe()
    )
    found = squared_inputs(subject, pairs).values()
    outputs = [layer.neurons.output for layer in anatomy_of(subject.encoder)]
    return {name: sum((squares[name] for squares in found), torch.zeros(())).sqrt() for name in outputs}


def utilities(subject: Subject, active: Activities | None) -> list[tuple[Units, torch.Tensor]]:
    """The neurons of every layer and their utilities, (number,) in float64."""
    effective = {name: weight.data.double() * subject.alive[name] for name, weight in subject.synapses.items()}
    found = []
    for layer in anatomy_of(subject.encoder):
        neurons = layer.neurons
        size = _incoming(neurons, effective) if active is None else active[neurons.output].to(subject.device)
        found.append((neurons, size * effective[neurons.output].abs().sum(dim=0)))
    return found


def _incoming(neurons: Units, effective: Mapping[str, torch.Tensor]) -> torch.Tensor:
    """L2 norm of each neuron's incoming weights, over all blocks of rows that it owns."""
    squares = [effective[name].square().sum(dim=1).view(parts, neurons.number).sum(dim=0) for name, parts in neurons.inputs]
    return torch.stack(squares).sum(dim=0).sqrt()


def renew(subject: Subject, utility: list[tuple[Units, torch.Tensor]], share: float, streams: Streams) -> dict[str, float]:
    """Replace the share of lowest utility (ties by position) among each layer's neurons with a living outgoing synapse."""
    sigma = float(getattr(subject.encoder.config, "initializer_range", 0.02))
    generator = streams.torch("disorder")
    entries, square, count = 0, 0.0, 0
    for neurons, values in utility:
        heard = neurons.heard(subject.alive)
        order = values.masked_fill(~heard, torch.inf).argsort(stable=True)[: round(share * int(heard.sum()))]
        chosen = torch.zeros(neurons.number, dtype=torch.bool, device=order.device)
        chosen[order] = True
        # True in these masks is what stays.
        kept = neurons.synapse_masks(~chosen, subject.synapses)
        for name in neurons.matrices:
            weight = subject.synapses[name].data
            fresh = torch.zeros_like(weight)
            if name != neurons.output:
                fresh = (sigma * torch.randn(weight.shape, generator=generator)).to(weight)
            new = torch.where(kept[name] | ~subject.alive[name], weight, fresh)
            change = new.double() - weight.double()
            entries += int((change != 0).sum())
            square += float(change.square().sum())
            weight.copy_(new)
        _zero_biases(subject, neurons, chosen)
        count += int(chosen.sum())
    return {"entries": float(entries), "norm": square**0.5, "neurons": float(count)}


def _zero_biases(subject: Subject, neurons: Units, chosen: torch.Tensor) -> None:
    """Zero the biases of the chosen neurons, where the architecture has any."""
    for name, parts in neurons.inputs:
        bias = subject.encoder.get_submodule(name.removesuffix(".weight")).bias
        if bias is not None:
            bias.data[chosen.repeat(parts)] = 0.0
