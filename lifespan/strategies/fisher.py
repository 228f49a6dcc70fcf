"""Diagonals of the Fisher information: three estimators that go by one name in the literature, told apart here.

For one example x let l_y(theta) = log p(y | x, theta). Every estimator is a mean over examples (van de Ven 2025, On the
computation of the Fisher information in continual learning):

    exact     E_x sum_y p(y|x) (d l_y)^2        all answers, weighted by the subject's own probabilities
    sampled   E_x (d l_y)^2, y ~ p(y|x)         one answer drawn from them: unbiased for the exact one
    batch     (d mean_batch loss)^2             the squared gradient of a batch's mean loss at the true labels, as many
                                                implementations do (Avalanche's among them): gradients cancel before they are
                                                squared, so it is smaller, about by the batch's size

For a score, p is a normal law of variance 1 around the answer: the exact form is (d answer)^2, and so is the sampled one
(the draw's expectation).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch

from lifespan.contracts import Lesson, Task
from lifespan.contracts.subject import Subject
from lifespan.model.forward import batch_loss, first_states
from lifespan.randomness import Streams
from lifespan.training.batches import Batch, task_source
from lifespan.training.evaluation import tokenised


def fisher(subject: Subject, task: Task, lesson: Lesson, *, estimator: str, examples: int) -> dict[str, torch.Tensor]:
    """The diagonal by encoder parameter, at the weights that the task wears, dropout off; 0 at dead synapses.

    `examples` training rows are taken (the same for every individual), or as many batches as they fill for "batch".
    """
    parameters = dict(subject.encoder.named_parameters())
    total = {name: torch.zeros_like(parameter.data) for name, parameter in parameters.items()}
    count = 0
    with subject.wearing(task.title):
        if estimator == "batch":
            own = lesson.streams.child("fisher")
            size = lesson.batch_size
            source = task_source(subject, task, length=lesson.length, batch_size=size, streams=own)
            for number in range(max(1, examples // size)):
                _add(total, parameters, batch_loss(subject, task.title, source.batch(number)), 1.0)
                count += 1
        else:
            for batch in _one_by_one(subject, task, lesson.length, examples):
                _add_answers(total, parameters, subject, task, batch, lesson.streams, estimator, count)
                count += 1
    for name, mask in subject.alive.items():
        total[name].mul_(mask)
    return {name: value.div_(max(1, count)) for name, value in total.items()}


def _one_by_one(subject: Subject, task: Task, length: int, examples: int) -> Iterator[Batch]:
    _, tokens = tokenised(task, task.splits[0], length, subject.tokenizer, examples)
    for position in range(len(tokens.lengths)):
        yield tokens.collate(np.array([position]))


def _add_answers(
    total: dict[str, torch.Tensor],
    parameters: dict[str, torch.nn.Parameter],
    subject: Subject,
    task: Task,
    batch: Batch,
    streams: Streams,
    estimator: str,
    number: int,
) -> None:
    """One example's squared derivatives."""
    skill = subject.skills[task.title]
    answer = skill.head(first_states(subject, batch).float()).float()
    if skill.outputs == 0:
        _add(total, parameters, answer.sum(), 1.0)
        return
    logs = answer.log_softmax(-1)[0]
    chances = logs.detach().exp()
    if estimator == "sampled":
        drawn = int(torch.multinomial(chances.cpu(), 1, generator=streams.torch("fisher", number)))
        _add(total, parameters, logs[drawn], 1.0)
        return
    for label in range(len(logs)):
        _add(total, parameters, logs[label], float(chances[label]), keep=label + 1 < len(logs))


def _add(
    total: dict[str, torch.Tensor],
    parameters: dict[str, torch.nn.Parameter],
    value: torch.Tensor,
    weight: float,
    *,
    keep: bool = False,
) -> None:
    """Add the squared derivatives of a value, weighted."""
    found = torch.autograd.grad(value, list(parameters.values()), retain_graph=keep, allow_unused=True)
    for name, gradient in zip(parameters, found, strict=True):
        if gradient is not None:
            total[name].addcmul_(gradient, gradient, value=weight)
