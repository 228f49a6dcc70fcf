"""The check of a learner."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import torch

from lifespan.contracts import Learner
from lifespan.contracts.subject import Subject
from lifespan.pruning.magnitude import Magnitude
from lifespan.study.events import Age, Event, Learn, Recover
from lifespan.testing.lives import (
    BY_WEIGHTS,
    DEVELOP,
    EVALUATION,
    FIRST,
    SECOND,
    Biography,
    biography,
    difference,
    must_agree,
    newborn,
    reborn,
    same,
    untouched_randomness,
)
from lifespan.testing.specs import check, check_citation, check_rejects, check_spec

KINDS = ("weights", "structure", "both", "head", "adapter")


def check_learner(learner: Learner, *, before: Sequence[Event] = ()) -> None:
    """Raise `AssertionError` where a learner breaks a rule of `lifespan.contracts.Learner` or `Plasticity`.

    It learns the second task of a tiny life for a few steps, after synapses died (or recovers, if it moves the anatomy): what
    it says not to move stays bit for bit, the skill that it leaves is valid, and a kill changes nothing. `before` are events
    that it needs before, such as the `Learn` of a task that it learns again.
    """
    check_spec(learner, Learner)
    check_citation(learner, required=False)
    for name, wrong in (("batch_size", 0), ("rate", -1.0)):
        check_rejects(learner, name, wrong)
    check(learner.plasticity in KINDS, learner, f"has the plasticity {learner.plasticity!r}", f"say one of {', '.join(KINDS)}")
    short = learner.lasting(steps=6, batch_size=8, rate=learner.rate)
    fine = isinstance(short, Learner) and short.batch_size == 8 and short.steps_for(10) == short.steps_for(1000)
    check(fine, learner, "does not take an event's own steps", "let lasting(...) replace steps, batch_size and rate")
    last: Event = Recover(steps=6, by=short) if learner.moves_anatomy else Learn(SECOND, by=short)
    events, childhood = (*before, last, EVALUATION), _childhood()
    life = biography(events, about=learner, since=childhood)
    check(not life.end, learner, f"diverges in a tiny life ({life.end})", "keep its default rate stable")
    remedy = "draw only from the streams given to attach"
    must_agree(life, biography(events, about=learner, since=childhood), learner, "leads twice to different lives", remedy)
    remedy = "give everything that changes to state(), and take it back in load_state()"
    killed = biography(events, killed=True, about=learner, since=childhood)
    must_agree(life, killed, learner, "continues with other bits after a kill", remedy)
    _check_result(learner, life)
    _check_left_behind(learner, life, short)


@lru_cache(maxsize=1)
def _childhood() -> Biography:
    """The life before the learning that is checked: development, a task by weights, a loss of synapses."""
    return biography((DEVELOP, Learn(FIRST, by=BY_WEIGHTS), Age(to=0.25, by=Magnitude())))


def _check_result(learner: Learner, life: Biography) -> None:
    """What was learned is where it belongs, and all else is as it was."""
    before, after = reborn(life, -2), reborn(life, -1)
    state, now = before.state(), after.state()
    if learner.plasticity in ("structure", "head", "adapter"):
        found = difference({"encoder": state["encoder"]}, {"encoder": now["encoder"]})
        remedy = "restore W, biases and LayerNorm bit for bit in settle()"
        check(not found, learner, f"learns by {learner.plasticity} and changes the encoder ({found})", remedy)
    for name, weight in before.synapses.items():
        dead = ~before.alive[name]
        kept = same(weight.data[dead], after.synapses[name].data[dead])
        check(kept, learner, f"changes weights of dead synapses ({name})", "leave a dead synapse the weight it died with")
    known = [f"{kind}/{FIRST.title}" for kind in ("head", "skill")]
    others = [name for name in (*known, "language", "language_mask") if name in {**state, **now}]
    if learner.moves_anatomy:
        others = [name for name in others if not name.startswith("head/")]
    for group in others:
        found = difference({k: state[k] for k in [group] if k in state}, {k: now[k] for k in [group] if k in now})
        check(not found, learner, f"changes what it was not given to learn ({found})", "touch only the tasks given to attach")
    if learner.moves_anatomy:
        return
    found = difference({"alive": state["alive"]}, {"alive": now["alive"]})
    check(not found, learner, f"moves the shared anatomy ({found})", "say moves_anatomy, or leave subject.alive alone")
    skill = after.skills[SECOND.title]
    remedy = "leave a boolean mask for every matrix, inside the alive masks, or None"
    for name, alive in after.alive.items():
        mask = None if skill.mask is None else skill.mask.get(name)
        fine = skill.mask is None or (mask is not None and mask.dtype is alive.dtype and not bool((mask & ~alive).any()))
        check(fine, learner, f"leaves a skill's mask out of order ({name})", remedy)
    structural = learner.plasticity == "structure"
    check(skill.mask is not None or not structural, learner, "learns by structure and leaves no mask", remedy)


def _check_left_behind(learner: Learner, life: Biography, short: Learner) -> None:
    """settle() leaves the body as it was given: the same parameters, trainable, without gradients."""
    from lifespan.randomness import Streams
    from lifespan.training.batches import task_source
    from lifespan.training.loop import Recipe, train

    position = life.after(Learn if not learner.moves_anatomy else Recover)[-1] - 1
    subject = newborn()
    subject.load(life.facts[position], life.states[position])
    task = FIRST if learner.moves_anatomy else SECOND
    streams = Streams(0, "check")
    subject.past = _Same(subject)
    subject.skill_for(task, learner.plasticity, streams)
    parameters = dict(subject.encoder.named_parameters())
    source = task_source(subject, task, length=32, batch_size=8, streams=streams)
    steps = short.steps_for(len(source))
    with untouched_randomness(learner, "a learning"):
        plasticity = short.attach(subject, (task,), steps, streams)
        train(subject, plasticity, source, Recipe(steps, learner.warmup, learner.clip), streams)
    now = dict(subject.encoder.named_parameters())
    kept = all(now.get(name) is parameter for name, parameter in parameters.items())
    check(kept, learner, "puts other parameters into the encoder", "write weight.data, never the parameter itself")
    free = all(parameter.requires_grad and parameter.grad is None for parameter in now.values())
    remedy = "undo in settle() what attach did: requires_grad_(True), no gradients"
    check(free, learner, "leaves parameters frozen or with gradients", remedy)


class _Same:
    """A past in which the subject was as it is now, made without a draw."""

    def __init__(self, subject: Subject) -> None:
        self.facts, self.state = subject.facts(), {k: {n: v.clone() for n, v in p.items()} for k, p in subject.state().items()}

    def at(self, moment: str | int) -> Subject:
        with torch.random.fork_rng(devices=[]):
            younger = newborn()
            younger.load(self.facts, self.state)
        return younger
