"""Scenarios and studies: a life as Python, checked where it is typed. The nouns that its events hold carry the methods."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from lifespan import names, notebook
from lifespan.contracts import Contrast, Moment, Origin, Task
from lifespan.contracts.spec import Spec
from lifespan.errors import ScenarioError
from lifespan.randomness import individual_seed
from lifespan.study.design import Sequential
from lifespan.study.events import Age, Develop, Event, Learn, Probe, Recover, Suffer, colors, flattened
from lifespan.study.hypotheses import Hypothesis
from lifespan.study.hypothesis_checks import check_hypotheses

Group = str

LARGEST_SEED = 2**63
"""Seeds are below it: tables hold them as signed integers of 64 bits."""
MOST_LIVES = 1_000_000
"""Lives of one study: planning them takes minutes and some gigabytes."""


@dataclass(frozen=True, kw_only=True)
class Scenario(Spec):
    """One life course: a subject and the events of its life, in order.

    `length` is the number of tokens that is read of a text in every event and evaluation that does not say its own (None:
    the study's).
    """

    name: str
    subject: Origin
    events: tuple[Event, ...]
    length: int | None = None

    def __post_init__(self) -> None:
        require_name(self, "name")
        _check_length(self)
        self.require_a("subject", Origin, "Micro()")
        object.__setattr__(self, "events", flattened(self.events))
        learned = False
        for position, event in enumerate(self.events):
            if isinstance(event, Recover) and not learned:
                raise ScenarioError(
                    f"Scenario({self.name!r}) event {position + 1}",
                    "Recover re-tunes the tasks learned so far, but none is learned before it.",
                    "Put a Learn before it.",
                )
            learned = learned or isinstance(event, Learn)
        _check_ageing(self)
        _check_titles(self)
        _check_moments(self)
        _check_inside(self)

    def with_events(self, *, after: int, add: Event | Sequence[Event], name: str | None = None) -> Scenario:
        """The same life with events inserted after its first `after` events (0: at birth; -1 counts from the end)."""
        count = len(self.events)
        position = after if after >= 0 else count + 1 + after
        if not 0 <= position <= count:
            raise ScenarioError(
                f"with_events(after={after})", f"the life of {self.name!r} has {count} events.", f"Use 0 to {count}."
            )
        new = flattened((add,) if isinstance(add, Event) else tuple(add))
        return replace(self, name=name or self.name, events=(*self.events[:position], *new, *self.events[position:]))

    @property
    def course(self) -> list[tuple[str, str]]:
        """Its events as (kind, label), probes left out."""
        return [(type(event).__name__, event.label) for event in self.events if not isinstance(event, Probe)]

    def _repr_html_(self) -> str:
        probes = sum(isinstance(event, Probe) for event in self.events)
        notes = (self.subject.describe(), f"{len(self.course)} events", f"{probes} evaluations")
        return notebook.heading(self.name, notes) + notebook.lives({"": self.course}, colors())


@dataclass(frozen=True, kw_only=True)
class Between(Spec):
    """Compare lives with each other, once all are lived: rows go to `contrasts.jsonl`.

    `pairs` are "twins": every individual with its twin in the control group, which is named first; or "individuals": every
    two individuals of one group. `at` is the moment of both lives (None: their end). It changes nothing.
    """

    contrast: Contrast = field(kw_only=False)
    pairs: Literal["twins", "individuals"] = "twins"
    at: Moment | None = None

    def __post_init__(self) -> None:
        self.require_a("contrast", Contrast, "MaskOverlap()")
        self.require_literal("pairs")


@dataclass(frozen=True, kw_only=True)
class Study(Spec):
    """Named groups of scenarios, each lived by `individuals` seeds. The individuals of one seed are twins.

    `control` names the group that others are compared with (None: the first). Seeds are `seed`, `seed` + 1, ...
    `precision` is "fp32", "bf16" or "auto" (bf16 for pretrained subjects where the hardware multiplies it natively).
    `between` are comparisons of lives with each other, made when all are lived. `length` is the number of tokens that is
    read of a text, in learning, pruning and evaluations alike, wherever neither the scenario nor the event, pruner or
    measure says its own (None: 128).

    `hypotheses` are what the study predicts, declared before it is lived: `superior("masks", over="head")`. The report leads
    with their verdicts, under one error probability over all that are not `secondary`. `design` fixes looks at several
    numbers of individuals beforehand (None: one look, at `individuals`). Neither changes what is lived, nor any digest.
    """

    name: str
    groups: Mapping[Group, Scenario]
    individuals: int = 1
    seed: int = 0
    control: Group | None = None
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    between: tuple[Between, ...] = ()
    length: int | None = None
    hypotheses: tuple[Hypothesis, ...] = ()
    design: Sequential | None = None

    def __post_init__(self) -> None:
        require_name(self, "name")
        _check_length(self)
        self.require("groups", isinstance(self.groups, Mapping) and len(self.groups) > 0, "needs at least one group.")
        for group, scenario in self.groups.items():
            where = f"Study({self.name!r}) group {group!r}"
            wrong = names.wrong_with(group)
            if wrong:
                raise ScenarioError(where, f"a group's name {wrong}", "Choose another name.")
            if not isinstance(scenario, Scenario):
                raise ScenarioError(where, f"must be a Scenario, got {type(scenario).__name__}.")
        _check_alike(self)
        self.require_count("individuals", at_most=MOST_LIVES)
        lives = self.individuals * len(self.groups)
        what = f"asks for {lives:,} lives in {len(self.groups):,} groups; a study has at most {MOST_LIVES:,}."
        self.require("individuals", lives <= MOST_LIVES, what)
        self.require_count("seed", at_least=0)
        last = individual_seed(self.seed, self.individuals - 1)
        self.require("seed", last < LARGEST_SEED, "must leave the last individual's seed below 2**63.", "Use a smaller one.")
        if self.control is not None:
            self.require_one_of("control", self.groups)
        self.require_literal("precision")
        _check_between(self)
        if self.design is not None:
            self.require_a("design", Sequential, "Sequential(looks=(10, 16))")
            self.design.check_size(self.individuals, self.where("individuals"))
        check_hypotheses(self)

    def to_data(self) -> dict[str, Any]:
        """As of every spec, without what it predicts and when it looks: these change nothing that is lived."""
        return {name: value for name, value in super().to_data().items() if name not in ("hypotheses", "design")}

    @property
    def looks(self) -> tuple[int, ...]:
        """Numbers of individuals at which the hypotheses are evaluated; the last is the most."""
        return (self.individuals,) if self.design is None else self.design.looks

    @property
    def half_pays(self) -> bool:
        """Whether any subject's matrices are large enough for bfloat16, and for several threads, to be faster."""
        return any(type(scenario.subject).half_pays for scenario in self.groups.values())

    @property
    def control_group(self) -> Group:
        """The group that others are compared with."""
        return self.control if self.control is not None else next(iter(self.groups))

    def _repr_html_(self) -> str:
        notes = (f"{len(self.groups)} groups of {self.individuals}", f"control: {self.control_group}")
        courses = {group: scenario.course for group, scenario in self.groups.items()}
        return notebook.heading(self.name, notes) + notebook.lives(courses, colors())


def _check_alike(study: Study) -> None:
    pair = names.alike(study.groups)
    if pair is not None:
        what = f"groups {pair[0]!r} and {pair[1]!r} would look the same in a report."
        raise ScenarioError(f"Study({study.name!r})", what, "Name one of them otherwise.")


def _check_between(study: Study) -> None:
    study.require("between", isinstance(study.between, tuple | list), "must be a tuple of Between(...).")
    for between in study.between:
        where = f"Study({study.name!r}), between"
        if not isinstance(between, Between):
            remedy = "For example: between=(Between(MaskOverlap()),)."
            raise ScenarioError(where, f"holds {between!r}, which is no Between.", remedy)
        for group, scenario in study.groups.items():
            if between.at is not None:
                events = [event for event in scenario.events if not isinstance(event, Probe)]
                position_of(between.at, events, f"{where}, group {group!r}")


def _check_length(spec: Scenario | Study) -> None:
    if spec.length is not None:
        spec.require_count("length", at_least=8)


def require_name(spec: Spec, field_name: str) -> None:
    """Names become folder names: letters, digits, dot, dash and underscore."""
    value = getattr(spec, field_name)
    fine = isinstance(value, str) and re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", value) is not None
    suggestion = re.sub(r"[^A-Za-z0-9._-]+", "-", str(value)).strip("-.")[: names.LONGEST_FILE_NAME] or "my-study"
    spec.require(field_name, fine, "must be letters, digits, dots, dashes or underscores.", f"For example: {suggestion!r}.")
    short = len(value) <= names.LONGEST_FILE_NAME
    spec.require(
        field_name, short, f"must have at most {names.LONGEST_FILE_NAME} characters.", f"For example: {suggestion!r}."
    )


def _check_ageing(scenario: Scenario) -> None:
    reached = 0.0
    for position, event in enumerate(scenario.events):
        if isinstance(event, Suffer) and type(event.disorder).regrows:
            reached *= 1 - event.disorder.severity
        if not isinstance(event, Age):
            continue
        if event.to < reached:
            raise ScenarioError(
                f"Scenario({scenario.name!r}) event {position + 1}, Age(to={event.to:g})",
                f"sparsity already reached {reached:g}, and dead synapses stay dead.",
                "Order the ages by rising sparsity.",
            )
        reached = event.to


def _check_moments(scenario: Scenario) -> None:
    before: list[Event] = []
    for event in scenario.events:
        learner = getattr(event, "by", None) if event.trains else None
        looking = event.measures if isinstance(event, Probe) else ()
        for moment in itertools.chain(*(part.moments for part in (learner, *looking) if part is not None)):
            position_of(moment, before, f"Scenario({scenario.name!r}), {event.label}")
        if not isinstance(event, Probe):
            before.append(event)


def _check_inside(scenario: Scenario) -> None:
    last: Event | None = None
    for event in scenario.events:
        if not isinstance(event, Probe):
            last = event
        elif event.every is not None and not (last is not None and last.trains):
            raise ScenarioError(
                f"Scenario({scenario.name!r}), {event.describe()}",
                "looks inside the event before it, which is no Develop, Learn or Recover.",
                "Put it right behind one, or leave out `every`.",
            )


def position_of(moment: Moment, before: Sequence[Event], where: str) -> int:
    """How many of the events `before` had happened at a moment (probes are not events here: looking changes nothing)."""
    if moment == "birth":
        return 0
    if moment == "development":
        found = [i for i, event in enumerate(before, 1) if isinstance(event, Develop)]
        if not found:
            what = 'goes back to "development", but no Develop stands before it.'
            raise ScenarioError(where, what, 'Use "birth", or put a Develop first.')
        return found[-1]
    if isinstance(moment, int) and not isinstance(moment, bool) and 0 <= moment <= len(before):
        return moment
    raise ScenarioError(
        where,
        f"goes back to {moment!r}, but {len(before)} events (probes not counted) stand before it.",
        f'Use "birth", "development" or a number from 0 to {len(before)}.',
    )


def _check_titles(scenario: Scenario) -> None:
    met: dict[str, Task] = {}
    for event in scenario.events:
        if isinstance(event, Learn):
            for task in event.tasks:
                if met.setdefault(task.title, task) != task:
                    raise ScenarioError(
                        f"Scenario({scenario.name!r})",
                        f"two different tasks share the title {task.title!r}.",
                        "Use one task object for both, or give one another name.",
                    )
