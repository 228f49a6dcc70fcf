"""What pruners share that rank synapses by batches of the tasks learned so far and let the weakest die."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lifespan.contracts import Pruner, Task
from lifespan.contracts.length import STANDARD_LENGTH
from lifespan.pruning.scopes import Scope

if TYPE_CHECKING:
    import torch

    from lifespan.contracts.subject import Subject
    from lifespan.randomness import Streams
    from lifespan.training.batches import Batch


@dataclass(frozen=True, kw_only=True)
class DataPruner(Pruner):
    """A pruner that ranks synapses by a strength measured on `batches` batches of `batch_size` examples, as `scope` says."""

    batches: int = 8
    batch_size: int = 32
    scope: Scope = "global"
    length: int = STANDARD_LENGTH

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_count("batches")
        self.require_count("batch_size")
        self.require_count("length", at_least=8)
        self.require_literal("scope")

    def task_batches(self, subject: Subject, streams: Streams, tasks: Sequence[Task]) -> Iterator[tuple[str, Batch]]:
        """(task's title, training batch) of the batches that this pruner reads; see `_task_batches.task_batches`."""
        from lifespan.pruning import _task_batches

        recipe = {"batches": self.batches, "batch_size": self.batch_size, "length": self.length}
        return _task_batches.task_batches(subject, tasks, streams=streams, who=self.describe(), **recipe)

    @abstractmethod
    def strength(self, subject: Subject, streams: Streams, tasks: Sequence[Task]) -> dict[str, torch.Tensor]:
        """Strength of every synapse, at least 0."""

    def choose(self, subject: Subject, sparsity: float, streams: Streams, tasks: Sequence[Task]) -> dict[str, torch.Tensor]:
        """Exactly `round(sparsity * synapses)` dead, those already dead included; ties die by position."""
        from lifespan.pruning.selection import weakest

        return weakest(self.strength(subject, streams, tasks), subject.alive, sparsity, scope=self.scope)
