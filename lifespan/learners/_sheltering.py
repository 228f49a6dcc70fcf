"""The plasticity that learners share which keep earlier tasks' weights: some weights move, others stay."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from lifespan.contracts import Learner, Task
from lifespan.contracts.subject import Masks, Subject
from lifespan.learners._weights import Group, Moving, decayed, head_parameters


class Sheltered(Moving):
    """Entries of the encoder's parameters move where `moving` is true; others act as they were, or not at all.

    `moving` has a boolean mask by parameter name, none for what stays whole. Of the synapses that stay, those in `acting` act
    with the weight they had and the others are zero meanwhile; all have their own weight again at the end. With the `first`
    task, all that `moving` does not hold (embeddings, LayerNorm, biases) moves as well.
    """

    def __init__(
        self, subject: Subject, tasks: Sequence[Task], recipe: Learner, moving: Masks, acting: Masks, *, first: bool
    ) -> None:
        self.subject, self.recipe, self.moving = subject, recipe, moving
        self.tasks = [task.title for task in tasks]
        self.heads = head_parameters(subject, tasks)
        for title in self.tasks:
            subject.skills[title].mask = None
        self.parameters = dict(subject.encoder.named_parameters())
        if first:
            others = {name: p for name, p in self.parameters.items() if name not in moving}
            moving |= {name: torch.ones_like(parameter, dtype=torch.bool) for name, parameter in others.items()}
        for name, parameter in self.parameters.items():
            parameter.requires_grad_(name in moving)
        partial = [name for name, mask in moving.items() if not mask.all()]
        kept = [name for name in self.parameters if name in partial or (name in acting and name not in moving)]
        self.held = {name: self.parameters[name].data.clone() for name in kept}
        self.fixed = {n: held * acting[n] if n in acting else held for n, held in self.held.items()}
        self.shelter()

    def shelter(self) -> None:
        """Put back what must not move: weight decay and momentum move entries without a gradient."""
        for name, fixed in self.fixed.items():
            values = self.parameters[name].data
            self.parameters[name].data = torch.where(self.moving[name], values, fixed) if name in self.moving else fixed

    def groups(self) -> list[Group]:
        recipe = self.recipe
        return [
            *decayed((self.parameters[name] for name in self.moving), recipe.rate, recipe.weight_decay),
            *decayed(self.heads, recipe.rate_of_heads, recipe.weight_decay),
        ]

    def translate(self) -> None:
        for name in self.fixed:
            gradient = self.parameters[name].grad
            if gradient is not None:
                gradient.mul_(self.moving[name])

    def advance(self, step: int) -> None:
        self.shelter()

    def leave(self, mask: Masks) -> None:
        """End the learning: put back the encoder's fixed weights, and set the tasks' mask."""
        for name, held in self.held.items():
            values = self.parameters[name].data
            self.parameters[name].data = torch.where(self.moving[name], values, held) if name in self.moving else held
        for parameter in self.subject.encoder.parameters():
            parameter.requires_grad_(True)
        for title in self.tasks:
            self.subject.skills[title].mask = mask
        if not self.tasks:
            self.subject.language_mask = mask
