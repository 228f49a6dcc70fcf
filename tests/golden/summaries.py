"""What was lived, in a few rounded numbers: lists of numbers that belong together, and texts that must be equal."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import torch

RELATIVE = 1e-3
"""How far a number may be off, as a share of the largest of its list: other processors do less."""
SYNAPSES = 3.0
"""How many synapses of a mask may be others."""

Value = str | int | list
Outcome = dict[str, Value]


def of_tensors(tensors: Mapping[str, torch.Tensor], before: Mapping[str, torch.Tensor] | None = None) -> list[float]:
    """[norm, projection] of tensors, or of how they changed. The projection sees which entries they are, and their signs."""
    parts = []
    for name, value in tensors.items():
        old = None if before is None else before.get(name)
        moved = value.double() - (old.double() if old is not None and old.shape == value.shape else 0)
        parts.append(moved.flatten().numpy())
    values = np.concatenate(parts) if parts else np.zeros(1)
    return [float(np.sqrt(np.square(values).sum())), _projected(values)]


def of_masks(masks: Mapping[str, torch.Tensor]) -> list[float]:
    """[living synapses, projection] of masks: one other synapse moves each by 1 at most."""
    values = np.concatenate([mask.flatten().numpy().astype(float) for mask in masks.values()])
    return [float(values.sum()), _projected(values)]


def of_states(before: Mapping[str, Mapping[str, torch.Tensor]], after: Mapping[str, Mapping[str, torch.Tensor]]) -> Outcome:
    """What a life changed, group by group of the subject's state; groups that stayed as they were are left out."""
    found: Outcome = {}
    for group, tensors in after.items():
        old = before.get(group)
        masks = {name: value for name, value in tensors.items() if value.dtype == torch.bool}
        other = {name: value for name, value in tensors.items() if value.dtype != torch.bool}
        if old is not None and old.keys() == tensors.keys() and all(torch.equal(old[n], v) for n, v in tensors.items()):
            continue
        if masks:
            found[f"mask of {group}"] = of_masks(masks)
        if other:
            found[f"change of {group}"] = of_tensors(other, old)
    return found


def of_values(values: Iterable[float]) -> Outcome:
    """How many values, how many of them finite, and [mean, root mean square, projection] of those."""
    numbers = np.array(list(values), dtype=float)
    finite = numbers[np.isfinite(numbers)]
    counted = {"values": len(numbers), "finite": len(finite)}
    if not len(finite):
        return counted
    parts = [float(finite.mean()), float(np.sqrt(np.square(finite).mean())), _projected(finite) / math.sqrt(len(finite))]
    return {**counted, "size": parts}


def of_readings(readings: Sequence[tuple[str, float]]) -> Outcome:
    """Values by metric; metrics that differ after a slash alone are taken together."""
    found: dict[str, list[float]] = {}
    for metric, value in readings:
        found.setdefault(metric.partition("/")[0], []).append(value)
    return {f"{metric}: {part}": v for metric, values in found.items() for part, v in of_values(values).items()}


def of_text(text: str) -> str:
    """A short fingerprint of what must be equal to the letter."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def rounded(outcome: Outcome) -> Outcome:
    """With five significant digits; of masks, whose synapses are counted, two decimals."""
    return {name: _rounded(name, value) if isinstance(value, list) else value for name, value in outcome.items()}


def _rounded(name: str, value: list[float]) -> list[float]:
    return [round(v, 2) if name.startswith("mask") else float(f"{v:.5g}") for v in value]


def tolerance(name: str, value: list[float]) -> float:
    """How far the numbers of a list may be off, if nothing else is known."""
    return SYNAPSES if name.startswith("mask") else RELATIVE * max(map(abs, value)) + 1e-9


def differences(golden: Outcome, found: Outcome, wider: Mapping[str, float]) -> list[str]:
    """Where an outcome is another than the golden one; `wider` are tolerances of numbers that a rounding error can move."""
    said = [f"{name!r} is new" for name in found if name not in golden]
    for name, value in golden.items():
        now = found.get(name)
        if isinstance(value, list) and isinstance(now, list) and len(value) == len(now):
            given = max(tolerance(name, value), wider.get(name, 0.0))
            if any(not abs(one - other) <= given for one, other in zip(value, now, strict=True)):
                said.append(f"{name!r} is {rounded({name: now})[name]}, was {value}")
        elif value != now:
            said.append(f"{name!r} is {now!r}, was {value!r}")
    return said


def spread(one: Outcome, other: Outcome) -> dict[str, float]:
    """By name, how far the numbers of two outcomes are apart at most."""
    both = [name for name in one if isinstance(one[name], list) and isinstance(other.get(name), list)]
    return {name: max(abs(a - b) for a, b in zip(one[name], other[name], strict=True)) for name in both}


def _projected(values: np.ndarray) -> float:
    return float(values @ np.cos(0.7 * np.arange(len(values))))
