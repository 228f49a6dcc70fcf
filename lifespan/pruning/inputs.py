"""Statistics of the inputs of every linear layer, gathered by hooks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import torch
from torch import nn

from lifespan.contracts.subject import Subject
from lifespan.model.forward import token_states
from lifespan.training.batches import Batch

Squares = dict[str, torch.Tensor]


def squared_inputs(subject: Subject, pairs: Iterator[tuple[str, Batch]]) -> dict[str, Squares]:
    """By task and synapse matrix: the sum of squares of each input over all tokens, (inputs,), in float64.

    Each task's forward pass has the task's own mask, dropout off. Padding tokens are left out wherever the layer's
    input is (batch, length, inputs); layers that see tokens in another shape are taken whole.
    """
    found: dict[str, Squares] = {}
    with torch.no_grad():
        for task, batch in pairs:
            squares = found.setdefault(task, _nothing(subject))
            hooks = _add_hooks(subject, squares, batch["attention_mask"].bool().to(subject.device))
            try:
                with subject.wearing(task):
                    token_states(subject, batch)
            finally:
                for hook in hooks:
                    hook.remove()
    return found


def mean_inputs(subject: Subject, task: str, batches: Iterable[Batch]) -> Squares:
    """Mean absolute value of each input of every synapse matrix over real tokens, (inputs,), under the task's mask."""
    found, seen = _nothing(subject), 0
    with torch.no_grad(), subject.wearing(task):
        for batch in batches:
            real = batch["attention_mask"].bool().to(subject.device)
            seen += int(real.sum())
            hooks = _add_hooks(subject, found, real, power=1)
            try:
                token_states(subject, batch)
            finally:
                for hook in hooks:
                    hook.remove()
    return {name: total / max(1, seen) for name, total in found.items()}


def _nothing(subject: Subject) -> Squares:
    return {
        name: torch.zeros(weight.shape[1], dtype=torch.float64, device=weight.device)
        for name, weight in subject.synapses.items()
    }


def _add_hooks(subject: Subject, squares: Squares, real: torch.Tensor, *, power: int = 2) -> list[Any]:
    """Pre-hooks that add absolute inputs to a `power` to `squares`; `real` says which tokens are not padding."""

    def adder(total: torch.Tensor) -> Any:
        def add(module: nn.Module, arguments: tuple[torch.Tensor, ...]) -> None:
            states = arguments[0].detach()
            rows = states[real] if states.dim() == 3 and states.shape[:2] == real.shape else states.flatten(0, -2)
            total.add_(rows.double().abs().pow(power).sum(dim=0))

        return add

    return [
        subject.encoder.get_submodule(name.removesuffix(".weight")).register_forward_pre_hook(adder(total))
        for name, total in squares.items()
    ]
