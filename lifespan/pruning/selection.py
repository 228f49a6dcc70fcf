"""Masks from strengths of synapses, exact to the synapse, on the masks' device."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch

from lifespan.contracts.subject import Masks, Subject
from lifespan.model.subject import true_entries

GOLDEN = 0.6180339887498949

MANY = 64
"""Equal values from which on ties are broken by a fixed permutation: by position they would die as blocks."""


def weakest(strength: Mapping[str, torch.Tensor], alive: Masks, sparsity: float, *, scope: str) -> Masks:
    """Masks with the weakest living synapses cleared until `round(sparsity * synapses)` are dead in all.

    With `scope="layer"` every matrix gets its own share, with `scope="row"` every row of every matrix; rounding is by
    largest remainder, so the total is exact. Where more was dead before than its share, the others lose less.
    """
    names = list(strength)
    sizes = np.array([alive[name].numel() for name in names])
    total = round(sparsity * int(sizes.sum()))
    placed = {name: strength[name].detach().to(alive[name].device) for name in names}
    if scope == "row":
        return _clear_rows(placed, alive, total)
    if scope == "layer":
        dead = np.array([int((~alive[name]).sum()) for name in names])
        masks: Masks = {}
        for name, share in zip(names, _shares(sizes, dead, total), strict=True):
            masks |= _clear({name: placed[name]}, {name: alive[name]}, int(share))
        return masks
    return _clear(placed, alive, total)


def off_first(subject: Subject, mask: Masks, sparsity: float) -> Masks:
    """Masks in which what is off in `mask` dies first, and then the smallest abs(W) of the rest, of all matrices together."""
    largest = max(float(weight.data.abs().max()) for weight in subject.synapses.values())
    strength = {name: w.data.abs().double() + mask[name] * (2 * largest) for name, w in subject.synapses.items()}
    return weakest(strength, subject.alive, sparsity, scope="global")


def _clear(strength: Mapping[str, torch.Tensor], alive: Masks, target: int) -> Masks:
    """Clear the weakest living entries until `target` are dead (ties by position)."""
    already = true_entries(~alive[name] for name in strength)
    return exact_masks(strength, alive, target - already)


def exact_masks(strength: Mapping[str, torch.Tensor], among: Masks, number: int) -> Masks:
    """The masks `among` with exactly the `number` weakest of their entries cleared (ties by position, see `scattered`)."""
    parts = [strength[name].detach().masked_select(among[name]) for name in strength]
    values = torch.cat(parts)
    masks = {name: among[name].clone() for name in strength}
    if number <= 0:
        return masks
    cut = nth_smallest(values, number)
    below = values < cut
    ties = (values == cut).nonzero().flatten()
    keep = ~below
    keep[scattered(ties)[: number - int(below.sum())]] = False
    for (name, mask), part in zip(masks.items(), keep.split([len(part) for part in parts]), strict=True):
        mask.masked_scatter_(among[name], part)
    return masks


def scattered(ties: torch.Tensor) -> torch.Tensor:
    """Positions of equal values in the order in which they lose: as they come, or permuted where they are many.

    Quantised weights are equal by the million; by position, whole units and layers would go at once.
    """
    if len(ties) < MANY:
        return ties
    return ties[torch.randperm(len(ties), generator=torch.Generator().manual_seed(len(ties))).to(ties.device)]


def ordered(values: torch.Tensor) -> torch.Tensor:
    """Ascending order of each row's values (last dimension); ties by position, or permuted where they are many."""
    order = values.argsort(dim=-1, stable=True)
    ranked = values.gather(-1, order)
    equal = int((ranked[..., 1:] == ranked[..., :-1]).sum())
    if equal < max(MANY, values.numel() // 100):
        return order
    luck = torch.rand(values.shape, generator=torch.Generator().manual_seed(values.numel())).to(values.device)
    shuffled = luck.argsort(dim=-1)
    return shuffled.gather(-1, values.gather(-1, shuffled).argsort(dim=-1, stable=True))


def nth_smallest(values: torch.Tensor, n: int) -> torch.Tensor:
    """The n-th smallest value, n from 1.

    On the CPU NumPy's selection is several times faster than torch's; on a GPU that of torch keeps to one multiprocessor,
    and its sort takes all.
    """
    if values.device.type != "cpu":
        return values.sort().values[n - 1]
    return torch.from_numpy(np.partition(values.numpy(), n - 1)[n - 1 : n])[0]


def _clear_rows(strength: Mapping[str, torch.Tensor], alive: Masks, total: int) -> Masks:
    """Clear the weakest living entries of every row until the rows' shares of `total` are dead (ties by position)."""
    rows = [len(alive[name]) for name in strength]
    sizes = np.repeat([alive[name].shape[1] for name in strength], rows)
    dead = np.concatenate([(~alive[name]).sum(dim=1).cpu().numpy() for name in strength])
    # Rows with equal remainders get the last few deaths evenly over the depth of the network, not in their order.
    spread = np.argsort(np.arange(len(sizes)) * GOLDEN % 1, kind="stable")
    shares = np.empty_like(dead)
    shares[spread] = _shares(sizes[spread], dead[spread], total)
    masks: Masks = {}
    for name, part in zip(strength, np.split(shares, np.cumsum(rows)[:-1]), strict=True):
        before = alive[name]
        order = ordered(strength[name].masked_fill(~before, -torch.inf))
        share = torch.from_numpy(part).to(before.device)
        stays = torch.arange(before.shape[1], device=before.device) >= share[:, None]
        masks[name] = torch.empty_like(before).scatter_(1, order, stays) & before
    return masks


def _shares(sizes: np.ndarray, dead: np.ndarray, total: int) -> np.ndarray:
    """Dead entries by group: the same fraction everywhere, but never below what is dead already; exact in sum."""
    shares = dead.astype(np.int64)
    free = np.ones(len(sizes), dtype=bool)
    while free.any():
        left = total - int(shares[~free].sum())
        room = int(sizes[free].sum())
        full = free & (shares * room > sizes * left)
        if not full.any():
            break
        free &= ~full
    if not free.any():
        return shares
    portion = sizes[free] * left
    shares[free] = portion // room
    owed = np.flatnonzero(free)[np.argsort(-(portion % room), kind="stable")[: total - int(shares.sum())]]
    shares[owed] += 1
    return shares
