"""Answers of a subject to a task's split: sorted by length, no gradients, nothing changed."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import torch

from lifespan.batches import Tokens
from lifespan.contracts import Examples, Task
from lifespan.subject import Subject
from lifespan.training import autocast, token_states

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

TOKENS_PER_BATCH = 4096


@lru_cache(maxsize=64)
def tokenised(task: Task, split: str, length: int, tokenizer: PreTrainedTokenizerBase) -> tuple[Examples, Tokens]:
    """A split's examples and tokens, kept for the next look."""
    examples = task.examples(split)
    return examples, Tokens(tokenizer, examples.first, examples.second, length)


def predictions(subject: Subject, task: Task, split: str, length: int) -> tuple[np.ndarray, np.ndarray]:
    """(answers, labels) in the split's order: class indices (int64), or scores clipped to the task's range (float64)."""
    logits, labels = task_logits(subject, task, split, length)
    if task.labels:
        return logits.argmax(axis=1), labels
    low, high = task.score_range
    return np.clip(low + (high - low) * logits[:, 0].astype(np.float64), low, high), labels


def task_logits(subject: Subject, task: Task, split: str, length: int) -> tuple[np.ndarray, np.ndarray]:
    """(outputs of the task's head as float32 (examples, outputs), labels), in the split's order."""
    examples, tokens = tokenised(task, split, length, subject.tokenizer)
    head = subject.skills[task.title].head
    order = np.argsort(tokens.lengths, kind="stable")
    results = np.empty((len(order), head.output.out_features), dtype=np.float32)
    with torch.inference_mode(), subject.wearing(task.title), autocast(subject):
        for index in _by_tokens(order, tokens.lengths):
            states = token_states(subject, tokens.collate(index))
            results[index] = head(states[:, 0]).float().cpu().numpy()
    return results, np.asarray(examples.labels)


def _by_tokens(order: np.ndarray, lengths: np.ndarray):
    """Consecutive runs of `order` (ascending lengths) that fill at most about TOKENS_PER_BATCH padded tokens."""
    start = 0
    while start < len(order):
        stop = start + 1
        while stop < len(order) and (stop + 1 - start) * int(lengths[order[stop]]) <= TOKENS_PER_BATCH:
            stop += 1
        yield order[start:stop]
        start = stop
