"""A curve with one bend between two points, learned to have a low loss."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from lifespan.contracts.subject import Subject
from lifespan.model.forward import batch_loss
from lifespan.probes.landscape._losses import Point, between, parameters_at, parameters_of
from lifespan.randomness import Streams
from lifespan.training.batches import Batch

BATCH = 16


def bezier(start: Point, middle: Point, end: Point, t: float) -> Point:
    """The point (1 - t)^2 start + 2 t (1 - t) middle + t^2 end (Garipov et al. 2018, equation 3)."""
    return between(between(start, middle, t), between(middle, end, t), t)


def learned_bend(
    subject: Subject,
    task: str,
    start: Point,
    end: Point,
    batches: Sequence[Batch],
    steps: int,
    rate: float,
    streams: Streams,
) -> Point:
    """The middle of the curve, moved by Adam down the loss at drawn places t; only the subject's architecture is used.

    d loss / d middle = 2 t (1 - t) d loss / d theta. Synapses that are dead at both ends stay dead on the curve.
    """
    alive = {
        name: (start[name] != 0) | (end[name].to(start[name]) != 0) for name in map("encoder/{}".format, subject.synapses)
    }
    middle = {name: value.clone() for name, value in between(start, end, 0.5).items()}
    optimizer = torch.optim.Adam(list(middle.values()), lr=rate)
    draw = streams.numpy("evaluation")
    for _ in range(steps):
        t = float(draw.random())
        batch = batches[int(draw.integers(len(batches)))]
        index = torch.from_numpy(draw.permutation(len(batch["labels"]))[:BATCH].copy())
        part = {name: value[index] for name, value in batch.items()}
        names = list(middle)
        with parameters_at(subject, task, bezier(start, middle, end, t)), torch.enable_grad():
            inputs = [parameters_of(subject, task)[name] for name in names]
            found = torch.autograd.grad(batch_loss(subject, task, part), inputs, allow_unused=True)
        for name, gradient in zip(names, found, strict=True):
            slope = torch.zeros_like(middle[name]) if gradient is None else 2 * t * (1 - t) * gradient
            middle[name].grad = slope * alive[name] if name in alive else slope
        optimizer.step()
    return {name: value.detach() for name, value in middle.items()}
