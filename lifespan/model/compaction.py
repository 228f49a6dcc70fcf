"""Removal of dead heads and neurons from the matrices, which makes an encoder smaller and faster, as a mask does not."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import nn

from lifespan.contracts.subject import Subject
from lifespan.errors import ScenarioError, did_you_mean
from lifespan.model.anatomy import Units, anatomy_of
from lifespan.subjects.dropping import ATTENTION

_COUNTS = ("num_attention_heads", "n_heads")
_WIDTHS = ("all_head_size", "dim")


@dataclass(frozen=True)
class Sizes:
    """How large a module is: its parameters (shared ones once) and their bytes in memory."""

    parameters: int
    bytes: int


def sizes(module: nn.Module) -> Sizes:
    """Parameters and bytes of a module.

    >>> sizes(nn.Linear(3, 2))
    Sizes(parameters=8, bytes=32)
    """
    own = list(module.parameters())
    return Sizes(sum(p.numel() for p in own), sum(p.numel() * p.element_size() for p in own))


def shrink(subject: Subject, task: str | None = None) -> Any:
    """A copy of the encoder without the units that W x alive x skill leaves unheard; the subject stays as it is.

    A head or neuron is removed where every weight of its output columns is zero, so that it adds nothing; a head of which
    only some columns are zero stays whole. The remaining dead synapses are zeros. Every attention counts its own heads
    anew; a layer without heads, or without neurons, keeps the bias and the LayerNorm behind them, and a wholly dead
    layer nothing but these (in ModernBERT, which normalises before, idle LayerNorms). The width of the residual stream
    stays, and the output equals that of `subject.wearing(task)` up to rounding. `task` is the title of a learned task
    (None: the language's mask).

    Layers may differ in their number of heads, which no configuration of transformers can say: keep such an encoder
    with `torch.save`, not `save_pretrained`. Raises `ScenarioError` for a task that was not learned and for an
    architecture whose units are not mapped (see `anatomy_of`).
    """
    if task is not None and task not in subject.skills:
        raise ScenarioError(f"shrink(task={task!r})", "was not learned.", did_you_mean(task, subject.skills))
    anatomy = anatomy_of(subject.encoder)
    with subject.wearing(task):
        encoder = copy.deepcopy(subject.encoder)
    if encoder.config._attn_implementation == ATTENTION:
        # What `torch.save` keeps must load where this package is not installed.
        encoder.set_attn_implementation("sdpa")
    with torch.no_grad():
        for layer in anatomy:
            for units in (layer.heads, layer.neurons):
                heard = units.heard({units.output: encoder.get_parameter(units.output) != 0})
                if not heard.any():
                    _silence(encoder, units)
                elif not heard.all():
                    _narrow(encoder, units, heard)
    return encoder.train(subject.encoder.training)


class Constant(nn.Module):
    """A linear layer whose columns are all dead: its output is its bias, whatever the input."""

    def __init__(self, dense: nn.Linear) -> None:
        super().__init__()
        self.width = dense.out_features
        self.bias = dense.bias

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        shape = (*states.shape[:-1], self.width)
        return states.new_zeros(shape) if self.bias is None else self.bias.expand(shape)


class Empty(nn.Module):
    """A linear layer without rows: its output has no features."""

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        return states[..., :0]


class Headless(nn.Module):
    """An attention without heads: only what follows them inside its module."""

    num_attention_heads = 0

    def __init__(self, dense: nn.Module | None, dropout: nn.Module | None, norm: nn.Module | None) -> None:
        super().__init__()
        self.dense, self.dropout, self.norm = dense, dropout, norm

    def forward(self, states: torch.Tensor, *_: Any, **__: Any) -> tuple[torch.Tensor, None]:
        added = states if self.dense is None else self.dense(states)
        added = added if self.dropout is None else self.dropout(added)
        return added if self.norm is None else self.norm(states + added), None


def _narrow(encoder: nn.Module, units: Units, heard: torch.Tensor) -> None:
    """Take the unheard units' rows and columns out, and count the heads anew."""
    kept = heard.repeat_interleave(units.size)
    for name, parts in units.inputs:
        dense = _linear(encoder, name)
        rows = kept.repeat(parts)
        dense.weight = _cut(dense.weight, dense.weight[rows])
        if dense.bias is not None:
            dense.bias = _cut(dense.bias, dense.bias[rows])
        dense.out_features = dense.weight.shape[0]
    dense = _linear(encoder, units.output)
    dense.weight = _cut(dense.weight, dense.weight[:, kept])
    dense.in_features = dense.weight.shape[1]
    if units.kind == "heads":
        attention = encoder.get_submodule(units.module)
        number = int(heard.sum())
        for names, value in ((_COUNTS, number), (_WIDTHS, number * units.size)):
            for name in names:
                if hasattr(attention, name):
                    setattr(attention, name, value)


def _silence(encoder: nn.Module, units: Units) -> None:
    """Leave of units that are all unheard what follows them: a bias, and in its module a dropout and a LayerNorm."""
    constant = Constant(_linear(encoder, units.output))
    output = units.output.removesuffix(".weight")
    if units.kind == "heads" and output.startswith(f"{units.module}."):
        attention = encoder.get_submodule(units.module)
        # ModernBERT and ALBERT drop out inside the attention's module; ALBERT also adds and normalises there.
        dropout = getattr(attention, "out_drop", getattr(attention, "output_dropout", None))
        encoder.set_submodule(units.module, Headless(constant, dropout, getattr(attention, "LayerNorm", None)))
        return
    encoder.set_submodule(output, constant)
    encoder.set_submodule(units.module, Headless(None, None, None) if units.kind == "heads" else Empty())


def _linear(encoder: nn.Module, name: str) -> nn.Linear:
    return cast(nn.Linear, encoder.get_submodule(name.removesuffix(".weight")))


def _cut(parameter: torch.Tensor, kept: torch.Tensor) -> nn.Parameter:
    return nn.Parameter(kept.clone(), requires_grad=parameter.requires_grad)
