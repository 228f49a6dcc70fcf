"""Batches of tokenised texts, bucketed by length, by step number.

Random access by step is what makes a killed life resumable: no iterator has a state to save.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from lifespan.contracts import Examples, Passage, Task
from lifespan.contracts.data import fingerprint_of
from lifespan.contracts.subject import Subject
from lifespan.errors import DataError
from lifespan.model.forward import batch_loss
from lifespan.randomness import Streams

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

Batch = dict[str, torch.Tensor]

BUCKET = 32
"""Batches per window within which examples are sorted by length: less padding, order still random."""


class Tokens:
    """Tokenised texts as ragged int lists, and their collation to padded tensors.

    `second` holds the second segments; None (as a whole or in a place) means that there is none. With `words`, `starts` has
    for each first text the place of every word's first token, -1 where the word was cut away (see `word_starts`).
    """

    def __init__(
        self,
        tokenizer: PreTrainedTokenizerBase,
        first: Sequence[str],
        second: Sequence[str | None] | None,
        length: int,
        *,
        words: bool = False,
    ) -> None:
        second = [None] * len(first) if second is None else second
        self.fields: dict[str, list[np.ndarray]] = {}
        self.starts: list[np.ndarray] = []
        limit = min(length, tokenizer.model_max_length)
        for paired in (False, True):
            chosen = [i for i, text in enumerate(second) if (text is not None) == paired]
            if chosen:
                texts = [[first[i] for i in chosen], [second[i] for i in chosen]][: 1 + paired]
                encoded = tokenizer(*texts, truncation=True, max_length=limit)
                self._keep(chosen, encoded, len(first))
        if words:
            self.starts = word_starts(tokenizer, first, limit)
        # Beyond what a body can read, padding would need positions that it lacks.
        self.limit = int(tokenizer.model_max_length)
        self.lengths = np.array([len(row) for row in self.fields["input_ids"]])
        self.padding = {"input_ids": tokenizer.pad_token_id or 0, "token_type_ids": 0}

    def _keep(self, positions: list[int], encoded: Mapping[str, list[list[int]]], count: int) -> None:
        for name in ("input_ids", "token_type_ids"):
            if name in encoded:
                rows = self.fields.setdefault(name, [np.zeros(0, dtype=np.int64)] * count)
                for i, row in zip(positions, encoded[name], strict=True):
                    rows[i] = np.asarray(row, dtype=np.int64)

    def collate(self, index: np.ndarray) -> Batch:
        """The texts at these positions, padded to their longest: (batch, length) int64 tensors.

        The length is a multiple of 8, fewer distinct shapes for the matrix kernels to prepare for, unless that is more than
        the body can read.
        """
        longest = int(self.lengths[index].max())
        width = max(longest, min(-(-longest // 8) * 8, self.limit))
        batch: Batch = {}
        for name, rows in self.fields.items():
            padded = np.full((len(index), width), self.padding[name], dtype=np.int64)
            for row, i in enumerate(index):
                padded[row, : len(rows[i])] = rows[i]
            batch[name] = torch.from_numpy(padded)
        mask = np.arange(width)[None, :] < self.lengths[index][:, None]
        batch["attention_mask"] = torch.from_numpy(mask.astype(np.int64))
        return batch


class Shuffle:
    """The order of examples: a fresh permutation each epoch, sorted by length inside windows, batches shuffled."""

    def __init__(self, lengths: np.ndarray, batch_size: int, streams: Streams) -> None:
        self.lengths, self.batch_size, self.streams = lengths, batch_size, streams
        self.per_epoch = -(-len(lengths) // batch_size)
        self._epoch: tuple[int, list[np.ndarray]] | None = None

    def index(self, step: int) -> np.ndarray:
        """Positions of the examples of a step's batch."""
        epoch, position = divmod(step, self.per_epoch)
        if self._epoch is None or self._epoch[0] != epoch:
            self._epoch = (epoch, self._batches(epoch))
        return self._epoch[1][position]

    def _batches(self, epoch: int) -> list[np.ndarray]:
        draw = self.streams.numpy("order", epoch)
        order = draw.permutation(len(self.lengths))
        window = self.batch_size * BUCKET
        batches: list[np.ndarray] = []
        for start in range(0, len(order), window):
            part = order[start : start + window]
            part = part[np.argsort(self.lengths[part], kind="stable")]
            batches += [part[i : i + self.batch_size] for i in range(0, len(part), self.batch_size)]
        return [batches[i] for i in draw.permutation(len(batches))]


def word_starts(tokenizer: PreTrainedTokenizerBase, texts: Sequence[str], limit: int) -> list[np.ndarray]:
    """Where the first token of every word of each text stands, int64 (words,); -1 where it was cut away or is no token.

    Words have one space between them. Tokens are those of the whole text, cut at `limit`, and belong to words by their place
    among its characters; for a tokenizer that never joins words these are its `word_ids` on the list of words.
    """
    if not tokenizer.is_fast:
        what = f"the tokenizer {type(tokenizer).__name__} does not give the places of its tokens in a text."
        raise DataError("tagging words", what, "Use a subject with a fast tokenizer.")
    encoded = tokenizer(list(texts), truncation=True, max_length=limit, return_offsets_mapping=True)
    return [_starts(text, np.asarray(spans)) for text, spans in zip(texts, encoded["offset_mapping"], strict=True)]


def _starts(text: str, spans: np.ndarray) -> np.ndarray:
    """Of one text; `spans` (tokens, 2) are the characters of each token, special ones empty."""
    ends = np.cumsum([len(word) + 1 for word in text.split(" ")]) - 1
    begins = np.concatenate([[0], ends[:-1] + 1])
    places = np.flatnonzero(spans[:, 1] > spans[:, 0])
    real = spans[places]
    # The first token that ends behind the word's first character is its own unless it begins behind the word.
    found = np.searchsorted(real[:, 1], begins, side="right")
    inside = found < len(real)
    found = np.minimum(found, max(0, len(real) - 1))
    inside &= real[found, 0] < ends if len(real) else False
    return np.where(inside, places[found] if len(places) else -1, -1).astype(np.int64)


class Labelled:
    """Rows of a task with their labels as its head learns them."""

    def __init__(self, task: Task, examples: Examples, tokens: Tokens) -> None:
        self.head, self.tokens = task.head, tokens
        self.targets = self.head.targets(np.asarray(examples.labels))
        for row, (starts, tags) in enumerate(zip(tokens.starts, examples.labels, strict=False)):
            if len(starts) != len(tags):
                what = f"has {len(starts)} words and {len(tags)} labels."
                raise DataError(f"{task.describe()}, row {row + 1}", what, "Give one label a word, one space between words.")

    def batch(self, index: np.ndarray) -> Batch:
        """The rows at these positions as one batch with `labels`."""
        batch = self.tokens.collate(index)
        starts = [self.tokens.starts[i] for i in index] if self.head.words else []
        return {**batch, "labels": self.head.batch(self.targets, index, tuple(batch["input_ids"].shape), starts)}


def tokens_of(task: Task, examples: Examples, tokenizer: PreTrainedTokenizerBase, length: int) -> Tokens:
    """The tokens of rows of a task, with the places of words where its labels belong to words."""
    return Tokens(tokenizer, examples.first, examples.second, length, words=task.head.words)


class TaskSource:
    """Labelled batches of one task's training split."""

    def __init__(
        self,
        task: Task,
        examples: Examples,
        tokenizer: PreTrainedTokenizerBase,
        *,
        length: int,
        batch_size: int,
        streams: Streams,
    ) -> None:
        self.task = task.title
        self.rows = Labelled(task, examples, tokens_of(task, examples, tokenizer, length))
        self.order = Shuffle(self.tokens.lengths, batch_size, streams)

    @property
    def tokens(self) -> Tokens:
        """The tokens of all rows."""
        return self.rows.tokens

    @property
    def labels(self) -> Any:
        """The labels of all rows, as they are learned."""
        return self.rows.targets

    def __len__(self) -> int:
        return len(self.tokens.lengths)

    def batch(self, step: int) -> Batch:
        """The labelled batch of a 0-based step."""
        return self.rows.batch(self.order.index(step))

    def loss(self, subject: Subject, batch: Batch) -> torch.Tensor:
        """The mean loss of a batch."""
        return batch_loss(subject, self.task, batch)


def passage_tokens(tokenizer: PreTrainedTokenizerBase, passages: Sequence[Passage], length: int) -> Tokens:
    """Texts, and pairs of texts as two segments, tokenised."""
    first = [passage[0] if isinstance(passage, tuple) else passage for passage in passages]
    second = [passage[1] if isinstance(passage, tuple) else None for passage in passages]
    return Tokens(tokenizer, first, second, length)


class _Keyed:
    """A cache's key that compares by `key` and carries the content from which the cached value is computed."""

    def __init__(self, key: str, content: Any) -> None:
        self.key, self.content = key, content

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Keyed) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)


def kept_rows(task: Task, examples: Examples, tokenizer: PreTrainedTokenizerBase, length: int) -> Tokens:
    """The tokens of rows of a task, cached by the rows' content."""
    return _row_tokens(_Keyed(f"{examples.fingerprint} {task.head.words}", (task, examples)), tokenizer, length)


@lru_cache(maxsize=64)
def _row_tokens(rows: _Keyed, tokenizer: PreTrainedTokenizerBase, length: int) -> Tokens:
    task, examples = rows.content
    return tokens_of(task, examples, tokenizer, length)


def kept_tokens(passages: Sequence[Passage], tokenizer: PreTrainedTokenizerBase, length: int) -> Tokens:
    """A corpus's tokens, cached by the text's content."""
    return _passage_tokens(_Keyed(fingerprint_of(passages), passages), tokenizer, length)


@lru_cache(maxsize=4)
def _passage_tokens(passages: _Keyed, tokenizer: PreTrainedTokenizerBase, length: int) -> Tokens:
    return passage_tokens(tokenizer, passages.content, length)


class TurnSource:
    """Batches of several sources taken in turn, one task a step."""

    def __init__(self, sources: Sequence[TaskSource]) -> None:
        self.sources = list(sources)

    @property
    def tasks(self) -> list[str]:
        """Tasks in their order of turns."""
        return [source.task for source in self.sources]

    def at(self, step: int) -> tuple[TaskSource, int]:
        """The source whose turn it is, and its own step number."""
        own, position = divmod(step, len(self.sources))
        return self.sources[position], own

    def __len__(self) -> int:
        return sum(len(source) for source in self.sources)


def task_source(
    subject: Subject, task: Task, *, length: int, batch_size: int, streams: Streams, rows: Examples | None = None
) -> TaskSource:
    """Training batches of a task (of `rows`, if given), tokenised for the subject."""
    rows = task.examples(task.splits[0]) if rows is None else rows
    return TaskSource(task, rows, subject.tokenizer, length=length, batch_size=batch_size, streams=streams)
