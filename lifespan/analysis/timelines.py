"""When each group learned what, and where its lives part from the control's, read from timelines and step digests."""

from __future__ import annotations

from lifespan.analysis.cohort import Cohort


def learnings(cohort: Cohort, group: str) -> dict[str, list[int]]:
    """The steps at which a group learned each of its tasks, alone or jointly; tasks in order of first learning."""
    steps: dict[str, list[int]] = {}
    for step in cohort.timeline(group):
        if step.get("kind") == "Learn" and step.get("task"):
            for task in (step["task"], *step.get("also", ())):
                steps.setdefault(task, []).append(int(step["step"]))
    return steps


def first_learned_at(cohort: Cohort, group: str) -> dict[str, int]:
    """The step at which a group first learned each of its tasks, alone or jointly."""
    return {task: steps[0] for task, steps in learnings(cohort, group).items()}


def first_learned(cohort: Cohort, group: str) -> list[str]:
    """Titles of the tasks of a group in the order in which they were first learned."""
    return list(first_learned_at(cohort, group))


def learning_moments(cohort: Cohort, group: str) -> list[tuple[int, str]]:
    """Steps at which this group learned, with a label; a task learned again is numbered, unless beside a new one."""
    times: dict[str, int] = {}
    moments = []
    for step in cohort.timeline(group):
        if step.get("kind") == "Learn" and step.get("task"):
            for task in (step["task"], *(other for other in step.get("also", ()) if other not in times)):
                times[task] = times.get(task, 0) + 1
                moments.append((int(step["step"]), task if times[task] == 1 else f"{task} ({times[task]})"))
    return moments


def parting_steps(cohort: Cohort) -> dict[str, int]:
    """The step at which each group's lives first differ from their control twins', by the steps' digests.

    A life that is its twin's with more events at the end parts from it at the first of these. Groups that have not parted yet
    are left out.
    """
    table = cohort.steps.pivot_table(index=["seed", "step"], columns="group", values="digest", aggfunc="first")
    steps = {}
    for group in cohort.groups:
        if group in table and cohort.control in table and group != cohort.control:
            both = table[[group, cohort.control]].dropna()
            step = both.index.get_level_values("step")
            differ = both[group] != both[cohort.control]
            lengths = sorted(len(cohort.timeline(name)) for name in (group, cohort.control))
            if differ.any():
                steps[group] = int(step[differ].min())
            elif lengths[0] < lengths[1] and (step == lengths[0] - 1).any():
                steps[group] = lengths[0]
    return steps
