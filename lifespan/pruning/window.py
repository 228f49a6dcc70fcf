"""Temporary changes of a subject: inside these contexts it may be trained; afterwards it is as before, bit for bit."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from lifespan.contracts.subject import Subject
from lifespan.errors import Diverged
from lifespan.model.forward import batch_loss, seeded
from lifespan.pruning._task_batches import Gradients, effective_weights
from lifespan.randomness import Streams
from lifespan.training.batches import Batch
from lifespan.training.loop import Recipe


@contextmanager
def in_mode(subject: Subject, *, training: bool) -> Iterator[None]:
    """Inside this block dropout is on, or off; afterwards every module has its own mode again."""
    modules = [module for root in _roots(subject) for module in root.modules()]
    modes = [module.training for module in modules]
    try:
        for module in modules:
            module.training = training
        yield
    finally:
        for module, mode in zip(modules, modes, strict=True):
            module.training = mode


@contextmanager
def untouched(subject: Subject) -> Iterator[None]:
    """Inside this block parameters are copies that require gradients; afterwards tensors, gradients and flags are restored.

    Covers encoder, language head and task heads, with their buffers. Costs the memory of one more model.
    """
    parameters = {id(p): p for root in _roots(subject) for p in root.parameters()}.values()
    before = [(p, p.data, p.grad, p.requires_grad) for p in parameters]
    buffers = [(buffer, buffer.clone()) for root in _roots(subject) for buffer in root.buffers()]
    try:
        for parameter, data, _, _ in before:
            parameter.data, parameter.grad = data.clone(), None
            parameter.requires_grad_(True)
        yield
    finally:
        for parameter, data, gradient, required in before:
            parameter.data, parameter.grad = data, gradient
            parameter.requires_grad_(required)
        for buffer, value in buffers:
            buffer.copy_(value)


def movement_scores(
    subject: Subject, pairs: Iterator[tuple[str, Batch]], *, steps: int, rate: float, streams: Streams, who: str
) -> Gradients:
    """S = -sum_t rate_t dL/dW_t W_t of every synapse over `steps` of fine-tuning on (task, batch) pairs, which is reverted.

    dL/dW is taken at the effective weights, before clipping. W moves where a synapse lives and the task's skill has it on;
    biases, LayerNorm, embeddings and task heads move along. Raises `Diverged` where a loss stops being finite.
    """
    recipe = Recipe(steps=steps, warmup=0.1, clip=1.0)
    scores = {name: torch.zeros_like(weight.data) for name, weight in subject.synapses.items()}
    with untouched(subject), in_mode(subject, training=True):
        heads = [parameter for skill in subject.skills.values() for parameter in skill.head.parameters()]
        moving = [*subject.encoder.parameters(), *heads]
        optimizer = torch.optim.AdamW(moving, lr=rate, weight_decay=0.0, fused=True)
        for step, (task, batch) in enumerate(pairs):
            now = optimizer.param_groups[0]["lr"] = rate * recipe.factor(step)
            with seeded(streams.number("dropout/window", step), subject.device), subject.wearing(task):
                loss = batch_loss(subject, task, batch)
                loss.backward()
            value = float(loss.detach())
            if not math.isfinite(value):
                raise Diverged(f"the loss became {value} at step {step + 1} of {steps} that {who} trains ahead")
            _record(subject, task, scores, now)
            nn.utils.clip_grad_norm_(moving, recipe.clip)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
    return scores


def _record(subject: Subject, task: str, scores: Gradients, rate: float) -> None:
    """Add a step's movement to the scores, and turn gradients of effective weights into gradients of W."""
    mask = subject.effective(task)
    weights = effective_weights(subject, task)
    for name, weight in subject.synapses.items():
        if weight.grad is None:
            continue
        scores[name].addcmul_(weight.grad, weights[name], value=-rate)
        if mask is not None:
            weight.grad.mul_(mask[name])


def _roots(subject: Subject) -> list[nn.Module]:
    return [subject.encoder, subject.language, *(skill.head for skill in subject.skills.values())]
