"""Scores of the learned tasks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lifespan.contracts import Meaning, Reading, Task
from lifespan.probes._task_measure import TaskMeasure

if TYPE_CHECKING:
    from lifespan.contracts.subject import Subject
    from lifespan.randomness import Streams


@dataclass(frozen=True, kw_only=True)
class Score(TaskMeasure):
    """The official metrics of every task learned so far, on its evaluation split, with the task's own head and mask.

    Units and ranges are the metrics' own; higher is better. Cost: one forward pass over the split.
    """

    citation = "wang2018glue"
    meanings = (
        Meaning("*", "the task's official metrics", "the metric's own", "as high as right after learning", better="higher"),
    )
    cost = "1 forward pass over the split"

    def read(self, subject: Subject, tasks: Mapping[str, Task], streams: Streams) -> Iterable[Reading]:
        from lifespan.training.evaluation import task_logits, task_scores

        for title, task, split in self.learned(subject, tasks):
            logits, labels = task_logits(subject, task, split, self.length, self.examples)
            for metric, value in task_scores(task, logits, labels).items():
                yield Reading(metric, value, len(labels), title, split)
