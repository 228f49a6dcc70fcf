"""Death of synapses and units: which die, exactly how many, and the size of the loss."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch

from lifespan.contracts.subject import Masks, Subject
from lifespan.model.anatomy import Units
from lifespan.model.subject import true_entries
from lifespan.pruning.gates import magnitudes
from lifespan.pruning.selection import weakest
from lifespan.randomness import Streams


def kill_synapses(subject: Subject, masks: Mapping[str, torch.Tensor]) -> dict[str, float]:
    """Set every synapse dead that is False in `masks`. W stays whole.

    Reports how many `entries` died, the L2 `norm` of their weights, and that norm `relative` to that of all living ones.
    """
    entries, lost, whole = 0, 0.0, 0.0
    anatomy = dict(subject.alive)
    for name, weight in subject.synapses.items():
        alive = subject.alive[name]
        square = weight.data.double().square()
        whole += float(square[alive].sum())
        if name in masks:
            dying = alive & ~masks[name].to(alive.device)
            entries += int(dying.sum())
            lost += float(square[dying].sum())
            anatomy[name] = alive & ~dying
    subject.alive = anatomy
    return {"entries": float(entries), "norm": lost**0.5, "relative": (lost / whole) ** 0.5 if whole else 0.0}


def without_synapses(subject: Subject, names: Sequence[str], count: int, by: str, streams: Streams, counter: int = 0) -> Masks:
    """Masks of these matrices in which `count` of their living synapses, ranked together, are dead.

    They are drawn with `by="random"`; the smallest abs(W) go first with "weakest", the largest with "importance", ties by
    position. A larger count contains a smaller one.
    """
    sign = {"random": 0.0, "weakest": 1.0, "importance": -1.0}[by]
    generator = streams.torch("disorder", counter)
    strength = {}
    for name in names:
        weight = subject.synapses[name].data
        strength[name] = sign * weight.abs() if sign else torch.rand(weight.shape, generator=generator).to(weight.device)
    alive = {name: subject.alive[name] for name in names}
    size = sum(mask.numel() for mask in alive.values())
    return weakest(strength, alive, (size - true_entries(alive.values()) + count) / size, scope="global")


def without_units(subject: Subject, units: Sequence[Units], share: float, by: str, streams: Streams) -> tuple[Masks, int]:
    """Masks in which the share of the living units, ranked over all layers, is dead as a whole; and how many units died.

    A unit lives while its output is heard. One of each layer stays. `by` is as for synapses, with the l2 norm of the
    living weights that a unit owns.
    """
    heard = [each.heard(subject.alive).cpu().numpy() for each in units]
    layers = np.repeat(np.arange(len(units)), [each.number for each in units])
    left = [int(each.sum()) for each in heard]
    count = min(round(share * sum(left)), sum(max(0, own - 1) for own in left))
    dying = np.zeros(len(layers), dtype=bool)
    order = np.argsort(_unit_strength(subject, units, by, streams), kind="stable")
    alive = np.concatenate(heard)
    for unit in order[alive[order]]:
        if count > 0 and left[layers[unit]] > 1:
            dying[unit] = True
            left[layers[unit]] -= 1
            count -= 1
    masks: Masks = {}
    for each, dead in zip(units, np.split(dying, np.cumsum([each.number for each in units])[:-1]), strict=True):
        masks |= each.synapse_masks(torch.from_numpy(~dead), subject.alive)
    return masks, int(dying.sum())


def _unit_strength(subject: Subject, units: Sequence[Units], by: str, streams: Streams) -> np.ndarray:
    """What ranks the units of all layers; the lowest die first."""
    if by == "random":
        return torch.rand(sum(each.number for each in units), generator=streams.torch("disorder")).numpy()
    norms = np.concatenate([norm.double().cpu().numpy() for norm in magnitudes(subject, units, normalize=False)])
    return norms if by == "weakest" else -norms
