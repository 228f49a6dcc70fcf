"""Pseudo-log-likelihoods of sentences by a masked-language model."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
import torch

from lifespan.contracts.subject import Subject
from lifespan.errors import ScenarioError
from lifespan.model.forward import autocast, token_states
from lifespan.subjects.bodies import language_logits
from lifespan.training.batches import Batch, Tokens
from lifespan.training.evaluation import by_tokens


def pseudo_log_likelihoods(subject: Subject, texts: Sequence[str], length: int, *, later_pieces: bool) -> np.ndarray:
    """The sum of log P(token | others) of each text in nats, float64 (texts,); NaN where an output is not finite.

    Each token is predicted with itself masked; with `later_pieces`, those that follow it in its word are masked, too. Special
    tokens are seen and not predicted. Raises `ScenarioError` for a tokenizer without a mask token.
    """
    if subject.tokenizer.mask_token_id is None:
        raise ScenarioError("MinimalPairs", "the subject's tokenizer has no mask token.", "Use a masked-language model.")
    tokens = Tokens(subject.tokenizer, texts, None, length)
    masked = _Masked(subject, tokens, _words(subject, texts, length))
    found = np.zeros(len(texts))
    with torch.inference_mode(), subject.wearing(None):
        for text, value in masked.likelihoods(later_pieces):
            found[text] += value
    return found


def _words(subject: Subject, texts: Sequence[str], length: int) -> list[list[int | None]]:
    """The number of the word that each token belongs to, None at special tokens; where unknown, each token is a word."""
    limit = min(length, subject.tokenizer.model_max_length)
    encoded = subject.tokenizer(list(texts), truncation=True, max_length=limit)
    if encoded.is_fast:
        return [encoded.word_ids(text) for text in range(len(texts))]
    special = set(subject.tokenizer.all_special_ids)
    return [[None if token in special else place for place, token in enumerate(ids)] for ids in encoded["input_ids"]]


class _Masked:
    """Every text once for each of its tokens, with that token masked."""

    def __init__(self, subject: Subject, tokens: Tokens, words: Sequence[Sequence[int | None]]) -> None:
        self.subject, self.tokens, self.words = subject, tokens, words
        self.asked = [(text, place) for text, own in enumerate(words) for place, word in enumerate(own) if word is not None]

    def likelihoods(self, later_pieces: bool) -> Iterator[tuple[int, float]]:
        """(text, log-probability of one of its tokens), in no particular order of texts."""
        lengths = self.tokens.lengths[[text for text, _ in self.asked]]
        for index in by_tokens(self.subject, lengths):
            chosen = [self.asked[i] for i in index]
            texts, places = (np.array(column) for column in zip(*chosen, strict=True))
            batch = self.tokens.collate(texts)
            rows = torch.arange(len(index))
            right = batch["input_ids"][rows, torch.from_numpy(places)]
            for row, (text, place) in enumerate(chosen):
                hidden = self._hidden(text, place) if later_pieces else [place]
                batch["input_ids"][row, hidden] = self.subject.tokenizer.mask_token_id
            for text, value in zip(texts, self._read(batch, rows, places, right), strict=True):
                yield int(text), value

    def _hidden(self, text: int, place: int) -> list[int]:
        own = self.words[text]
        return [other for other in range(place, len(own)) if own[other] == own[place]]

    def _read(self, batch: Batch, rows: torch.Tensor, places: np.ndarray, right: torch.Tensor) -> list[float]:
        states = token_states(self.subject, batch)[rows, torch.from_numpy(places)]
        with autocast(self.subject):
            logits = language_logits(self.subject.language, states).float()
        known = logits.log_softmax(-1).gather(1, right.to(logits.device)[:, None])[:, 0].cpu().double()
        return [value if math.isfinite(value) else math.nan for value in known.tolist()]
