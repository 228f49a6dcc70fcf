"""The plasticity of dynamic sparse training: synapses are dropped by magnitude, and as many grow by gradient or by chance.

The forward pass computes with W x mask x skill. The mask is state and no parameter: nothing but an update moves it, so the
count of every matrix is exact at every step.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from lifespan.contracts import Plasticity, Task
from lifespan.contracts.subject import Masks, Subject
from lifespan.learners._weights import decayed, head_parameters
from lifespan.model.subject import true_entries
from lifespan.pruning.selection import exact_masks
from lifespan.randomness import Streams

if TYPE_CHECKING:
    from lifespan.learners._dynamic_sparse import DynamicSparse


def drop_fraction(step: int, end: float, drop: float) -> float:
    """The fraction of living synapses that step `step` of an annealing until `end` drops (Evci et al. 2020, equation 1).

    >>> [round(drop_fraction(step, 100, 0.3), 3) for step in (0, 50, 100)]
    [0.3, 0.15, 0.0]
    """
    return drop / 2 * (1 + math.cos(math.pi * step / end))


def starting_masks(subject: Subject, recipe: DynamicSparse, streams: Streams) -> Masks:
    """Masks of the living synapses with the recipe's fraction off, in all and (by largest remainder) in every matrix."""
    sparsity = 0.5 if recipe.sparsity is None else recipe.sparsity
    generator = streams.torch("mask")
    shares = {name: sparsity * int(alive.sum()) for name, alive in subject.alive.items()}
    off = {name: int(share) for name, share in shares.items()}
    rest = round(sum(shares.values())) - sum(off.values())
    for name in sorted(shares, key=lambda name: off[name] - shares[name])[:rest]:
        off[name] += 1
    masks: Masks = {}
    for name, weight in subject.synapses.items():
        values = weight.data.abs()
        if recipe.start == "random":
            values = torch.rand(weight.shape, generator=generator).to(weight.device)
        masks |= exact_masks({name: values}, {name: subject.alive[name]}, off[name])
    return masks


class Rewiring(Plasticity):
    """The mask moves at updates; weights, where the recipe trains them, are masters behind it.

    `eligible` says which synapses may live: all of them where the mask is the anatomy, else those alive.
    """

    def __init__(self, subject: Subject, tasks: Sequence[Task], recipe: DynamicSparse, steps: int, streams: Streams) -> None:
        self.subject, self.recipe, self.steps, self.streams = subject, recipe, steps, streams
        self.end = recipe.until * steps
        self.tasks = [task.title for task in tasks]
        self.mask: Masks = dict(subject.alive) if recipe.anatomy else starting_masks(subject, recipe, streams)
        self.eligible: Masks = dict(subject.alive)
        if recipe.anatomy:
            self.eligible = {name: torch.ones_like(alive) for name, alive in subject.alive.items()}
        self.start = dict(self.mask)
        self.done = self.grown = 0
        self.gradients: dict[str, torch.Tensor] = {}
        heads = head_parameters(subject, tasks)
        self.heads = heads if recipe.heads or not recipe.anatomy else []
        self.others = [p for p in subject.encoder.parameters() if id(p) not in {id(s) for s in subject.synapses.values()}]
        self.still = [*([] if self.heads else heads), *([] if recipe.weights else self.others)]
        for parameter in self.still:
            parameter.requires_grad_(False)
        self.whole = {name: weight.data for name, weight in subject.synapses.items()}
        self.masters: dict[str, nn.Parameter] = {}
        if recipe.weights:
            self.masters = {name: nn.Parameter(value.clone()) for name, value in self.whole.items()}
        for name, weight in subject.synapses.items():
            weight.data = torch.empty_like(self.whole[name])
        self.placed: str | None = None
        self.stale = True

    def groups(self) -> list[dict[str, Any]]:
        recipe = self.recipe
        groups = decayed(self.heads, recipe.rate_of_heads, recipe.weight_decay)
        if self.masters:
            groups += decayed([*self.masters.values(), *self.others], recipe.rate, recipe.weight_decay)
        # An optimizer needs a parameter, even where nothing moves by gradient; these never show it one.
        return groups or [{"params": list(self.subject.synapses.values()), "lr": recipe.rate, "weight_decay": 0.0}]

    def enter(self, task: str | None) -> None:
        if not self.stale and self.placed == task:
            return
        self.placed, self.stale = task, False
        for name, weight in self.subject.synapses.items():
            torch.mul(self._source(name), self._visible(name), out=weight.data)
        for name, (up, down) in (self.subject.additions(task) if self.recipe.anatomy else {}).items():
            self.subject.synapses[name].data.addmm_(up, down)

    def translate(self) -> None:
        step = self.done + 1
        keeping = self.recipe.by_gradient and self._keeps_gradient(step)
        for name, weight in self.subject.synapses.items():
            gradient, weight.grad = weight.grad, None
            if gradient is None:
                continue
            if self.masters:
                self.masters[name].grad = gradient * self._visible(name)
            if keeping:
                own = self._skill_mask(name)
                dense = gradient if own is None else gradient * own
                self.gradients[name] = self.gradients[name] + dense if name in self.gradients else dense
        if self.recipe.by_gradient and self._due(step):
            self._rewire(step, self._merit)
            self.gradients = {}
            for parameter in (*self.heads, *self.masters.values(), *self.others):
                parameter.grad = None

    def advance(self, step: int) -> None:
        self.done = step + 1
        self.stale = self.stale or bool(self.masters)
        if not self.recipe.by_gradient and self._due(self.done):
            generator = self.streams.torch("mask", self.done)
            shapes = {name: weight.shape for name, weight in self.subject.synapses.items()}
            self._rewire(self.done, lambda name: torch.rand(shapes[name], generator=generator).to(self.mask[name].device))

    def report(self) -> dict[str, float]:
        flips = true_entries(mask ^ self.start[name] for name, mask in self.mask.items())
        possible = true_entries(self.eligible.values())
        alive = true_entries(self.mask.values())
        return {
            "flips": flips / max(1, possible),
            "turnover": self.grown / max(1, alive),
            "sparsity": 1 - alive / self.subject.count,
        }

    def warnings(self) -> list[str]:
        recipe = self.recipe
        if not recipe.drop or not recipe.until:
            return []
        if recipe.every >= self.end:
            return [
                f"this recipe never rewires: its first update would come at step {recipe.every}, but updates end before "
                f"step {self.end:g} of {self.steps}; lower `every`"
            ]
        if all(torch.equal(mask, self.eligible[name]) for name, mask in self.mask.items()):
            return ["no synapse is dead here, so none can grow: put an Age before it, or raise `sparsity`"]
        return []

    def state(self) -> dict[str, torch.Tensor]:
        tensors = {f"mask/{name}": value for name, value in self.mask.items()}
        tensors |= {f"start/{name}": value for name, value in self.start.items()}
        tensors |= {f"asked/{name}": value for name, value in self.gradients.items()}
        tensors |= {f"head/{i}": value.data for i, value in enumerate(self.heads)}
        tensors |= {f"master/{name}": value.data for name, value in self.masters.items()}
        if self.masters:
            tensors |= {f"other/{i}": value.data for i, value in enumerate(self.others)}
        if self.masters and self.recipe.anatomy:
            tensors |= {f"whole/{name}": value for name, value in self.whole.items()}
        tensors["counts"] = torch.tensor([self.done, self.grown])
        return tensors

    def load_state(self, state: Mapping[str, torch.Tensor]) -> None:
        for name, whole in self.whole.items():
            self.mask[name] = state[f"mask/{name}"].to(whole.device)
            self.start[name] = state[f"start/{name}"].to(whole.device)
            if f"asked/{name}" in state:
                self.gradients[name] = state[f"asked/{name}"].to(whole.device)
            if f"whole/{name}" in state:
                self.whole[name] = state[f"whole/{name}"].to(whole.device)
        for name, master in self.masters.items():
            master.data.copy_(state[f"master/{name}"])
        for i, parameter in enumerate(self.heads):
            parameter.data.copy_(state[f"head/{i}"])
        for i, parameter in enumerate(self.others if self.masters else []):
            parameter.data.copy_(state[f"other/{i}"])
        self.done, self.grown = state["counts"].tolist()
        self.stale = True

    def settle(self) -> None:
        for name, weight in self.subject.synapses.items():
            weight.data = self.whole[name]
            weight.grad = None
            if self.masters:
                weight.data = torch.where(self.mask[name], self.masters[name].data, self.whole[name])
        for parameter in self.still:
            parameter.requires_grad_(True)
        if self.recipe.anatomy:
            self.subject.alive = self.mask
            return
        for task in self.tasks:
            self.subject.skills[task].mask = self.mask
        if not self.tasks:
            self.subject.language_mask = self.mask

    def _due(self, step: int) -> bool:
        """Whether the synapses are rewired at this step, counted from 1."""
        return self.recipe.drop > 0 and step % self.recipe.every == 0 and step < self.end

    def _keeps_gradient(self, step: int) -> bool:
        """Whether the next update reads this step's gradient: it reads that of the latest batch of every task."""
        wait = -step % self.recipe.every
        return wait < max(1, len(self.tasks)) and self._due(step + wait)

    def _merit(self, name: str) -> torch.Tensor:
        """What ranks growth by gradient: abs(dL/dW), times W where W is frozen; 0 for a matrix without a gradient."""
        gradient = self.gradients.get(name, torch.zeros_like(self.whole[name]))
        return torch.nan_to_num((gradient if self.masters else gradient * self.whole[name]).abs())

    def _rewire(self, step: int, merit: Callable[[str], torch.Tensor]) -> None:
        """Drop and grow in every matrix; the just dropped may grow again, and then keep their weight."""
        fraction = drop_fraction(step, self.end, self.recipe.drop)
        for name, mask in self.mask.items():
            number = round(fraction * int(mask.sum()))
            kept = exact_masks({name: self._source(name).abs()}, {name: mask}, number)[name]
            free = self.eligible[name] & ~kept
            new = kept | (free & ~exact_masks({name: -merit(name)}, {name: free}, number)[name])
            self.grown += int((new & ~mask).sum())
            if self.masters and self.recipe.anatomy:
                self.whole[name] = torch.where(mask & ~new, self.masters[name].data, self.whole[name])
            if self.masters:
                self.masters[name].data.masked_fill_(new & ~mask, 0.0)
            self.mask[name] = new
        self.stale = True

    def _source(self, name: str) -> torch.Tensor:
        return self.masters[name].data if self.masters else self.whole[name]

    def _visible(self, name: str) -> torch.Tensor:
        own = self._skill_mask(name)
        return self.mask[name] if own is None else self.mask[name] & own

    def _skill_mask(self, name: str) -> torch.Tensor | None:
        if not self.recipe.anatomy or self.placed is None:
            return None
        mask = self.subject.skills[self.placed].mask
        return None if mask is None else mask[name]
