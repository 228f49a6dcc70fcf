"""Whether a study's hypotheses speak of its own groups, tasks, probes and metrics, asked where they are typed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from lifespan.contracts import Measure, Task
from lifespan.errors import ScenarioError, did_you_mean
from lifespan.study.events import Learn, Probe
from lifespan.study.hypotheses import SHARE_RETAINED, STEPS_RETAINED, Hypothesis, Quantity

if TYPE_CHECKING:
    from lifespan.study.scenario import Scenario, Study

OUT_OF_ROWS = ("Injury/*",)
"""Probes whose rows come from disorders, not from a `Probe`."""


def check_hypotheses(study: Study) -> None:
    """Raise `ScenarioError` for the first hypothesis that this study cannot answer."""
    if not isinstance(study.hypotheses, tuple):
        remedy = 'Write a tuple: hypotheses=(superior("a", over="b"),).'
        where = f"Study({study.name!r}), hypotheses"
        raise ScenarioError(where, f"are {study.hypotheses!r}, which is no tuple.", remedy)
    for hypothesis in study.hypotheses:
        if not isinstance(hypothesis, Hypothesis):
            remedy = 'For example: superior("a", over="b").'
            raise ScenarioError(f"Study({study.name!r}), hypotheses", f"holds {hypothesis!r}, no Hypothesis.", remedy)
        where = f"Study({study.name!r}), hypothesis {hypothesis.description!r}"
        _check_kind(hypothesis, where)
        for quantity in quantities_of(hypothesis):
            _check_quantity(study, quantity, where)
    twice = [name for name, count in Counter(each.description for each in study.hypotheses).items() if count > 1]
    if twice:
        remedy = "Give each a description of its own: description=..."
        raise ScenarioError(f"Study({study.name!r})", f"two hypotheses are described as {twice[0]!r}.", remedy)


def quantities_of(hypothesis: Hypothesis) -> Iterator[Quantity]:
    """Every quantity that a hypothesis, or its positive control, is about."""
    waiting = [part for part in (hypothesis.first, hypothesis.second) if part is not None]
    while waiting:
        quantity = waiting.pop(0)
        yield quantity
        waiting += [part for part in (quantity.minus, quantity.share_of) if part is not None]
    if hypothesis.assay is not None:
        yield from quantities_of(hypothesis.assay)


def _check_kind(hypothesis: Hypothesis, where: str) -> None:
    if hypothesis.positive_control:
        remedy = 'Give it to the hypothesis that rests on it: assay=superior("weights", over="head").'
        raise ScenarioError(where, "positive_control=True is for claims about kept records.", remedy)
    if hypothesis.post_hoc:
        raise ScenarioError(where, "post_hoc=True is for claims about kept records.", "The record knows when it was declared.")
    if hypothesis.margin <= 0 and hypothesis.prediction in ("non-inferior", "equivalent"):
        raise ScenarioError(where, f"margin={hypothesis.margin:g} must be above 0.", "It is the difference that may be.")
    if hypothesis.margin < 0 and hypothesis.prediction != "below":
        raise ScenarioError(where, f"margin={hypothesis.margin:g} must be at least 0.", "It is the least that counts.")
    if hypothesis.assay is not None and hypothesis.assay.assay is not None:
        raise ScenarioError(where, "its positive control has a positive control.", "Leave that out.")


def _check_quantity(study: Study, quantity: Quantity, where: str) -> None:
    for group in quantity.groups:
        if group not in study.groups:
            raise ScenarioError(where, f"there is no group {group!r}.", did_you_mean(group, study.groups))
    tasks = {task.title: task for group in quantity.groups for task in _learned(study.groups[group])}
    for title in quantity.tasks:
        if title not in tasks:
            rule = f"the groups {', '.join(quantity.groups)} learn no task {title!r}."
            raise ScenarioError(where, rule, did_you_mean(title, tasks) if tasks else "Put a Learn into them.")
    if quantity.metric in (SHARE_RETAINED, STEPS_RETAINED) or any(fnmatchcase(quantity.probe, each) for each in OUT_OF_ROWS):
        return
    counted = [task for title, task in tasks.items() if title in (quantity.tasks or tasks)]
    _check_probe(study, quantity, counted, where)
    if quantity.scale == "raw" and len(counted) > 1 and of_scores(quantity.metric, (task.metrics for task in counted)):
        rule = f"averages the raw scores of {len(counted)} tasks, whose scales differ."
        raise ScenarioError(where, rule, 'Leave out scale="raw", or name one task: tasks=(...,).')


def of_scores(metric: str, metrics: Iterable[Iterable[str]]) -> bool:
    """Whether a quantity's metric is a task's score: its primary one, or one of `metrics`, those of each task, by name."""
    return metric == "" or "*" in metric or all(metric in names for names in metrics)


def _check_probe(study: Study, quantity: Quantity, tasks: list[Task], where: str) -> None:
    for group in quantity.groups:
        titles = {title: measure for title, measure in _probes(study.groups[group])}
        found = [measure for title, measure in titles.items() if fnmatchcase(title, quantity.probe)]
        if not found:
            rule = f"group {group!r} has no probe {quantity.probe!r}."
            known = did_you_mean(quantity.probe, titles) if titles else f"Add Probe({quantity.probe}()) to its life."
            raise ScenarioError(where, rule, known)
        if not any(_measures(measure, quantity.metric, tasks) for measure in found):
            metrics = {metric for task in tasks for metric in task.metrics}
            own = {meaning.metric for measure in found for meaning in _meanings(measure)} - {"*"}
            rule = f"the probe {quantity.probe!r} has no metric {quantity.metric!r}."
            raise ScenarioError(where, rule, did_you_mean(quantity.metric, sorted(own | metrics)))


def _measures(measure: Measure, metric: str, tasks: list[Task]) -> bool:
    meanings = _meanings(measure)
    if not meanings:
        return True
    names = {metric.replace("*", task.metrics[0]) or task.metrics[0] for task in tasks} or {metric}
    if metric.endswith("/last"):
        names = {f"{metric.removesuffix('last')}0"}
    scores = {score for task in tasks for score in task.metrics}
    patterns = {meaning.metric for meaning in meanings}
    return any(name in scores if pattern == "*" else fnmatchcase(name, pattern) for name in names for pattern in patterns)


def _meanings(measure: Measure) -> tuple:  # type: ignore[type-arg]
    source = getattr(measure, "contrast", measure)
    return source.meanings if isinstance(source.meanings, tuple) else ()


def _learned(scenario: Scenario) -> Iterator[Task]:
    for event in scenario.events:
        if isinstance(event, Learn):
            yield from event.tasks


def _probes(scenario: Scenario) -> Iterator[tuple[str, Measure]]:
    for event in scenario.events:
        if isinstance(event, Probe):
            for measure in event.measures:
                yield (measure.title if event.every is None else f"{measure.title}/during"), measure
