"""Masks from strengths of heads or neurons, in which units die whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from lifespan.contracts.subject import Masks, Subject
from lifespan.errors import OutOfReach
from lifespan.model.anatomy import Units


def weakest_units(
    subject: Subject,
    units: Sequence[Units],
    strength: Sequence[torch.Tensor],
    sparsity: float,
    *,
    scope: str,
    who: str,
    keep: int = 1,
) -> Masks:
    """Masks in which the weakest units are dead as a whole, as many as fit under `round(sparsity * synapses)` dead in all.

    `strength` has one (number,) tensor for each of `units`, which are those of one kind, layer by layer; ties die by
    position. Units that are already unheard go first; `keep` heard ones stay in each layer. With `scope="layer"` every
    layer loses the same share of what lives in it, up to whole units. Raises `OutOfReach` in the name of `who`
    where the sparsity is out of reach by more than half a unit.
    """
    heard = [each.heard(subject.alive).cpu().numpy() for each in units]
    losses = _Losses(
        costs=[each.total(subject.alive).cpu().numpy() for each in units],
        heard=heard,
        dead=[np.zeros(each.number, dtype=bool) for each in units],
        left=[int(each.sum()) for each in heard],
        keep=keep,
    )
    dead = subject.count - subject.living
    budget = round(sparsity * subject.count) - dead
    reach = losses.reach()
    if budget > reach + max(int(cost.max()) for cost in losses.costs) / 2:
        most = (dead + reach) / subject.count
        rule = (
            f"cannot leave {sparsity:.4g} of the synapses dead: only {units[0].kind} go, and {keep} in each layer must stay."
        )
        raise OutOfReach(who, rule, f"At most {most:.4g} can be reached from here.")
    values = [np.where(h, part.detach().double().cpu().numpy(), -np.inf) for h, part in zip(heard, strength, strict=True)]
    if scope == "layer":
        _by_layer(losses, values, budget)
    else:
        losses.take(_ascending(values, range(len(values))), budget)
    masks = {name: mask.clone() for name, mask in subject.alive.items()}
    for each, dying in zip(units, losses.dead, strict=True):
        masks |= {name: masks[name] & left for name, left in each.synapse_masks(torch.from_numpy(~dying), masks).items()}
    return masks


@dataclass
class _Losses:
    """What each unit of each layer costs in living synapses, which are heard, which are taken, and how many are left."""

    costs: list[np.ndarray]
    heard: list[np.ndarray]
    dead: list[np.ndarray]
    left: list[int]
    keep: int

    def reach(self) -> int:
        """Synapses that can die at most."""
        pairs = zip(self.costs, self.heard, strict=True)
        return sum(int(cost.sum() - np.sort(cost[heard])[: self.keep].sum()) for cost, heard in pairs)

    def take(self, order: Sequence[tuple[int, int]], budget: float, *, most: int | None = None) -> int:
        """Take units in this order, each that fits into what is left of the budget. Returns the synapses taken."""
        spent = taken = 0
        for layer, unit in order:
            cost, heard = int(self.costs[layer][unit]), bool(self.heard[layer][unit])
            kept = heard and self.left[layer] <= self.keep
            if taken == most or self.dead[layer][unit] or cost == 0 or kept or spent + cost > budget:
                continue
            self.dead[layer][unit] = True
            self.left[layer] -= heard
            spent, taken = spent + cost, taken + 1
        return spent


def _ascending(values: Sequence[np.ndarray], layers: Sequence[int]) -> list[tuple[int, int]]:
    """(layer, unit) of these layers, the weakest first, ties by position."""
    places = [(layer, unit) for layer in layers for unit in range(len(values[layer]))]
    order = np.argsort(np.concatenate([values[layer] for layer in layers]), kind="stable")
    return [places[i] for i in order]


def _by_layer(losses: _Losses, values: Sequence[np.ndarray], budget: int) -> None:
    """Take the same share of every layer; what rounding to units leaves over, from the layers that are furthest below it."""
    orders = [_ascending(values, [layer]) for layer in range(len(values))]
    sizes = [int(cost.sum()) for cost in losses.costs]
    shares = [budget * size / max(1, sum(sizes)) for size in sizes]
    spent = [losses.take(order, share) for order, share in zip(orders, shares, strict=True)]
    left = budget - sum(spent)
    while True:
        again = sorted(range(len(orders)), key=lambda layer: spent[layer] - shares[layer])
        before = left
        for layer in again:
            extra = losses.take(orders[layer], left, most=1)
            spent[layer] += extra
            left -= extra
        if left == before:
            return
