"""Dropout whose draws cost little on a CPU, and an attention that uses it.

`torch.bernoulli_` draws one number for each entry, one entry at a time: a fifth of a MiniLM's training step. Here each
64-bit draw decides four entries, 16 bits each, so a rate is rounded to the nearest 1/65536; what survives is scaled by the
rounded rate, in the precision of the states, as torch does. Draws come from torch's global generator, as its own dropout's
do. Elsewhere than on a CPU torch's own dropout is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.nn import functional

if TYPE_CHECKING:
    from transformers import PreTrainedModel

ATTENTION = "lifespan"
"""Name under which `attend` is known to transformers."""
LEVELS = 1 << 16
SHORT = 64
"""Tokens up to which attention without a gradient is slower fused than not (bfloat16, `benchmarks/forward.py`)."""


def dropped(states: torch.Tensor, rate: float) -> torch.Tensor:
    """The states with each entry 0 with probability `rate`, in [0, 1), and the others divided by 1 - rate."""
    if states.device.type != "cpu":
        return functional.dropout(states, rate)
    cut = min(round(rate * LEVELS), LEVELS - 1)
    if cut == 0:
        return states
    count = states.numel()
    draws = torch.empty(-(-count // 4), dtype=torch.int64).random_(-(2**63), None)
    kept = torch.empty(states.shape, dtype=states.dtype)
    torch.ge(draws.view(torch.int16)[:count].view(states.shape), cut - LEVELS // 2, out=kept)
    return states * kept.mul_(LEVELS / (LEVELS - cut))


class Dropout(nn.Dropout):
    """torch's dropout module with the draws of `dropped`."""

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        return dropped(input, self.p) if self.training else input


def attend(
    module: nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    dropout: float = 0.0,
    scaling: float | None = None,
    **rest: Any,
) -> tuple[torch.Tensor, None]:
    """Scaled dot-product attention (Vaswani et al. 2017, equation 1) with `dropped` probabilities.

    Query, key, value are (batch, heads, length, size of a head), the result (batch, length, heads, size of a head); the mask
    is boolean, True where a key is heard. Scores are rounded to the precision of the states before the softmax.
    """
    if _fused_is_faster(query, dropout) or _needs_torch(module, attention_mask, rest):
        # transformers' modelling code must not be imported before torchvision is mended (see `_torchvision`).
        from transformers.integrations.sdpa_attention import sdpa_attention_forward

        return sdpa_attention_forward(module, query, key, value, attention_mask, dropout=dropout, scaling=scaling, **rest)
    scale = query.shape[-1] ** -0.5 if scaling is None else scaling
    scores = (query * scale) @ key.transpose(2, 3)
    if attention_mask is not None:
        # Not minus infinity: a padding token may hear no key at all, and a row without any would be no number.
        unheard = torch.finfo(scores.dtype).min
        scores += torch.zeros(attention_mask.shape, dtype=scores.dtype).masked_fill_(~attention_mask, unheard)
    heard = dropped(scores.softmax(-1), dropout) @ value
    return heard.transpose(1, 2).contiguous(), None


def _fused_is_faster(query: torch.Tensor, dropout: float) -> bool:
    """Whether torch's kernel is to be used: for CPUs it has no dropout, and in bfloat16 is slow on short texts."""
    if query.device.type != "cpu":
        return True
    short = torch.is_grad_enabled() or query.shape[2] <= SHORT
    return dropout == 0 and not (query.dtype == torch.bfloat16 and short)


def _needs_torch(module: nn.Module, mask: torch.Tensor | None, rest: dict[str, Any]) -> bool:
    """Whether the model needs what only torch's kernel has: causal order, position biases, heads that share keys."""
    causal = rest.get("is_causal")
    causal = getattr(module, "is_causal", False) if causal is None else causal
    shared = getattr(module, "num_key_value_groups", 1) > 1
    return bool(causal) or shared or rest.get("position_bias") is not None or (mask is not None and mask.dtype != torch.bool)


def quicken(model: PreTrainedModel) -> PreTrainedModel:
    """The model, in place, with this dropout, and with this attention where it would use torch's."""
    from transformers import AttentionInterface, AttentionMaskInterface
    from transformers.masking_utils import sdpa_mask

    for path, module in list(model.named_modules()):
        if type(module) is nn.Dropout:
            model.set_submodule(path, Dropout(module.p))
    if model.config._attn_implementation == "sdpa":
        AttentionInterface.register(ATTENTION, attend)
        AttentionMaskInterface.register(ATTENTION, sdpa_mask)
        model.set_attn_implementation(ATTENTION)
    return model
