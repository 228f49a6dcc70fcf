"""Tiny lives in memory: a few optimizer steps on a body of two narrow layers, with or without a kill in every learning."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch

from lifespan.contracts import Measure, Moment, Reading, Task
from lifespan.contracts.checkpoint import Snapshot
from lifespan.contracts.subject import Subject
from lifespan.corpora.micro import MicroText
from lifespan.errors import Diverged
from lifespan.execution.step import Row, StepContext, evaluate, live
from lifespan.learners.masks import Masks
from lifespan.learners.rewire import Rewire
from lifespan.learners.weights import Weights
from lifespan.probes.performance.score import Score
from lifespan.probes.structure.sparsity import Sparsity
from lifespan.pruning.magnitude import Magnitude
from lifespan.randomness import Streams
from lifespan.study.events import Age, Develop, Event, Learn, Probe, Recover, Suffer
from lifespan.study.plan import Step, compile_study
from lifespan.study.scenario import Scenario, Study, position_of
from lifespan.subjects.micro import Micro
from lifespan.tasks.micro import MicroTask
from lifespan.testing.specs import broken, check
from lifespan.training.evaluation import task_logits
from lifespan.training.loop import Interrupted

DEVICE = os.environ.get("LIFESPAN_TEST_DEVICE", "cpu")
"""The device of tiny lives: set LIFESPAN_TEST_DEVICE=cuda to check a plug-in on a GPU."""
ORIGIN = Micro(layers=2, width=16, heads=2, feed_forward=32)
FIRST, SECOND = (MicroTask(name, train_examples=32, eval_examples=16) for name in ("sentiment", "entailment"))
DEVELOP = Develop(MicroText(number=100), steps=3, batch_size=8)
BY_WEIGHTS = Weights(steps=4, batch_size=8, rate=1e-3)
BY_MASKS = Masks(steps=4, batch_size=8, rate=5e-3)


@dataclass(frozen=True, kw_only=True)
class Answers(Measure):
    """The sum of squares of the task heads' outputs, which changes where a score of a few rows does not."""

    def read(self, subject: Subject, tasks: Mapping[str, Task], streams: Streams) -> Iterator[Reading]:
        for title, task in tasks.items():
            if title in subject.skills:
                outputs, labels = task_logits(subject, task, task.splits[1], 32)
                yield Reading("answers", float(np.square(outputs.astype(np.float64)).sum()), len(labels), title)


EVALUATION = Probe(Score(), Sparsity(), Answers())

State = Mapping[str, Mapping[str, torch.Tensor]]


@dataclass
class Biography:
    """A tiny life that was lived: its steps, the subject's state after each, rows, and why it ended early ("" if not)."""

    steps: list[Step] = field(default_factory=list)
    states: list[State] = field(default_factory=list)
    facts: list[dict[str, Any]] = field(default_factory=list)
    rows: list[list[Row]] = field(default_factory=list)
    end: str = ""

    def after(self, kind: type[Event]) -> list[int]:
        """Positions of the events of a kind."""
        return [i for i, step in enumerate(self.steps) if isinstance(step.event, kind)]

    def until(self, position: int) -> Biography:
        """The first so many steps of this life."""
        return Biography(self.steps[:position], self.states[:position], self.facts[:position], self.rows[:position])


@dataclass
class _Checkpointer:
    """Checkpoints in memory: tensors are copied and facts pass through JSON."""

    every: int = 10**9
    kept: Snapshot | None = None

    def load(self) -> Snapshot | None:
        return self.kept

    def save(self, snapshot: Snapshot) -> None:
        tensors = {name: value.detach().clone() for name, value in snapshot.tensors.items()}
        self.kept = Snapshot(tensors, json.loads(json.dumps(snapshot.facts)))


@dataclass
class Past:
    """The earlier life of a biography."""

    biography: Biography

    def at(self, moment: Moment) -> Subject:
        before = [step.event for step in self.biography.steps[1:]]
        return reborn(self.biography, position_of(moment, before, "a tiny life"))


def usual_events() -> tuple[Event, ...]:
    """Development, a task by weights and one by structure, age and recovery, and an evaluation at the end."""
    return (
        DEVELOP,
        Learn(FIRST, by=BY_WEIGHTS),
        Learn(SECOND, by=BY_MASKS),
        Age(to=0.3, by=Magnitude()),
        Recover(steps=3, by=Rewire(batch_size=8, rate=1e-3)),
        EVALUATION,
    )


def biography(
    events: Sequence[Event], *, killed: bool = False, about: object = "", since: Biography | None = None
) -> Biography:
    """Live these events, from birth or from the end of the life `since`, which stays as it is. `killed` stops every
    learning after two optimizer steps and goes on from what was saved. What a plug-in raises becomes an `AssertionError`
    about `about`.
    """
    life = Biography() if since is None else since.until(len(since.steps))
    subject: Subject | None = None if since is None else reborn(since, -1)
    earlier = [step.event for step in life.steps[1:]]
    for step in _steps((*earlier, *events))[len(life.steps) :]:
        try:
            subject, rows = _lived(life, subject, step, killed)
        except Diverged as error:
            life.end = str(error)
            return life
        except AssertionError:
            raise
        except Exception as error:
            what = f"cannot live {step.event.label!r} ({type(error).__name__}: {error})"
            remedy = "mend it, or check it in events=(...) of a life that suits it"
            raise AssertionError(f"{_named(about)} {what}: {remedy}") from error
        life.steps.append(step)
        life.states.append(copied(subject.state()))
        life.facts.append(subject.facts())
        for seen in step.evaluations:
            rows = rows + _evaluated(life, subject, step, seen, about)
        life.rows.append(rows)
    return life


def _steps(events: tuple[Event, ...]) -> tuple[Step, ...]:
    scenario = Scenario(name="tiny", subject=ORIGIN, events=events)
    return compile_study(Study(name="tiny", groups={"tiny": scenario}), precision="fp32").lives[0].steps


def newborn() -> Subject:
    """A tiny subject."""
    return live(None, _steps(())[0], "fp32", StepContext(device=DEVICE))[0]


def reborn(life: Biography, position: int) -> Subject:
    """A new body in the state that the life had after so many events."""
    subject = newborn()
    subject.load(life.facts[position], life.states[position])
    return subject


def _lived(life: Biography, subject: Subject | None, step: Step, killed: bool) -> tuple[Subject, list[Row]]:
    if subject is not None:
        subject.past = Past(life)
    checkpointer = _Checkpointer()
    stops = iter((False, True)) if killed and isinstance(step.event, Develop | Learn | Recover) else iter(())
    try:
        subject, lived = live(subject, step, "fp32", StepContext(DEVICE, checkpointer, should_stop=lambda: next(stops, False)))
    except Interrupted:
        subject = reborn(life, len(life.states) - 1)
        subject.past = Past(life)
        # A new process has new disorders, without what the old ones kept on themselves.
        step = replace(step, active=tuple((key, replace(disorder)) for key, disorder in step.active))
        subject, lived = live(subject, step, "fp32", StepContext(DEVICE, checkpointer))
    return subject, lived.rows


def _evaluated(life: Biography, subject: Subject, step: Step, seen: Any, about: object) -> list[Row]:
    before = copied(subject.state())
    subject.past = Past(life)
    with untouched_randomness(about, "an evaluation"):
        rows = list(evaluate(subject, step, seen))
    again = list(evaluate(subject, step, seen))
    remedy = "draw only from the streams given, and leave the subject as it was"
    check(plain(rows) == plain(again), about, "makes two equal evaluations differ", remedy)
    found = difference(before, subject.state())
    check(not found, about, f"changes the subject in an evaluation ({found})", remedy)
    return rows


@contextmanager
def untouched_randomness(about: object, where: str) -> Iterator[None]:
    """Inside this block nothing may draw from the global generators of torch, NumPy and random, nor seed them."""
    before = _generators()
    yield
    used = [name for name, state in _generators().items() if state != before[name]]
    if used:
        remedy = 'draw from the streams given, such as streams.torch("disorder", step)'
        broken(about, f"uses the global random generator of {' and '.join(used)} in {where}", remedy)


def _generators() -> dict[str, Any]:
    _, keys, *rest = np.random.get_state(legacy=True)
    numpy_state = (np.asarray(keys).tobytes(), *rest)
    seen = {"torch": torch.get_rng_state().numpy().tobytes(), "NumPy": numpy_state, "random": random.getstate()}
    if torch.cuda.is_available() and torch.cuda.is_initialized():
        seen["torch.cuda"] = torch.cuda.get_rng_state().numpy().tobytes()
    return seen


def copied(state: State) -> State:
    """The same tensors, safe from later changes."""
    return {group: {name: value.detach().clone() for name, value in part.items()} for group, part in state.items()}


def difference(first: State, second: State) -> str:
    """Where two states first differ, bit for bit: "group, tensor", or "" where they do not."""
    for group in {**first, **second}:
        one, other = first.get(group), second.get(group)
        if one is None or other is None or list(one) != list(other):
            return group
        for name in one:
            if not same(one[name], other[name]):
                return f"{group}, {name}"
    return ""


def same(one: torch.Tensor, other: torch.Tensor) -> bool:
    """Equal in shape, type and every bit (NaN equals NaN)."""
    if one.shape != other.shape or one.dtype != other.dtype:
        return False
    if torch.equal(one, other):
        return True
    return one.is_floating_point() and bool(((one == other) | (one.isnan() & other.isnan())).all())


def plain(rows: Sequence[Row]) -> list[str]:
    """Readings as text, with age and probe."""
    return [repr((row.age, row.probe, row.reading)) for row in rows]


def must_agree(one: Biography, other: Biography, about: object, what: str, remedy: str) -> None:
    """Raise `AssertionError` unless two lives are equal, bit for bit, disorders' own steps left out."""
    first, second = (_kept(life) for life in (one, other))
    check(one.end == other.end and len(first) == len(second), about, f"{what} (one of the lives diverged)", remedy)
    for (step, state, rows), (_, twin, twin_rows) in zip(first, second, strict=True):
        found = difference(state, twin) or ("" if rows == twin_rows else "measured rows")
        check(not found, about, f"{what} (after {step.event.label!r}: {found})", remedy)


def _kept(life: Biography) -> list[tuple[Step, State, list[str]]]:
    """Steps, states and rows without those of onsets; rows of probes after an onset belong to the event before it."""
    kept: list[tuple[Step, State, list[str]]] = []
    for step, state, rows in zip(life.steps, life.states, life.rows, strict=True):
        seen = plain([row for row in rows if not row.probe.startswith("Injury/")])
        if isinstance(step.event, Suffer):
            kept[-1][2].extend(seen)
        else:
            kept.append((step, state, seen))
    return kept


def _named(about: object) -> str:
    return about if isinstance(about, str) else type(about).__name__
