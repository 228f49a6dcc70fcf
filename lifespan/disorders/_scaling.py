"""The strength of neurons' inputs, and its scaling."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from lifespan.contracts.subject import Masks, Subject


def gains(
    subject: Subject, weights: Mapping[str, torch.Tensor], alive: Masks | None, *, strength: str, rows: bool
) -> dict[str, torch.Tensor]:
    """By matrix: strength of these weights (of all, or of the living) over that of the subject's living ones, (rows or 1, 1).

    1 where nothing lives that could be scaled.
    """
    found = {}
    for name, weight in subject.synapses.items():
        before = _strength(weights[name] if alive is None else weights[name] * alive[name], strength, rows)
        now = _strength(weight.data * subject.alive[name], strength, rows)
        found[name] = torch.where(now > 0, before / torch.where(now > 0, now, 1.0), 1.0)
    return found


def scale(subject: Subject, factors: Mapping[str, torch.Tensor]) -> dict[str, float]:
    """Multiply living weights in place, and report `entries`, the `norm` of the change and the mean `gain`."""
    entries, square = 0, 0.0
    with torch.no_grad():
        for name, weight in subject.synapses.items():
            new = torch.where(subject.alive[name], (weight.data.double() * factors[name]).to(weight.dtype), weight.data)
            change = new.double() - weight.data.double()
            entries += int((change != 0).sum())
            square += float(change.square().sum())
            weight.data.copy_(new)
    every = torch.cat([factor.flatten() for factor in factors.values()])
    return {"entries": float(entries), "norm": square**0.5, "gain": float(every.mean())}


def _strength(weight: torch.Tensor, strength: str, rows: bool) -> torch.Tensor:
    values = weight.double().abs() if strength == "sum" else weight.double().square()
    total = values.sum(dim=1, keepdim=True) if rows else values.sum().view(1, 1)
    return total if strength == "sum" else total.sqrt()
