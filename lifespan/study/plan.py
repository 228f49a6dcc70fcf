"""From a study to a prefix tree of steps with chained digests.

A step's digest is made of its parent's digest, its event and the content of what it reads; the digest of an evaluation hangs
off the step and is never chained. So a common childhood is one chain of nodes, lived once, and an evaluation changes nothing.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from lifespan import names, notebook
from lifespan.contracts import Disorder, Measure, Moment, Task
from lifespan.contracts.spec import canonical, digest_of
from lifespan.errors import ScenarioError, did_you_mean
from lifespan.randomness import individual_seed
from lifespan.study.answers import check_answers
from lifespan.study.events import Birth, Event, Learn, Probe, Suffer, colors
from lifespan.study.identity import Fingerprints, Input, content_of
from lifespan.study.lengths import with_lengths
from lifespan.study.scenario import Between, Scenario, Study, position_of

FORMAT = 1
"""Version of the state format; part of every digest."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A measure of the subject after a step, or inside it with `every`: each time that so many optimizer steps are done."""

    digest: str
    measure: Measure
    every: int | None = None
    reads: tuple[Input, ...] = field(default=(), compare=False)

    @property
    def title(self) -> str:
        """The probe's name in rows; an evaluation inside an event has a name of its own."""
        return self.measure.title if self.every is None else f"{self.measure.title}/during"


@dataclass(frozen=True, slots=True)
class Step:
    """One node of the tree: an event lived by one seed after one history.

    `key` names its random streams; `active` the chronic disorders at work, as (stream key, disorder), in order of
    onset; `present` those that are in force at its end, when probes evaluate; `tasks` the tasks met so far, this step's
    included.
    """

    digest: str
    parent: str | None
    index: int
    seed: int
    key: str
    event: Event
    active: tuple[tuple[str, Disorder], ...] = ()
    tasks: tuple[Task, ...] = ()
    present: tuple[tuple[str, Disorder], ...] = ()
    evaluations: tuple[Evaluation, ...] = field(default=(), compare=False)
    reads: tuple[Input, ...] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class Life:
    """One individual of one group: the path of steps from birth to end."""

    group: str
    individual: int
    seed: int
    steps: tuple[Step, ...]

    @property
    def name(self) -> str:
        """How rows and tables name this life."""
        return f"{self.group}-{self.individual:03d}"


@dataclass(frozen=True)
class Pair:
    """Two lives to compare at a step of each. Its rows are stored with the evaluations of the first step."""

    digest: str
    first: Life
    second: Life
    one: Step
    other: Step
    between: Between
    reads: tuple[Input, ...] = field(default=(), compare=False)


@dataclass(frozen=True)
class Plan:
    """A study compiled: lives that share steps."""

    study: Study
    precision: str
    lives: tuple[Life, ...]
    fingerprints: Fingerprints = field(default_factory=Fingerprints, compare=False, repr=False)

    def _repr_html_(self) -> str:
        notes = (f"{len(self.lives)} lives", f"{self.shared:,} events to live", f"{self.separate:,} if nothing were shared")
        courses = {group: scenario.course for group, scenario in self.study.groups.items()}
        return notebook.heading(self.study.name, (*notes, self.precision)) + notebook.lives(courses, colors())

    @cached_property
    def pairs(self) -> tuple[Pair, ...]:
        """The comparisons between lives that the study asks for."""
        return tuple(pair for between in self.study.between for pair in _pairs(self, between))

    @cached_property
    def nodes(self) -> dict[str, Step]:
        """Distinct steps by digest, parents first; each has the evaluations of all lives through it."""
        united: dict[str, Step] = {}
        for life in self.lives:
            for step in life.steps:
                known = united.get(step.digest)
                if known is None:
                    united[step.digest] = step
                else:
                    digests = {evaluation.digest for evaluation in known.evaluations}
                    extra = tuple(evaluation for evaluation in step.evaluations if evaluation.digest not in digests)
                    if extra:
                        united[step.digest] = _with_evaluations(known, known.evaluations + extra)
        return united

    @property
    def separate(self) -> int:
        """Steps that separate lives would take, births not counted."""
        return sum(len(life.steps) - 1 for life in self.lives)

    @property
    def shared(self) -> int:
        """Steps that the tree takes, births not counted."""
        return sum(1 for step in self.nodes.values() if step.parent is not None)

    def path_to(self, digest: str) -> list[Step]:
        """The steps from birth to this one."""
        step: Step | None = self.nodes[digest]
        path: list[Step] = []
        while step is not None:
            path.append(step)
            step = None if step.parent is None else self.nodes[step.parent]
        return path[::-1]

    def walk(self) -> Iterator[tuple[Life, Step]]:
        """Every step of every life, in the canonical order of the record."""
        for life in self.lives:
            for step in life.steps:
                yield life, step


def compile_study(study: Study, *, precision: str, fingerprints: Fingerprints | None = None) -> Plan:
    """The plan of a study at a resolved precision ("fp32" or "bf16"), which is part of every digest.

    All that its steps read is looked at now, by `fingerprints` where some are given.
    """
    found = Fingerprints() if fingerprints is None else fingerprints
    study = with_lengths(study)
    lives = []
    for group, scenario in study.groups.items():
        course = _course(scenario, found)
        for individual in range(study.individuals):
            seed = individual_seed(study.seed, individual)
            lives.append(Life(group, individual, seed, _steps(course, scenario, seed, precision)))
    found.save()
    plan = Plan(study, precision, tuple(lives), found)
    _check_names(plan)
    _check_skills(plan)
    for step in plan.nodes.values():
        check_answers(step)
    _check_measures(plan)
    return plan


def _check_names(plan: Plan) -> None:
    """Titles of tasks and probes are identities in every table, whoever wrote their classes."""
    titles = {task.title: task.describe() for step in plan.nodes.values() for task in step.tasks}
    looks = (evaluation for step in plan.nodes.values() for evaluation in step.evaluations)
    titles |= {evaluation.title: evaluation.measure.describe() for evaluation in looks}
    titles |= {between.contrast.title: between.contrast.describe() for between in plan.study.between}
    for title, where in titles.items():
        wrong = names.wrong_with(title, longest=None)
        if wrong:
            raise ScenarioError(names.neutral(where), f"its title {wrong}", "Give it another title or name.")


def _check_skills(plan: Plan) -> None:
    met = {task.title for step in plan.nodes.values() for task in step.tasks}
    for measure in (evaluation.measure for step in plan.nodes.values() for evaluation in step.evaluations):
        for skill in measure.skills:
            if skill not in met:
                rule = f"no life of the study learns {skill!r}."
                raise ScenarioError(
                    measure.describe(), rule, did_you_mean(skill, sorted(met)) if met else "Put a Learn before it."
                )


def _check_measures(plan: Plan) -> None:
    for step in plan.nodes.values():
        met = {task.title: task for task in step.tasks}
        for evaluation in step.evaluations:
            evaluation.measure.check_tasks(met)


@dataclass(frozen=True)
class _Event:
    """One event of a course, with all that is the same for every seed; `tail` is what its digest has beside its parent's.

    `looks` are the evaluations after it or inside it, each with the same.
    """

    event: Event
    key: str
    active: tuple[tuple[str, Disorder], ...]
    tasks: tuple[Task, ...]
    present: tuple[tuple[str, Disorder], ...]
    reads: tuple[Input, ...]
    tail: str
    looks: list[tuple[Measure, int | None, tuple[Input, ...], str]] = field(default_factory=list)


def _course(scenario: Scenario, found: Fingerprints) -> list[_Event]:
    """The events of a scenario from birth on, read once for all who live it."""
    course = [_Event(Birth(origin=scenario.subject), "birth", (), (), (), found.of_event(scenario.subject), "")]
    lasting: list[list[Any]] = []
    counts: dict[str, int] = {}
    tasks: tuple[Task, ...] = ()
    for event in scenario.events:
        if isinstance(event, Probe):
            course[-1].looks.extend(_looks(event, found, tasks))
            continue
        number = counts.get(event.key, 0)
        counts[event.key] = number + 1
        key = f"{event.key}#{number}"
        for task in event.tasks if isinstance(event, Learn) else ():
            if task.title not in {known.title for known in tasks}:
                tasks = (*tasks, task)
        active = _in_force(lasting)
        reads = found.of_event(event, [disorder for _, disorder in active], tasks)
        tail = _canonical([event.to_data(), *content_of(reads)])
        for entry in lasting:
            entry[2] = None if entry[2] is None else entry[2] - 1
        if isinstance(event, Suffer):
            lasting.append([key, event.disorder, event.lasting])
        course.append(_Event(event, key, active, tasks, _in_force(lasting), reads, tail))
    return course


def _looks(
    event: Probe, found: Fingerprints, tasks: tuple[Task, ...]
) -> Iterator[tuple[Measure, int | None, tuple[Input, ...], str]]:
    inside = [] if event.every is None else [event.every]
    for measure in event.measures:
        reads = found.of_measure(measure, tasks)
        yield measure, event.every, reads, _canonical(["look", measure.to_data(), *inside, *content_of(reads)])


def _steps(course: list[_Event], scenario: Scenario, seed: int, precision: str) -> tuple[Step, ...]:
    """The life of one seed along a course."""
    steps: list[Step] = []
    root = {"format": FORMAT, "origin": scenario.subject.to_data(), "seed": seed, "precision": precision}
    for index, part in enumerate(course):
        if steps:
            parent: str | None = steps[-1].digest
            digest = _chained(steps[-1].digest, part.tail)
        else:
            parent, content = None, content_of(part.reads)
            digest = digest_of([root, *content] if content else root)
        looks = tuple(Evaluation(_chained(digest, tail), measure, every, reads) for measure, every, reads, tail in part.looks)
        steps.append(
            Step(digest, parent, index, seed, part.key, part.event, part.active, part.tasks, part.present, looks, part.reads)
        )
    return tuple(steps)


def _canonical(data: list[Any]) -> str:
    """The entries of a list as `digest_of` would write them, without the brackets."""
    return canonical(data)[1:-1]


def _chained(parent: str, tail: str) -> str:
    """`digest_of([parent, ...])`, where the rest is written already."""
    return hashlib.sha256(f'["{parent}",{tail}]'.encode()).hexdigest()


def _in_force(lasting: list[list[Any]]) -> tuple[tuple[str, Disorder], ...]:
    return tuple((name, disorder) for name, disorder, left in lasting if left is None or left > 0)


def _pairs(plan: Plan, between: Between) -> Iterator[Pair]:
    for first, second in _twins(plan) if between.pairs == "twins" else _fellows(plan):
        one, other = (_moment(life, between.at) for life in (first, second))
        reads = plan.fingerprints.of_measure(between.contrast, (*one.tasks, *other.tasks))
        digest = digest_of([one.digest, other.digest, between.contrast.to_data(), *content_of(reads)])
        yield Pair(digest, first, second, one, other, between, reads)


def _twins(plan: Plan) -> Iterator[tuple[Life, Life]]:
    """Every individual of the control group with its twins in the others."""
    control = plan.study.control_group
    of_a_seed: dict[int, list[Life]] = {}
    for life in plan.lives:
        if life.group != control:
            of_a_seed.setdefault(life.seed, []).append(life)
    for first in plan.lives:
        if first.group == control:
            yield from ((first, second) for second in of_a_seed.get(first.seed, ()))


def _fellows(plan: Plan) -> Iterator[tuple[Life, Life]]:
    """Every two individuals of one group."""
    for _, lives in itertools.groupby(plan.lives, key=lambda life: life.group):
        yield from itertools.combinations(lives, 2)


def _moment(life: Life, at: Moment | None) -> Step:
    events = [step.event for step in life.steps[1:]]
    return life.steps[-1 if at is None else position_of(at, events, life.name)]


def _with_evaluations(step: Step, evaluations: tuple[Evaluation, ...]) -> Step:
    return replace(step, evaluations=evaluations)
