"""The head of tagging tasks: one answer for every word of a sentence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from lifespan.contracts import Answered, Head, sequences
from lifespan.contracts.head import softened_divergence
from lifespan.errors import DataError, did_you_mean

if TYPE_CHECKING:
    import torch
    from torch import nn

IGNORED = -100
"""The label of a token that no word begins with, as `torch.nn.functional.cross_entropy` ignores it."""


@dataclass(frozen=True, kw_only=True)
class TagHead(Head):
    """One of `labels` for every word: dropout and a linear layer on each token's state (Devlin et al. 2019, section 5.3).

    A word is tagged at its first token; its other tokens are neither learned nor evaluated. The loss is the
    cross-entropy, the mean over the words of a batch. Labels and answers are tuples of tags, one for each word; a word that
    was cut away with the end of a long sentence is answered by "", which is wrong.
    """

    kind = "tags"
    reads = "tokens"
    words = True
    metrics = ("tag_accuracy", "span_f1")

    labels: tuple[str, ...]

    @property
    def outputs(self) -> int:
        return len(self.labels)

    def module(self, width: int, dropout: float) -> nn.Module:
        from collections import OrderedDict

        from torch import nn

        return nn.Sequential(OrderedDict(dropout=nn.Dropout(dropout), output=nn.Linear(width, self.outputs)))

    def parameters(self, width: int) -> int:
        return self.outputs * (width + 1)

    def targets(self, labels: np.ndarray) -> Any:
        """The tags' indices, an int64 array for each sentence."""
        coding = {tag: index for index, tag in enumerate(self.labels)}
        try:
            return [np.array([coding[tag] for tag in row], dtype=np.int64) for row in labels]
        except KeyError as error:
            tag = error.args[0]
            raise DataError(f"the tag {tag!r}", "is not among the task's labels.", did_you_mean(tag, self.labels)) from None

    def batch(self, targets: Any, index: np.ndarray, shape: tuple[int, ...], starts: Sequence[np.ndarray]) -> torch.Tensor:
        """Labels (batch, length): a word's tag at its first token, -100 elsewhere."""
        import torch

        labels = np.full(shape, IGNORED, dtype=np.int64)
        for row, (example, own) in enumerate(zip(index, starts, strict=True)):
            labels[row, own[own >= 0]] = targets[example][own >= 0]
        return torch.from_numpy(labels)

    def loss(self, answer: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        from torch.nn import functional

        if not bool((labels != IGNORED).any()):
            return answer.sum() * 0
        return functional.cross_entropy(answer.flatten(0, 1), labels.flatten(), ignore_index=IGNORED)

    def labelled(self, labels: torch.Tensor) -> int:
        """The number of words with a label."""
        return int((labels != IGNORED).sum())

    def distance(self, answer: torch.Tensor, taught: torch.Tensor, real: torch.Tensor, temperature: float) -> torch.Tensor:
        """T**2 KL(teacher || student) at temperature T, the mean over all tokens."""
        tokens = real.bool()
        return softened_divergence(answer[tokens], taught[tokens], temperature)

    def log_probabilities(self, answer: torch.Tensor, labels: torch.Tensor) -> torch.Tensor | None:
        return answer[labels != IGNORED].log_softmax(-1)

    def answers(self, logits: np.ndarray) -> np.ndarray:
        """A tuple of tags for each sentence, "" for words cut away."""
        return sequences([[self.labels[index] if index >= 0 else "" for index in _best(row)] for row in logits])

    def readable(self, answers: np.ndarray, labels: Sequence[str]) -> list[Any]:
        """Lists of tags."""
        return [list(row) for row in answers]

    def table(self, logits: np.ndarray, predicted: np.ndarray, labels: np.ndarray) -> Answered:
        """A row for each word."""
        lengths = [len(row) for row in logits]
        predictions = np.concatenate([_best(row) for row in logits]).astype(float)
        targets = np.concatenate(self.targets(labels)).astype(float)
        predictions[predictions < 0] = np.nan
        example = np.repeat(np.arange(len(logits)), lengths)
        word = np.concatenate([np.arange(length) for length in lengths])
        right = (predictions == targets).astype(float)
        return Answered(example, targets, predictions, right, np.concatenate(list(logits)), word)

    def complaint(self, labels: np.ndarray) -> str:
        known = set(self.labels)
        fine = labels.dtype == object and all(isinstance(row, tuple) and len(row) > 0 and set(row) <= known for row in labels)
        return "" if fine else "labels that are no tuples of its tags: use lifespan.contracts.sequences"


def _best(logits: np.ndarray) -> np.ndarray:
    """The index of each word's largest output, int64 (words,); -1 where there is none."""
    cut = np.isnan(logits[:, 0])
    return np.where(cut, -1, logits.argmax(axis=1))
