"""The plasticity of learners that move weights in place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import nn

from lifespan.contracts import Learner, Plasticity, Task
from lifespan.contracts.subject import Masks, Subject

Group = dict[str, Any]


def decayed(parameters: Iterable[nn.Parameter], rate: float, decay: float) -> list[Group]:
    """Optimizer groups: matrices decay; biases and LayerNorm, which are vectors, do not."""
    parameters = list(parameters)
    matrices = [p for p in parameters if p.dim() > 1]
    vectors = [p for p in parameters if p.dim() <= 1]
    groups = [
        {"params": matrices, "lr": rate, "weight_decay": decay},
        {"params": vectors, "lr": rate, "weight_decay": 0.0},
    ]
    return [group for group in groups if group["params"]]


def head_parameters(subject: Subject, tasks: Sequence[Task]) -> list[nn.Parameter]:
    """Parameters of the heads of these tasks, or of the language head where there is no task."""
    if not tasks:
        return subject.language_parameters
    return [parameter for task in tasks for parameter in subject.skills[task.title].head.parameters()]


class Moving(Plasticity):
    """A plasticity whose state is `parameters`, the encoder's by name, and the heads."""

    parameters: dict[str, nn.Parameter]
    heads: list[nn.Parameter]

    def state(self) -> dict[str, torch.Tensor]:
        moving = {f"encoder/{name}": parameter.data for name, parameter in self.parameters.items()}
        heads = {f"head/{i}": parameter.data for i, parameter in enumerate(self.heads)}
        return moving | heads

    def load_state(self, state: Mapping[str, torch.Tensor]) -> None:
        for name, parameter in self.parameters.items():
            parameter.data.copy_(state[f"encoder/{name}"])
        for i, parameter in enumerate(self.heads):
            parameter.data.copy_(state[f"head/{i}"])


class WeightChange(Moving):
    """Weights move in place; dead synapses are held at zero meanwhile and get their last weight back at the end.

    `inside` confines the learning further and becomes the mask of the tasks' skills; without it they have none.
    """

    def __init__(self, subject: Subject, tasks: Sequence[Task], recipe: Learner, inside: Masks | None = None) -> None:
        self.subject, self.recipe = subject, recipe
        self.heads = head_parameters(subject, tasks)
        self.parameters = dict(subject.encoder.named_parameters())
        for task in tasks:
            subject.skills[task.title].mask = inside
            subject.skills[task.title].addition = None
            subject.skills[task.title].plasticity = recipe.plasticity
        if not tasks:
            subject.language_mask = inside
        self.moving = subject.alive if inside is None else inside
        self.held = {name: subject.synapses[name].data.clone() for name, mask in self.moving.items() if not mask.all()}
        for name in self.held:
            subject.synapses[name].data.mul_(self.moving[name])

    def groups(self) -> list[Group]:
        recipe = self.recipe
        return [
            *decayed(self.parameters.values(), recipe.rate, recipe.weight_decay),
            *decayed(self.heads, recipe.rate_of_heads, recipe.weight_decay),
        ]

    def translate(self) -> None:
        for name in self.held:
            gradient = self.subject.synapses[name].grad
            if gradient is not None:
                gradient.mul_(self.moving[name])

    def settle(self) -> None:
        for name, held in self.held.items():
            weight = self.subject.synapses[name]
            weight.data.copy_(torch.where(self.moving[name], weight.data, held))
