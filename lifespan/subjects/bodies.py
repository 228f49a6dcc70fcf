"""A `Body` from a masked-language model of transformers, whatever the architecture."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import torch
from torch import nn
from transformers.modeling_outputs import BaseModelOutput

from lifespan.contracts import Body
from lifespan.errors import ScenarioError

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


class Passthrough(nn.Module):
    """Takes the encoder's place in the language model, so that its head runs on chosen token states alone.

    Every masked-language head of transformers works token by token; giving it the states of the masked positions only
    saves the matrix product with the vocabulary at all others.
    """

    def __init__(self) -> None:
        super().__init__()
        self.states: torch.Tensor | None = None

    def forward(self, *_: Any, **__: Any) -> BaseModelOutput:
        return BaseModelOutput(last_hidden_state=self.states)


def body_from(
    language: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    pooler: tuple[torch.Tensor, torch.Tensor] | None = None,
) -> Body:
    """Split a masked-language model into its encoder and its head; tied parameters stay shared."""
    encoder = language.base_model
    setattr(language, language.base_model_prefix, Passthrough())
    return Body(cast("PreTrainedModel", encoder), language, tokenizer, pooler)


def positions_of(encoder: nn.Module) -> int | None:
    """Tokens that an encoder with embeddings of absolute positions can read at once; None where nothing bounds it."""
    for name, module in encoder.named_modules():
        if name.endswith("position_embeddings") and isinstance(module, nn.Embedding):
            # RoBERTa and its kin count positions from the one after padding's.
            return module.num_embeddings - (0 if module.padding_idx is None else module.padding_idx + 1)
    return None


def limit_length(encoder: nn.Module, tokenizer: PreTrainedTokenizerBase) -> None:
    """Set the tokenizer's longest text to the encoder's positions, where its own files allow more."""
    positions = positions_of(encoder)
    if positions is not None:
        tokenizer.model_max_length = min(int(tokenizer.model_max_length), positions)


def check_words(body: Body, who: str) -> None:
    """Raise `ScenarioError` where the body's tokenizer knows a token that its encoder has no embedding for."""
    rows = cast(nn.Embedding, body.encoder.get_input_embeddings()).num_embeddings
    top = max(body.tokenizer.get_vocab().values(), default=0)
    if top >= rows:
        what = f"its tokenizer knows tokens up to number {top}, but its encoder has {rows} embeddings."
        raise ScenarioError(who, what, "Give the model the tokenizer that it was trained with.")


def language_logits(language: PreTrainedModel, states: torch.Tensor) -> torch.Tensor:
    """Vocabulary logits (tokens, vocabulary) of token states (tokens, width)."""
    passthrough = getattr(language, language.base_model_prefix)
    passthrough.states = states.unsqueeze(0)
    try:
        placeholder = torch.zeros(1, states.shape[0], dtype=torch.long, device=states.device)
        return language(input_ids=placeholder).logits.squeeze(0)
    finally:
        passthrough.states = None
