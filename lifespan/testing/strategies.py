"""What a strategy against forgetting owes."""

from __future__ import annotations

from functools import lru_cache

import torch

from lifespan.contracts import Strategy
from lifespan.pruning.magnitude import Magnitude
from lifespan.study.events import Age, Learn
from lifespan.testing.lives import BY_WEIGHTS, DEVELOP, FIRST, LOOK, SECOND, Biography, biography, difference, must_agree, same
from lifespan.testing.specs import check, check_citation, check_spec


def check_strategy(strategy: Strategy) -> None:
    """Raise `AssertionError` where a strategy breaks a rule of `lifespan.contracts.Strategy` or `Guard`.

    It watches over a tiny life that learns two tasks by weights, with a loss of synapses between them: with nothing to forget
    it changes nothing, later it moves no dead synapse, it files what it remembers under its name, and a kill changes nothing.
    """
    check_spec(strategy, Strategy)
    check_citation(strategy, required=False)
    first, second = (Learn(task, by=BY_WEIGHTS, against_forgetting=strategy) for task in (FIRST, SECOND))
    healthy = _healthy()
    childhood, learned = healthy.until(-1), len(healthy.steps) - 1
    events = (first, Age(to=0.25, by=Magnitude()), second, LOOK)
    told = biography(events, about=strategy, since=childhood)
    check(not told.end, strategy, f"diverges in a tiny life ({told.end})", "keep its default strength stable")
    alone, other = (
        {name: part for name, part in life.states[learned].items() if name != "remembered"} for life in (told, healthy)
    )
    found = difference(alone, other)
    remedy = "return None from penalty and leave gradients alone where lesson.earlier is empty"
    check(not found, strategy, f"changes the learning of a first task ({found})", remedy)
    again = biography(events, about=strategy, since=childhood)
    must_agree(told, again, strategy, "leads twice to different lives", "draw only from streams")
    remedy = "keep in course.memory what the steps add up, and in guard() only what the subject's state tells"
    killed = biography(events, killed=True, about=strategy, since=childhood)
    must_agree(told, killed, strategy, "goes on with other bits after a kill", remedy)
    _check_left_behind(strategy, told)


@lru_cache(maxsize=1)
def _healthy() -> Biography:
    """Development and a first task without any strategy."""
    return biography((DEVELOP, Learn(FIRST, by=BY_WEIGHTS)))


def _check_left_behind(strategy: Strategy, told: Biography) -> None:
    before, after = told.states[-2], told.states[-1]
    for name, alive in before["alive"].items():
        kept = same(before["encoder"][name][~alive], after["encoder"][name][~alive])
        check(kept, strategy, f"moves dead synapses ({name})", "multiply by subject.alive what it adds to a gradient")
    for name, value in after.get("remembered", {}).items():
        fine = name.startswith(f"{strategy.name}/")
        check(fine, strategy, f"remembers {name!r}", f"file it under {strategy.name!r} and a slash")
        finite = not value.is_floating_point() or bool(torch.isfinite(value).all())
        check(finite, strategy, f"remembers numbers that are not finite ({name})", "leave them out")
