"""The check of a strategy against forgetting."""

from __future__ import annotations

from functools import lru_cache

import torch

from lifespan.contracts import Strategy
from lifespan.pruning.magnitude import Magnitude
from lifespan.study.events import Age, Learn
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
    same,
)
from lifespan.testing.specs import check, check_citation, check_spec


def check_strategy(strategy: Strategy) -> None:
    """Raise `AssertionError` where a strategy breaks a rule of `lifespan.contracts.Strategy` or `Guard`.

    A tiny life learns two tasks by weights under it, with a loss of synapses between them: without an earlier task it changes
    nothing, later it moves no dead synapse, it remembers tensors under its own name, and a kill changes nothing.
    """
    check_spec(strategy, Strategy)
    check_citation(strategy, required=False)
    first, second = (Learn(task, by=BY_WEIGHTS, against_forgetting=strategy) for task in (FIRST, SECOND))
    healthy = _healthy()
    childhood, learned = healthy.until(-1), len(healthy.steps) - 1
    events = (first, Age(to=0.25, by=Magnitude()), second, EVALUATION)
    life = biography(events, about=strategy, since=childhood)
    check(not life.end, strategy, f"diverges in a tiny life ({life.end})", "keep its default strength stable")
    alone, other = (
        {name: part for name, part in each.states[learned].items() if name != "remembered"} for each in (life, healthy)
    )
    found = difference(alone, other)
    remedy = "return None from penalty and leave gradients alone where lesson.earlier is empty"
    check(not found, strategy, f"changes the learning of a first task ({found})", remedy)
    again = biography(events, about=strategy, since=childhood)
    must_agree(life, again, strategy, "leads twice to different lives", "draw only from streams")
    remedy = "keep in course.memory what the steps add up, and in guard() only what follows from the subject's state"
    killed = biography(events, killed=True, about=strategy, since=childhood)
    must_agree(life, killed, strategy, "continues with other bits after a kill", remedy)
    _check_left_behind(strategy, life)


@lru_cache(maxsize=1)
def _healthy() -> Biography:
    """Development and a first task without any strategy."""
    return biography((DEVELOP, Learn(FIRST, by=BY_WEIGHTS)))


def _check_left_behind(strategy: Strategy, life: Biography) -> None:
    before, after = life.states[-2], life.states[-1]
    for name, alive in before["alive"].items():
        kept = same(before["encoder"][name][~alive], after["encoder"][name][~alive])
        check(kept, strategy, f"moves dead synapses ({name})", "multiply by subject.alive what it adds to a gradient")
    for name, value in after.get("remembered", {}).items():
        fine = name.startswith(f"{strategy.name}/")
        check(fine, strategy, f"remembers {name!r}", f"keep it under {strategy.name!r} and a slash")
        finite = not value.is_floating_point() or bool(torch.isfinite(value).all())
        check(finite, strategy, f"remembers numbers that are not finite ({name})", "leave them out")
