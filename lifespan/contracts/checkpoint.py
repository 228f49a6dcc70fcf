"""The state of a learning event that is not finished, and where it is kept so that a killed run can go on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import torch


@dataclass
class Snapshot:
    """The state of an unfinished run of the loop, as tensors and plain data."""

    tensors: dict[str, torch.Tensor]
    facts: dict[str, Any]


class Checkpointer(Protocol):
    """Where unfinished runs are kept."""

    @property
    def every(self) -> int:
        """Optimizer steps between two checkpoints."""
        ...

    def load(self) -> Snapshot | None:
        """The latest checkpoint, or None."""
        ...

    def save(self, snapshot: Snapshot) -> None:
        """Replace the checkpoint."""
        ...
