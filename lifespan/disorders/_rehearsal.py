"""Batches of earlier tasks, tokenised once per process."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from lifespan.contracts import Task
from lifespan.randomness import Streams
from lifespan.training.batches import TaskSource

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


@lru_cache(maxsize=16)
def source(task: Task, tokenizer: PreTrainedTokenizerBase, length: int, batch_size: int, streams: Streams) -> TaskSource:
    """Training batches of a task, in an order drawn from `streams` for this task."""
    own = streams.child(task.title)
    return TaskSource(task, task.examples(task.splits[0]), tokenizer, length=length, batch_size=batch_size, streams=own)
