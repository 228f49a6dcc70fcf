"""How well the subject does what it learned."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lifespan.contracts import Measure, Reading, Task

if TYPE_CHECKING:
    from lifespan.randomness import Streams
    from lifespan.subject import Subject


@dataclass(frozen=True, kw_only=True)
class Score(Measure):
    """The official metrics of every task learned so far, on its evaluation split, with the task's own head and mask.

    `split` defaults to the task's second split (the development set). Cost: one forward pass over that split.
    """

    citation = "wang2018glue"

    split: str | None = None
    length: int = 128

    def __post_init__(self) -> None:
        self.require_count("length", at_least=8)

    def read(self, subject: Subject, tasks: Mapping[str, Task], streams: Streams) -> Iterable[Reading]:
        from lifespan.evaluation import predictions
        from lifespan.metrics import score

        for title, task in tasks.items():
            if title not in subject.skills:
                continue
            split = self.split or task.splits[1]
            predicted, labels = predictions(subject, task, split, self.length)
            for metric in task.metrics:
                yield Reading(metric, score(metric, predicted, labels), len(labels), title, split)
