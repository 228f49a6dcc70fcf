"""From a masked-language model of transformers to a `Body`, whatever the architecture."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import torch
from torch import nn
from transformers.modeling_outputs import BaseModelOutput

from lifespan.contracts import Body

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


class Passthrough(nn.Module):
    """Stands where the encoder stood, so that the language head can be run on chosen token states alone.

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


def language_logits(language: PreTrainedModel, states: torch.Tensor) -> torch.Tensor:
    """Vocabulary logits (tokens, vocabulary) of token states (tokens, width)."""
    passthrough = getattr(language, language.base_model_prefix)
    passthrough.states = states.unsqueeze(0)
    try:
        placeholder = torch.zeros(1, states.shape[0], dtype=torch.long, device=states.device)
        return language(input_ids=placeholder).logits.squeeze(0)
    finally:
        passthrough.states = None
