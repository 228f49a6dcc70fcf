"""From strengths to masks, exact to the synapse."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch

from lifespan.subject import Masks


def weakest(strength: Mapping[str, torch.Tensor], alive: Masks, sparsity: float, *, scope: str) -> Masks:
    """Masks with the weakest living synapses cleared until `round(sparsity * synapses)` are dead in all.

    With `scope="layer"` every matrix gets its own share; rounding is by largest remainder, so the total is exact.
    """
    names = list(strength)
    sizes = [strength[name].numel() for name in names]
    total = round(sparsity * sum(sizes))
    if scope == "layer":
        dead = [int((~alive[name]).sum()) for name in names]
        targets = _shares(sizes, dead, total)
        return {
            name: _clear({name: strength[name]}, {name: alive[name]}, target)[name]
            for name, target in zip(names, targets, strict=True)
        }
    return _clear(strength, alive, total)


def _clear(strength: Mapping[str, torch.Tensor], alive: Masks, target: int) -> Masks:
    """Clear the weakest living entries until `target` are dead (ties by position)."""
    names = list(strength)
    flat = np.concatenate([strength[name].detach().cpu().numpy().ravel() for name in names])
    living = np.concatenate([alive[name].cpu().numpy().ravel() for name in names])
    to_clear = target - int((~living).sum())
    if to_clear > 0:
        position = np.flatnonzero(living)
        values = flat[position]
        cut = np.partition(values, to_clear - 1)[to_clear - 1]
        below = position[values < cut]
        ties = position[values == cut][: to_clear - len(below)]
        living = living.copy()
        living[below] = False
        living[ties] = False
    masks: Masks = {}
    start = 0
    for name in names:
        size = strength[name].numel()
        part = torch.from_numpy(living[start : start + size].reshape(tuple(strength[name].shape)))
        masks[name] = part.to(alive[name].device).clone()
        start += size
    return masks


def _shares(sizes: list[int], dead: list[int], total: int) -> list[int]:
    """Dead entries by matrix: the same fraction everywhere, but never below what is dead already; exact in sum."""
    open_ = list(range(len(sizes)))
    shares = list(dead)
    while open_:
        left = total - sum(shares[i] for i in range(len(sizes)) if i not in open_)
        room = sum(sizes[i] for i in open_)
        full = [i for i in open_ if dead[i] > sizes[i] * left / room]
        if not full:
            break
        open_ = [i for i in open_ if i not in full]
    if not open_:
        return shares
    exact = {i: sizes[i] * left / room for i in open_}
    for i in open_:
        shares[i] = int(exact[i])
    rest = total - sum(shares)
    for i in sorted(open_, key=lambda i: shares[i] - exact[i])[:rest]:
        shares[i] += 1
    return shares
