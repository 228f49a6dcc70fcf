"""Batches of the tasks learned so far, and the gradients of their losses, for criteria that need data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch

from lifespan.contracts import Task
from lifespan.contracts.length import STANDARD_LENGTH
from lifespan.contracts.subject import Subject
from lifespan.errors import ScenarioError
from lifespan.model.forward import batch_loss
from lifespan.randomness import Streams
from lifespan.training.batches import Batch, task_source

Gradients = dict[str, torch.Tensor]


def task_batches(
    subject: Subject,
    tasks: Sequence[Task],
    *,
    batches: int,
    batch_size: int,
    streams: Streams,
    who: str,
    length: int = STANDARD_LENGTH,
) -> Iterator[tuple[str, Batch]]:
    """(task's title, training batch), `batch_count(batches, tasks)` of them, the tasks in turn, drawn from "order".

    Raises `ScenarioError` in the name of `who` where no task was learned yet.
    """
    if not tasks:
        raise ScenarioError(
            who, "needs a task learned before, and there is none.", "Put a Learn before it, or prune by Magnitude()."
        )
    sources = [
        task_source(subject, task, batch_size=batch_size, length=length, streams=streams.child(i))
        for i, task in enumerate(tasks)
    ]
    for number in range(batch_count(batches, tasks)):
        own, position = divmod(number, len(tasks))
        yield tasks[position].title, sources[position].batch(own)


def batch_count(batches: int, tasks: Sequence[Task]) -> int:
    """How many batches are drawn where `batches` are wanted: at least one of each task."""
    return max(batches, len(tasks))


def loss_gradients(subject: Subject, pairs: Iterator[tuple[str, Batch]]) -> Iterator[tuple[str, Gradients]]:
    """(task, dL/dW_effective by synapse matrix) of every batch's mean loss, dropout off; the subject stays as it is.

    The gradient is taken at W x alive x skill and is dense: dead synapses have one too.
    """
    for task, batch in pairs:
        with subject.wearing(task):
            inputs = list(subject.synapses.values())
            found = torch.autograd.grad(batch_loss(subject, task, batch), inputs)
        yield task, dict(zip(subject.synapses, found, strict=True))


def effective_weights(subject: Subject, task: str) -> Gradients:
    """The weights that a task's forward pass computes with, by synapse matrix."""
    return subject.worn(task, {name: weight.data for name, weight in subject.synapses.items()})
