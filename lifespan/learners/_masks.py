"""The plasticity of mask learners: binary masks learned by a straight-through estimator.

The forward pass computes with W x mask, where mask = [score > cut]. The backward pass gives dL/d(W x mask); the
straight-through estimator (Bengio et al. 2013; Mallya et al. 2018, equation 4) takes dL/dscore = dL/d(W x mask) x W. Computed
here on whole matrices, this costs one product per matrix and step beside ordinary fine-tuning.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from lifespan.contracts import Plasticity, Task
from lifespan.contracts.subject import Masks, Subject
from lifespan.learners._selection import Rule
from lifespan.learners._weights import decayed, head_parameters
from lifespan.model.subject import true_entries

Parameters = dict[str, nn.Parameter]


@dataclass(frozen=True)
class Pace:
    """Peak learning rates of scores, heads and weights. `heads` and `weights` may be None: they do not move."""

    scores: float
    heads: float | None
    weights: float | None = None
    weight_decay: float = 0.0


class MaskChange(Plasticity):
    """Scores move, the mask follows; W is never written unless the pace moves weights too.

    `eligible` says which synapses may be on; `rule` turns scores into masks. `shared` masks are anatomy (the alive mask);
    others are a skill's own, or without a task the language's.
    """

    def __init__(
        self,
        subject: Subject,
        tasks: Sequence[Task],
        *,
        scores: Mapping[str, torch.Tensor],
        eligible: Masks,
        rule: Rule,
        pace: Pace,
        steps: int,
        shared: bool = False,
    ) -> None:
        self.subject, self.steps = subject, steps
        self.tasks = [task.title for task in tasks]
        self.scores: Parameters = {name: nn.Parameter(value) for name, value in scores.items()}
        self.eligible, self.rule, self.pace, self.shared = eligible, rule, pace, shared
        self.unbounded = {name: bool(mask.all()) for name, mask in eligible.items()}
        if rule.cut is None:
            self.cuts = rule.cuts(self.scores, eligible, rule.first)
        else:
            self.cuts = dict.fromkeys(self.scores, rule.cut)
        self.heads = [] if pace.heads is None else head_parameters(subject, tasks)
        self.others = [p for p in subject.encoder.parameters() if id(p) not in {id(s) for s in subject.synapses.values()}]
        self.whole = {name: weight.data for name, weight in subject.synapses.items()}
        self.masters: Parameters = {}
        if pace.weights is not None:
            self.masters = {name: nn.Parameter(value.clone()) for name, value in self.whole.items()}
        for parameter in self.others:
            parameter.requires_grad_(pace.weights is not None)
        for name, weight in subject.synapses.items():
            weight.data = torch.empty_like(self.whole[name])
        self.start = self.masks()
        self.placed: str | None = None
        self.stale = True

    def masks(self) -> Masks:
        """The present binary masks, by matrix."""
        return {name: self.gate(name) for name in self.scores}

    def gate(self, name: str) -> torch.Tensor:
        """Which synapses of a matrix are on at this step."""
        score = self.scores[name].data
        return ((score.abs() if self.rule.absolute else score) > self.cuts[name]) & self.eligible[name]

    def groups(self) -> list[dict[str, Any]]:
        pace = self.pace
        groups: list[dict[str, Any]] = [{"params": list(self.scores.values()), "lr": pace.scores, "weight_decay": 0.0}]
        if pace.heads is not None:
            groups += decayed(self.heads, pace.heads, pace.weight_decay)
        if pace.weights is not None:
            groups += decayed([*self.masters.values(), *self.others], pace.weights, pace.weight_decay)
        return groups

    def enter(self, task: str | None) -> None:
        if not self.stale and (self.placed == task or not self.shared):
            return
        with torch.no_grad():
            for name, weight in self.subject.synapses.items():
                torch.mul(self._source(name), self._visible(name, task), out=weight.data)
            for name, (up, down) in (self.subject.additions(task) if self.shared else {}).items():
                self.subject.synapses[name].data.addmm_(up, down)
        self.placed, self.stale = task, False

    def translate(self) -> None:
        for name, weight in self.subject.synapses.items():
            gradient, weight.grad = weight.grad, None
            if gradient is None:
                continue
            if self.masters:
                self.masters[name].grad = gradient * self._visible(name, self.placed)
            self.scores[name].grad = self.score_gradient(name, gradient)

    def score_gradient(self, name: str, gradient: torch.Tensor) -> torch.Tensor:
        """dL/dscore from dL/d(W x mask), which may be overwritten."""
        gradient.mul_(self._source(name))
        if self.rule.absolute:
            gradient.mul_(self.scores[name].data.sign())
        allowed = self._allowed(name, self.placed)
        return gradient if allowed is None else gradient.mul_(allowed)

    def advance(self, step: int) -> None:
        self.stale = True
        if self.rule.target is not None and (step + 1) % self.rule.refresh == 0:
            self.cuts = self.rule.cuts(self.scores, self.eligible, self.rule.fraction_at(step + 1, self.steps))

    def report(self) -> dict[str, float]:
        masks = self.masks()
        count = self.subject.count
        flips = true_entries(masks[name] ^ self.start[name] for name in masks)
        possible = true_entries(self.eligible[name] for name in masks)
        return {"flips": flips / max(1, possible), "sparsity": (count - true_entries(masks.values())) / count}

    def warnings(self) -> list[str]:
        if all(cut == -float("inf") for cut in self.cuts.values()):
            return []
        near = total = 0
        # A linear rise and fall of the rate sums to half of the peak rate times the steps.
        reach = self.pace.scores * self.steps / 2
        for name, score in self.rule.strengths(self.scores).items():
            distance = (score - self.cuts[name]).abs()[self.eligible[name]]
            near += int((distance <= reach).sum())
            total += distance.numel()
        if total and near / total < 1e-3:
            return [
                f"this recipe can hardly flip a synapse: with Adam a score moves about {reach:.2g} in {self.steps} "
                f"steps, and only {near / total:.3%} of the scores start that near to the threshold; "
                "raise the rate or the steps, or lower the spread"
            ]
        return []

    def state(self) -> dict[str, torch.Tensor]:
        tensors = {f"score/{name}": value.data for name, value in self.scores.items()}
        tensors |= {f"start/{name}": value for name, value in self.start.items()}
        tensors |= {f"head/{i}": value.data for i, value in enumerate(self.heads)}
        tensors |= {f"master/{name}": value.data for name, value in self.masters.items()}
        if self.masters:
            tensors |= {f"other/{i}": value.data for i, value in enumerate(self.others)}
        tensors["cuts"] = torch.tensor([self.cuts[name] for name in self.scores], dtype=torch.float64)
        return tensors

    def load_state(self, state: Mapping[str, torch.Tensor]) -> None:
        for name, score in self.scores.items():
            score.data.copy_(state[f"score/{name}"])
            self.start[name] = state[f"start/{name}"].to(score.device)
        for name, master in self.masters.items():
            master.data.copy_(state[f"master/{name}"])
        for i, parameter in enumerate(self.heads):
            parameter.data.copy_(state[f"head/{i}"])
        if self.masters:
            for i, parameter in enumerate(self.others):
                parameter.data.copy_(state[f"other/{i}"])
        self.cuts = dict(zip(self.scores, state["cuts"].tolist(), strict=True))
        self.stale = True

    def final_masks(self) -> Masks:
        """The masks that the learning leaves behind: the present ones, or those that have exactly the target sparsity."""
        if self.rule.target is None:
            return self.masks()
        return self.rule.masks(self.scores, self.eligible, self.rule.target)

    def settle(self) -> None:
        masks = self.final_masks()
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
        mask = self.gate(name)
        own = self._skill_mask(name, task)
        return mask if own is None else mask & own

    def _allowed(self, name: str, task: str | None) -> torch.Tensor | None:
        own = self._skill_mask(name, task)
        if own is not None:
            return own & self.eligible[name]
        return None if self.unbounded[name] else self.eligible[name]

    def _skill_mask(self, name: str, task: str | None) -> torch.Tensor | None:
        if not self.shared or task is None:
            return None
        mask = self.subject.skills[task].mask
        return None if mask is None else mask[name]
