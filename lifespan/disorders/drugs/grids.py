"""Quantisation grids: the values that a group of weights may take."""

from __future__ import annotations

import torch
from torch.nn import functional

from lifespan.disorders.drugs.doses import signed


def quantised(
    weight: torch.Tensor, alive: torch.Tensor, *, bits: int, grid: str, width: float, group: int | None
) -> torch.Tensor:
    """A matrix with every entry moved to its group's grid, in float64.

    `group` consecutive inputs of a row (the last group of a row may be shorter; None: the whole matrix) share a scale.
    The scale is taken of the group's living entries, or of all of them where none lives; what lies outside the grid goes to
    its end.
    """
    rows = weight.double()
    if group is None:
        rows, alive = rows.reshape(1, -1), alive.reshape(1, -1)
    size = rows.shape[1] if group is None else min(group, rows.shape[1])
    values, lives, real = (_blocks(part, size) for part in (rows, alive, torch.ones_like(alive)))
    counted = torch.where(lives.any(-1, keepdim=True), lives, real)
    if bits == 1 and grid == "absmax":
        new = signed(values, _mean(values.abs(), counted))
    elif grid == "absmax":
        new = _symmetric(values, (values.abs() * counted).amax(-1, keepdim=True), 2 ** (bits - 1) - 1)
    else:
        new = _cells(values, width * _mean(values.square(), counted).sqrt(), 2**bits)
    return new.flatten(1)[:, : rows.shape[1]].reshape(weight.shape)


def _blocks(rows: torch.Tensor, size: int) -> torch.Tensor:
    """(rows, columns) as (rows, groups, size), the last group filled up with zeros."""
    return functional.pad(rows, (0, -rows.shape[1] % size)).reshape(rows.shape[0], -1, size)


def _mean(values: torch.Tensor, counted: torch.Tensor) -> torch.Tensor:
    return (values * counted).sum(-1, keepdim=True) / counted.sum(-1, keepdim=True)


def _symmetric(values: torch.Tensor, largest: torch.Tensor, levels: int) -> torch.Tensor:
    """The nearest of the values -levels..levels times `largest / levels`, halves to even."""
    # Divided last, in float64, so that the largest value stays as it is to the bit and a second dose changes nothing.
    steps = (values / torch.where(largest > 0, largest / levels, 1.0)).round().clamp(-levels, levels)
    return steps * largest / levels


def _cells(values: torch.Tensor, reach: torch.Tensor, count: int) -> torch.Tensor:
    """The centre of the cell in which a value lies, of `count` equal cells over -reach..reach."""
    step = 2 * reach / count
    cell = (values / torch.where(step > 0, step, 1.0)).floor().clamp(-count // 2, count // 2 - 1)
    return (cell + 0.5) * step
