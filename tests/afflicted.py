"""Learning under chronic disorders, step by step: what tests of several families of disorders share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import pytest
from conftest import TASKS, TINY

from lifespan import Disorder
from lifespan.contracts import Course, Plasticity
from lifespan.contracts.checkpoint import Snapshot
from lifespan.model.subject import Subject
from lifespan.randomness import Streams
from lifespan.training.batches import TurnSource, task_source
from lifespan.training.loop import ActiveHooks, Interrupted, Recipe, train

STREAMS = Streams(3, "learn/test#0")


def born(tasks=TASKS[:1], origin=TINY):
    subject = Subject(origin.build(Streams(0, "birth")))
    for task in tasks:
        subject.skill_for(task, "weights", STREAMS)
    return subject


def learn(by, *disorders, steps=6, tasks=TASKS[:1], subject=None, warmup=None, checkpointer=None, event="learn/test#0"):
    """A plasticity after it has learned; several tasks take turns. `keeper` may stop it in the middle."""
    subject = subject or born(tasks)
    sources = [task_source(subject, task, length=128, batch_size=8, streams=Streams(3, task.title)) for task in tasks]
    plasticity = by.attach(subject, tasks, steps, STREAMS)
    train(
        subject,
        plasticity,
        sources[0] if len(sources) == 1 else TurnSource(sources),
        Recipe(steps, by.warmup if warmup is None else warmup, by.clip),
        STREAMS,
        hooks=[ActiveHooks(d, Streams(3, f"suffer/{type(d).__name__}#{i}/{event}")) for i, d in enumerate(disorders)],
        checkpointer=checkpointer,
        should_stop=checkpointer.stops if checkpointer else lambda: False,
    )
    return plasticity


def outcome(plasticity):
    """Every tensor that a learning leaves behind, by name."""
    inner = getattr(plasticity, "inner", plasticity)
    groups = inner.subject.state()
    tensors = {f"{group}/{name}": value for group, values in groups.items() for name, value in values.items()}
    return {name: value.clone() for name, value in (tensors | plasticity.state()).items()}


def differing(one, other):
    """Names of the tensors that are not the same, bit for bit."""
    assert one.keys() == other.keys()
    return sorted(name for name in one if one[name].tolist() != other[name].tolist())


class Memory:
    """A keeper in memory. It asks to stop once `after` steps are done, and then holds the state of the moment."""

    def __init__(self, after=None, kept=None):
        self.after, self.kept, self.every, self.done = after, kept, 10**6, 0

    def load(self):
        return self.kept

    def save(self, snapshot):
        tensors = {name: value.detach().clone() for name, value in snapshot.tensors.items()}
        self.kept = Snapshot(tensors, {**snapshot.facts, "points": list(snapshot.facts["points"])})

    def stops(self):
        self.done += 1
        return self.done == self.after


def killed(by, *disorders, after, **others):
    """The same learning, killed after so many steps and taken up again by a newborn."""
    first = Memory(after)
    with pytest.raises(Interrupted):
        learn(by, *disorders, checkpointer=first, **others)
    return learn(by, *disorders, checkpointer=Memory(kept=first.kept), **others)


@dataclass(frozen=True, kw_only=True)
class Witness(Disorder):
    """Notes what every step came to, and does nothing. Declared last, it sees what the others did."""

    regimens: ClassVar[list] = []
    gradients: ClassVar[list] = []
    states: ClassVar[list] = []

    def gradient(self, parameters, course):
        Witness.gradients.append([None if p.grad is None else p.grad.clone() for p in parameters])

    def regimen(self, regimen, course):
        Witness.regimens.append(regimen)
        return regimen

    def after(self, course):
        Witness.states.append({name: value.clone() for name, value in course.plasticity.state().items()})

    @staticmethod
    def forget():
        for seen in (Witness.regimens, Witness.gradients, Witness.states):
            seen.clear()


def course(step=0, steps=10, *, subject=None, plasticity=None, warmup=0.1, memory=None, key="suffer/x#0/learn/y#0"):
    """A course without a loop around it."""
    own = {} if memory is None else memory
    return Course(subject, plasticity or Plasticity(), None, step, steps, Streams(3, key), own, warmup)
