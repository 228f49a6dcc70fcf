"""Which life learned the same tasks jointly after the same history: the reference of intransigence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from lifespan.analysis.cohort import Cohort
from lifespan.analysis.timelines import learnings

Moment = Mapping[str, Any]
"""One planned step of a group, as `Cohort.timeline` has it."""


def joint_step(cohort: Cohort, group: str, seed: int, task: str) -> tuple[str, int] | None:
    """(group, step) of the twin that learned `task` together with all that `group` had learned before it; None without one.

    A twin has the same seed, began with the very steps that this life began with (equal digests up to the first learning), and
    met the same events other than learning before that moment: an aged life is not judged by a young twin. Of several, one
    that learned by the same learner goes first, then the study's order.
    """
    place = _learning(cohort, group, task)
    if place is None:
        return None
    own = cohort.timeline(group)[:place]
    tasks = list(learnings(cohort, group))
    twins = [
        (other, joint)
        for other, joint in _jointly(cohort, task, set(tasks[: tasks.index(task)]))
        if _history(cohort.timeline(other)[: _place(cohort, other, joint)]) == _history(own)
        and _beginning(cohort, other, seed) == _beginning(cohort, group, seed)
    ]
    learner = _learner(cohort, group, int(cohort.timeline(group)[place]["step"]))
    twins.sort(key=lambda twin: _learner(cohort, *twin) != learner)
    return next(iter(twins), None)


def without_joint_twin(cohort: Cohort) -> list[str]:
    """Groups that learned several tasks in sequence and have no joint twin, where other lives of the study learned jointly."""
    missing = []
    for group in cohort.groups:
        seeds = cohort.participants.loc[cohort.participants["group"] == group, "seed"]
        tasks = list(dict.fromkeys(step["task"] for step in cohort.timeline(group) if step.get("kind") == "Learn"))
        if len(seeds) and any(joint_step(cohort, group, int(seeds.iloc[0]), task) is None for task in tasks[1:]):
            missing.append(group)
    joint = any(step.get("also") for group in cohort.groups for step in cohort.timeline(group))
    return missing if joint else []


def _learning(cohort: Cohort, group: str, task: str) -> int | None:
    """Position in the timeline at which a group first learned a task."""
    for place, step in enumerate(cohort.timeline(group)):
        if step.get("kind") == "Learn" and task in (step.get("task"), *step.get("also", ())):
            return place
    return None


def _jointly(cohort: Cohort, task: str, others: set[str]) -> Iterator[tuple[str, int]]:
    """(group, step) of each learning of `task` together with just these others."""
    for group in cohort.groups:
        for step in cohort.timeline(group):
            if step.get("kind") == "Learn" and step.get("task") == task and set(step.get("also", ())) == others:
                yield group, int(step["step"])


def _place(cohort: Cohort, group: str, number: int) -> int:
    return next(place for place, step in enumerate(cohort.timeline(group)) if step["step"] == number)


def _history(timeline: list[dict[str, Any]]) -> list[tuple[Any, Any]]:
    return [(step.get("kind"), step.get("describe")) for step in timeline if step.get("kind") != "Learn"]


def _beginning(cohort: Cohort, group: str, seed: int) -> str | None:
    """Digest of the last step before the first learning, which names the seed and all that was lived until then."""
    first = next((int(step["step"]) for step in cohort.timeline(group) if step.get("kind") == "Learn"), 0)
    rows = cohort.steps
    rows = rows[(rows["group"] == group) & (rows["seed"] == seed) & (rows["step"] == first - 1)]
    return str(rows["digest"].iloc[-1]) if len(rows) else None


def _learner(cohort: Cohort, group: str, number: int) -> Any:
    """The learner's recorded data at a step, or None where the record does not say."""
    events = (cohort.groups[group].get("scenario") or {}).get("events") or []
    lived = [event for event in events if event.get("class") != "lifespan:Probe"]
    return lived[number - 1].get("by") if 0 < number <= len(lived) else None
