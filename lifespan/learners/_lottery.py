"""The plasticity of `Lottery`: iterative magnitude pruning with rewinding."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch

from lifespan.contracts import Plasticity, Task
from lifespan.contracts.subject import Masks, Subject
from lifespan.learners._weights import decayed, head_parameters
from lifespan.model.history import earlier
from lifespan.model.subject import true_entries
from lifespan.pruning.selection import exact_masks

if TYPE_CHECKING:
    from lifespan.learners.lottery import Lottery


class LotteryChange(Plasticity):
    """Weights move inside the `ticket`; outside they are zero until the end. Every `cycle` steps a round is over.

    `origin` is what the encoder rewinds to: by parameter name, the dead with the weights that they died with.
    """

    cycle: int

    def __init__(self, subject: Subject, tasks: Sequence[Task], recipe: Lottery, cycle: int) -> None:
        self.subject, self.recipe, self.cycle = subject, recipe, cycle
        self.tasks = [task.title for task in tasks]
        self._leave(None)
        self.encoder = dict(subject.encoder.named_parameters())
        self.origin = self._rewound()
        self.heads = head_parameters(subject, tasks)
        self.first_heads = [parameter.data.clone() for parameter in self.heads]
        self.ticket: Masks = dict(subject.alive)
        self.candidates = subject.living
        self._confine()

    def groups(self) -> list[dict[str, Any]]:
        recipe = self.recipe
        return [
            *decayed(self.encoder.values(), recipe.rate, recipe.weight_decay),
            *decayed(self.heads, recipe.rate_of_heads, recipe.weight_decay),
        ]

    def translate(self) -> None:
        for name in self.confined:
            gradient = self.subject.synapses[name].grad
            if gradient is not None:
                gradient.mul_(self.ticket[name])

    def advance(self, step: int) -> None:
        done, rest = divmod(step + 1, self.cycle)
        if rest or done > self.recipe.rounds:
            return
        strength = {name: weight.data.abs() for name, weight in self.subject.synapses.items()}
        losing = self.recipe.outside(done, self.candidates) - self.recipe.outside(done - 1, self.candidates)
        self.ticket = exact_masks(strength, self.ticket, losing)
        for name, parameter in self.encoder.items():
            parameter.data.copy_(self.origin[name])
        for parameter, first in zip(self.heads, self.first_heads, strict=True):
            parameter.data.copy_(first)
        self._confine()

    def report(self) -> dict[str, float]:
        return {"sparsity": 1 - true_entries(self.ticket.values()) / self.subject.count}

    def state(self) -> dict[str, torch.Tensor]:
        tensors = {f"encoder/{name}": parameter.data for name, parameter in self.encoder.items()}
        tensors |= {f"head/{i}": parameter.data for i, parameter in enumerate(self.heads)}
        return tensors | {f"ticket/{name}": mask for name, mask in self.ticket.items()}

    def load_state(self, state: Mapping[str, torch.Tensor]) -> None:
        for name, parameter in self.encoder.items():
            parameter.data.copy_(state[f"encoder/{name}"])
        for i, parameter in enumerate(self.heads):
            parameter.data.copy_(state[f"head/{i}"])
        self.ticket = {name: state[f"ticket/{name}"].to(self.subject.device) for name in self.ticket}
        self._confine()

    def settle(self) -> None:
        for name, weight in self.subject.synapses.items():
            weight.data.copy_(torch.where(self.ticket[name], weight.data, self.origin[name]))
        self._leave(self.ticket)

    def _leave(self, mask: Masks | None) -> None:
        for task in self.tasks:
            self.subject.skills[task].mask = mask
        if not self.tasks:
            self.subject.language_mask = mask

    def _rewound(self) -> dict[str, torch.Tensor]:
        start = {name: parameter.data.clone() for name, parameter in self.encoder.items()}
        if self.recipe.rewind == "start":
            return start
        then = earlier(self.subject, self.recipe.rewind, self.recipe.describe())
        origin = {name: parameter.data for name, parameter in then.encoder.named_parameters()}
        for name, alive in self.subject.alive.items():
            origin[name] = torch.where(alive, origin[name], start[name])
        return origin

    def _confine(self) -> None:
        self.confined = [name for name, mask in self.ticket.items() if not mask.all()]
        for name in self.confined:
            self.subject.synapses[name].data.mul_(self.ticket[name])
