"""Losses at other weights than the subject's own, as landscape probes need them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import numpy as np
import torch

from lifespan.contracts import Task
from lifespan.contracts.subject import Subject
from lifespan.model.forward import batch_loss
from lifespan.training.batches import Batch, Labelled
from lifespan.training.evaluation import by_tokens, tokenised

Point = dict[str, torch.Tensor]
"""A place in the landscape: values by parameter name, `encoder/...` and `head/...`."""

Loss = Callable[[Point], float]


def parameters_of(subject: Subject, task: str) -> dict[str, torch.nn.Parameter]:
    """All parameters of the encoder and of the task's head, by the names that points use."""
    encoder = {f"encoder/{name}": parameter for name, parameter in subject.encoder.named_parameters()}
    return encoder | {f"head/{name}": p for name, p in subject.skills[task].head.named_parameters()}


def point_of(subject: Subject, task: str) -> Point:
    """The point of a subject for a task: its effective weights, all else as it is."""
    with subject.wearing(task):
        return {name: parameter.detach().clone() for name, parameter in parameters_of(subject, task).items()}


def between(first: Point, second: Point, t: float) -> Point:
    """The point (1 - t) first + t second."""
    return {name: torch.lerp(value, second[name].to(value), t) for name, value in first.items()}


def distance(first: Point, second: Point) -> float:
    """Euclidean distance."""
    return (
        float(sum((value.double() - second[name].to(value).double()).square().sum() for name, value in first.items())) ** 0.5
    )


def batches_of(subject: Subject, task: Task, split: str, length: int, examples: int | None) -> list[Batch]:
    """A split, thinned, as labelled batches of like lengths, with labels as they are learned."""
    rows, tokens = tokenised(task, split, length, subject.tokenizer, examples)
    labelled = Labelled(task, rows, tokens)
    return [labelled.batch(index) for index in by_tokens(subject, tokens.lengths)]


@contextmanager
def parameters_at(subject: Subject, task: str, point: Point) -> Iterator[None]:
    """Inside this block the encoder and the task's head have the values of a point; afterwards their own, bit for bit."""
    parameters = parameters_of(subject, task)
    own = {name: parameter.data for name, parameter in parameters.items()}
    try:
        for name, parameter in parameters.items():
            parameter.data = point[name]
        yield
    finally:
        for name, parameter in parameters.items():
            parameter.data = own[name]


def loss_at(subject: Subject, task: str, batches: Sequence[Batch]) -> Loss:
    """The task's mean loss over these batches at any point."""

    def loss(point: Point) -> float:
        with parameters_at(subject, task, point), torch.no_grad():
            return mean_loss(subject, task, batches)

    return loss


def mean_loss(subject: Subject, task: str, batches: Sequence[Batch]) -> float:
    """Mean over the labels of these batches of the loss at the encoder's present weights."""
    counts = [subject.skills[task].form.labelled(batch["labels"]) for batch in batches]
    total = sum(float(batch_loss(subject, task, batch)) * count for batch, count in zip(batches, counts, strict=True))
    return total / sum(counts)


def barrier(losses: Mapping[float, float]) -> float:
    """Error barrier of a path: its largest rise over the line between the ends' losses (Frankle et al. 2020, section 2).

    max over t of loss(t) - ((1 - t) loss(0) + t loss(1)), at least 0; NaN where any loss is.

    >>> barrier({0.0: 1.0, 0.5: 3.0, 1.0: 2.0})
    1.5
    """
    start, end = losses[0.0], losses[1.0]
    return float(np.max([loss - ((1 - t) * start + t * end) for t, loss in losses.items()]))


def filter_normalised(point: Point, generator: torch.Generator, masks: Point | None = None) -> Point:
    """A random direction in which every row of a matrix is as long as the point's own row (Li et al. 2018, section 4).

    d_i <- d_i / |d_i| x |theta_i| for each row i; vectors (biases, LayerNorms) get 0, as in the paper's experiments.
    So do entries that `masks` (by the point's names) leaves out: dead synapses stay dead along the direction.
    """
    direction: Point = {}
    for name, value in sorted(point.items()):
        if value.dim() < 2:
            direction[name] = torch.zeros_like(value)
            continue
        drawn = torch.randn(value.shape, generator=generator).to(value)
        if masks is not None and name in masks:
            drawn = drawn * masks[name]
        direction[name] = drawn / drawn.norm(dim=-1, keepdim=True).clamp_min(1e-12) * value.norm(dim=-1, keepdim=True)
    return direction


def moved(point: Point, *steps: tuple[float, Point]) -> Point:
    """The point plus multiples of directions."""
    found = {name: value.clone() for name, value in point.items()}
    for size, direction in steps:
        for name, value in found.items():
            value.add_(direction[name], alpha=size)
    return found
