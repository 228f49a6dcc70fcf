"""The control of every claim about plasticity: only the task's head learns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lifespan.contracts import Learner, Plasticity, Task

if TYPE_CHECKING:
    import torch

    from lifespan.contracts.subject import Subject
    from lifespan.randomness import Streams


@dataclass(frozen=True, kw_only=True)
class HeadOnly(Learner):
    """Train the task's head, its dense layer included, on a frozen encoder: the control of all plasticity."""

    rate: float = 5e-4

    @property
    def plasticity(self) -> str:
        return "head"

    def attach(self, subject: Subject, tasks: Sequence[Task], steps: int, streams: Streams) -> Plasticity:
        return Frozen(subject, tasks, self, self.rate_of_heads)


class Frozen(Plasticity):
    """Heads learn at `rate` on whatever their skills' masks let through; the encoder stays bit for bit."""

    def __init__(self, subject: Subject, tasks: Sequence[Task], recipe: Learner, rate: float) -> None:
        from lifespan.learners._weights import head_parameters

        self.subject, self.recipe, self.rate = subject, recipe, rate
        self.heads = head_parameters(subject, tasks)
        self.whole = {name: weight.data for name, weight in subject.synapses.items()}
        self.placed: tuple[str | None] | None = None
        for parameter in subject.encoder.parameters():
            parameter.requires_grad_(False)

    def groups(self) -> list[dict[str, Any]]:
        from lifespan.learners._weights import decayed

        return decayed(self.heads, self.rate, self.recipe.weight_decay)

    def enter(self, task: str | None) -> None:
        if self.placed == (task,):
            return
        self.placed = (task,)
        for name, worn in self.subject.worn(task, self.whole).items():
            self.subject.synapses[name].data = worn

    def state(self) -> dict[str, torch.Tensor]:
        return {f"head/{i}": parameter.data for i, parameter in enumerate(self.heads)}

    def load_state(self, state: Mapping[str, torch.Tensor]) -> None:
        for i, parameter in enumerate(self.heads):
            parameter.data.copy_(state[f"head/{i}"])

    def settle(self) -> None:
        for name, weight in self.subject.synapses.items():
            weight.data = self.whole[name]
        for parameter in self.subject.encoder.parameters():
            parameter.requires_grad_(True)
