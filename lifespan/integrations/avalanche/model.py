"""A subject as an Avalanche model: its encoder, and the heads of the tasks learned by the strategy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from avalanche.models import MultiTaskModule
from torch import nn

from lifespan.contracts.subject import Subject
from lifespan.integrations.avalanche.datasets import unpacked

NEVER = -1e4
"""The logit of classes that a head does not have, which no softmax gives any probability."""


class Model(MultiTaskModule):
    """Task t is answered by the head of the t-th title. Parameters are the subject's own, not copies."""

    def __init__(self, subject: Subject, titles: list[str]) -> None:
        super().__init__()
        self.encoder = subject.encoder
        self.heads = nn.ModuleList([subject.skills[title].head for title in titles])
        self.outputs = [subject.skills[title].outputs for title in titles]
        self.kind, self.half = subject.device.type, subject.precision == "bf16"

    def forward(self, x: torch.Tensor, task_labels: Any) -> Any:
        """Outputs (batch, classes) of each row's own head; without task labels those of all heads, by task."""
        states = self._states(x)
        if task_labels is None:
            return {number: self._answer(states, number) for number in sorted(self.known_train_tasks_labels)}
        numbers = [task_labels] if isinstance(task_labels, int) else torch.unique(task_labels).tolist()
        if len(numbers) == 1:
            return self._answer(states, numbers[0])
        widest = max(self.outputs[number] for number in numbers)
        out = states.new_full((len(x), widest), NEVER, dtype=torch.float32)
        for number in numbers:
            own = task_labels == number
            out[own, : self.outputs[number]] = self._answer(states[own], number)
        return out

    def forward_single_task(self, x: torch.Tensor, task_label: int) -> torch.Tensor:
        """Outputs (batch, classes) of one task's head."""
        return self._answer(self._states(x), task_label)

    def _states(self, x: torch.Tensor) -> torch.Tensor:
        with torch.autocast(self.kind, dtype=torch.bfloat16, enabled=self.half):
            return self.encoder(**unpacked(x)).last_hidden_state[:, 0]

    def _answer(self, states: torch.Tensor, number: int) -> torch.Tensor:
        with torch.autocast(self.kind, dtype=torch.bfloat16, enabled=self.half):
            return self.heads[number](states).float()


def restored(model: Model, state: Mapping[str, torch.Tensor], heads: int) -> Model:
    """A copy of a model with another state and only the first heads."""
    import copy

    copied = copy.deepcopy(model)
    copied.heads, copied.outputs = copied.heads[:heads], copied.outputs[:heads]
    copied.load_state_dict(dict(state))
    return copied
