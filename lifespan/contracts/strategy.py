"""The interface of strategies against forgetting: how earlier tasks are kept while the next one is learned.

Part of `lifespan.contracts`, which says how the interfaces hang together.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from lifespan.contracts.disorder import Companion
from lifespan.contracts.spec import Spec

if TYPE_CHECKING:
    import torch

    from lifespan.contracts.data import Task
    from lifespan.contracts.subject import Subject
    from lifespan.randomness import Streams


@dataclass(frozen=True)
class Lesson:
    """What a strategy is given when a learning begins: the new tasks, those learned before it, and how texts are read.

    `streams` are the event's own; draws that a guard needs come from purposes of its own there.
    """

    tasks: Sequence[Task]
    earlier: Sequence[Task]
    length: int
    batch_size: int
    streams: Streams


class Guard(Companion):
    """A strategy during one learning: the training loop calls its hooks at each step, before those of disorders.

    Its state inside the event belongs in `course.memory` (tensors; it survives a kill); anything that follows from the
    subject as it was when the event began may be kept on the guard itself, which is made anew after a kill. What
    later events need goes to `subject.remembered` in `settle`. With no earlier task a guard must change nothing, bit for bit.
    """

    def settle(self, subject: Subject, memory: dict[str, torch.Tensor]) -> None:
        """Write to `subject.remembered` what later learning needs, at the end. `memory` is the course's."""


@dataclass(frozen=True, kw_only=True)
class Strategy(Spec):
    """A way to keep earlier tasks while the next ones are learned by weights: `Learn(..., against_forgetting=EWC())`.

    It keeps what was learned under it: a task that was learned without it is not protected. What it leaves for later lies in
    `subject.remembered`, under names that begin with `name` and "/", is part of every checkpoint, and is counted in the rows
    of the probe `Strategy/<class>`: `bytes` (tensors) and `examples` (training rows kept).

    Dead synapses neither act nor learn, so no strategy holds or moves them: what it remembers of a synapse ends with it. Each
    class says what else ageing does to it.
    """

    citation: ClassVar[str] = ""
    answers: ClassVar[tuple[str, ...]] = ()
    """Kinds of answer (`Head.kind`) that it supports; empty: all. A plan refuses tasks of other kinds."""

    @property
    def name(self) -> str:
        """The first part of the names under which `subject.remembered` keeps its tensors."""
        return type(self).__name__

    @abstractmethod
    def guard(self, subject: Subject, lesson: Lesson) -> Guard:
        """The guard of a learning that begins. The skills of its tasks exist already."""
