"""The interfaces of looking: a measure looks at one subject, a contrast at two. What they yield, and what they cost.

Part of `lifespan.contracts`, which says how the interfaces hang together.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from lifespan.contracts.length import STANDARD_LENGTH
from lifespan.contracts.spec import Spec

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
    """A part of what a look costs: so many passes over (some examples of) a split of a task, or over a corpus.

    A forward pass of an example counts 1, a backward pass 2. `split` defaults to the task's second; `examples` is the most
    that are looked at.
    """

    source: Task | Corpus
    passes: float = 1.0
    split: str | None = None
    examples: int | None = None
    length: int = STANDARD_LENGTH


@dataclass(frozen=True)
class Meaning:
    """What a metric means: for the documentation, the record's dictionary and captions.

    In `metric`, `*` stands for any text, such as a task's metric or a dose. `range` is written as an interval, with the
    sign's meaning where there is one; `good` says what good looks like.
    """

    metric: str
    meaning: str
    range: str
    good: str
    unit: str = ""


@dataclass(frozen=True, kw_only=True)
class Measure(Spec):
    """A look at the subject. It never changes it, nor any random draw that follows.

    `meanings` explains the metrics, `cost` says in words what `effort` says in numbers.
    """

    citation: ClassVar[str] = ""
    meanings: ClassVar[tuple[Meaning, ...]] = ()
    cost: ClassVar[str] = ""
    answers: ClassVar[tuple[str, ...]] = ()
    """Kinds of answer (`Head.kind`) that it can do with; empty: all. A plan refuses tasks of others."""

    @property
    def title(self) -> str:
        """The probe's name in rows."""
        return type(self).__name__

    @property
    def moments(self) -> tuple[Moment, ...]:
        """Moments of the earlier life that this measure looks back at, through `subject.past`."""
        return ()

    @property
    def skills(self) -> tuple[str, ...]:
        """Titles of tasks that this measure asks for by name: some life of the study must learn them."""
        return ()

    @abstractmethod
    def read(self, subject: Subject, tasks: Mapping[str, Task], streams: Streams) -> Iterable[Reading | Bulk]:
        """Measure. `tasks` are the tasks met so far, by title, in the order in which they were met."""

    def effort(self, tasks: Sequence[Task]) -> Iterable[Effort]:
        """What the look costs once these tasks are learned: by default one pass over the second split of each."""
        return [Effort(task) for task in tasks]


@dataclass(frozen=True, kw_only=True)
class Contrast(Spec):
    """A look at two subjects of one architecture at once. It changes neither of them.

    `Probe(Since(moment, contrast))` compares a subject with its younger self; `Study(between=(Between(contrast), ...))`
    compares lives.
    """

    citation: ClassVar[str] = ""
    meanings: ClassVar[tuple[Meaning, ...]] = ()
    cost: ClassVar[str] = ""
    answers: ClassVar[tuple[str, ...]] = ()
    """Kinds of answer (`Head.kind`) that it can do with; empty: all. A plan refuses tasks of others."""

    @property
    def title(self) -> str:
        """The contrast's name in rows."""
        return type(self).__name__

    @abstractmethod
    def compare(self, first: Subject, second: Subject, tasks: Mapping[str, Task], streams: Streams) -> Iterable[Reading]:
        """Measure. `first` is the younger self, or the life named first; `tasks` are those that both have met, by title."""

    def effort(self, tasks: Sequence[Task]) -> Iterable[Effort]:
        """What the look costs, as of a measure."""
        return [Effort(task, passes=2.0) for task in tasks]
