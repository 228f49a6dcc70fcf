"""A subject's answers to a split of a task, without gradients; evaluation changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch

from lifespan.contracts import Examples, Task, thinning
from lifespan.contracts.subject import Subject
from lifespan.model.forward import head_outputs
from lifespan.training.batches import Batch, Tokens, kept_rows

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

TOKENS_PER_BATCH = 4096
ENTRIES_PER_BATCH = 2048 * 384
"""Tokens times width: on a CPU the states of a larger batch fall out of the cache (`benchmarks/forward.py`)."""


def tokenised(
    task: Task, split: str, length: int, tokenizer: PreTrainedTokenizerBase, limit: int | None = None
) -> tuple[Examples, Tokens]:
    """A split's examples and tokens, kept for later ones. `limit` thins it, for every individual alike, in its order."""
    examples = task.examples(split).thinned(f"{task.title}/{split}/looking", limit)
    return examples, kept_rows(task, examples, tokenizer, length)


def evaluated_rows(task: Task, split: str, limit: int | None) -> np.ndarray:
    """Ascending positions in a split of the examples that an evaluation thinned to `limit` reads."""
    count = len(task.examples(split))
    return np.arange(count) if limit is None else thinning(f"{task.title}/{split}/looking", count, limit)


def predictions(
    subject: Subject, task: Task, split: str, length: int, limit: int | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """(answers, labels) in the split's order, as the task's head defines them: class indices, scores, tuples of tags, ..."""
    logits, labels = task_logits(subject, task, split, length, limit)
    return answers(task, logits), labels


def answers(task: Task, logits: np.ndarray) -> np.ndarray:
    """What outputs of a task's head mean: class indices (int64), scores clipped to the task's range (float64), ...

    Outputs that are not finite mean nothing: see `Head.unanswered`. `metrics.score` of such answers is NaN.
    """
    return task.head.answers(logits)


def task_scores(task: Task, logits: np.ndarray, labels: np.ndarray, metrics: Sequence[str] | None = None) -> dict[str, float]:
    """The task's metrics, or these, of outputs of its head on examples with these labels, by name; NaN where undefined."""
    from lifespan.stats.metrics import score

    found, positive = answers(task, logits), task.positive_class
    names = task.metrics if metrics is None else metrics
    return {name: score(name, found, labels, outputs=logits, positive=positive) for name in names}


def task_logits(
    subject: Subject, task: Task, split: str, length: int, limit: int | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """(outputs of the task's head, as of `token_logits`, labels), in the split's order, thinned to `limit`."""
    examples, tokens = tokenised(task, split, length, subject.tokenizer, limit)
    return token_logits(subject, task.title, tokens), np.asarray(examples.labels)


def token_logits(
    subject: Subject, skill: str, tokens: Tokens, alter: Callable[[Batch, int], Batch] = lambda batch, number: batch
) -> np.ndarray:
    """Outputs of a skill's head on any tokens, float32 (examples, outputs), in their order.

    Where labels belong to words it is an array of objects, for each example the outputs at its words (words, outputs), NaN at
    those that were cut away. `alter` may change a batch before it is read; it is given the batch's number. Where it moves
    tokens, an entry `places` (batch, length) of what it returns says where each of them stands now.
    """
    form = subject.skills[skill].form
    count = len(tokens.lengths)
    results = np.empty(count, dtype=object) if form.words else np.empty((count, form.outputs), dtype=np.float32)
    with torch.inference_mode(), subject.wearing(skill):
        for number, index in enumerate(by_tokens(subject, tokens.lengths)):
            batch = alter(tokens.collate(index), number)
            places = batch.pop("places", None)
            found = head_outputs(subject, skill, batch).cpu().numpy()
            if form.words:
                starts = [tokens.starts[i] for i in index]
                _keep_words(results, index, found, starts if places is None else _moved(starts, places.numpy()))
            else:
                results[index] = found
    return results


def _keep_words(results: np.ndarray, index: np.ndarray, found: np.ndarray, starts: Sequence[np.ndarray]) -> None:
    for row, (example, own) in enumerate(zip(index, starts, strict=True)):
        results[example] = np.where((own >= 0)[:, None], found[row, np.maximum(own, 0)], np.float32("nan"))


def _moved(starts: Sequence[np.ndarray], places: np.ndarray) -> list[np.ndarray]:
    return [np.where(own >= 0, places[row, np.maximum(own, 0)], -1) for row, own in enumerate(starts)]


def by_tokens(subject: Subject, lengths: np.ndarray) -> Iterator[np.ndarray]:
    """Positions in runs of ascending length, each of at most as many padded tokens as are fast on the subject's device."""
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
