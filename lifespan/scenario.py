"""A life as Python: events, scenarios and studies.

Events are closed verbs and plain data; the nouns they hold (tasks, learners, pruners, disorders, measures) carry the
methods. Everything is checked where it is typed.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from lifespan import notebook
from lifespan.contracts import Contrast, Corpus, Disorder, Learner, Measure, Moment, Origin, Pruner, Strategy, Task
from lifespan.errors import ScenarioError, did_you_mean
from lifespan.spec import Spec


@dataclass(frozen=True, kw_only=True)
class Event(Spec):
    """Something that happens in a life."""

    @property
    def key(self) -> str:
        """Names the event's random streams. Events that should share draws between twins share a key."""
        return type(self).__name__.lower()

    @property
    def label(self) -> str:
        """The stage of life in rows and figures."""
        return self.key


@dataclass(frozen=True, kw_only=True)
class Develop(Event):
    """Masked-language-model learning on a corpus, for a number of optimizer steps (Devlin et al. 2019, section 3.1).

    `masking` is the share of tokens chosen; 80% of them become the mask token, 10% a random one, 10% stay. Passages are
    cut at `length` tokens. `by` says which plasticity learns (None: all weights).
    """

    corpus: Corpus = field(kw_only=False)
    steps: int
    by: Learner | None = None
    batch_size: int = 32
    rate: float = 5e-4
    masking: float = 0.15
    length: int = 128

    def __post_init__(self) -> None:
        self.require_a("corpus", Corpus, "MicroText()")
        self.require_count("steps")
        if self.by is not None:
            self.require_a("by", Learner, "Weights()")
            _require_own_mask(self, self.by)
        self.require_count("batch_size")
        self.require_positive("rate")
        self.require_fraction("masking")
        self.require("masking", self.masking > 0, "must be above 0: something has to be predicted.")
        self.require_count("length", at_least=8)

    @property
    def label(self) -> str:
        return f"develop on {self.corpus.title}"


@dataclass(frozen=True, kw_only=True)
class Learn(Event):
    """Go to school: learn one task by one kind of plasticity. Leaves a skill behind.

    Tasks in `also` are learned together with it, batches in turn, for as many steps as all would take alone: the joint
    reference of continual learning. Learned by structure, all of them get one mask. `against_forgetting` is a strategy that
    keeps earlier tasks meanwhile; masks over frozen weights forget nothing and need none.
    """

    task: Task = field(kw_only=False)
    by: Learner
    length: int = 128
    also: tuple[Task, ...] = ()
    against_forgetting: Strategy | None = None

    def __post_init__(self) -> None:
        self.require_a("task", Task, 'Glue("rte")')
        self.require_a("by", Learner, "Weights()")
        _require_own_mask(self, self.by)
        self.require_count("length", at_least=8)
        fine = isinstance(self.also, tuple) and all(isinstance(task, Task) for task in self.also)
        self.require("also", fine, "must be a tuple of tasks.", 'For example: also=(Glue("rte"),).')
        titles = [task.title for task in self.tasks]
        self.require("also", len(set(titles)) == len(titles), "names a task twice.", "Leave out the second.")
        able = not self.also or self.by.learns_jointly
        self.require("also", able, f"is more than {type(self.by).__name__} can learn at once.", "Use Weights() or Masks().")
        if self.against_forgetting is not None:
            self.require_a("against_forgetting", Strategy, "EWC()")
            shared = self.by.plasticity == "weights"
            what = f"keeps weights that {type(self.by).__name__} does not move."
            self.require("against_forgetting", shared, what, "Use Weights(), or leave the strategy out.")
            what = f"stands beside {type(self.by).__name__}, which brings a strategy of its own."
            self.require("against_forgetting", not self.by.brings_strategy, what, "Leave one of them out.")

    @property
    def tasks(self) -> tuple[Task, ...]:
        """All tasks learned here."""
        return (self.task, *self.also)

    @property
    def key(self) -> str:
        return f"learn/{'+'.join(task.title for task in self.tasks)}"

    @property
    def label(self) -> str:
        return f"learn {' with '.join(task.title for task in self.tasks)}"


@dataclass(frozen=True, kw_only=True)
class Age(Event):
    """Lose synapses until the given sparsity (fraction of prunable synapses that are dead). The dead stay dead."""

    to: float
    by: Pruner

    def __post_init__(self) -> None:
        self.require_fraction("to", below_one=True)
        self.require_a("by", Pruner, "Magnitude()")

    @property
    def label(self) -> str:
        return f"age to {self.to:.3g}"


@dataclass(frozen=True, kw_only=True)
class Recover(Event):
    """Quick structural re-fine-tuning on the tasks learned so far, batches taken in turn.

    The alive mask moves at an equal count of living synapses; weights stay bit for bit. `by` is the learner (None:
    `Rewire()`). A control that leaves the anatomy as it is may stand here too: `HeadOnly()`, or dense re-fine-tuning by
    `Weights()`, which moves the weights and drops the tasks' own masks.
    """

    steps: int
    by: Learner | None = None
    length: int = 128

    def __post_init__(self) -> None:
        self.require_count("steps")
        if self.by is not None:
            self.require_a("by", Learner, "Rewire()")
            what = "would give all tasks learned so far one mask."
            self.require("by", not self.by.leaves_mask, what, "Use Rewire(), RigL(anatomy=True), HeadOnly() or Weights().")
        self.require_count("length", at_least=8)


@dataclass(frozen=True, kw_only=True)
class Suffer(Event):
    """A disorder begins. Its onset is where this event stands; a chronic one acts on the next `lasting` events."""

    disorder: Disorder = field(kw_only=False)
    lasting: int | None = None

    def __post_init__(self) -> None:
        self.require_a("disorder", Disorder, "UnstableOptimizer(severity=0.5)")
        if self.lasting is not None:
            self.require_count("lasting")

    @property
    def key(self) -> str:
        return f"{type(self).__name__.lower()}/{type(self.disorder).__name__}"

    @property
    def label(self) -> str:
        return f"{type(self).__name__.lower()} {type(self.disorder).__name__}"


@dataclass(frozen=True, kw_only=True)
class Treat(Suffer):
    """A treatment begins: the interface of a disorder, with a benign purpose."""


@dataclass(frozen=True, kw_only=True, init=False)
class Probe(Event):
    """Look. Changes nothing, ever: neither the subject nor any later draw, nor any digest.

    With `every`, look inside the learning event that stands before it instead, each time that so many of its optimizer steps
    are done, as if the learning ended there (De Lange et al. 2023: what is lost for a moment cannot be seen from the end).
    """

    measures: tuple[Measure, ...] = field(kw_only=False)
    every: int | None = None

    def __init__(self, *measures: Measure, every: int | None = None) -> None:
        object.__setattr__(self, "measures", measures)
        object.__setattr__(self, "every", every)
        self.__post_init__()

    def describe(self) -> str:
        inside = [] if self.every is None else [f"every={self.every}"]
        return f"Probe({', '.join([*(measure.describe() for measure in self.measures), *inside])})"

    def __post_init__(self) -> None:
        self.require("measures", len(self.measures) > 0, "needs at least one measure.", "For example: Probe(Score()).")
        if self.every is not None:
            self.require_count("every")
        for measure in self.measures:
            if isinstance(measure, Measure):
                continue
            if isinstance(measure, type) and issubclass(measure, Measure | Contrast):
                raise ScenarioError(
                    f"Probe({measure.__name__})",
                    "is a class, not an object.",
                    f"Write {measure.__name__}(), with parentheses.",
                )
            remedy = "For example: Score()."
            if isinstance(measure, Contrast):
                name = type(measure).__name__
                remedy = f'It compares two subjects: Probe(Since("birth", {name}(...))), or Between({name}(...)) in a Study.'
            raise ScenarioError(f"Probe({measure!r})", "must be a Measure.", remedy)


Group = str


@dataclass(frozen=True, kw_only=True)
class Scenario(Spec):
    """One life course: a subject and the events of its life, in order."""

    name: str
    subject: Origin
    events: tuple[Event, ...]

    def __post_init__(self) -> None:
        require_name(self, "name")
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
        notes = (self.subject.describe(), f"{len(self.course)} events", f"{probes} looks")
        return notebook.heading(self.name, notes) + notebook.lives({"": self.course})


@dataclass(frozen=True, kw_only=True)
class Between(Spec):
    """Compare lives with each other, once all are lived: rows go to `contrasts.jsonl`.

    `pairs` are "twins": every individual with its twin in the control group, which is named first; or "individuals": every
    two individuals of one group. `at` is the moment of both lives (None: their end). Looking changes nothing.
    """

    contrast: Contrast = field(kw_only=False)
    pairs: str = "twins"
    at: Moment | None = None

    def __post_init__(self) -> None:
        self.require_a("contrast", Contrast, "MaskOverlap()")
        self.require_one_of("pairs", ("twins", "individuals"))


@dataclass(frozen=True, kw_only=True)
class Study(Spec):
    """Named groups of scenarios, each lived by `individuals` seeds. The individuals of one seed are twins.

    `control` names the group that others are compared with (None: the first). Seeds are `seed`, `seed` + 1, ...
    `precision` is "fp32", "bf16" or "auto" (bf16 for pretrained subjects where the hardware multiplies it natively).
    `between` are comparisons of lives with each other, made when all are lived.
    """

    name: str
    groups: Mapping[Group, Scenario]
    individuals: int = 1
    seed: int = 0
    control: Group | None = None
    precision: str = "auto"
    between: tuple[Between, ...] = ()

    def __post_init__(self) -> None:
        require_name(self, "name")
        self.require("groups", isinstance(self.groups, Mapping) and len(self.groups) > 0, "needs at least one group.")
        for group, scenario in self.groups.items():
            where = f"Study({self.name!r}) group {group!r}"
            if not isinstance(group, str) or not group.strip():
                raise ScenarioError(where, "a group's name must be text.")
            if not isinstance(scenario, Scenario):
                raise ScenarioError(where, f"must be a Scenario, got {type(scenario).__name__}.")
        self.require_count("individuals")
        self.require_count("seed", at_least=0)
        if self.control is not None:
            self.require_one_of("control", self.groups)
        self.require_one_of("precision", ("auto", "fp32", "bf16"))
        _check_between(self)

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
        return notebook.heading(self.name, notes) + notebook.lives(courses)


def _check_between(study: Study) -> None:
    for between in study.between:
        where = f"Study({study.name!r}), between"
        if not isinstance(between, Between):
            remedy = "For example: between=(Between(MaskOverlap()),)."
            raise ScenarioError(where, f"holds {between!r}, which is no Between.", remedy)
        for group, scenario in study.groups.items():
            if between.at is not None:
                events = [event for event in scenario.events if not isinstance(event, Probe)]
                position_of(between.at, events, f"{where}, group {group!r}")


def _require_own_mask(event: Event, by: Learner) -> None:
    what = "moves the shared anatomy, which only Recover may do."
    event.require("by", not by.moves_anatomy, what, "Use Recover(...), or a learner of a task's own mask, such as Masks().")


def require_name(spec: Spec, field_name: str) -> None:
    """Names become folder names: letters, digits, dot, dash and underscore."""
    value = getattr(spec, field_name)
    fine = isinstance(value, str) and re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", value) is not None
    suggestion = re.sub(r"[^A-Za-z0-9._-]+", "-", str(value)).strip("-.") or "my-study"
    spec.require(field_name, fine, "must be letters, digits, dots, dashes or underscores.", f"For example: {suggestion!r}.")


def flattened(events: Any) -> tuple[Event, ...]:
    """Events, however deeply nested in tuples and lists, as one row."""
    flat: list[Event] = []
    for event in events if isinstance(events, tuple | list) else (events,):
        if isinstance(event, tuple | list):
            flat.extend(flattened(event))
        elif isinstance(event, Event):
            flat.append(event)
        elif isinstance(event, type) and issubclass(event, Event):
            raise ScenarioError(
                f"events: {event.__name__}",
                "is a class, not an object.",
                f"Write {event.__name__}(...), with parentheses.",
            )
        else:
            known = [kind.__name__ for kind in (Develop, Learn, Age, Recover, Suffer, Treat, Probe)]
            remedy = _wrap_hint(event) or did_you_mean(type(event).__name__, known)
            raise ScenarioError(f"events: {event!r}", "is not an event.", remedy)
    return tuple(flat)


def _wrap_hint(value: object) -> str:
    for kind, verb in ((Disorder, "Suffer"), (Measure, "Probe"), (Task, "Learn"), (Corpus, "Develop"), (Pruner, "Age")):
        if isinstance(value, kind):
            return f"Wrap it: {verb}({type(value).__name__}(...), ...)."
    return ""


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
        learner = event.by if isinstance(event, Develop | Learn | Recover) else None
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
        elif event.every is not None and not isinstance(last, Develop | Learn | Recover):
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
