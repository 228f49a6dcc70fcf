"""What a study is, as `study.json` says it: its lives, tasks, data and citations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from lifespan.contracts import Task
from lifespan.contracts.spec import Spec, digest_of
from lifespan.record.changes import content_of_task, described
from lifespan.record.predeclared import predicted
from lifespan.stats import metrics
from lifespan.study.events import Age, Birth, Learn
from lifespan.study.plan import Life, Plan, Step
from lifespan.study.scenario import Scenario


def tasks_of(plan: Plan) -> dict[str, Task]:
    """Every task of the study by title."""
    tasks: dict[str, Task] = {}
    for step in plan.nodes.values():
        for task in step.tasks:
            tasks.setdefault(task.title, task)
    return tasks


def fingerprints(plan: Plan) -> dict[str, str]:
    """ "<task's digest>/<digest of its learned and scored splits>" by task, those that are only evaluated included.

    Bad data is found here, before any work.
    """
    return {name: content_of_task(task) for name, task in {**_looked_at(plan), **tasks_of(plan)}.items()}


def _looked_at(plan: Plan) -> dict[str, Task]:
    """Tasks that are evaluated on, by title; one whose title another task has gets the beginning of its digest as well."""
    learned = tasks_of(plan)
    found: dict[str, Task] = {}
    evaluations = ((step.tasks, evaluation.measure) for step in plan.nodes.values() for evaluation in step.evaluations)
    for source in (effort.source for tasks, measure in evaluations for effort in measure.effort(tasks)):
        if isinstance(source, Task):
            known = learned.get(source.title) or found.get(source.title) or source
            alike = known.to_data() == source.to_data()
            found[source.title if alike else f"{source.title} {source.digest()[:6]}"] = source
    return found


def describe_study(plan: Plan, command: list[str], threads: int, data: dict[str, str], about: str = "") -> dict[str, Any]:
    """The content of `study.json`."""
    study = plan.study
    lives = {life.group: life for life in plan.lives if life.individual == 0}
    return {
        "format": 1,
        "name": study.name,
        "about": about,
        "digest": digest_of([study.to_data(), plan.precision]),
        "control": study.control_group,
        "individuals": study.individuals,
        "seed": study.seed,
        "precision": plan.precision,
        "threads": threads,
        "command": command,
        "data": data,
        "tasks": {
            title: {
                "metrics": list(task.metrics),
                "kind": task.head.kind,
                "labels": list(task.labels),
                **({"positive": name} if (name := positive_of(task)) else {}),
                "chance": _chance(task),
                "spec": task.to_data(),
                "whole": task.whole(),
            }
            for title, task in tasks_of(plan).items()
        },
        "between": [between.whole() for between in study.between],
        **predicted(study),
        "citations": citations_of([study.groups, study.between]),
        **described(plan),
        "lives": {life.name: {"group": life.group, "steps": [step.digest for step in life.steps]} for life in plan.lives},
        "groups": {
            group: {
                "scenario": scenario.to_data(),
                "whole": scenario.whole(),
                "doc": _life_in_words(scenario, lives[group]),
                "timeline": [_moment(step) for step in lives[group].steps],
            }
            for group, scenario in study.groups.items()
        },
    }


def positive_of(task: Task) -> str:
    """The class that the task's F1, precision, recall or area under the ROC curve is about; empty where none of them is."""
    counts = len(task.labels) == 2 and any(metric in metrics.OF_POSITIVE for metric in task.metrics)
    return task.labels[task.positive_class] if counts else ""


def _chance(task: Task) -> dict[str, float]:
    """What the best constant answer scores on the task's second split, by metric."""
    labels = task.examples(task.splits[1]).labels
    return {metric: metrics.chance(metric, labels, task.positive_class) for metric in task.metrics}


def citations_of(part: Any) -> dict[str, str]:
    """What the classes of these specs cite, by "package:class": a key of references.bib, or text of another package."""
    if isinstance(part, Spec):
        own = getattr(type(part), "citation", "")
        cited = {str(part.to_data()["class"]): own} if isinstance(own, str) and own.strip() else {}
        return cited | citations_of([getattr(part, field.name) for field in fields(part)])
    inner = part.values() if isinstance(part, Mapping) else part if isinstance(part, tuple | list) else ()
    return {name: text for value in inner for name, text in citations_of(value).items()}


def _life_in_words(scenario: Scenario, life: Life) -> str:
    labels = [step.event.label for step in life.steps[1:]]
    shown = labels if len(labels) <= 8 else [*labels[:6], f"... {len(labels) - 7} more", labels[-1]]
    return f"{scenario.subject.describe()}; {', '.join(shown) or 'no events'}"


def _moment(step: Step) -> dict[str, Any]:
    event = step.event
    return {
        "step": step.index,
        "kind": type(event).__name__,
        "stage": event.label,
        "task": event.task.title if isinstance(event, Learn) else "",
        "also": [task.title for task in event.also] if isinstance(event, Learn) else [],
        "to": event.to if isinstance(event, Age) else None,
        "describe": event.origin.describe() if isinstance(event, Birth) else event.describe(),
    }
