"""The search of greedy forward selection, through gates that open one by one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import torch

from lifespan.contracts.subject import Subject
from lifespan.model.anatomy import Units
from lifespan.model.forward import batch_loss
from lifespan.model.subject import layer_of
from lifespan.pruning.gates import Gates, gated, mean_loss
from lifespan.pruning.window import in_mode
from lifespan.subjects.first_token import computed_by
from lifespan.training.batches import Batch

Pairs = Sequence[tuple[str, Batch]]


def selected(
    subject: Subject, units: Sequence[Units], wanted: Sequence[int], pairs: Pairs, *, block: int | None, exact: bool
) -> list[torch.Tensor]:
    """How early each unit was selected, (number,) for each of `units`: the first has the largest value, the others 0.

    `wanted` is the number to select in each layer among those that are heard. `exact` adds one at a time by trying every
    candidate; else `block` are added at a time by first-order gain (None: an eighth of those wanted).
    """
    gates = [torch.ones(each.number, device=subject.device) for each in units]
    order = [torch.zeros(each.number) for each in units]
    for layer, (each, number) in enumerate(zip(units, wanted, strict=True)):
        candidates = each.heard(subject.alive).nonzero().flatten().tolist()
        if number == len(candidates):
            order[layer][candidates] = 1.0
            continue
        gates[layer] = torch.zeros_like(gates[layer])
        search = _Search(subject, units, gates, layer, pairs)
        rank = number
        while rank > 0:
            size = 1 if exact else min(rank, block or -(-number // 8))
            best = search.tried(candidates) if exact else search.first_order(candidates)[:size]
            for unit in best:
                gates[layer][unit] = 1.0
                order[layer][unit] = rank
                rank -= 1
            candidates = [unit for unit in candidates if unit not in set(best)]
    return order


class _Search:
    """Candidates of one layer. What comes before it no longer changes and is computed only once for each batch."""

    def __init__(self, subject: Subject, units: Sequence[Units], gates: list[torch.Tensor], layer: int, pairs: Pairs) -> None:
        self.subject, self.units, self.gates, self.layer, self.pairs = subject, units, gates, layer, pairs
        own = layer_of(units[layer].output)
        self.before = [path for path in dict.fromkeys(layer_of(each.output) for each in units[:layer]) if path != own]
        self.outputs = [self._output(pair) for pair in pairs]

    def tried(self, candidates: list[int]) -> list[int]:
        """The candidate with which the loss is least; of equals the first."""
        losses = []
        for unit in candidates:
            trial = self.gates[self.layer].clone()
            trial[unit] = 1.0
            total = 0.0
            for pair, output in zip(self.pairs, self.outputs, strict=True):
                with _skipped(self.subject, self.before, output):
                    total += mean_loss(self.subject, [pair], self._gates(trial))
            losses.append(total)
        return [candidates[losses.index(min(losses))]]

    def first_order(self, candidates: list[int]) -> list[int]:
        """The candidates by the slope of the loss as their gates open, the steepest fall first."""
        total = torch.zeros_like(self.gates[self.layer])
        for (task, batch), output in zip(self.pairs, self.outputs, strict=True):
            moving = self.gates[self.layer].clone().requires_grad_()
            with (
                self.subject.wearing(task),
                in_mode(self.subject, training=False),
                gated(self.subject, self._gates(moving)),
                _skipped(self.subject, self.before, output),
            ):
                total += torch.autograd.grad(batch_loss(self.subject, task, batch), moving)[0]
        slopes = total.cpu()[candidates]
        return [candidates[i] for i in slopes.argsort(stable=True).tolist()]

    def _gates(self, own: torch.Tensor) -> Gates:
        gates = [*self.gates[: self.layer], own, *self.gates[self.layer + 1 :]]
        return list(zip(self.units, gates, strict=True))

    def _output(self, pair: tuple[str, Batch]) -> Any:
        """What the layer before this one returns for a batch."""
        if not self.before:
            return None
        found: list[Any] = []
        last = self.subject.encoder.get_submodule(self.before[-1])
        hook = last.register_forward_hook(lambda module, inputs, output: found.append(output))
        try:
            mean_loss(self.subject, [pair], self._gates(self.gates[self.layer]))
        finally:
            hook.remove()
        return found[-1]


@contextmanager
def _skipped(subject: Subject, paths: Sequence[str], output: Any) -> Iterator[None]:
    """Inside this block the layers at these paths compute nothing and return what the last of them returned before."""
    with ExitStack() as skipped:
        for path in paths:
            skipped.enter_context(computed_by(subject.encoder.get_submodule(path), lambda *_, **__: output))
        yield
