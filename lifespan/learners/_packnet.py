"""The plasticity of `PackNet`: free synapses move, and half-way the largest become the task's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import torch

from lifespan.contracts import Task
from lifespan.contracts.subject import Masks, Subject
from lifespan.learners._sheltering import Sheltered
from lifespan.model.subject import true_entries
from lifespan.pruning.selection import exact_masks

if TYPE_CHECKING:
    from lifespan.learners.packnet import PackNet

TAKEN = "PackNet/taken/"
"""Prefix under which `subject.remembered` keeps the masks of taken synapses, by matrix."""


class Packing(Sheltered):
    """Free synapses move; half-way the largest become the task's own, and from then on only they move."""

    def __init__(self, subject: Subject, tasks: Sequence[Task], recipe: PackNet, steps: int) -> None:
        first = not any(name.startswith(TAKEN) for name in subject.remembered)
        self.taken = {n: subject.remembered.get(TAKEN + n, torch.zeros_like(mask)) for n, mask in subject.alive.items()}
        self.share, self.half, self.done = recipe.share, (steps + 1) // 2, 0
        self.cycle = self.half
        moving = {name: mask & ~self.taken[name] for name, mask in subject.alive.items()}
        self.free = true_entries(moving.values()) / subject.count
        acting = {name: self.taken[name] & mask for name, mask in subject.alive.items()}
        super().__init__(subject, tasks, recipe, moving, acting, first=first)

    def advance(self, step: int) -> None:
        self.done = step + 1
        if self.done == self.half:
            self._prune()
        self.shelter()

    def _prune(self) -> None:
        """Choose the task's own synapses; the free ones that are left are zero from now on."""
        for name, alive in self.subject.alive.items():
            weight, free = self.parameters[name].data, self.moving[name]
            self.moving[name] = largest(weight, free, self.share)
            self.fixed.setdefault(name, torch.zeros_like(weight))
            self.held[name] = torch.where(free & alive, 0.0, self.held.get(name, weight))

    def report(self) -> dict[str, float]:
        own = true_entries(self.moving[name] for name in self.taken)
        taken = true_entries(self.taken.values())
        return {"moving": own / self.subject.count, "taken": taken / self.subject.count}

    def warnings(self) -> list[str]:
        if self.free * self.share >= 1e-3:
            return []
        return [f"only {self.free:.2%} of the synapses are free, and the task takes {self.share:.0%} of them; lower `share`"]

    def state(self) -> dict[str, torch.Tensor]:
        moving = {f"moving/{name}": self.moving[name] for name in self.taken}
        return {**super().state(), **moving, "done": torch.tensor([self.done])}

    def load_state(self, state: Mapping[str, torch.Tensor]) -> None:
        super().load_state(state)
        self.done = int(state["done"][0])
        if self.done >= self.half:
            self._prune()
            self.moving |= {name: state[f"moving/{name}"].to(mask.device) for name, mask in self.taken.items()}

    def settle(self) -> None:
        if self.done < self.half:
            self._prune()
            self.shelter()
        own = {name: self.moving[name] for name in self.taken}
        mask: Masks = {name: own[name] | (self.taken[name] & alive) for name, alive in self.subject.alive.items()}
        self.subject.remembered |= {TAKEN + name: self.taken[name] | chosen for name, chosen in own.items()}
        self.leave(mask)


def largest(values: torch.Tensor, among: torch.Tensor, share: float) -> torch.Tensor:
    """The share of the entries `among` with the largest absolute values, as a mask."""
    count = int(among.sum())
    return exact_masks({"": values.abs()}, {"": among}, count - round(share * count))[""]
