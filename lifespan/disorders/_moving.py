"""The parameters that a plasticity moves, by synapse matrix, as disorders find them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from torch import nn

from lifespan.contracts import Course, Plasticity
from lifespan.contracts.subject import Subject
from lifespan.model.subject import layer_of
from lifespan.randomness import Streams

Parameters = Mapping[str, nn.Parameter]


def scores_of(plasticity: Plasticity) -> Parameters:
    """The scores of structural learning by matrix."""
    return getattr(_innermost(plasticity), "scores", {})


def gates_of(plasticity: Plasticity) -> Parameters:
    """The gates of whole units, by their output matrix."""
    return getattr(_innermost(plasticity), "attention", {})


def masters_of(plasticity: Plasticity) -> Parameters:
    """The trained weights by matrix, where the encoder holds effective ones in their place."""
    return getattr(_innermost(plasticity), "masters", {})


def weights_of(course: Course) -> Parameters:
    """The weights that this learning moves by matrix: masters, or the encoder's own. Empty where W is frozen."""
    masters = masters_of(course.plasticity)
    # A plasticity that keeps W aside fills the encoder with effective weights: a change of those is no change of W.
    if hasattr(_innermost(course.plasticity), "whole"):
        return masters
    moving = {id(parameter) for group in course.plasticity.groups() for parameter in group["params"]}
    return {**{name: weight for name, weight in course.subject.synapses.items() if id(weight) in moving}, **masters}


def by_layer(subject: Subject, plasticity: Plasticity) -> dict[str, list[nn.Parameter]]:
    """All parameters of the encoder, its masks and gates that may move, by layer, from its input on.

    Parameters outside the layers go with the layer before them; those before all layers, the embeddings, with the lowest.
    """
    layers: dict[str, list[nn.Parameter]] = {layer_of(name): [] for name in subject.synapses}
    latest = next(iter(layers))
    for name, parameter in subject.encoder.named_parameters():
        latest = next((layer for layer in layers if name.startswith(f"{layer}.")), latest)
        layers[latest].append(parameter)
    for own in (scores_of(plasticity), masters_of(plasticity), gates_of(plasticity)):
        for name, parameter in own.items():
            layers[layer_of(name)].append(parameter)
    return layers


def lifelong(course: Course, name: str) -> Streams:
    """Streams of this individual that are the same in every event, for draws that must not change."""
    return replace(course.streams, key=name)


def _innermost(plasticity: Any) -> Any:
    while hasattr(plasticity, "inner"):
        plasticity = plasticity.inner
    return plasticity
