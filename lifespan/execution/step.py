"""live(): one step of a life. The engine knows the seven verbs and nothing of the methods behind them."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import torch

from lifespan.contracts import Bulk, Contrast, Disorder, Examples, Learner, Lesson, Plasticity, Reading, Task
from lifespan.contracts.checkpoint import Keeper
from lifespan.contracts.subject import Masks, Subject
from lifespan.errors import Diverged, LifespanError
from lifespan.learners.rewire import Rewire
from lifespan.learners.weights import Weights
from lifespan.model import subject as model
from lifespan.model.subject import true_entries
from lifespan.randomness import Streams
from lifespan.study.events import Age, Develop, Learn, Recover, Suffer
from lifespan.study.plan import Birth, Look, Step
from lifespan.training.batches import MaskedSource, TaskSource, TurnSource, corpus_tokens, task_source
from lifespan.training.loop import Affliction, Recipe, train


@dataclass
class Circumstances:
    """Where and how a step is lived: nothing in here may change its outcome. `inside` are looks inside the step."""

    device: str = "cpu"
    keeper: Keeper | None = None
    inside: tuple[Look, ...] = ()
    progress: Callable[[int, int, float], None] = lambda done, steps, loss: None
    should_stop: Callable[[], bool] = lambda: False
    warn: Callable[[str], None] = lambda text: None


@dataclass(frozen=True)
class Row:
    """What was read, with its place in a life; `age` counts optimizer steps lived."""

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
        return {**place, **_told(self.reading)}


@dataclass
class Lived:
    """What one step leaves behind beside the changed subject. `inside` has the rows of looks inside it, by look."""

    rows: list[Row] = field(default_factory=list)
    inside: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    seconds_inside: dict[str, float] = field(default_factory=dict)
    optimizer_steps: int = 0
    examples: int = 0
    tokens: int = 0


def live(subject: Subject | None, step: Step, precision: str, here: Circumstances) -> tuple[Subject, Lived]:
    """Live one step: the subject changes in place (birth makes it). Raises `Diverged` where the life ends."""
    streams = Streams(step.seed, step.key)
    event = step.event
    if isinstance(event, Birth):
        body = event.origin.build(streams)
        return model.Subject(body, device=here.device, precision=precision), Lived()
    if subject is None:
        raise LifespanError(f"{event.label}: no subject was born before it")
    match event:
        case Develop():
            return subject, _develop(subject, event, step, streams, here)
        case Learn():
            return subject, _learn(subject, event, step, streams, here)
        case Age():
            return subject, _age(subject, event, step, streams)
        case Recover():
            return subject, _recover(subject, event, step, streams, here)
        case Suffer():
            return subject, _suffer(subject, event, step, streams)
        case _:
            raise LifespanError(f"{event.describe()}: the engine does not know this event")


def look(subject: Subject, step: Step, seen: Look) -> Iterator[Row]:
    """Measure, changing nothing. Draws come from the individual's "evaluation" streams, which no event uses."""
    tasks = {task.title: task for task in step.tasks}
    name = f"look/{seen.measure.digest()}"
    with ExitStack() as disturbed:
        for key, disorder in step.present if seen.every is None else step.active:
            disturbed.enter_context(disorder.activations(subject, Streams(step.seed, f"{name}/{key}"), 0))
        readings = list(seen.measure.read(subject, tasks, Streams(step.seed, name)))
    for reading in readings:
        yield Row(step.index, subject.age, step.event.label, seen.title, reading)


def compare(contrast: Contrast, first: Subject, second: Subject, one: Step, other: Step) -> list[dict[str, Any]]:
    """Measure two lives against each other, changing neither: rows of `contrasts.jsonl` without the names of the lives."""
    met = {task.title for task in other.tasks}
    tasks = {task.title: task for task in one.tasks if task.title in met}
    readings = contrast.compare(first, second, tasks, Streams(one.seed, f"look/{contrast.digest()}"))
    place = {"step": one.index, "age": first.age, "other_step": other.index, "other_age": second.age}
    return [{**place, "probe": contrast.title, **_told(reading)} for reading in readings]


def _told(reading: Reading) -> dict[str, Any]:
    value = float(reading.value)
    named = {"task": reading.task, "split": reading.split, "metric": reading.metric}
    return {**named, "value": value if math.isfinite(value) else None, "n": int(reading.n)}


def checked_ageing(subject: Subject, masks: Masks, sparsity: float, *, exact: bool = True) -> Masks:
    """The pruner's masks, after checking that the dead stay dead and, where it is to be, the count is exact."""
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


def checked_recovery(subject: Subject, living: int) -> None:
    """Raise unless as many synapses live as before a recovery, which moves them and neither kills nor revives on balance."""
    now = subject.living
    if now != living:
        raise LifespanError(f"a recovery left {now} synapses alive where {living} lived before; it must keep their number")


def _age(subject: Subject, event: Age, step: Step, streams: Streams) -> Lived:
    learned = [task for task in step.tasks if task.title in subject.skills]
    sparsity, pruner = event.to, event.by
    for _, disorder in step.active:
        sparsity, pruner = disorder.ageing(sparsity, pruner, subject)
    masks = pruner.choose(subject, sparsity, streams, learned)
    subject.alive = checked_ageing(subject, masks, sparsity, exact=type(pruner).exact)
    return Lived()


def _develop(subject: Subject, event: Develop, step: Step, streams: Streams, here: Circumstances) -> Lived:
    base = event.by or Weights(rate=event.rate)
    learner = base.lasting(steps=event.steps, batch_size=event.batch_size, rate=base.rate)
    passages = healthy = event.corpus.passages()
    for disorder, own in _afflicted(step):
        passages = disorder.passages(passages, own)
    source = MaskedSource(
        passages,
        subject.tokenizer,
        length=event.length,
        batch_size=event.batch_size,
        masking=event.masking,
        streams=streams,
        tokens=corpus_tokens(event.corpus, subject.tokenizer, event.length) if passages is healthy else None,
    )
    plasticity = learner.attach(subject, (), event.steps, streams)
    return _train(subject, plasticity, learner, source, event.steps, step, streams, here)


def _learn(subject: Subject, event: Learn, step: Step, streams: Streams, here: Circumstances) -> Lived:
    learner, steps = event.by, sum(event.by.steps_for(len(task.examples(task.splits[0]))) for task in event.tasks)
    if not event.also:
        source: TaskSource | TurnSource = _schooling(subject, event.task, event.length, learner, step, streams)
        subject.skill_for(event.task, learner.plasticity, streams)
    else:
        own = {task: Streams(step.seed, f"{step.key}/{task.title}") for task in event.tasks}
        sources = [_schooling(subject, task, event.length, learner, step, own[task]) for task in event.tasks]
        source = TurnSource(sources)
        for task in event.tasks:
            subject.skill_for(task, learner.plasticity, own[task])
    strategy = event.against_forgetting
    if strategy is None:
        plasticity = learner.attach(subject, event.tasks, steps, streams)
        lived = _train(subject, plasticity, learner, source, steps, step, streams, here)
        name = type(learner).__name__
        if any(key.startswith(f"{name}/") for key in subject.remembered):
            lived.rows += _kept(subject, name, step)
        return lived
    titles = {task.title for task in event.tasks}
    earlier = [task for task in step.tasks if task.title in subject.skills and task.title not in titles]
    guard = strategy.guard(subject, Lesson(event.tasks, earlier, event.length, learner.batch_size, streams))
    at_work = Affliction(guard, Streams(step.seed, f"{step.key}/against forgetting"))
    plasticity = learner.attach(subject, event.tasks, steps, streams)
    lived = _train(subject, plasticity, learner, source, steps, step, streams, here, at_work)
    guard.settle(subject, at_work.memory)
    lived.rows += _kept(subject, strategy.name, step)
    return lived


def _kept(subject: Subject, name: str, step: Step) -> list[Row]:
    """What a strategy or a learner keeps for later learning, as rows."""
    own = {n: t for n, t in subject.remembered.items() if n.startswith(f"{name}/")}
    rows = sum(len(tensor) for name, tensor in own.items() if "/rows/" in name)
    size = sum(tensor.numel() * tensor.element_size() for tensor in own.values())
    readings = [Reading("bytes", float(size), len(own)), Reading("examples", float(rows), len(own))]
    return _rows(step, subject.age, f"Strategy/{name}", readings)


def _schooling(subject: Subject, task: Task, length: int, learner: Learner, step: Step, streams: Streams) -> TaskSource:
    """Batches of a task as the disorders at work let it be taught."""
    rows = _taught(task, task.examples(task.splits[0]), step)
    return task_source(subject, task, length=length, batch_size=learner.batch_size, streams=streams, rows=rows)


def _recover(subject: Subject, event: Recover, step: Step, streams: Streams, here: Circumstances) -> Lived:
    learner = event.by or Rewire()
    tasks = [task for task in step.tasks if task.title in subject.skills]
    steps = event.steps
    for disorder, _ in _afflicted(step):
        steps = disorder.refit(steps)
    if steps == 0:
        looks = [seen.digest for seen in here.inside]
        return Lived(inside={digest: [] for digest in looks}, seconds_inside=dict.fromkeys(looks, 0.0))
    sources = [
        _schooling(subject, task, event.length, learner, step, Streams(step.seed, f"{step.key}/{task.title}"))
        for task in tasks
    ]
    living = subject.living
    plasticity = learner.attach(subject, tasks, steps, streams)
    lived = _train(subject, plasticity, learner, TurnSource(sources), steps, step, streams, here)
    checked_recovery(subject, living)
    return lived


def _suffer(subject: Subject, event: Suffer, step: Step, streams: Streams) -> Lived:
    injuries = event.disorder.strike(subject, streams)
    name = type(event.disorder).__name__
    readings = [Reading(metric, float(value), subject.count) for metric, value in injuries.items()]
    return Lived(_rows(step, subject.age, f"Injury/{name}", readings))


def _train(
    subject: Subject,
    plasticity: Plasticity,
    learner: Learner,
    source: TaskSource | MaskedSource | TurnSource,
    steps: int,
    step: Step,
    streams: Streams,
    here: Circumstances,
    *first: Affliction,
) -> Lived:
    for warning in plasticity.warnings():
        here.warn(f"{step.event.label}: {warning}")
    born = subject.age
    window = _Window(step, here.inside) if here.inside else None
    try:
        trace = train(
            subject,
            plasticity,
            source,
            Recipe(steps, learner.warmup, learner.clip),
            streams,
            afflictions=[*first, *(Affliction(disorder, own) for disorder, own in _afflicted(step))],
            keeper=here.keeper,
            window=window,
            progress=lambda done, loss: here.progress(done, steps, loss),
            should_stop=here.should_stop,
        )
    except Diverged as error:
        error.rows = [row.as_data() for row in _curve(error.points, step, born)]
        raise
    if not all(bool(torch.isfinite(parameter).all()) for parameter in subject.encoder.parameters()):
        raise Diverged(f"{step.event.label} left weights that are not finite")
    seen = (window.rows, window.seconds) if window is not None else ({}, {})
    return Lived(list(_curve(trace.points, step, born)), *seen, steps, trace.examples, trace.tokens)


class _Window:
    """Looks inside a learning event, and their rows so far. A look that missed the beginning is left out."""

    def __init__(self, step: Step, looks: Sequence[Look]) -> None:
        self.step, self.looks = step, list(looks)
        self.rows: dict[str, list[dict[str, Any]]] = {seen.digest: [] for seen in looks}
        self.seconds = dict.fromkeys(self.rows, 0.0)

    def due(self, done: int) -> bool:
        return bool(self._due(done))

    def look(self, subject: Subject, done: int) -> None:
        for seen in self._due(done):
            start = time.perf_counter()
            self.rows[seen.digest] += [row.as_data() for row in look(subject, self.step, seen)]
            self.seconds[seen.digest] += time.perf_counter() - start

    def seen(self) -> dict[str, Any]:
        return self.rows

    def go_on(self, seen: Mapping[str, Any]) -> None:
        self.looks = [each for each in self.looks if each.digest in seen]
        self.rows = {each.digest: list(seen[each.digest]) for each in self.looks}

    def _due(self, done: int) -> list[Look]:
        return [seen for seen in self.looks if seen.every is not None and done % seen.every == 0]


def _afflicted(step: Step) -> list[tuple[Disorder, Streams]]:
    """The chronic disorders at work, in order of onset, each with streams of its own for this event."""
    return [(disorder, Streams(step.seed, f"{key}/{step.key}")) for key, disorder in step.active]


def _taught(task: Task, rows: Examples, step: Step) -> Examples:
    for disorder, own in _afflicted(step):
        rows = disorder.examples(rows, task, own)
    return rows


def _curve(points: Iterable[tuple[int, str, float, int]], step: Step, born: int) -> Iterator[Row]:
    task = step.event.task.title if isinstance(step.event, Learn) and not step.event.also else ""
    for done, metric, value, n in points:
        yield Row(step.index, born + done, step.event.label, "Training", Reading(metric, value, n, task, "train"))


def _rows(step: Step, age: int, probe: str, readings: Iterable[Reading]) -> list[Row]:
    return [Row(step.index, age, step.event.label, probe, reading) for reading in readings]
