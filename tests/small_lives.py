"""Tiny lives without a store: the events of one individual, lived one after the other."""

from __future__ import annotations

import torch
from conftest import TASKS, TINY

from lifespan import Develop, Learn, MicroTask, MicroText
from lifespan.execution.step import StepContext, evaluate, live
from lifespan.model.subject import Subject
from lifespan.randomness import Streams
from lifespan.study.plan import compile_study
from lifespan.study.scenario import Scenario, Study

CHILDHOOD = Develop(MicroText(number=100), steps=4, batch_size=8)
THIRD = MicroTask("acceptability", train_examples=48, eval_examples=40)
SCHOOL = (*TASKS, THIRD)


def learn(by, *tasks):
    """Small tasks one after the other."""
    return [Learn(task, by=by, length=32) for task in tasks]


def lived(*events, seed=0, origin=TINY):
    """(subject at the end, readings of all probes as (step, task, metric, value))."""
    life = Scenario(name="small", subject=origin, events=events)
    steps = compile_study(Study(name="small", groups={"one": life}, seed=seed), precision="fp32").lives[0].steps
    subject, readings = None, []
    for step in steps:
        subject, _ = live(subject, step, "fp32", StepContext())
        for seen in step.evaluations:
            rows = evaluate(subject, step, seen)
            readings += [(row.step, row.reading.task, row.reading.metric, row.reading.value) for row in rows]
    return subject, readings


def born(*tasks, origin=TINY, seed=0):
    """A newborn with a head for each of these tasks."""
    subject = Subject(origin.build(Streams(seed, "birth")))
    for task in tasks:
        subject.skill_for(task, "weights", Streams(seed, f"learn/{task.title}"))
    return subject


def content(subject):
    """Copies of all tensors of a subject by group and name."""
    return {(group, name): t.clone() for group, part in subject.state().items() for name, t in part.items()}


def same(one, other):
    """Whether two subjects (or their contents) are equal bit for bit."""
    one, other = (content(each) if isinstance(each, Subject) else each for each in (one, other))
    return one.keys() == other.keys() and all(torch.equal(value, other[key]) for key, value in one.items())
