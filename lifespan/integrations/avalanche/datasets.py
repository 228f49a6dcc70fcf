"""Tasks as Avalanche datasets: rows are [x, y, t], x one tensor of tokenised fields."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

from lifespan.subjects._torchvision import mend_torchvision

mend_torchvision()


@contextmanager
def quiet() -> Iterator[None]:
    """Inside this block Avalanche's own deprecation warnings, and its warning of missing loggers, are not shown."""
    # Its decorator sets a filter of its own, so that none set here would hold.
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        yield
    for warning in said:
        if not issubclass(warning.category, DeprecationWarning) and "No loggers" not in str(warning.message):
            warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)


# Avalanche can only be imported after torchvision is mended.
from avalanche.benchmarks.utils import (  # noqa: E402
    AvalancheDataset,
    TaskAwareSupervisedClassificationDataset,
    _make_taskaware_tensor_classification_dataset,
)

from lifespan.training.batches import Batch, Tokens  # noqa: E402

FIELDS = ("input_ids", "attention_mask", "token_type_ids")
"""The order of x's fields; the last exists where the tokenizer makes it."""


def packed(batch: Batch) -> torch.Tensor:
    """The fields of a batch as x: (batch, fields, length) int64."""
    return torch.stack([batch[name] for name in FIELDS if name in batch], dim=1)


def unpacked(x: torch.Tensor) -> Batch:
    """The fields of x by name, cut behind the longest text (to a multiple of 8)."""
    longest = int(x[:, 1].sum(-1).max())
    width = min(x.shape[-1], -(-longest // 8) * 8)
    return {name: x[:, i, :width] for i, name in enumerate(FIELDS[: x.shape[1]])}


def widened(x: torch.Tensor, length: int, padding: int) -> torch.Tensor:
    """x padded to a length; `padding` is the token that pads."""
    missing = length - x.shape[-1]
    if missing <= 0:
        return x
    more = x.new_zeros((*x.shape[:-1], missing))
    more[:, 0] = padding
    return torch.cat([x, more], dim=-1)


def rows_of(tokens: Tokens) -> torch.Tensor:
    """x of all rows, as long as the longest."""
    return packed(tokens.collate(np.arange(len(tokens.lengths))))


def dataset(x: torch.Tensor, y: torch.Tensor, t: torch.Tensor) -> TaskAwareSupervisedClassificationDataset:
    """Rows as Avalanche takes them, each with its task's number."""
    return _make_taskaware_tensor_classification_dataset(x, y, targets=y.tolist(), task_labels=t.tolist())


def joined(parts: Sequence[tuple[torch.Tensor, torch.Tensor, int]], length: int, padding: int) -> AvalancheDataset:
    """One dataset of several tasks' (x, y, number), padded to a length."""
    x = torch.cat([widened(rows, length, padding) for rows, _, _ in parts])
    t = torch.cat([torch.full((len(labels),), number) for _, labels, number in parts])
    return dataset(x, torch.cat([labels for _, labels, _ in parts]), t)


def contents(data: AvalancheDataset) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """(x, y, t) of all rows of a dataset, which must not be empty."""
    rows: Sequence[Any] = [data[i] for i in range(len(data))]
    x = torch.stack([row[0] for row in rows])
    y, t = (torch.tensor([int(row[i]) for row in rows], dtype=torch.int64) for i in (1, -1))
    return x, y, t
