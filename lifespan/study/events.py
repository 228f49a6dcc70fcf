"""The events of a life: closed verbs and plain data, each checked where it is typed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from lifespan.contracts import Contrast, Corpus, Disorder, Learner, Measure, Objective, Origin, Pruner, Strategy, Task
from lifespan.contracts.learning import counting_of_epochs
from lifespan.contracts.length import STANDARD_LENGTH
from lifespan.contracts.spec import Spec
from lifespan.errors import ScenarioError, did_you_mean
from lifespan.study.costs import Gauge, Sizes, Work, schooling
from lifespan.training.objectives.masked import objective_of, require_masking, require_one_objective


@dataclass(frozen=True, kw_only=True)
class Event(Spec):
    """Something that happens in a life.

    Its class says whether it `trains` (runs the gradient loop, inside which probes may look), its `color` in figures and
    notebooks, and what it costs: `work`, and the bytes that it is `stored` in. What it does stands in `execution/step.py`.
    """

    trains: ClassVar[bool] = False
    color: ClassVar[str] = "#24292f"

    def work(self, learned: Sequence[Task], gauge: Gauge) -> Work:
        """What the gradient loop has to do; `learned` are the tasks learned so far, those of this event included."""
        return Work()

    def stored(self, learned: Sequence[Task], sizes: Sizes) -> int:
        """Bytes of what changes: weights as 4 each, masks as bits."""
        return 0

    @property
    def moves_masks(self) -> bool:
        """Whether its optimizer steps move masks."""
        return False

    @property
    def key(self) -> str:
        """Names the event's random streams. Events that should share draws between twins share a key."""
        return type(self).__name__.lower()

    @property
    def label(self) -> str:
        """The stage of life in rows and figures."""
        return self.key


@dataclass(frozen=True, kw_only=True)
class Birth(Event):
    """The first step of every life. Written by the plan, not by the user."""

    color = "#949494"

    origin: Origin

    def stored(self, learned: Sequence[Task], sizes: Sizes) -> int:
        return sizes.weights


@dataclass(frozen=True, kw_only=True)
class Develop(Event):
    """Learn from a corpus without labels, for a number of optimizer steps: masked words, if `objective` asks nothing else.

    `masking` is the share of tokens chosen; 80% of them become the mask token, 10% a random one, 10% stay (Devlin et al. 2019,
    section 3.1). Another `objective` has settings of its own. Passages are cut at `length` tokens. `by` says which plasticity
    learns (None: all weights).
    """

    trains = True
    color = "#0173b2"

    corpus: Corpus = field(kw_only=False)
    steps: int
    by: Learner | None = None
    batch_size: int = 32
    rate: float = 5e-4
    masking: float = 0.15
    length: int = STANDARD_LENGTH
    objective: Objective | None = None

    def __post_init__(self) -> None:
        self.require_a("corpus", Corpus, "MicroText()")
        self.require_count("steps")
        if self.by is not None:
            self.require_a("by", Learner, "Weights()")
            _require_own_mask(self, self.by)
        self.require_count("batch_size")
        self.require_positive("rate")
        require_masking(self)
        self.require_count("length", at_least=8)
        require_one_objective(self)

    @property
    def predicts(self) -> Objective:
        """The objective: that of masked words, if none is given."""
        return objective_of(self.objective, self.masking)

    @property
    def label(self) -> str:
        return f"develop on {self.corpus.title}"

    @property
    def moves_masks(self) -> bool:
        return _moves_masks(self.by)

    def work(self, learned: Sequence[Task], gauge: Gauge) -> Work:
        _, words = gauge.corpus_tokens(self.corpus, self.length)
        read = self.steps * self.batch_size
        return Work(self.steps, read, read * words, self.predicts.share, self.predicts.overhead)

    def stored(self, learned: Sequence[Task], sizes: Sizes) -> int:
        return _learned(self.by, sizes)


@dataclass(frozen=True, kw_only=True)
class Learn(Event):
    """Go to school: learn one task by one kind of plasticity. Leaves a skill behind.

    Tasks in `also` are learned together with it, batches in turn, for as many steps as all would take alone: the joint
    reference of continual learning. Learned by structure, all of them get one mask. `against_forgetting` is a strategy that
    keeps earlier tasks meanwhile; masks over frozen weights forget nothing and need none.
    """

    trains = True
    color = "#029e73"

    task: Task = field(kw_only=False)
    by: Learner
    length: int = STANDARD_LENGTH
    also: tuple[Task, ...] = ()
    against_forgetting: Strategy | None = None

    stated = ("epochs_counted",)

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

    def to_data(self) -> dict[str, Any]:
        return super().to_data() | counting_of_epochs(self.by)

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

    @property
    def moves_masks(self) -> bool:
        return _moves_masks(self.by)

    def work(self, learned: Sequence[Task], gauge: Gauge) -> Work:
        counts = [gauge.task_tokens(task, task.splits[0], self.length)[0] for task in self.tasks]
        steps = sum(self.by.steps_for(count) for count in counts)
        return schooling(self.tasks, steps, self.by.batch_size, self.length, gauge)

    def stored(self, learned: Sequence[Task], sizes: Sizes) -> int:
        return _learned(self.by, sizes) + sizes.heads(self.tasks)


@dataclass(frozen=True, kw_only=True)
class Age(Event):
    """Lose synapses until the given sparsity (fraction of prunable synapses that are dead). The dead stay dead."""

    color = "#de8f05"

    to: float
    by: Pruner

    def __post_init__(self) -> None:
        self.require_fraction("to", below_one=True)
        self.require_a("by", Pruner, "Magnitude()")

    @property
    def label(self) -> str:
        return f"age to {self.to:.3g}"

    def stored(self, learned: Sequence[Task], sizes: Sizes) -> int:
        return sizes.masks


@dataclass(frozen=True, kw_only=True)
class Recover(Event):
    """Quick structural re-fine-tuning on the tasks learned so far, batches taken in turn.

    The alive mask moves at an equal count of living synapses; weights stay bit for bit. `by` is the learner (None:
    `Rewire()`). A control that leaves the anatomy as it is may stand here too: `HeadOnly()`, or dense re-fine-tuning by
    `Weights()`, which moves the weights and drops the tasks' own masks.
    """

    trains = True
    color = "#56b4e9"

    steps: int
    by: Learner | None = None
    length: int = STANDARD_LENGTH

    def __post_init__(self) -> None:
        self.require_count("steps")
        if self.by is not None:
            self.require_a("by", Learner, "Rewire()")
            what = "would give all tasks learned so far one mask."
            self.require("by", not self.by.leaves_mask, what, "Use Rewire(), RigL(anatomy=True), HeadOnly() or Weights().")
        self.require_count("length", at_least=8)

    @property
    def moves_masks(self) -> bool:
        return True

    def work(self, learned: Sequence[Task], gauge: Gauge) -> Work:
        from lifespan.learners.rewire import Rewire

        return schooling(learned, self.steps, (self.by or Rewire()).batch_size, self.length, gauge)

    def stored(self, learned: Sequence[Task], sizes: Sizes) -> int:
        return sizes.masks + sizes.heads(learned)


@dataclass(frozen=True, kw_only=True)
class Suffer(Event):
    """A disorder begins. Its onset is where this event stands; a chronic one acts on the next `lasting` events."""

    color = "#d55e00"

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

    def stored(self, learned: Sequence[Task], sizes: Sizes) -> int:
        return sizes.weights if type(self.disorder).strike is not Disorder.strike else 0


@dataclass(frozen=True, kw_only=True)
class Treat(Suffer):
    """A treatment begins: the interface of a disorder, with a benign purpose."""

    color = "#cc78bc"


@dataclass(frozen=True, kw_only=True, init=False)
class Probe(Event):
    """Evaluate the subject. Changes nothing, ever: neither the subject nor any later draw, nor any digest.

    With `every`, evaluate inside the learning event before it instead, each time that so many of its optimizer steps are
    done, as if the learning ended there (De Lange et al. 2023: what is lost for a moment cannot be seen from the end).
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


def colors() -> dict[str, str]:
    """Colour of each kind of event, by the name of its class, in the order in which the classes were defined."""
    return {kind.__name__: kind.color for kind in _kinds(Event) if not issubclass(kind, Probe)}


def _kinds(kind: type[Event]) -> Iterator[type[Event]]:
    for below in kind.__subclasses__():
        yield below
        yield from _kinds(below)


def _moves_masks(by: Learner | None) -> bool:
    return by is not None and by.plasticity in ("structure", "both")


def _learned(by: Learner | None, sizes: Sizes) -> int:
    """Bytes that learning by a learner (None: all weights) changes in the body."""
    kind = "weights" if by is None else by.plasticity
    return (sizes.weights if kind in ("weights", "both") else 0) + (sizes.masks if kind in ("structure", "both") else 0)


def _require_own_mask(event: Event, by: Learner) -> None:
    what = "moves the shared anatomy, which only Recover may do."
    event.require("by", not by.moves_anatomy, what, "Use Recover(...), or a learner of a task's own mask, such as Masks().")


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
