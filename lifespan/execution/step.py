"""One step of a life: lived, evaluated, or compared with a step of another life.

This module knows the events and nothing of the methods behind them.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from lifespan.contracts import Bulk, Contrast, Disorder, Examples, Learner, Lesson, Plasticity, Reading, Source, Task
from lifespan.contracts.checkpoint import Checkpointer
from lifespan.contracts.subject import Masks, Subject
from lifespan.errors import Diverged, LifespanError
from lifespan.execution.individuals import own_rows, own_step
from lifespan.learners.rewire import Rewire
from lifespan.learners.weights import Weights
from lifespan.model import subject as model
from lifespan.model.forward import token_states
from lifespan.model.subject import true_entries
from lifespan.randomness import Streams
from lifespan.study.events import Age, Birth, Develop, Learn, Recover, Suffer
from lifespan.study.plan import Evaluation, Step
from lifespan.subjects.bodies import check_words
from lifespan.training.batches import TaskSource, Tokens, TurnSource, kept_tokens, task_source
from lifespan.training.loop import ActiveHooks, Recipe, train


@dataclass
class StepContext:
    """Where and how a step is lived; nothing in here may change its outcome. `inside` are the evaluations inside the step."""

    device: str = "cpu"
    checkpointer: Checkpointer | None = None
    inside: tuple[Evaluation, ...] = ()
    progress: Callable[[int, int, float], None] = lambda done, steps, loss: None
    should_stop: Callable[[], bool] = lambda: False
    warn: Callable[[str], None] = lambda text: None


@dataclass(frozen=True)
class Row:
    """A reading of a probe with its place in a life; `age` counts optimizer steps lived."""

    step: int
    age: int
    stage: str
    probe: str
    reading: Reading | Bulk

    def as_data(self) -> dict[str, Any]:
        """The row as plain data; a value that is not a finite number becomes null, a bulk its `columns`."""
        place = {"step": self.step, "age": self.age, "stage": self.stage, "probe": self.probe}
        if isinstance(self.reading, Bulk):
            return {**place, "columns": {name: values.tolist() for name, values in self.reading.columns.items()}}
        return {**place, **_as_data(self.reading)}


@dataclass
class StepResult:
    """What one step produces beside the changed subject. `inside` has the rows of evaluations inside it, by digest."""

    rows: list[Row] = field(default_factory=list)
    inside: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    seconds_inside: dict[str, float] = field(default_factory=dict)
    optimizer_steps: int = 0
    examples: int = 0
    tokens: int = 0


def live(subject: Subject | None, step: Step, precision: str, context: StepContext) -> tuple[Subject, StepResult]:
    """Live one step: the subject changes in place (birth makes it). Raises `Diverged` where the life ends."""
    streams, step = Streams(step.seed, step.key), own_step(step)
    event = step.event
    if isinstance(event, Birth):
        body = event.origin.build(streams)
        check_words(body, event.origin.describe())
        return model.Subject(body, device=context.device, precision=precision), StepResult()
    if subject is None:
        raise LifespanError(f"{event.label}: no subject was born before it")
    match event:
        case Develop():
            return subject, _develop(subject, event, step, streams, context)
        case Learn():
            return subject, _learn(subject, event, step, streams, context)
        case Age():
            return subject, _age(subject, event, step, streams)
        case Recover():
            return subject, _recover(subject, event, step, streams, context)
        case Suffer():
            return subject, _suffer(subject, event, step, streams)
        case _:
            raise LifespanError(f"{event.describe()}: the engine does not know this event")


def evaluate(subject: Subject, step: Step, evaluation: Evaluation) -> Iterator[Row]:
    """Rows of one evaluation of a subject, which it does not change. No event uses the random streams that it draws from."""
    step, measure = own_step(step), own_rows(evaluation.measure, step.seed)
    tasks = {task.title: task for task in step.tasks}
    streams = Streams(step.seed, "look").child(evaluation.measure.digest())
    with ExitStack() as disturbed:
        for key, disorder in step.present if evaluation.every is None else step.active:
            disturbed.enter_context(disorder.activations(subject, streams.child(key), 0))
        readings = list(measure.read(subject, tasks, streams))
    for reading in readings:
        yield Row(step.index, subject.age, step.event.label, evaluation.title, reading)


def compare(contrast: Contrast, first: Subject, second: Subject, one: Step, other: Step) -> list[dict[str, Any]]:
    """Rows of `contrasts.jsonl`, without the names of the lives, of a contrast between two subjects; it changes neither.

    Where individuals have training rows of their own, a contrast that reads such rows reads the first one's.
    """
    one = own_step(one)
    met = {task.title for task in other.tasks}
    tasks = {task.title: task for task in one.tasks if task.title in met}
    readings = own_rows(contrast, one.seed).compare(first, second, tasks, Streams(one.seed, "look").child(contrast.digest()))
    place = {"step": one.index, "age": first.age, "other_step": other.index, "other_age": second.age}
    return [{**place, "probe": contrast.title, **_as_data(reading)} for reading in readings]


def _as_data(reading: Reading) -> dict[str, Any]:
    value = float(reading.value)
    named = {"task": reading.task, "split": reading.split, "metric": reading.metric}
    return {**named, "value": value if math.isfinite(value) else None, "n": int(reading.n)}


def checked_ageing(subject: Subject, masks: Masks, sparsity: float, *, exact: bool = True) -> Masks:
    """The pruner's masks. Raises `LifespanError` where dead synapses revive or, with `exact`, the sparsity is not met."""
    revived = true_entries(masks[name] & ~subject.alive[name] for name in subject.alive)
    dead = true_entries(~masks[name] for name in subject.alive)
    wanted = round(sparsity * subject.count)
    if revived:
        raise LifespanError(f"a pruner revived {revived} dead synapses; masks must be nested in the alive masks")
    if not exact:
        return masks
    if dead != wanted and dead != subject.count - subject.living:
        raise LifespanError(f"a pruner left {dead} synapses dead where sparsity {sparsity:g} asks for {wanted}")
    return masks


def checked_recovery(subject: Subject, before: int) -> None:
    """Raise `LifespanError` unless as many synapses are alive as `before` the recovery, which may only move them."""
    now = subject.living
    if now != before:
        raise LifespanError(f"a recovery left {now} synapses alive where {before} lived before; it must keep their number")


def _age(subject: Subject, event: Age, step: Step, streams: Streams) -> StepResult:
    learned = [task for task in step.tasks if task.title in subject.skills]
    sparsity, pruner = event.to, event.by
    for _, disorder in step.active:
        sparsity, pruner = disorder.ageing(sparsity, pruner, subject)
    masks = pruner.choose(subject, sparsity, streams, learned)
    subject.alive = checked_ageing(subject, masks, sparsity, exact=type(pruner).exact)
    return StepResult()


def _develop(subject: Subject, event: Develop, step: Step, streams: Streams, context: StepContext) -> StepResult:
    base = event.by or Weights(rate=event.rate)
    learner = base.lasting(steps=event.steps, batch_size=event.batch_size, rate=base.rate)
    passages = healthy = event.corpus.passages()
    for disorder, own in _disorders(step):
        passages = disorder.passages(passages, own)
    source = event.predicts.source(
        passages,
        subject.tokenizer,
        length=event.length,
        batch_size=event.batch_size,
        streams=streams,
        tokens=kept_tokens(passages, subject.tokenizer, event.length) if passages is healthy else None,
    )
    plasticity = learner.attach(subject, (), event.steps, streams)
    return _train(subject, plasticity, learner, source, event.steps, step, streams, context)


def _learn(subject: Subject, event: Learn, step: Step, streams: Streams, context: StepContext) -> StepResult:
    learner, steps = event.by, sum(event.by.steps_for(len(task.examples(task.splits[0]))) for task in event.tasks)
    if not event.also:
        source: TaskSource | TurnSource = _task_source(subject, event.task, event.length, learner, step, streams)
        subject.skill_for(event.task, learner.plasticity, streams)
    else:
        own = {task: streams.child(task.title) for task in event.tasks}
        sources = [_task_source(subject, task, event.length, learner, step, own[task]) for task in event.tasks]
        source = TurnSource(sources)
        for task in event.tasks:
            subject.skill_for(task, learner.plasticity, own[task])
    strategy = event.against_forgetting
    if strategy is None:
        plasticity = learner.attach(subject, event.tasks, steps, streams)
        result = _train(subject, plasticity, learner, source, steps, step, streams, context)
        name = type(learner).__name__
        if any(key.startswith(f"{name}/") for key in subject.remembered):
            result.rows += _memory_rows(subject, name, step)
        return result
    titles = {task.title for task in event.tasks}
    earlier = [task for task in step.tasks if task.title in subject.skills and task.title not in titles]
    guard = strategy.guard(subject, Lesson(event.tasks, earlier, event.length, learner.batch_size, streams))
    active = ActiveHooks(guard, streams.child("against forgetting"))
    plasticity = learner.attach(subject, event.tasks, steps, streams)
    result = _train(subject, plasticity, learner, source, steps, step, streams, context, active)
    guard.settle(subject, active.memory)
    result.rows += _memory_rows(subject, strategy.name, step)
    return result


def _memory_rows(subject: Subject, name: str, step: Step) -> list[Row]:
    """Rows of the size of what a strategy or a learner keeps for later learning."""
    own = {n: t for n, t in subject.remembered.items() if n.startswith(f"{name}/")}
    rows = sum(len(tensor) for name, tensor in own.items() if "/rows/" in name)
    size = sum(tensor.numel() * tensor.element_size() for tensor in own.values())
    readings = [Reading("bytes", float(size), len(own)), Reading("examples", float(rows), len(own))]
    return _rows(step, subject.age, f"Strategy/{name}", readings)


def _task_source(subject: Subject, task: Task, length: int, learner: Learner, step: Step, streams: Streams) -> TaskSource:
    """Training batches of a task, its rows altered by the active disorders."""
    rows = _training_rows(task, task.examples(task.splits[0]), step)
    return task_source(subject, task, length=length, batch_size=learner.batch_size, streams=streams, rows=rows)


def _recover(subject: Subject, event: Recover, step: Step, streams: Streams, context: StepContext) -> StepResult:
    learner = event.by or Rewire()
    tasks = [task for task in step.tasks if task.title in subject.skills]
    steps = event.steps
    for disorder, _ in _disorders(step):
        steps = disorder.refit(steps)
    if steps == 0:
        evaluations = [evaluation.digest for evaluation in context.inside]
        return StepResult(inside={digest: [] for digest in evaluations}, seconds_inside=dict.fromkeys(evaluations, 0.0))
    sources = [_task_source(subject, task, event.length, learner, step, streams.child(task.title)) for task in tasks]
    before = subject.living
    plasticity = learner.attach(subject, tasks, steps, streams)
    result = _train(subject, plasticity, learner, TurnSource(sources), steps, step, streams, context)
    checked_recovery(subject, before)
    return result


def _suffer(subject: Subject, event: Suffer, step: Step, streams: Streams) -> StepResult:
    injuries = event.disorder.strike(subject, streams)
    name = type(event.disorder).__name__
    readings = [Reading(metric, float(value), subject.count) for metric, value in injuries.items()]
    rows = _rows(step, subject.age, f"Injury/{name}", readings)
    _require_finite(subject, step, rows)
    return StepResult(rows)


def _require_finite(subject: Subject, step: Step, rows: list[Row]) -> None:
    """Raise `Diverged`, with the rows so far, where a weight or what the encoder makes of a plain text is not finite.

    No answer of such a network means anything.
    """
    modules = (subject.encoder, subject.language, *(skill.head for skill in subject.skills.values()))
    broken = "" if all(bool(torch.isfinite(p).all()) for module in modules for p in module.parameters()) else "weights"
    batch = Tokens(subject.tokenizer, ["a"], None, 8).collate(np.arange(1))
    for skill in () if broken else (None, *subject.skills):
        with torch.inference_mode(), subject.wearing(skill):
            broken = broken or ("" if bool(torch.isfinite(token_states(subject, batch)).all()) else "outputs")
    if broken:
        error = Diverged(f"{step.event.label} left {broken} that are not finite")
        error.rows = [row.as_data() for row in rows]
        raise error


def _train(
    subject: Subject,
    plasticity: Plasticity,
    learner: Learner,
    source: Source | TurnSource,
    steps: int,
    step: Step,
    streams: Streams,
    context: StepContext,
    *first: ActiveHooks,
) -> StepResult:
    for warning in plasticity.warnings():
        context.warn(f"{step.event.label}: {warning}")
    age_before = subject.age
    evaluator = _InnerEvaluations(step, context.inside) if context.inside else None
    try:
        trace = train(
            subject,
            plasticity,
            source,
            Recipe(steps, learner.warmup, learner.clip),
            streams,
            hooks=[*first, *(ActiveHooks(disorder, own) for disorder, own in _disorders(step))],
            checkpointer=context.checkpointer,
            evaluator=evaluator,
            progress=lambda done, loss: context.progress(done, steps, loss),
            should_stop=context.should_stop,
        )
    except Diverged as error:
        error.rows = [row.as_data() for row in _curve(error.points, step, age_before)]
        raise
    rows = list(_curve(trace.points, step, age_before))
    _require_finite(subject, step, rows)
    inside = (evaluator.rows, evaluator.seconds) if evaluator is not None else ({}, {})
    return StepResult(rows, *inside, steps, trace.examples, trace.tokens)


class _InnerEvaluations:
    """Evaluations inside a learning event, and their rows so far; one that missed the beginning of the event is left out."""

    def __init__(self, step: Step, evaluations: Sequence[Evaluation]) -> None:
        self.step, self.evaluations = step, list(evaluations)
        self.rows: dict[str, list[dict[str, Any]]] = {evaluation.digest: [] for evaluation in evaluations}
        self.seconds = dict.fromkeys(self.rows, 0.0)

    def due(self, done: int) -> bool:
        return bool(self._due(done))

    def evaluate(self, subject: Subject, done: int) -> None:
        for evaluation in self._due(done):
            start = time.perf_counter()
            self.rows[evaluation.digest] += [row.as_data() for row in evaluate(subject, self.step, evaluation)]
            self.seconds[evaluation.digest] += time.perf_counter() - start

    def state(self) -> dict[str, Any]:
        return self.rows

    def resume(self, state: Mapping[str, Any]) -> None:
        self.evaluations = [each for each in self.evaluations if each.digest in state]
        self.rows = {each.digest: list(state[each.digest]) for each in self.evaluations}

    def _due(self, done: int) -> list[Evaluation]:
        return [evaluation for evaluation in self.evaluations if evaluation.every is not None and done % evaluation.every == 0]


def _disorders(step: Step) -> list[tuple[Disorder, Streams]]:
    """The active disorders, in order of onset, each with its own streams for this event."""
    return [(disorder, Streams(step.seed, key).child(step.key)) for key, disorder in step.active]


def _training_rows(task: Task, rows: Examples, step: Step) -> Examples:
    for disorder, own in _disorders(step):
        rows = disorder.examples(rows, task, own)
    return rows


def _curve(points: Iterable[tuple[int, str, float, int]], step: Step, age_before: int) -> Iterator[Row]:
    task = step.event.task.title if isinstance(step.event, Learn) and not step.event.also else ""
    for done, metric, value, n in points:
        yield Row(step.index, age_before + done, step.event.label, "Training", Reading(metric, value, n, task, "train"))


def _rows(step: Step, age: int, probe: str, readings: Iterable[Reading]) -> list[Row]:
    return [Row(step.index, age, step.event.label, probe, reading) for reading in readings]
