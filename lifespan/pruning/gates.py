"""Gates: a factor on every head or neuron, 1 where it is whole and 0 where it is removed, and the loss's slope by it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch

from lifespan.contracts.subject import Subject
from lifespan.model.anatomy import Units, anatomy_of
from lifespan.model.forward import batch_loss
from lifespan.pruning.window import in_mode
from lifespan.training.batches import Batch

Gates = Sequence[tuple[Units, torch.Tensor]]
"""Gates of some units: (number,), or (batch, number) for a gate of each example's own."""


def units_of(subject: Subject, kind: str) -> list[Units]:
    """The subject's "heads" or "neurons", layer by layer from the input on."""
    return [getattr(layer, kind) for layer in anatomy_of(subject.encoder)]


@contextmanager
def gated(subject: Subject, gates: Gates) -> Iterator[None]:
    """Inside this block every unit's output is multiplied by its gate before the output matrix reads it."""

    def hook_of(units: Units, gate: torch.Tensor) -> Any:
        factor = gate.repeat_interleave(units.size, -1)
        factor = factor[:, None, :] if gate.dim() == 2 else factor
        return lambda module, inputs: (inputs[0] * factor, *inputs[1:])

    hooks = []
    try:
        for units, gate in gates:
            dense = subject.encoder.get_submodule(units.output.removesuffix(".weight"))
            hooks.append(dense.register_forward_pre_hook(hook_of(units, gate)))
        yield
    finally:
        for hook in hooks:
            hook.remove()


def gate_importance(
    subject: Subject,
    units: Sequence[Units],
    batches: Iterable[tuple[str, Batch]],
    *,
    per: str,
    normalize: bool,
) -> list[torch.Tensor]:
    """Mean absolute derivative of the loss by every unit's gate at 1: one (number,) tensor for each of `units`.

    `per="example"` takes the absolute value for each example (its own loss), `per="batch"` for each batch (its mean
    loss). `normalize` divides each layer's values by their l2 norm. The subject stays as it is.
    """
    sums = [torch.zeros(each.number, device=subject.device) for each in units]
    seen = 0
    for task, batch in batches:
        examples = len(batch["labels"])
        shape = (examples,) if per == "example" else ()
        gates = [torch.ones(*shape, each.number, device=subject.device, requires_grad=True) for each in units]
        with subject.wearing(task), in_mode(subject, training=False), gated(subject, list(zip(units, gates, strict=True))):
            slopes = torch.autograd.grad(batch_loss(subject, task, batch), gates)
        for total, slope in zip(sums, slopes, strict=True):
            # The batch's loss is a mean: an example's own loss has `examples` times the slope.
            total += (slope * examples).abs().sum(0) if per == "example" else slope.abs()
        seen += examples if per == "example" else 1
    return _scaled([total / max(1, seen) for total in sums], normalize)


def mean_loss(subject: Subject, batches: Sequence[tuple[str, Batch]], gates: Gates = ()) -> float:
    """The mean loss over batches with these gates."""
    total = 0.0
    for task, batch in batches:
        with torch.no_grad(), subject.wearing(task), in_mode(subject, training=False), gated(subject, gates):
            total += float(batch_loss(subject, task, batch))
    return total / len(batches)


def magnitudes(subject: Subject, units: Sequence[Units], *, normalize: bool) -> list[torch.Tensor]:
    """The l2 norm of the living weights that each unit owns: one (number,) tensor for each of `units`."""
    squares = {name: (weight.data * subject.alive[name]).square() for name, weight in subject.synapses.items()}
    return _scaled([each.total(squares).sqrt() for each in units], normalize)


def _scaled(values: list[torch.Tensor], normalize: bool) -> list[torch.Tensor]:
    return [value / value.norm().clamp_min(1e-20) for value in values] if normalize else values
