"""The plasticity of `HAT`: gates over heads and neurons, learned with the weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import NormalDist
from typing import TYPE_CHECKING

import torch
from torch import nn

from lifespan.contracts import Task
from lifespan.contracts.subject import Masks, Subject
from lifespan.learners._sheltering import Sheltered
from lifespan.learners._weights import Group
from lifespan.model.anatomy import anatomy_of
from lifespan.model.subject import true_entries
from lifespan.randomness import Streams

if TYPE_CHECKING:
    from lifespan.learners.hat import HAT

USED = "HAT/used/"
"""Prefix under which `subject.remembered` keeps the masks of used units, by their output matrix."""

LIMIT = 6.0
"""Range of e, beyond which its gradient is practically 0 (Serra et al. 2018, section 2.5)."""


class Gating(Sheltered):
    """Gates scale the columns out of their units; the weights proper of those matrices stand beside (`parameters`)."""

    def __init__(self, subject: Subject, tasks: Sequence[Task], recipe: HAT, steps: int, streams: Streams) -> None:
        self.hat, self.done = recipe, 0
        self.units = {u.output: u for layer in anatomy_of(subject.encoder) for u in (layer.heads, layer.neurons)}
        first = not any(name.startswith(USED) for name in subject.remembered)
        self.used = {
            name: subject.remembered.get(USED + name, torch.zeros(u.number, dtype=torch.bool, device=subject.device))
            for name, u in self.units.items()
        }
        super().__init__(subject, tasks, recipe, self._free(subject), subject.alive, first=first)
        rows = sum(len(task.examples(task.splits[0])) for task in tasks)
        self.epoch = min(steps, -(-rows // recipe.batch_size)) if rows else steps
        # The head of this step is drawn from the first stream of this name.
        middle, generator = NormalDist().inv_cdf(recipe.open), streams.torch("init", 1)
        self.attention = {
            name: nn.Parameter((middle + torch.randn(u.number, generator=generator)).to(subject.device))
            for name, u in self.units.items()
        }
        self.gates: dict[str, torch.Tensor] = {}
        self.real = {name: self.parameters[name] for name in self.units}
        for name, weight in self.real.items():
            self.parameters[name] = nn.Parameter(weight.data.clone())

    def groups(self) -> list[Group]:
        return [
            {"params": list(self.attention.values()), "lr": self.hat.gate_rate, "weight_decay": 0.0},
            *super().groups(),
        ]

    @property
    def masters(self) -> dict[str, nn.Parameter]:
        """The weights proper of the matrices that the gates scale."""
        return {name: self.parameters[name] for name in self.units}

    @property
    def scale(self) -> float:
        """s at this step."""
        place = self.done % self.epoch / max(1, self.epoch - 1)
        return 1 / self.hat.hardness + (self.hat.hardness - 1 / self.hat.hardness) * place

    def enter(self, task: str | None) -> None:
        for name, values in self.attention.items():
            self.gates[name] = (self.scale * values.data).sigmoid()
            self.real[name].data = self.parameters[name].data * self._columns(name, self.gates[name])

    def translate(self) -> None:
        total = sum(float((~used).sum()) for used in self.used.values())
        for name, e in self.attention.items():
            gradient, self.real[name].grad = self.real[name].grad, None
            if gradient is None:
                gradient = torch.zeros_like(self.real[name])
            gate, unit = self.gates[name], self.units[name]
            by_column = (gradient * self.parameters[name].data).sum(0)
            by_gate = by_column.view(unit.number, unit.size).sum(1) + self.hat.cost * (~self.used[name]) / max(1.0, total)
            # Compensated for s (section 2.5), da/de is smax a (1 - a) at s = 1. Adam does not see the factor smax, but
            # clipping the norm of all gradients together would.
            plain = e.data.sigmoid()
            e.grad = by_gate * plain * (1 - plain)
            self.parameters[name].grad = gradient.mul_(self._columns(name, gate))
        super().translate()

    def advance(self, step: int) -> None:
        self.done = step + 1
        for e in self.attention.values():
            e.data.clamp_(-LIMIT, LIMIT)
        super().advance(step)

    def report(self) -> dict[str, float]:
        units = sum(unit.number for unit in self.units.values())
        now = {name: e.data > 0 for name, e in self.attention.items()}
        gates = true_entries(now.values())
        used = true_entries(self.used.values())
        return {"units": gates / units, "used": used / units}

    def warnings(self) -> list[str]:
        free = true_entries(~used for used in self.used.values())
        return [] if free else ["earlier tasks use all heads and neurons: nothing but gates and head can learn; raise `cost`"]

    def state(self) -> dict[str, torch.Tensor]:
        gates = {f"attention/{name}": e.data for name, e in self.attention.items()}
        return {**super().state(), **gates, "done": torch.tensor([self.done])}

    def load_state(self, state: Mapping[str, torch.Tensor]) -> None:
        super().load_state(state)
        for name, e in self.attention.items():
            e.data.copy_(state[f"attention/{name}"])
        self.done = int(state["done"][0])

    def settle(self) -> None:
        used_now = {name: e.data > 0 for name, e in self.attention.items()}
        mask: Masks = {}
        for name, unit in self.units.items():
            mask |= {n: m & self.subject.alive[n] for n, m in unit.synapse_masks(used_now[name], self.subject.alive).items()}
        self.subject.remembered |= {USED + name: self.used[name] | gate for name, gate in used_now.items()}
        for name, weight in self.real.items():
            weight.data, weight.grad = self.parameters[name].data, None
        self.parameters |= self.real
        self.leave(mask)

    def _free(self, subject: Subject) -> Masks:
        """Which entries of the parameters that belong to units may move: those of units that no earlier task uses."""
        biases = dict(subject.encoder.named_parameters())
        moving: Masks = {}
        for name, unit in self.units.items():
            free = ~self.used[name]
            moving |= {n: m & subject.alive[n] for n, m in unit.synapse_masks(free, subject.alive).items()}
            for matrix, parts in unit.inputs:
                bias = matrix.removesuffix("weight") + "bias"
                if bias in biases:
                    moving[bias] = free.repeat_interleave(unit.size).repeat(parts)
        return moving

    def _columns(self, name: str, gates: torch.Tensor) -> torch.Tensor:
        return gates.repeat_interleave(self.units[name].size)[None, :]
