"""Masked-language modelling: batches with masked words, and how well a subject predicts them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch.nn import functional

from lifespan.contracts import Passage, Predicted
from lifespan.contracts.subject import Subject
from lifespan.model.forward import autocast, token_states
from lifespan.randomness import Streams
from lifespan.subjects.bodies import language_logits
from lifespan.training.batches import Batch, Shuffle, Tokens, passage_tokens

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


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
        self.task = None
        self.tokens = tokens or passage_tokens(tokenizer, passages, length)
        self.order = Shuffle(self.tokens.lengths, batch_size, streams)
        self.tokenizer, self.masking, self.streams = tokenizer, masking, streams
        self.special = torch.tensor(sorted(set(tokenizer.all_special_ids)))

    def __len__(self) -> int:
        return len(self.tokens.lengths)

    def batch(self, step: int) -> Batch:
        """The masked batch of a 0-based step."""
        batch = self.tokens.collate(self.order.index(step))
        batch["input_ids"], batch["labels"] = self._mask(batch["input_ids"], step)
        return batch

    def loss(self, subject: Subject, batch: Batch) -> torch.Tensor:
        """The mean loss over the masked tokens."""
        return masked_loss(subject, batch)

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


def masked_loss(subject: Subject, batch: Batch) -> torch.Tensor:
    """Mean cross-entropy over the tokens to predict; 0 where there is none."""
    logits, targets = _targets(subject, batch)
    # The mean over no token is not a number; a batch of nothing but unknown words teaches nothing.
    return functional.cross_entropy(logits, targets) if len(logits) else logits.sum()


def predicted(subject: Subject, batch: Batch) -> Predicted:
    """Loss and hits over the tokens to predict, without gradients."""
    with torch.inference_mode():
        logits, targets = _targets(subject, batch)
        finite = bool(torch.isfinite(logits).all())
        loss = float(functional.cross_entropy(logits, targets, reduction="sum")) if finite else math.nan
        return Predicted(loss, int((logits.argmax(-1) == targets).sum()), len(targets))


def _targets(subject: Subject, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
    """(logits over the vocabulary in float32, token ids) of the tokens to predict."""
    labels = batch["labels"].to(subject.device)
    chosen = labels != -100
    states = token_states(subject, batch)[chosen]
    with autocast(subject):
        logits = language_logits(subject.language, states).float()
    return logits, labels[chosen]
