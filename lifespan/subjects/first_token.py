"""The last layer, computed for the first token alone: a task's head reads nothing else.

In the last layer the other tokens are needed as keys and values only. Their queries, their attention and their feed-forward
network, ten of the twelve products of width x width that a layer does for a token, would be thrown away.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from types import MethodType
from typing import Any

import torch
from torch import nn

from lifespan.subjects.dropping import ATTENTION, attend

LAYERS = frozenset({"BertLayer", "CamembertLayer", "ElectraLayer", "RobertaLayer", "XLMRobertaLayer"})
"""Classes of layers that are built as BERT's is."""


@contextmanager
def first_token_only(encoder: Any) -> Iterator[None]:
    """Inside this block the encoder's last states are (batch, 1, width) where its architecture allows, else whole.

    Hooks on linear layers and on the layers themselves are called as ever, those on modules between them are not called in
    the last layer. Unchanged are encoders that do not attend by `dropping.attend`, and last layers whose attention was
    removed or whose `forward` other code replaced.
    """
    last = _last_layer(encoder)
    with nullcontext() if last is None else computed_by(last, MethodType(_for_first_token, last)):
        yield


@contextmanager
def computed_by(module: nn.Module, forward: Callable[..., Any]) -> Iterator[None]:
    """Inside this block a module computes by another function, its hooks staying. Also lifted after an error."""
    before = module.__dict__.get("forward")
    module.__dict__["forward"] = forward
    try:
        yield
    finally:
        del module.__dict__["forward"]
        if before is not None:
            module.__dict__["forward"] = before


def _last_layer(encoder: Any) -> Any:
    layers: Any = getattr(getattr(encoder, "encoder", None), "layer", None)
    if not layers or encoder.config._attn_implementation != ATTENTION or getattr(encoder.config, "is_decoder", False):
        return None
    last = layers[-1]
    whole = type(last).__name__ in LAYERS and hasattr(last.attention, "self") and hasattr(last.attention.self, "query")
    # Some versions of transformers leave a layer's own method on it as an attribute; any other was put there by others.
    own = last.__dict__.get("forward")
    return last if whole and (own is None or getattr(own, "__func__", None) is type(last).forward) else None


def _for_first_token(
    layer: Any, hidden_states: torch.Tensor, attention_mask: torch.Tensor | None = None, *_: Any, **__: Any
) -> torch.Tensor:
    own = layer.attention.self
    shape = (len(hidden_states), -1, own.num_attention_heads, own.attention_head_size)
    first = hidden_states[:, :1]
    query, key, value = (
        project(states).view(shape).transpose(1, 2)
        for project, states in ((own.query, first), (own.key, hidden_states), (own.value, hidden_states))
    )
    mask = None if attention_mask is None else attention_mask[:, :, :1]
    heard = attend(own, query, key, value, mask, own.dropout.p if own.training else 0.0, own.scaling)[0]
    state = layer.attention.output(heard.flatten(2), first)
    return layer.output(layer.intermediate(state), state)
