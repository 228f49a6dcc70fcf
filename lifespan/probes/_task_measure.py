"""The base of measures of learned tasks: which split they read, how much of it, and what that costs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lifespan.contracts import Effort, Measure, Task
from lifespan.contracts.length import STANDARD_LENGTH

if TYPE_CHECKING:
    from lifespan.contracts.subject import Subject


@dataclass(frozen=True, kw_only=True)
class TaskMeasure(Measure):
    """A measure of every task learned so far, on one split of it.

    `split` defaults to the task's second split (the development set); `examples` thins it, for every individual alike; texts
    are cut at `length` tokens.
    """

    split: str | None = None
    examples: int | None = None
    length: int = STANDARD_LENGTH

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.examples is not None:
            self.require_count("examples")
        self.require_count("length", at_least=8)

    @property
    def passes(self) -> float:
        """Forward passes over the split; a backward pass counts 2."""
        return 1.0

    def effort(self, tasks: Sequence[Task]) -> Iterable[Effort]:
        return [Effort(task, self.passes, self.split, self.examples, self.length) for task in tasks]

    def learned(self, subject: Subject, tasks: Mapping[str, Task]) -> Iterator[tuple[str, Task, str]]:
        """(title, task, split to read) of every task learned so far."""
        for title, task in tasks.items():
            if title in subject.skills:
                yield title, task, self.split or task.splits[1]
