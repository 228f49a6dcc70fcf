"""Diagonals of the Fisher information, by three estimators to which the literature gives one name.

For one example x let l_y(theta) = log p(y | x, theta). Every estimator is a mean over examples (van de Ven 2025, On the
computation of the Fisher information in continual learning):

    exact     E_x sum_y p(y|x) (d l_y)^2        all answers, weighted by the subject's own probabilities
    sampled   E_x (d l_y)^2, y ~ p(y|x)         one answer drawn from them: unbiased for the exact one
    batch     (d mean_batch loss)^2             the squared gradient of a batch's mean loss at the true labels, as many
                                                implementations do (Avalanche's among them): gradients cancel before they are
                                                squared, so it is smaller, about by the batch's size

For a score, p is a normal law of variance 1 around the answer: the exact form is (d answer)^2, and so is the sampled one
(the draw's expectation). Where a text has several labels, one for each word, the exact form adds theirs up, each with all
of its classes, and the sampled one draws them all at once.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch

from lifespan.contracts import Lesson, Task
from lifespan.contracts.subject import Subject
from lifespan.model.forward import batch_loss, head_states
from lifespan.randomness import Streams
from lifespan.training.batches import Batch, Labelled, task_source
from lifespan.training.evaluation import tokenised


def fisher_diagonal(subject: Subject, task: Task, lesson: Lesson, *, estimator: str, examples: int) -> dict[str, torch.Tensor]:
    """The diagonal by encoder parameter, at the task's effective weights, dropout off; 0 at dead synapses.

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
    rows, tokens = tokenised(task, task.splits[0], length, subject.tokenizer, examples)
    labelled = Labelled(task, rows, tokens)
    for position in range(len(tokens.lengths)):
        yield labelled.batch(np.array([position]))


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
    answer = skill.head(head_states(subject, task.title, batch).float()).float()
    logs = skill.form.log_probabilities(answer, batch["labels"].to(answer.device))
    if logs is None:
        numbers = answer.flatten()
        for place, output in enumerate(numbers):
            _add(total, parameters, output, 1.0, keep=place + 1 < len(numbers))
        return
    chances = logs.detach().exp()
    if estimator == "sampled":
        drawn = torch.multinomial(chances.cpu(), 1, generator=streams.torch("fisher", number)).to(logs.device)
        # Labels of one text are drawn independently of each other, so that their derivatives add up.
        _add(total, parameters, logs.gather(1, drawn).sum(), 1.0)
        return
    ways = [(row, label) for row in range(len(logs)) for label in range(logs.shape[1])]
    for row, label in ways:
        _add(total, parameters, logs[row, label], float(chances[row, label]), keep=(row, label) != ways[-1])


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
