"""What an encoder is made of: attention heads and feed-forward neurons, as rows and columns of its synapse matrices."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from lifespan.contracts.subject import Masks
from lifespan.errors import ScenarioError
from lifespan.model.subject import find_synapses
from lifespan.stats.masks import KINDS


@dataclass(frozen=True)
class Units:
    """The units of one kind in one layer: `number` attention heads of `size` rows each, or neurons (of size 1).

    A unit owns rows of every matrix of `inputs` and columns of the matrix `output`; no synapse belongs to two units.
    `inputs` are (matrix, parts): where an architecture joins several projections in one matrix (query, key and value;
    value and gate), it has that many equal blocks of rows, and a unit owns its rows in each. `module` is the path of the
    module that counts the heads (attention) or of the first matrix (neurons).
    """

    kind: str
    inputs: tuple[tuple[str, int], ...]
    output: str
    number: int
    size: int
    module: str

    @property
    def matrices(self) -> tuple[str, ...]:
        """Names of all matrices of these units, the output last."""
        return (*(name for name, _ in self.inputs), self.output)

    def synapse_masks(self, units_alive: torch.Tensor, like: Mapping[str, torch.Tensor]) -> Masks:
        """Masks in which a synapse lives exactly if its unit does. `like` gives shapes and devices by matrix.

        `units_alive` is boolean, (number,).
        """
        spread = units_alive.repeat_interleave(self.size)
        masks: Masks = {}
        for name, parts in self.inputs:
            rows = spread.repeat(parts).to(like[name].device)
            masks[name] = rows[:, None].expand(like[name].shape).clone()
        columns = spread.to(like[self.output].device)
        masks[self.output] = columns[None, :].expand(like[self.output].shape).clone()
        return masks

    def heard(self, masks: Masks) -> torch.Tensor:
        """Which units reach the residual stream, (number,): at least one synapse of their output columns lives."""
        return masks[self.output].any(0).view(self.number, self.size).any(1)

    def total(self, values: Mapping[str, torch.Tensor]) -> torch.Tensor:
        """Sum of values over the synapses of each unit, (number,). Of masks: how many of its synapses live."""
        total = values[self.output].sum(0).view(self.number, self.size).sum(1)
        for name, parts in self.inputs:
            total = total + values[name].sum(1).view(parts, self.number, self.size).sum((0, 2))
        return total


@dataclass(frozen=True)
class Layer:
    """One layer of the stack: its path in the encoder, its heads and its neurons."""

    path: str
    heads: Units
    neurons: Units


@dataclass(frozen=True)
class _Layout:
    """The paths of a layer's parts below it in one architecture. A projection that does not exist is skipped."""

    attention: str
    projections: tuple[str, ...]
    attention_output: str
    neurons_in: str
    neurons_out: str
    joined: int = 1
    gated: int = 1


_BERT = _Layout("attention.self", ("query", "key", "value"), "attention.output.dense", "intermediate.dense", "output.dense")
_LAYOUTS = {
    "albert": _Layout("attention", ("query", "key", "value"), "attention.dense", "ffn", "ffn_output"),
    "bert": _BERT,
    "camembert": _BERT,
    "deberta-v2": _Layout(
        "attention.self",
        ("query_proj", "key_proj", "value_proj", "pos_key_proj", "pos_query_proj"),
        "attention.output.dense",
        "intermediate.dense",
        "output.dense",
    ),
    "distilbert": _Layout("attention", ("q_lin", "k_lin", "v_lin"), "attention.out_lin", "ffn.lin1", "ffn.lin2"),
    "electra": _BERT,
    "modernbert": _Layout("attn", ("Wqkv",), "attn.Wo", "mlp.Wi", "mlp.Wo", joined=3, gated=2),
    "roberta": _BERT,
    "xlm-roberta": _BERT,
}


def anatomy_of(encoder: nn.Module) -> tuple[Layer, ...]:
    """The layers of an encoder from its input on, with every prunable synapse in exactly one unit.

    An ALBERT has one layer, however often it is passed: its units are shared by all passes. Raises `ScenarioError` for an
    architecture whose units are not mapped.
    """
    kind = str(getattr(getattr(encoder, "config", None), "model_type", type(encoder).__name__))
    layout = _LAYOUTS.get(kind)
    shapes = {name: tuple(weight.shape) for name, weight in find_synapses(encoder)}
    layers: tuple[Layer, ...] = ()
    if layout is not None:
        end = f".{layout.attention_output}.weight"
        paths = [name.removesuffix(end) for name in shapes if name.endswith(end)]
        layers = tuple(_layer(encoder, path, layout, shapes) for path in paths)
    owners = Counter(name for layer in layers for units in (layer.heads, layer.neurons) for name in units.matrices)
    if not shapes or owners != Counter(list(shapes)) or not all(_fits(layer, shapes) for layer in layers):
        raise ScenarioError(
            f"an encoder of type {kind!r}",
            "its heads and neurons are not known as rows and columns of its matrices.",
            f"Supported: {', '.join(_LAYOUTS)}, as transformers builds them.",
        )
    return layers


def _layer(encoder: nn.Module, path: str, layout: _Layout, shapes: Mapping[str, Any]) -> Layer:
    """One layer as the layout has it. Parts that are missing leave their units empty, which does not fit."""

    def matrix(name: str) -> str:
        return f"{path}.{name}.weight"

    module = f"{path}.{layout.attention}"
    attention = encoder.get_submodule(module)
    size = int(getattr(attention, "attention_head_size", getattr(attention, "head_dim", 0)))
    output, neurons = matrix(layout.attention_output), matrix(layout.neurons_out)
    queries = [matrix(f"{layout.attention}.{name}") for name in layout.projections]
    heads = Units(
        kind="heads",
        inputs=tuple((name, layout.joined) for name in queries if name in shapes),
        output=output,
        number=shapes[output][1] // max(1, size),
        size=size,
        module=module,
    )
    return Layer(
        path,
        heads,
        Units(
            kind="neurons",
            inputs=((matrix(layout.neurons_in), layout.gated),),
            output=neurons,
            number=shapes.get(neurons, (0, 0))[1],
            size=1,
            module=f"{path}.{layout.neurons_in}",
        ),
    )


def _fits(layer: Layer, shapes: Mapping[str, Any]) -> bool:
    """Whether every matrix has as many rows or columns as its units own."""
    return all(
        units.inputs
        and shapes[units.output][1] == units.number * units.size
        and all(shapes[name][0] == parts * units.number * units.size for name, parts in units.inputs)
        for units in (layer.heads, layer.neurons)
    )


def kinds_of(layer: Layer) -> dict[str, set[str]]:
    """The kinds that each matrix of a layer holds."""
    kinds = {name: _projections(name) if parts == 1 else set(KINDS[:3]) for name, parts in layer.heads.inputs}
    kinds |= {name: {"feed-forward in"} for name, _ in layer.neurons.inputs}
    return {**kinds, layer.heads.output: {"attention output"}, layer.neurons.output: {"feed-forward out"}}


def _projections(name: str) -> set[str]:
    """Query, key or value, as architectures spell them: "query", "pos_query_proj", "q_lin"."""
    words = name.split(".")[-2].split("_")
    return {kind for kind in KINDS[:3] if kind in words or kind[0] in words}
