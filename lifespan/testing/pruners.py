"""The check of a pruner."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import torch

from lifespan.contracts import Pruner
from lifespan.contracts.subject import Masks, Subject
from lifespan.pruning.magnitude import Magnitude
from lifespan.randomness import Streams
from lifespan.study.events import Age, Event, Learn
from lifespan.testing.lives import (
    BY_MASKS,
    BY_WEIGHTS,
    DEVELOP,
    FIRST,
    SECOND,
    Biography,
    biography,
    copied,
    difference,
    reborn,
    untouched_randomness,
)
from lifespan.testing.specs import check, check_citation, check_spec


def check_pruner(pruner: Pruner, *, sparsities: Sequence[float] = (0.2, 0.5), before: Sequence[Event] | None = None) -> None:
    """Raise `AssertionError` where a pruner breaks a rule of `lifespan.contracts.Pruner`.

    It prunes a tiny subject (developed; one task learned by weights, one by masks) to each of `sparsities`, whole and after
    a tenth of its synapses died. `before` are the events of another tiny life, for a pruner that needs one.
    """
    check_spec(pruner, Pruner)
    check_citation(pruner, required=False)
    loss = Age(to=0.1, by=Magnitude())
    life = _usual() if before is None else biography((*before, loss), about=pruner)
    for position in (-2, -1):
        subject = reborn(life, position)
        for sparsity in sparsities:
            _check_choice(pruner, subject, sparsity, tuple(life.steps[-1].tasks))


@lru_cache(maxsize=1)
def _usual() -> Biography:
    return biography((DEVELOP, Learn(FIRST, by=BY_WEIGHTS), Learn(SECOND, by=BY_MASKS), Age(to=0.1, by=Magnitude())))


def _check_choice(pruner: Pruner, subject: Subject, sparsity: float, tasks: tuple) -> None:
    state = copied(subject.state())
    masks = _chosen(pruner, subject, sparsity, tasks)
    found = difference(state, subject.state())
    check(not found, pruner, f"changes the subject ({found})", "return masks and change nothing; the executor applies them")
    free = all(p.requires_grad and p.grad is None for p in subject.encoder.parameters())
    check(free, pruner, "leaves gradients or frozen parameters behind", "compute gradients by torch.autograd.grad")
    again = _chosen(pruner, subject, sparsity, tasks)
    equal = all(torch.equal(masks[name], again[name]) for name in masks)
    check(equal, pruner, "chooses differently the second time", "draw only from the streams given")
    revived = sum(int((masks[name] & ~alive).sum()) for name, alive in subject.alive.items())
    check(not revived, pruner, f"revives {revived} dead synapses", "return mask & subject.alive[name]")
    dead = sum(int((~mask).sum()) for mask in masks.values())
    before = sum(int((~mask).sum()) for mask in subject.alive.values())
    wanted = max(round(sparsity * subject.count), before)
    if type(pruner).exact:
        remedy = "leave round(sparsity * synapses) dead exactly, or set exact = False in its class"
        check(dead == wanted, pruner, f"leaves {dead} synapses dead where {wanted} were requested", remedy)
    elif before == 0:
        check(dead <= wanted, pruner, f"leaves {dead} synapses dead where at most {wanted} were requested", "never go above")


def _chosen(pruner: Pruner, subject: Subject, sparsity: float, tasks: tuple) -> Masks:
    with untouched_randomness(pruner, "choose"):
        try:
            masks = pruner.choose(subject, sparsity, Streams(0, "age#0"), tasks)
        except Exception as error:
            what = f"cannot prune a tiny subject to {sparsity:g} ({type(error).__name__}: {error})"
            remedy = "mend it, or check it with sparsities=(...) and before=(...) that suit it"
            raise AssertionError(f"{type(pruner).__name__} {what}: {remedy}") from error
    remedy = "return a boolean mask, True for alive, in the shape of every matrix of subject.synapses"
    fine = isinstance(masks, dict) and masks.keys() == subject.alive.keys()
    check(fine, pruner, "does not return a mask for every synapse matrix", remedy)
    for name, mask in masks.items():
        fine = torch.is_tensor(mask) and mask.dtype is torch.bool and mask.shape == subject.alive[name].shape
        check(fine, pruner, f"returns no boolean mask of the right shape for {name}", remedy)
    return masks
