"""The built-in subject: a BERT small enough to live on one CPU core."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lifespan.contracts import Body, Origin
from lifespan.contracts.sources import Source
from lifespan.randomness import Streams


@dataclass(frozen=True, kw_only=True)
class Micro(Origin):
    """A small BERT (Devlin et al. 2019) over the vocabulary of the built-in world, randomly initialised.

    Needs no download. `width` is the size of a token's state and must be a multiple of `heads`; `positions` the
    longest input in tokens. No dropout: a body this small needs all of it.
    """

    revision = 2
    half_pays = False

    layers: int = 2
    width: int = 64
    heads: int = 4
    feed_forward: int = 128
    positions: int = 32
    dropout: float = 0.0

    def __post_init__(self) -> None:
        self.require_count("layers", at_most=1000)
        for name in ("width", "heads", "feed_forward"):
            self.require_count(name, at_most=2**20)
        self.require_count("positions", at_least=8, at_most=2**20)
        self.require_fraction("dropout", below_one=True)
        self.require("width", self.width % self.heads == 0, f"must be a multiple of heads={self.heads}.")

    def sources(self) -> tuple[Source, ...]:
        """None: body and vocabulary follow from this package."""
        return ()

    def build(self, streams: Streams) -> Body:
        """A newborn: weights drawn from the "init" stream."""
        from lifespan.subjects._torchvision import mend_torchvision

        mend_torchvision()
        import torch
        from transformers import BertConfig, BertForMaskedLM

        from lifespan.subjects.bodies import body_from
        from lifespan.tasks.world.vocabulary import tokenizer as build_tokenizer

        tokenizer = build_tokenizer(self.positions)
        config = BertConfig(
            vocab_size=len(tokenizer),
            hidden_size=self.width,
            num_hidden_layers=self.layers,
            num_attention_heads=self.heads,
            intermediate_size=self.feed_forward,
            max_position_embeddings=self.positions,
            hidden_dropout_prob=self.dropout,
            attention_probs_dropout_prob=self.dropout,
            pad_token_id=tokenizer.pad_token_id,
        )
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(streams.number("init"))
            language = BertForMaskedLM(config)
        return body_from(language, tokenizer)

    def size(self) -> Mapping[str, int]:
        """Sizes from the configuration alone."""
        synapses = self.layers * (4 * self.width**2 + 2 * self.width * self.feed_forward)
        return {"synapses": synapses, "layers": self.layers, "width": self.width}
