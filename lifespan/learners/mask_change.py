"""Structural plasticity at work: binary masks learned by a straight-through estimator.

The forward pass computes with W x mask, where mask = [score > cut]. The backward pass gives dL/d(W x mask); the
straight-through estimator (Bengio et al. 2013; Mallya et al. 2018, equation 4) takes dL/dscore = dL/d(W x mask) x W. Done by
hand on whole matrices, this costs one product per matrix and step beside ordinary fine-tuning.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

from lifespan.contracts import Plasticity, Task
from lifespan.learners.weight_change import decayed, head_parameters
from lifespan.subject import Masks, Subject

Scores = dict[str, nn.Parameter]


def exact_masks(scores: Mapping[str, torch.Tensor], eligible: Masks, dead: int) -> Masks:
    """Masks in which exactly the `dead` lowest-scoring eligible entries (ties by position) are False."""
    flat = torch.cat([scores[name].detach()[eligible[name]].flatten() for name in scores]).cpu().numpy()
    keep = np.ones(len(flat), dtype=bool)
    if dead:
        cut = np.partition(flat, dead - 1)[dead - 1]
        below = flat < cut
        ties = np.flatnonzero(flat == cut)[: dead - int(below.sum())]
        keep[below] = False
        keep[ties] = False
    kept = torch.from_numpy(keep)
    masks: Masks = {}
    start = 0
    for name in scores:
        size = int(eligible[name].sum())
        mask = torch.zeros_like(eligible[name])
        mask[eligible[name]] = kept[start : start + size].to(mask.device)
        masks[name] = mask
        start += size
    return masks


def cut_for(scores: Mapping[str, torch.Tensor], eligible: Masks, dead: int) -> float:
    """The score that is exceeded by all but about `dead` eligible entries."""
    if dead <= 0:
        return -float("inf")
    flat = torch.cat([scores[name].detach()[eligible[name]].flatten() for name in scores]).cpu().numpy()
    return float(np.partition(flat, dead - 1)[dead - 1])


class MaskChange(Plasticity):
    """Scores move, the mask follows; W is never written unless `train_weights` asks for both.

    `eligible` says which synapses may be on; `cut` is the threshold that scores must exceed. Where `final_dead` is given, a
    controller moves the cut every `refresh` steps along the cubic schedule from `first_dead` eligible entries off to
    `final_dead`, which the end meets exactly. `shared` masks are anatomy (the alive mask); others are a skill's own.
    """

    def __init__(
        self,
        subject: Subject,
        tasks: Sequence[Task],
        *,
        scores: Mapping[str, torch.Tensor],
        eligible: Masks,
        cut: float,
        steps: int,
        rate: float,
        reach: float,
        head_rate: float,
        weight_decay: float,
        first_dead: int = 0,
        final_dead: int | None = None,
        refresh: int = 10,
        shared: bool = False,
        train_heads: bool = True,
        train_weights: float | None = None,
    ) -> None:
        self.subject, self.steps = subject, steps
        self.tasks = [task.title for task in tasks]
        self.scores: Scores = {name: nn.Parameter(value) for name, value in scores.items()}
        self.eligible, self.cut, self.shared = eligible, cut, shared
        self.rate, self.reach, self.head_rate, self.weight_decay = rate, reach, head_rate, weight_decay
        self.first_dead, self.final_dead, self.refresh = first_dead, final_dead, refresh
        self.heads = head_parameters(subject, tasks) if train_heads else []
        self.others = [p for p in subject.encoder.parameters() if id(p) not in {id(s) for s in subject.synapses.values()}]
        self.weight_rate = train_weights
        self.whole = {name: weight.data for name, weight in subject.synapses.items()}
        self.masters: Scores = {}
        if train_weights is not None:
            self.masters = {name: nn.Parameter(value.clone()) for name, value in self.whole.items()}
        for parameter in self.others:
            parameter.requires_grad_(train_weights is not None)
        for name, weight in subject.synapses.items():
            weight.data = torch.empty_like(self.whole[name])
        self.start = self.masks()
        self.placed: str | None = None
        self.stale = True

    def masks(self) -> Masks:
        """The binary masks of the moment."""
        return {name: (score.data > self.cut) & self.eligible[name] for name, score in self.scores.items()}

    def groups(self) -> list[dict[str, Any]]:
        groups: list[dict[str, Any]] = [{"params": list(self.scores.values()), "lr": self.rate, "weight_decay": 0.0}]
        if self.heads:
            groups += decayed(self.heads, self.head_rate, self.weight_decay)
        if self.weight_rate is not None:
            groups += decayed([*self.masters.values(), *self.others], self.weight_rate, self.weight_decay)
        return groups

    def enter(self, task: str | None) -> None:
        if not self.stale and (self.placed == task or not self.shared):
            return
        with torch.no_grad():
            for name, weight in self.subject.synapses.items():
                torch.mul(self._source(name), self._visible(name, task), out=weight.data)
        self.placed, self.stale = task, False

    def translate(self) -> None:
        for name, weight in self.subject.synapses.items():
            gradient, weight.grad = weight.grad, None
            if gradient is None:
                continue
            if self.weight_rate is not None:
                self.masters[name].grad = gradient * self._visible(name, self.placed)
            gradient.mul_(self._source(name))
            allowed = self._allowed(name, self.placed)
            if allowed is not None:
                gradient.mul_(allowed)
            self.scores[name].grad = gradient

    def advance(self, step: int) -> None:
        self.stale = True
        if self.final_dead is not None and (step + 1) % self.refresh == 0:
            left = (1 - (step + 1) / self.steps) ** 3
            dead = round(self.final_dead + (self.first_dead - self.final_dead) * left)
            self.cut = cut_for(self.scores, self.eligible, dead)

    def report(self) -> dict[str, float]:
        masks = self.masks()
        count = self.subject.count
        flips = sum(int((masks[name] ^ self.start[name]).sum()) for name in masks)
        possible = sum(int(self.eligible[name].sum()) for name in masks)
        dead = count - sum(int(mask.sum()) for mask in masks.values())
        return {"flips": flips / max(1, possible), "sparsity": dead / count}

    def warnings(self) -> list[str]:
        near = total = 0
        for name, score in self.scores.items():
            distance = (score.data - self.cut).abs()[self.eligible[name]]
            near += int((distance <= self.reach).sum())
            total += distance.numel()
        if total and near / total < 1e-3:
            return [
                f"this recipe can hardly flip a synapse: with Adam a score moves about {self.reach:.2g} in {self.steps} "
                f"steps, and only {near / total:.3%} of the scores start that near to the threshold; "
                "raise the rate or the steps, or lower the spread"
            ]
        return []

    def state(self) -> dict[str, torch.Tensor]:
        tensors = {f"score/{name}": value.data for name, value in self.scores.items()}
        tensors |= {f"start/{name}": value for name, value in self.start.items()}
        tensors |= {f"head/{i}": value.data for i, value in enumerate(self.heads)}
        tensors |= {f"master/{name}": value.data for name, value in self.masters.items()}
        if self.weight_rate is not None:
            tensors |= {f"other/{i}": value.data for i, value in enumerate(self.others)}
        tensors["cut"] = torch.tensor(self.cut, dtype=torch.float64)
        return tensors

    def load_state(self, state: Mapping[str, torch.Tensor]) -> None:
        for name, score in self.scores.items():
            score.data.copy_(state[f"score/{name}"])
            self.start[name] = state[f"start/{name}"].to(score.device)
        for name, master in self.masters.items():
            master.data.copy_(state[f"master/{name}"])
        for i, parameter in enumerate(self.heads):
            parameter.data.copy_(state[f"head/{i}"])
        if self.weight_rate is not None:
            for i, parameter in enumerate(self.others):
                parameter.data.copy_(state[f"other/{i}"])
        self.cut = float(state["cut"])
        self.stale = True

    def settle(self) -> None:
        masks = self.masks()
        if self.final_dead is not None:
            masks = exact_masks(self.scores, self.eligible, self.final_dead)
        for name, weight in self.subject.synapses.items():
            weight.data = self.whole[name]
            weight.grad = None
            if self.masters:
                weight.data.copy_(torch.where(self.eligible[name], self.masters[name].data, weight.data))
        for parameter in self.others:
            parameter.requires_grad_(True)
        if self.shared:
            self.subject.alive = masks
            return
        for task in self.tasks:
            self.subject.skills[task].mask = masks
        if not self.tasks:
            self.subject.language_mask = masks

    def _source(self, name: str) -> torch.Tensor:
        return self.masters[name].data if self.masters else self.whole[name]

    def _visible(self, name: str, task: str | None) -> torch.Tensor:
        mask = (self.scores[name].data > self.cut) & self.eligible[name]
        own = self._skill_mask(name, task)
        return mask if own is None else mask & own

    def _allowed(self, name: str, task: str | None) -> torch.Tensor | None:
        own = self._skill_mask(name, task)
        if own is not None:
            return own & self.eligible[name]
        return None if self.eligible[name].all() else self.eligible[name]

    def _skill_mask(self, name: str, task: str | None) -> torch.Tensor | None:
        if not self.shared or task is None:
            return None
        mask = self.subject.skills[task].mask
        return None if mask is None else mask[name]
