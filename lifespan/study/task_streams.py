"""Streams of tasks as plain events: order, repetition, blurred boundaries, thinning."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

from lifespan.contracts import Learner, Strategy, Task
from lifespan.contracts.length import STANDARD_LENGTH
from lifespan.errors import ScenarioError, require_package
from lifespan.study.events import Event, Learn, flattened

if TYPE_CHECKING:
    from avalanche.benchmarks import CLScenario
    from transformers import PreTrainedTokenizerBase

Each = Callable[[Task], Event | Sequence[Event]]


class Stream(tuple[Event, ...]):
    """The events of a school, in order: a tuple that can also become an Avalanche benchmark."""

    def to_avalanche(self, tokenizer: PreTrainedTokenizerBase) -> CLScenario:
        """An Avalanche 0.6 benchmark: one training experience for each `Learn`, one test experience for each task.

        Rows are [x, y, t]: x is an int64 tensor (fields, length) of input ids, attention mask and, where the tokenizer makes
        them, token types; y the class; t the task's number in the order of first learning. Avalanche handles
        these fields as long as its model unpacks them (`lifespan.integrations.avalanche.datasets.unpacked`);
        `lifespan.integrations.avalanche.model.Model` is a subject as such a model. Tasks whose answer is a score are refused:
        Avalanche learns classes. Needs `pip install 'lifespan[avalanche]'`.
        """
        learned = [event for event in self if isinstance(event, Learn)]
        require_package("to_avalanche", "avalanche", "avalanche-lib", "avalanche")
        # By name, so that nothing a user writes depends on an integration before it is asked for.
        made = import_module("lifespan.integrations.avalanche.benchmarks")
        return made.benchmark([(event.tasks, event.length) for event in learned], tokenizer)


def stream(
    *tasks: Task,
    by: Learner,
    against_forgetting: Strategy | None = None,
    shuffled: int | None = None,
    times: int = 1,
    thin: int | None = None,
    blur: float = 0.0,
    cumulative: bool = False,
    length: int = STANDARD_LENGTH,
    each: Each | None = None,
) -> Stream:
    """The events of a school that teaches tasks one after the other; each has a head of its own (task-incremental).

    - `shuffled` draws an order from this number (None: as given); the same number gives the same order of as many tasks.
    - `times` goes through the stream so often; `relearning_savings` measures the relearning.
    - `thin` leaves at most so many training examples of every task, the same for all individuals.
    - `blur`, in [0, 0.5), lets neighbours run into each other: the last share of a task's optimizer steps and the first of the
      next one's are lived together, batches in turn, as one event that learns both. The learner must be able to learn several
      tasks at once.
    - `cumulative` learns each task together with all before it, for as many steps as all take: with weights, the upper bound
      among sequences (`joint_twins` has the joint one).
    - `each` writes what follows a task's learning, probes say; `TaskInference` measures whether a subject could infer a task
      that it is not given (task-agnostic use).

    >>> from lifespan import Micro, MicroTask, Weights
    >>> school = stream(MicroTask("sentiment"), MicroTask("entailment"), by=Weights(steps=100), blur=0.2)
    >>> [(event.label, event.by.steps) for event in school]
    [('learn micro-sentiment', 80), ('learn micro-sentiment with micro-entailment', 20), ('learn micro-entailment', 80)]
    """
    _check(tasks, times, blur, by, cumulative)
    row = list(tasks)
    if shuffled is not None:
        row = [row[i] for i in _order(len(row), shuffled)]
    if thin is not None:
        row = [replace(task, train_examples=min(thin, task.train_examples or thin)) for task in row]
    row *= times
    common: dict[str, Any] = {"length": length, "against_forgetting": against_forgetting}
    events: list[Event] = []
    for place, task in enumerate(row):
        also = tuple(known for known in dict.fromkeys(row[:place]) if known != task) if cumulative else ()
        before, after = blur * (place > 0), blur * (place + 1 < len(row))
        events.append(Learn(task, by=_shortened(by, task, before, after), also=also, **common))
        if each is not None:
            events += flattened(_written(each, task))
        if after:
            following = row[place + 1]
            shared = replace(by, steps=max(1, round(blur * (_steps(by, task) + _steps(by, following)) / 2)))
            events.append(Learn(task, by=shared, also=(following,), **common))
    return Stream(events)


def _shortened(by: Learner, task: Task, before: float, after: float) -> Learner:
    """A task's own part of its learning, where its ends are lived together with its neighbours."""
    if not (before or after):
        return by
    steps = _steps(by, task)
    return replace(by, steps=max(1, steps - round(before * steps) - round(after * steps)))


def _steps(by: Learner, task: Task) -> int:
    """Steps of a task's learning; those of epochs need its data."""
    return by.steps or by.steps_of_round(len(task.examples(task.splits[0])))


def _order(count: int, number: int) -> list[int]:
    """A permutation named by a number."""
    return [int(i) for i in np.random.default_rng([number, count]).permutation(count)]


def _written(each: Each, task: Task) -> list[Event]:
    written = each(task)
    return list(written) if isinstance(written, Sequence) else [written]


def _check(tasks: Sequence[Task], times: int, blur: float, by: Learner, cumulative: bool) -> None:
    for task in tasks:
        if not isinstance(task, Task):
            raise ScenarioError(
                f"stream({task!r})", "is no task.", 'For example: stream(Glue("rte"), Glue("mrpc"), by=Weights()).'
            )
    if len(tasks) < 2 and times < 2:
        raise ScenarioError(f"stream of {len(tasks)} task(s)", "needs two tasks or more, or times=2.", "Use Learn for one.")
    titles = [task.title for task in tasks]
    if len(set(titles)) < len(titles):
        raise ScenarioError(f"stream({', '.join(titles)})", "names a task twice.", "Use times=2 to go through it again.")
    if not isinstance(times, int) or times < 1:
        raise ScenarioError(f"stream(times={times!r})", "must be a whole number, at least 1.")
    if not 0 <= blur < 0.5:
        raise ScenarioError(f"stream(blur={blur!r})", "must satisfy 0 <= blur < 0.5.")
    if blur and cumulative:
        raise ScenarioError("stream(blur, cumulative)", "a cumulative stream has no boundaries to blur.", "Leave one out.")
    if (blur or cumulative) and not by.learns_jointly:
        raise ScenarioError(
            f"stream(by={type(by).__name__}())", "cannot learn several tasks at once.", "Use Weights() or Masks()."
        )
