"""Generalisation of a rehabilitation to items that it did not treat."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lifespan.contracts import Effort, Meaning, Measure, Reading, Task
from lifespan.contracts.length import STANDARD_LENGTH
from lifespan.tasks.items import PARTS, Items

if TYPE_CHECKING:
    from lifespan.contracts.subject import Subject
    from lifespan.randomness import Streams


@dataclass(frozen=True, kw_only=True)
class Generalisation(Measure):
    """The official metrics on treated and on untreated training items, of every `Items` task learned so far (Plaut 1996).

    Generalisation is the gain on untreated items, from before to after `rehabilitate`, beside the gain on treated ones.
    Readings have the metrics' names and the split "treated" or "untreated". Both parts were learned before the damage, so
    neither measures the task on new sentences; `Score` does. Cost: one forward pass over the training items.
    """

    citation = "plaut1996relearning"

    meanings = (
        Meaning(
            "*", "the task's official metrics on each part", "the metric's own", "untreated items gain too", better="higher"
        ),
    )
    cost = "1 forward pass over the training items"

    length: int = STANDARD_LENGTH

    def __post_init__(self) -> None:
        self.require_count("length", at_least=8)

    def effort(self, tasks: Sequence[Task]) -> Iterable[Effort]:
        return [Effort(task, split=split, length=self.length) for task in tasks if isinstance(task, Items) for split in PARTS]

    def read(self, subject: Subject, tasks: Mapping[str, Task], streams: Streams) -> Iterable[Reading]:
        from lifespan.probes.performance.score import Score

        divided = {title: task for title, task in tasks.items() if isinstance(task, Items)}
        for split in PARTS:
            yield from Score(split=split, length=self.length).read(subject, divided, streams)
