"""Tokenised once, then served as length-bucketed batches that can be asked for by step number.

Random access by step is what makes a killed life resumable: no iterator has a state to save.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import torch

from lifespan.contracts import Corpus, Examples, Passage, Task
from lifespan.contracts.subject import Subject
from lifespan.randomness import Streams

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

Batch = dict[str, torch.Tensor]

BUCKET = 32
"""Batches per window within which examples are sorted by length: less padding, order still random."""


class Tokens:
    """Tokenised texts as ragged int lists, and their collation to padded tensors.

    `second` holds the second segments; None (as a whole or in a place) means that there is none.
    """

    def __init__(
        self,
        tokenizer: PreTrainedTokenizerBase,
        first: Sequence[str],
        second: Sequence[str | None] | None,
        length: int,
    ) -> None:
        second = [None] * len(first) if second is None else second
        self.fields: dict[str, list[np.ndarray]] = {}
        for paired in (False, True):
            chosen = [i for i, text in enumerate(second) if (text is not None) == paired]
            if chosen:
                texts = [[first[i] for i in chosen], [second[i] for i in chosen]][: 1 + paired]
                encoded = tokenizer(*texts, truncation=True, max_length=min(length, tokenizer.model_max_length))
                self._keep(chosen, encoded, len(first))
        # Beyond what a body can read, padding would ask for positions that it lacks.
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
        self.task: str | None = task.title
        low, high = task.score_range
        labels = np.asarray(examples.labels)
        # Scores are learned on a scale of 0 to 1, so that one learning rate fits classes and scores.
        self.labels = torch.from_numpy(labels if task.labels else ((labels - low) / (high - low)).astype(np.float32))
        self.tokens = Tokens(tokenizer, examples.first, examples.second, length)
        self.order = Shuffle(self.tokens.lengths, batch_size, streams)

    def __len__(self) -> int:
        return len(self.labels)

    def batch(self, step: int) -> Batch:
        index = self.order.index(step)
        return {**self.tokens.collate(index), "labels": self.labels[index]}


class MaskedSource:
    """Unlabelled batches with dynamic masking: 80% mask token, 10% random token, 10% unchanged (Devlin et al. 2019).

    `labels` holds the original token where one was chosen and -100 elsewhere. `tokens` are those of the passages, if known.
    """

    def __init__(
        self,
        passages: Sequence[Passage],
        tokenizer: PreTrainedTokenizerBase,
        *,
        length: int,
        batch_size: int,
        masking: float,
        streams: Streams,
        tokens: Tokens | None = None,
    ) -> None:
        self.task: str | None = None
        self.tokens = tokens or passage_tokens(tokenizer, passages, length)
        self.order = Shuffle(self.tokens.lengths, batch_size, streams)
        self.tokenizer, self.masking, self.streams = tokenizer, masking, streams
        self.special = torch.tensor(sorted(set(tokenizer.all_special_ids)))

    def __len__(self) -> int:
        return len(self.tokens.lengths)

    def batch(self, step: int) -> Batch:
        batch = self.tokens.collate(self.order.index(step))
        batch["input_ids"], batch["labels"] = self._mask(batch["input_ids"], step)
        return batch

    def _mask(self, ids: torch.Tensor, step: int) -> tuple[torch.Tensor, torch.Tensor]:
        generator = self.streams.torch("masking", step)
        choice = torch.rand(ids.shape, generator=generator)
        fate = torch.rand(ids.shape, generator=generator)
        noise = torch.randint(len(self.tokenizer), ids.shape, generator=generator)
        chosen = (choice < self.masking) & ~torch.isin(ids, self.special)
        if not chosen.any():
            # A batch of short passages can escape every draw; the loss needs at least one token to predict.
            open_tokens = (~torch.isin(ids, self.special)).nonzero()
            if len(open_tokens):
                chosen[tuple(open_tokens[0])] = True
        labels = torch.where(chosen, ids, -100)
        masked = torch.where(chosen & (fate < 0.8), self.tokenizer.mask_token_id, ids)
        return torch.where(chosen & (fate >= 0.9), noise, masked), labels


def passage_tokens(tokenizer: PreTrainedTokenizerBase, passages: Sequence[Passage], length: int) -> Tokens:
    """Texts, and pairs of texts as two segments, tokenised."""
    first = [passage[0] if isinstance(passage, tuple) else passage for passage in passages]
    second = [passage[1] if isinstance(passage, tuple) else None for passage in passages]
    return Tokens(tokenizer, first, second, length)


@lru_cache(maxsize=4)
def corpus_tokens(corpus: Corpus, tokenizer: PreTrainedTokenizerBase, length: int) -> Tokens:
    """A corpus's tokens, kept for the next life that reads it."""
    return passage_tokens(tokenizer, corpus.passages(), length)


class TurnSource:
    """Batches of several sources taken in turn, one task a step."""

    def __init__(self, sources: Sequence[TaskSource]) -> None:
        self.sources = list(sources)

    @property
    def tasks(self) -> list[str]:
        """Tasks in their order of turns."""
        return [source.task for source in self.sources if source.task is not None]

    def at(self, step: int) -> tuple[TaskSource, int]:
        """The source whose turn it is, and its own step number."""
        own, position = divmod(step, len(self.sources))
        return self.sources[position], own

    def __len__(self) -> int:
        return sum(len(source) for source in self.sources)


def task_source(
    subject: Subject, task: Task, *, length: int, batch_size: int, streams: Streams, rows: Examples | None = None
) -> TaskSource:
    """Training batches of a task (of `rows`, if given), in the words of the subject's tokenizer."""
    rows = task.examples(task.splits[0]) if rows is None else rows
    return TaskSource(task, rows, subject.tokenizer, length=length, batch_size=batch_size, streams=streams)
