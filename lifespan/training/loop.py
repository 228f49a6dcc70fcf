"""The training loop: every kind of learning runs through `train`.

The loop handles batches, a loss and an optimizer. The plasticity decides what moves and how a gradient reaches it; disorders
and guards act through hooks. Each step draws its dropout from a stream named by the step, so a life that resumes in the
middle of an event continues bit for bit.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import torch
from torch import nn

from lifespan.contracts import Course, Plasticity, Regimen, Source
from lifespan.contracts.checkpoint import Checkpointer, Snapshot
from lifespan.contracts.disorder import Companion
from lifespan.contracts.subject import Subject
from lifespan.errors import Diverged, LifespanError
from lifespan.model.forward import _shared, seeded
from lifespan.randomness import Streams
from lifespan.training.batches import Batch, TurnSource

BETAS = (0.9, 0.999)
"""Momenta of a healthy optimizer."""


class Interrupted(LifespanError):
    """The user asked to stop; the state so far is saved."""


@dataclass(frozen=True)
class Recipe:
    """How long and how fast: the settings of one run of the loop."""

    steps: int
    warmup: float
    clip: float

    @property
    def rise(self) -> int:
        """Number of steps of the warm-up."""
        return max(1, round(self.warmup * self.steps))

    def factor(self, step: int) -> float:
        """Learning-rate factor of a 0-based step: linear rise over the warm-up, then linear fall towards zero."""
        if step < self.rise:
            return (step + 1) / (self.rise + 1)
        return max(0.0, (self.steps - step) / max(1, self.steps - self.rise))


@dataclass
class ActiveHooks:
    """The hooks of a chronic disorder or of a guard against forgetting, with their streams and their memory of this event."""

    hooks: Companion
    streams: Streams
    memory: dict[str, torch.Tensor] = field(default_factory=dict)


@dataclass
class Trace:
    """What a run of the loop leaves beside the subject: (optimizer steps done, metric, value, examples) in order."""

    points: list[tuple[int, str, float, int]] = field(default_factory=list)
    examples: int = 0
    tokens: int = 0


class InnerEvaluator(Protocol):
    """Evaluations inside a run of the loop; `state` is what they found so far, as plain data, from which they `resume`."""

    def due(self, done: int) -> bool: ...

    def evaluate(self, subject: Subject, done: int) -> None: ...

    def state(self) -> dict[str, Any]: ...

    def resume(self, state: Mapping[str, Any]) -> None: ...


def train(
    subject: Subject,
    plasticity: Plasticity,
    source: Source | TurnSource,
    recipe: Recipe,
    streams: Streams,
    *,
    hooks: Sequence[ActiveHooks] = (),
    checkpointer: Checkpointer | None = None,
    evaluator: InnerEvaluator | None = None,
    progress: Callable[[int, float], None] = lambda step, loss: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Trace:
    """Run the loop to the end of its recipe and let the plasticity settle.

    Raises `Diverged` where a loss, or in the end a parameter that was learned, is not finite; with its `points`.
    """
    source = plasticity.feed(source)
    checkpointer = checkpointer if plasticity.resumable else None
    optimizer = torch.optim.AdamW(plasticity.groups(), betas=BETAS, fused=True)
    run = _Run(subject, plasticity, optimizer, source, recipe, streams, list(hooks), evaluator)
    begin = run.resume(checkpointer.load()) if checkpointer is not None else 0
    interval = max(1, recipe.steps // 40)
    _set_training(subject, True)
    try:
        for step in range(begin, recipe.steps):
            loss = run.step(step)
            if (step + 1) % interval == 0 or step + 1 == recipe.steps:
                run.note(step + 1)
            if evaluator is not None and evaluator.due(step + 1):
                evaluator.evaluate(run.as_if_ended(step + 1), step + 1)
            progress(step + 1, loss)
            if step + 1 < recipe.steps:
                stopping = should_stop()
                if checkpointer is not None and (stopping or (step + 1) % checkpointer.every == 0):
                    checkpointer.save(run.snapshot(step + 1))
                if stopping:
                    raise Interrupted(f"after {step + 1} of {recipe.steps} optimizer steps")
        run.check_finite()
    except Diverged as error:
        error.points = run.trace.points
        raise
    finally:
        _set_training(subject, False)
        _forget_gradients(subject)
    plasticity.settle()
    subject.age += recipe.steps
    return run.trace


@dataclass
class _Run:
    subject: Subject
    plasticity: Plasticity
    optimizer: torch.optim.Optimizer
    source: Source | TurnSource
    recipe: Recipe
    streams: Streams
    hooks: list[ActiveHooks]
    evaluator: InnerEvaluator | None = None
    trace: Trace = field(default_factory=Trace)
    loss_sum: float = 0.0
    loss_count: int = 0

    def __post_init__(self) -> None:
        self.peaks = [group["lr"] for group in self.optimizer.param_groups]
        self.betas = [group["betas"] for group in self.optimizer.param_groups]
        self.parameters = [p for group in self.optimizer.param_groups for p in group["params"]]

    def step(self, step: int) -> float:
        source, own = self.source.at(step) if isinstance(self.source, TurnSource) else (self.source, step)
        batch = source.batch(own)
        courses = [(active.hooks, self._course(active, source.task, step)) for active in self.hooks]
        for disorder, course in courses:
            batch = disorder.batch(batch, course)
        self.plasticity.enter(source.task)
        with ExitStack() as disturbed:
            for disorder, course in courses:
                disturbed.enter_context(disorder.activations(self.subject, course.streams, step))
            disturbed.enter_context(seeded(self.streams.number("dropout", step), self.subject.device))
            own_loss = self.plasticity.objective(source.task, batch)
            loss = source.loss(self.subject, batch) if own_loss is None else own_loss
            terms = [self.plasticity.penalty(), *(disorder.penalty(course) for disorder, course in courses)]
            sum((term for term in terms if term is not None), loss).backward()
        self.plasticity.translate()
        for disorder, course in courses:
            disorder.gradient(self.parameters, course)
        self._update(step, courses)
        self.plasticity.advance(step)
        for disorder, course in courses:
            disorder.after(course)
        value = float(loss.detach())
        if not math.isfinite(value):
            self.end(step + 1, value)
            raise Diverged(f"the loss became {value} at optimizer step {step + 1} of {self.recipe.steps}")
        self._count(value, batch)
        return value

    def check_finite(self) -> None:
        """Raise `Diverged` for what the last update left: no later loss shows it, and a NaN score switches its synapse off."""
        if not all(bool(torch.isfinite(parameter).all()) for parameter in self.parameters):
            raise Diverged(f"what was learned is not finite after {self.recipe.steps} optimizer steps")

    def _course(self, active: ActiveHooks, task: str | None, step: int) -> Course:
        own = (active.streams, active.memory, self.recipe.warmup)
        return Course(self.subject, self.plasticity, task, step, self.recipe.steps, *own)

    def _update(self, step: int, courses: Sequence[tuple[Companion, Course]]) -> None:
        regimen = Regimen(clip=self.recipe.clip)
        for disorder, course in courses:
            regimen = disorder.regimen(regimen, course)
        nn.utils.clip_grad_norm_(self.parameters, regimen.clip)
        cycle = self.plasticity.cycle or self.recipe.steps
        if step > 0 and step % cycle == 0:
            self.optimizer.state.clear()
        factor = replace(self.recipe, steps=cycle).factor(step % cycle) * regimen.rate
        for group, peak, betas in zip(self.optimizer.param_groups, self.peaks, self.betas, strict=True):
            group["lr"] = peak * factor
            group["betas"] = regimen.betas or betas
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)

    def _count(self, loss: float, batch: Batch) -> None:
        self.loss_sum += loss
        self.loss_count += 1
        self.trace.examples += batch["input_ids"].shape[0]
        self.trace.tokens += int(batch["attention_mask"].sum())

    def note(self, done: int) -> None:
        self.trace.points.append((done, "loss", self.loss_sum / max(1, self.loss_count), self.trace.examples))
        self.loss_sum, self.loss_count = 0.0, 0
        for metric, value in self.plasticity.report().items():
            self.trace.points.append((done, metric, value, self.subject.count))

    def end(self, done: int, loss: float) -> None:
        """Record how a run ended whose loss is not finite: the mean of the losses before it, and that loss."""
        if self.loss_count:
            self.trace.points.append((done - 1, "loss", self.loss_sum / self.loss_count, self.trace.examples))
        self.trace.points.append((done, "loss", loss, self.trace.examples))

    def as_if_ended(self, done: int) -> Subject:
        """A copy of the subject in which the learning ended here; the run itself is unchanged."""
        subject, plasticity = copy.deepcopy((self.subject, self.plasticity), _shared(self.subject))
        _set_training(subject, False)
        plasticity.settle()
        subject.age += done
        return subject

    def snapshot(self, done: int) -> Snapshot:
        tensors = {f"plasticity/{name}": value for name, value in self.plasticity.state().items()}
        tensors |= {f"buffer/{name}": value.clone() for name, value in self.subject.buffers.items()}
        for i, active in enumerate(self.hooks):
            tensors |= {f"memory/{i}/{name}": value for name, value in active.memory.items()}
        for i, parameter in enumerate(self.parameters):
            state = self.optimizer.state.get(parameter, {})
            tensors |= {f"adam/{i}/{name}": value for name, value in state.items() if torch.is_tensor(value)}
        facts = {
            "done": done,
            "points": self.trace.points,
            "examples": self.trace.examples,
            "tokens": self.trace.tokens,
            "loss_sum": self.loss_sum,
            "loss_count": self.loss_count,
        }
        if self.evaluator is not None:
            facts["inside"] = self.evaluator.state()
        return Snapshot(tensors, facts)

    def resume(self, snapshot: Snapshot | None) -> int:
        if snapshot is None:
            return 0
        own: dict[str, torch.Tensor] = {}
        adam: dict[int, dict[str, torch.Tensor]] = {}
        for name, value in snapshot.tensors.items():
            kind, _, rest = name.partition("/")
            if kind == "plasticity":
                own[rest] = value
            elif kind == "buffer":
                self.subject.buffers[rest].copy_(value)
            elif kind == "memory":
                number, _, entry = rest.partition("/")
                self.hooks[int(number)].memory[entry] = value.to(self.subject.device)
            else:
                number, _, entry = rest.partition("/")
                adam.setdefault(int(number), {})[entry] = value
        self.plasticity.load_state(own)
        for index, saved in adam.items():
            parameter = self.parameters[index]
            self.optimizer.state[parameter] = {entry: value.to(parameter.device, copy=True) for entry, value in saved.items()}
        facts: Mapping[str, Any] = snapshot.facts
        self.trace = Trace([tuple(point) for point in facts["points"]], facts["examples"], facts["tokens"])
        self.loss_sum, self.loss_count = facts["loss_sum"], facts["loss_count"]
        if self.evaluator is not None:
            self.evaluator.resume(facts.get("inside", {}))
        return facts["done"]


def _forget_gradients(subject: Subject) -> None:
    """Clear all gradients: they are no part of a subject's state, and the next optimizer must not find them."""
    for module in (subject.encoder, subject.language, *(skill.head for skill in subject.skills.values())):
        module.zero_grad(set_to_none=True)


def _set_training(subject: Subject, training: bool) -> None:
    subject.encoder.train(training)
    subject.language.train(training)
    for skill in subject.skills.values():
        skill.head.train(training)
