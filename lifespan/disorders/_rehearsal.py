"""Batches of earlier tasks for `Replay`, tokenised once per process."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

from lifespan.contracts import Examples, Task
from lifespan.randomness import Streams
from lifespan.training.batches import TaskSource

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


def source(task: Task, tokenizer: PreTrainedTokenizerBase, length: int, batch_size: int, streams: Streams) -> TaskSource:
    """Training batches of a task, in an order drawn from `streams` for this task."""
    rows = task.examples(task.splits[0])
    return _source(_Rows(rows.fingerprint, task, rows), tokenizer, length, batch_size, streams)


@dataclass(frozen=True)
class _Rows:
    """A task's training rows, equal to others of the same task and content."""

    fingerprint: str
    task: Task
    rows: Examples = field(compare=False)


@lru_cache(maxsize=16)
def _source(held: _Rows, tokenizer: PreTrainedTokenizerBase, length: int, batch_size: int, streams: Streams) -> TaskSource:
    own = streams.child(held.task.title)
    return TaskSource(held.task, held.rows, tokenizer, length=length, batch_size=batch_size, streams=own)
