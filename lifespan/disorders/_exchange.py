"""Exchange of layers, with their masks, adapters and remembered values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

import torch

from lifespan.contracts.subject import Subject
from lifespan.model.subject import layer_of

Owned = TypeVar("Owned")


def exchange_layers(subject: Subject, cycle: Sequence[str]) -> None:
    """Give each layer of a cycle of paths what the one before it had, the first what the last had.

    Moves parameters that all layers of the subject have, the alive, skill and language masks, adapters, and what learners and
    strategies remember of a layer's parameters.
    """
    layers = list(dict.fromkeys(layer_of(name) for name in subject.synapses))
    owned = {path: _parameters(subject, path) for path in layers}
    common = set.intersection(*(set(own) for own in owned.values()))
    before = {path: {name: owned[path][name].data.clone() for name in common} for path in cycle}
    # Item i of the rotated list stands before item i of the cycle.
    sources = dict(zip(cycle, [cycle[-1], *cycle[:-1]], strict=True))
    for path, source in sources.items():
        for name in common:
            owned[path][name].data.copy_(before[source][name])
    subject.alive = _moved(subject.alive, sources)
    if subject.language_mask is not None:
        subject.language_mask = _moved(subject.language_mask, sources)
    subject.remembered = _remembered(subject.remembered, sources)
    for skill in subject.skills.values():
        if skill.mask is not None:
            skill.mask = _moved(skill.mask, sources)
        if skill.addition is not None:
            skill.addition = _moved(skill.addition, sources)


def _remembered(remembered: Mapping[str, torch.Tensor], sources: Mapping[str, str]) -> dict[str, torch.Tensor]:
    """Names end in a parameter's name, after a "/"."""
    moved = dict(remembered)
    for path, source in sources.items():
        for name, value in remembered.items():
            kind, found, rest = name.rpartition(f"/{source}.")
            if found:
                moved[f"{kind}/{path}.{rest}"] = value
    return moved


def _parameters(subject: Subject, path: str) -> dict[str, torch.nn.Parameter]:
    """The parameters of a layer by their names inside it."""
    named = subject.encoder.named_parameters()
    return {name.removeprefix(f"{path}."): value for name, value in named if name.startswith(f"{path}.")}


def _moved(owned: Mapping[str, Owned], sources: Mapping[str, str]) -> dict[str, Owned]:
    """What belongs to each matrix, in its new place."""
    moved = {}
    for name, mine in owned.items():
        path = layer_of(name)
        moved[name] = owned[sources[path] + name.removeprefix(path)] if path in sources else mine
    return moved
