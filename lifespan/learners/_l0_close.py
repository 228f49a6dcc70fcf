"""The plasticity of `L0Close`: weights of chosen layers move; and the choice by first-order sensitivity."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from lifespan.contracts import Task
from lifespan.contracts.subject import Subject
from lifespan.learners._weights import WeightChange, decayed
from lifespan.learners._wrapping import Around
from lifespan.model.subject import layer_of, true_entries
from lifespan.pruning._task_batches import batch_count, loss_gradients, task_batches
from lifespan.randomness import Streams

if TYPE_CHECKING:
    from lifespan.learners.l0_close import L0Close

Units = dict[str, list[str]]
"""Names of synapse matrices by unit."""


def units_of(subject: Subject, unit: str) -> Units:
    """The synapse matrices of every layer, or every matrix alone, in the encoder's order."""
    units: Units = {}
    for name in subject.synapses:
        units.setdefault(layer_of(name) if unit == "layer" else name.removesuffix(".weight"), []).append(name)
    return units


def sensitivities(
    subject: Subject, tasks: Sequence[Task], recipe: L0Close, units: Units, streams: Streams
) -> dict[str, float]:
    """norm(dL/dW) * norm(W) by unit, summed over its matrices; the living synapses only, dropout off."""
    subject.encoder.eval()
    for task in tasks:
        subject.skills[task.title].head.eval()
    pairs = task_batches(
        subject, tasks, batches=recipe.batches, batch_size=recipe.batch_size, streams=streams, who=recipe.describe()
    )
    total = {name: torch.zeros_like(weight.data) for name, weight in subject.synapses.items()}
    for _, gradients in loss_gradients(subject, pairs):
        for name, gradient in gradients.items():
            total[name] += gradient
    found = dict.fromkeys(units, 0.0)
    for unit, names in units.items():
        for name in names:
            alive, weight = subject.alive[name], subject.synapses[name].data
            found[unit] += float((total[name] * alive).norm() / batch_count(recipe.batches, tasks)) * float(
                (weight * alive).norm()
            )
    return found


class L0Change(Around):
    """Learning by weights in which only the most sensitive units move."""

    def __init__(self, subject: Subject, tasks: Sequence[Task], recipe: L0Close, streams: Streams) -> None:
        inner = WeightChange(subject, tasks, recipe)
        super().__init__(inner)
        self.subject, self.recipe, self.heads = subject, recipe, inner.heads
        units = units_of(subject, recipe.unit)
        strength = sensitivities(subject, tasks, recipe, units, streams)
        ranked = sorted(units, key=lambda unit: -strength[unit])
        self.chosen = ranked[: max(1, round(recipe.share * len(units)))]
        self.before = {name: subject.synapses[name].data.clone() for unit in self.chosen for name in units[unit]}
        self.moving: list[nn.Parameter] = []
        for name, parameter in subject.encoder.named_parameters():
            moves = any(name.startswith(f"{unit}.") for unit in self.chosen)
            parameter.requires_grad_(moves)
            self.moving += [parameter] if moves else []

    def groups(self) -> list[dict[str, Any]]:
        recipe = self.recipe
        return [
            *decayed(self.moving, recipe.rate, recipe.weight_decay),
            *decayed(self.heads, recipe.rate_of_heads, recipe.weight_decay),
        ]

    def report(self) -> dict[str, float]:
        moved = true_entries(self.subject.synapses[name].data != before for name, before in self.before.items())
        return {"l0": moved / self.subject.count}

    def settle(self) -> None:
        super().settle()
        for parameter in self.subject.encoder.parameters():
            parameter.requires_grad_(True)
