"""Replacement of weights by a disorder, and the size of the change."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch

from lifespan.contracts.subject import Subject

Change = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
"""(W, alive) of one matrix to its new W."""

NOTHING = {"entries": 0.0, "norm": 0.0, "relative": 0.0}


def copies(subject: Subject, names: Sequence[str]) -> dict[str, torch.Tensor]:
    """The weights of these matrices, to compare with later."""
    return {name: subject.synapses[name].data.clone() for name in names}


def rewrite(subject: Subject, names: Sequence[str], change: Change) -> dict[str, float]:
    """Give these matrices new weights, dead synapses included, and report as `compared` does."""
    before = copies(subject, names)
    for name in names:
        weight = subject.synapses[name].data
        weight.copy_(change(weight, subject.alive[name]))
    return compared(subject, before)


def compared(subject: Subject, before: Mapping[str, torch.Tensor]) -> dict[str, float]:
    """What changed since `before`: `entries`, the L2 `norm` of the change, and it `relative` to the norm of W before."""
    entries, moved, whole = 0, 0.0, 0.0
    for name, old in before.items():
        difference = subject.synapses[name].data.double() - old.double()
        entries += int((difference != 0).sum())
        moved += float(difference.square().sum())
        whole += float(old.double().square().sum())
    return {"entries": float(entries), "norm": moved**0.5, "relative": (moved / whole) ** 0.5 if whole else 0.0}


def spread(weight: torch.Tensor, alive: torch.Tensor) -> torch.Tensor:
    """The standard deviation of a matrix's living weights (of all where none lives), in float64."""
    return (weight[alive] if bool(alive.any()) else weight.flatten()).double().std(correction=0)
