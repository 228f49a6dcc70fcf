"""Replacement of weights by a drug, in every matrix, dead synapses included, and the size of the change."""

from __future__ import annotations

from collections.abc import Callable

import torch

from lifespan.contracts.subject import Subject

Change = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
"""(W, alive) of one matrix to its new W."""


def administer(subject: Subject, change: Change | None) -> dict[str, float]:
    """Replace every synapse matrix by its change (None: health) and report what changed.

    `entries` whose value changed, the L2 `norm` of the change over all matrices, and that norm `relative` to the norm of W
    before. All three count dead synapses, whose stored weights are drugged like any other.
    """
    entries, moved, whole = 0, 0.0, 0.0
    if change is None:
        return {"entries": 0.0, "norm": 0.0, "relative": 0.0}
    with torch.no_grad():
        for name, weight in subject.synapses.items():
            before = weight.data.double()
            new = change(weight.data, subject.alive[name]).to(weight.dtype)
            difference = new.double() - before
            entries += int((difference != 0).sum())
            moved += float(difference.square().sum())
            whole += float(before.square().sum())
            weight.data.copy_(new)
    return {"entries": float(entries), "norm": moved**0.5, "relative": (moved / whole) ** 0.5 if whole else float("nan")}


def drawn(count: int, share: float, generator: torch.Generator) -> torch.Tensor:
    """`round(share * count)` different positions in random order. From one stream, larger shares contain smaller ones."""
    return torch.randperm(count, generator=generator)[: round(share * count)]


def replaced(weight: torch.Tensor, new: torch.Tensor, share: float, generator: torch.Generator) -> torch.Tensor:
    """W with a random share of its entries taken from `new`."""
    positions = drawn(weight.numel(), share, generator).to(weight.device)
    result = weight.flatten().clone()
    result[positions] = new.to(weight.dtype).flatten()[positions]
    return result.view_as(weight)


def living_entries(weight: torch.Tensor, alive: torch.Tensor) -> torch.Tensor:
    """The living entries of a matrix as float64 (all of them where none lives): what a drug's statistics are taken of."""
    return (weight[alive] if bool(alive.any()) else weight.flatten()).double()


def signed(weight: torch.Tensor, size: float | torch.Tensor) -> torch.Tensor:
    """`size` with the sign of W, in float64; zero counts as positive, so that there are two values at most."""
    return torch.where(weight < 0, -1.0, 1.0).double() * size
