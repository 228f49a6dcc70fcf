"""The interfaces of evaluation: a measure evaluates one subject, a contrast two. What they yield, and what they cost.

Part of `lifespan.contracts`, which says how the interfaces hang together.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal, get_args

import numpy as np

from lifespan.contracts.length import STANDARD_LENGTH
from lifespan.contracts.spec import Spec
from lifespan.errors import ScenarioError, did_you_mean

if TYPE_CHECKING:
    from lifespan.contracts.data import Corpus, Moment, Task
    from lifespan.contracts.subject import Subject
    from lifespan.randomness import Streams


@dataclass(frozen=True)
class Reading:
    """One measured value. `n` is the number of examples (or synapses) behind it."""

    metric: str
    value: float
    n: int
    task: str = ""
    split: str = ""


@dataclass(frozen=True)
class Bulk:
    """Outputs for every example, too many for rows: one-dimensional arrays of one length, by column.

    They go to `examples/<probe>.parquet`, where `group`, `individual`, `seed`, `step`, `age` and `stage` stand before them.
    All that a measure yields must have the same columns.
    """

    columns: Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Effort:
    """A part of what an evaluation costs: so many passes over (some examples of) a split of a task, or over a corpus.

    A forward pass of an example counts 1, a backward pass 2. `split` defaults to the task's second; `examples` is the most
    that are read.
    """

    source: Task | Corpus
    passes: float = 1.0
    split: str | None = None
    examples: int | None = None
    length: int = STANDARD_LENGTH


Direction = Literal["higher", "lower", "neither"]
"""Which values of a metric are better."""


@dataclass(frozen=True)
class Meaning:
    """What a metric means: for the documentation, the record's dictionary, outcomes, figures and sentences.

    In `metric`, `*` stands for any text, such as a task's metric or a dose; of several meanings that fit a name, the first
    holds. `range` is written as an interval, with the sign's meaning where there is one; `good` says which values are good;
    `better` says which way is better.

    `outcome` makes the metric's last value in life an outcome of the individual, which is compared with the control twins, and
    is the outcome's name in tables, figures and sentences. In it `{about}` stands for `Measure.about` and `{task}` for the
    row's task, which is added as " on <task>" where the name does not have it. Where `*` stands for a task's metrics, the
    outcome is that of the primary one; any other text that it stands for is added to the name. Empty: no outcome.
    """

    metric: str
    meaning: str
    range: str
    good: str
    unit: str = ""
    better: Direction = "neither"
    outcome: str = ""

    def __post_init__(self) -> None:
        if self.better not in get_args(Direction):
            where = f"Meaning({self.metric!r}, better={self.better!r})"
            raise ScenarioError(where, "is not known here.", did_you_mean(self.better, get_args(Direction)))
        if not isinstance(self.outcome, str):
            where = f"Meaning({self.metric!r}, outcome={self.outcome!r})"
            raise ScenarioError(where, "must be the outcome's name.", 'For example: outcome="depth of sleep".')


@dataclass(frozen=True, kw_only=True)
class Measure(Spec):
    """An evaluation of a subject. It never changes it, nor any random draw that follows.

    `meanings` explains the metrics and says which of them are outcomes, `cost` says in words what `effort` says in numbers.
    """

    citation: ClassVar[str] = ""
    meanings: ClassVar[tuple[Meaning, ...]] = ()
    cost: ClassVar[str] = ""
    answers: ClassVar[tuple[str, ...]] = ()
    """Kinds of answer (`Head.kind`) that it supports; empty: all. A plan refuses tasks of other kinds."""

    @property
    def title(self) -> str:
        """The probe's name in rows."""
        return type(self).__name__

    @property
    def about(self) -> str:
        """What this measure evaluates beside the tasks, for `{about}` in the names of outcomes; empty by default."""
        return ""

    @property
    def moments(self) -> tuple[Moment, ...]:
        """Moments of the earlier life that this measure compares with, through `subject.past`."""
        return ()

    @property
    def skills(self) -> tuple[str, ...]:
        """Titles of tasks that this measure names: some life of the study must learn them."""
        return ()

    def check_tasks(self, tasks: Mapping[str, Task]) -> None:
        """Raise `ScenarioError` where this cannot be measured on these tasks, by title, those learned before it is read.

        It is called when the study is planned, before anything is lived; by default it accepts all tasks.
        """
        return

    @abstractmethod
    def read(self, subject: Subject, tasks: Mapping[str, Task], streams: Streams) -> Iterable[Reading | Bulk]:
        """The values measured. `tasks` are those learned so far, by title, in the order in which they were first learned."""

    def effort(self, tasks: Sequence[Task]) -> Iterable[Effort]:
        """What the evaluation costs once these tasks are learned: by default one pass over the second split of each."""
        return [Effort(task) for task in tasks]


@dataclass(frozen=True, kw_only=True)
class Contrast(Spec):
    """An evaluation of two subjects of one architecture at once. It changes neither of them.

    `Probe(Since(moment, contrast))` compares a subject with its younger self; `Study(between=(Between(contrast), ...))`
    compares lives.
    """

    citation: ClassVar[str] = ""
    meanings: ClassVar[tuple[Meaning, ...]] = ()
    cost: ClassVar[str] = ""
    answers: ClassVar[tuple[str, ...]] = ()
    """Kinds of answer (`Head.kind`) that it supports; empty: all. A plan refuses tasks of other kinds."""

    @property
    def title(self) -> str:
        """The contrast's name in rows."""
        return type(self).__name__

    @abstractmethod
    def compare(self, first: Subject, second: Subject, tasks: Mapping[str, Task], streams: Streams) -> Iterable[Reading]:
        """The values measured. `first` is the younger self, or the life named first; `tasks`, by title, both have learned."""

    def effort(self, tasks: Sequence[Task]) -> Iterable[Effort]:
        """What the evaluation costs, as of a measure."""
        return [Effort(task, passes=2.0) for task in tasks]
