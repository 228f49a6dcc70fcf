"""Answers of a subject to a task's split: sorted by length, no gradients, nothing changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import torch

from lifespan.contracts import Examples, Task, thinning
from lifespan.contracts.subject import Subject
from lifespan.model.forward import autocast, first_states
from lifespan.training.batches import Batch, Tokens

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

TOKENS_PER_BATCH = 4096
NO_ANSWER = -1
"""Class index where an output is not finite: no class, and no label equals it."""
ENTRIES_PER_BATCH = 2048 * 384
"""Tokens times width: on a CPU the states of a larger batch fall out of the cache (`benchmarks/forward.py`)."""


@lru_cache(maxsize=64)
def tokenised(
    task: Task, split: str, length: int, tokenizer: PreTrainedTokenizerBase, limit: int | None = None
) -> tuple[Examples, Tokens]:
    """A split's examples and tokens, kept for later ones. `limit` thins it, for every individual alike, in its order."""
    examples = task.examples(split)
    if limit is not None and limit < len(examples):
        examples = examples.take(looked_at(task, split, limit))
    return examples, Tokens(tokenizer, examples.first, examples.second, length)


def looked_at(task: Task, split: str, limit: int | None) -> np.ndarray:
    """Ascending positions in a split of the examples that an evaluation thinned to `limit` reads."""
    count = len(task.examples(split))
    return np.arange(count) if limit is None else thinning(f"{task.title}/{split}/looking", count, limit)


def predictions(
    subject: Subject, task: Task, split: str, length: int, limit: int | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """(answers, labels) in the split's order; see `answers`."""
    logits, labels = task_logits(subject, task, split, length, limit)
    return answers(task, logits), labels


def answers(task: Task, logits: np.ndarray) -> np.ndarray:
    """What outputs of a task's head mean: class indices (int64), or scores clipped to the task's range (float64).

    Outputs that are not finite mean nothing: `NO_ANSWER`, or NaN for a score. `metrics.score` of such answers is NaN.
    """
    known = np.isfinite(logits).all(axis=1)
    if task.labels:
        return np.where(known, logits.argmax(axis=1), NO_ANSWER)
    low, high = task.score_range
    return np.where(known, np.clip(low + (high - low) * logits[:, 0].astype(np.float64), low, high), np.nan)


def task_logits(
    subject: Subject, task: Task, split: str, length: int, limit: int | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """(outputs of the task's head as float32 (examples, outputs), labels), in the split's order, thinned to `limit`."""
    examples, tokens = tokenised(task, split, length, subject.tokenizer, limit)
    return token_logits(subject, task.title, tokens), np.asarray(examples.labels)


def token_logits(
    subject: Subject, skill: str, tokens: Tokens, alter: Callable[[Batch, int], Batch] = lambda batch, number: batch
) -> np.ndarray:
    """Outputs of a skill's head on any tokens, float32 (examples, outputs), in their order.

    `alter` may change a batch before it is read; it is given the batch's number.
    """
    head = subject.skills[skill].head
    results = np.empty((len(tokens.lengths), head.output.out_features), dtype=np.float32)
    with torch.inference_mode(), subject.wearing(skill), autocast(subject):
        for number, index in enumerate(by_tokens(subject, tokens.lengths)):
            state = first_states(subject, alter(tokens.collate(index), number))
            results[index] = head(state).float().cpu().numpy()
    return results


def by_tokens(subject: Subject, lengths: np.ndarray) -> Iterator[np.ndarray]:
    """Positions in runs of ascending length that fill at most about as many padded tokens as the subject reads well."""
    most = TOKENS_PER_BATCH
    if subject.device.type == "cpu":
        most = min(most, max(1, ENTRIES_PER_BATCH // subject.width))
    order = np.argsort(lengths, kind="stable")
    start = 0
    while start < len(order):
        stop = start + 1
        while stop < len(order) and (stop + 1 - start) * int(lengths[order[stop]]) <= most:
            stop += 1
        yield order[start:stop]
        start = stop
