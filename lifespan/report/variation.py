"""What differed between the individuals of a group, and what did not: what n, and so an interval, speaks of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from lifespan.analysis.analysis import Analysis
from lifespan.contracts import Origin
from lifespan.errors import RecordError
from lifespan.record.specs import rebuilt
from lifespan.report.formatting import listed
from lifespan.report.labels import task_names


def variation(analysis: Analysis) -> list[str]:
    """Two sentences of the methods: what varied between individuals, what did not; none where nothing was planned."""
    cohort = analysis.cohort
    if not cohort.groups:
        return []
    alike, random, unknown = _origins(analysis)
    tasks = list(cohort.tasks)
    drawn = [task for task in tasks if is_resampled(cohort.tasks[task])]
    kept = [task for task in tasks if task not in drawn]
    developed = any(step.get("kind") == "Develop" for group in cohort.groups for step in cohort.timeline(group))
    varied = [
        *([f"the initial weights ({listed(random)})"] if random else []),
        *([f"the initial weights as far as {listed(unknown)} draws them (the record does not say)"] if unknown else []),
        *(["the initial weights of the tasks' heads"] if tasks else []),
        "the order of batches and the draws of dropout and masks",
        *(["the words masked in development"] if developed else []),
        *([f"the training rows of {task_names(drawn)}, drawn for each individual by its seed"] if drawn else []),
    ]
    same = [
        *([f"the weights at birth of {listed(alike)}, one checkpoint each"] if alike else []),
        *(["the text of development"] if developed else []),
        *([f"the training rows of {task_names(kept)}"] if kept else []),
        *(["the rows that are scored"] if tasks else []),
    ]
    texts = [f"Between the individuals of a group there varied {listed(varied)}; twins share all of it."]
    if same:
        rule = "An interval over individuals speaks of what varied and of nothing else"
        texts.append(
            f"The same for all were {listed(same)}. {rule}; one over individuals and examples of other test rows, too."
        )
    return texts


def population_note(analysis: Analysis) -> str:
    """The caution that n counts seeds of fine-tuning, where all individuals begin with one checkpoint; else empty."""
    alike, _, _ = _origins(analysis)
    if not alike:
        return ""
    tasks = analysis.cohort.tasks
    rows = "" if any(is_resampled(task) for task in tasks.values()) else " and learn from the same training rows"
    what = "n counts seeds of what came after it, not models" + (" or samples of data" if rows else "")
    return f"All individuals of {listed(alike)} begin with one checkpoint{rows}: {what}."


def is_resampled(task: Mapping[str, Any]) -> bool:
    """Whether a task, as the record has it, draws its training rows for each individual."""
    return any(spec.get("resample") is True for spec in _specs(task.get("spec")))


def _specs(data: Any) -> Iterator[Mapping[str, Any]]:
    """A spec's data and those inside it."""
    if isinstance(data, Mapping):
        yield data
        for value in data.values():
            yield from _specs(value)


def _origins(analysis: Analysis) -> tuple[list[str], list[str], list[str]]:
    """Subjects, as they describe themselves, of which all individuals are born with the same weights, not so, or not known."""
    found: dict[str, bool | None] = {}
    for group in analysis.cohort.groups.values():
        data = (group.get("scenario") or {}).get("subject")
        if not isinstance(data, Mapping):
            continue
        try:
            origin = rebuilt(data, Origin, "subject")  # type: ignore[type-abstract]
            found[origin.describe()] = origin.born_alike
        except RecordError:
            found[str(data.get("class", "a subject")).rpartition(":")[2]] = None
    return tuple([name for name, alike in found.items() if alike is kind] for kind in (True, False, None))  # type: ignore[return-value]
