"""Inference of the task of a batch from the tasks' masks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lifespan.contracts import Effort, Meaning, Measure, Reading, Task
from lifespan.contracts.length import STANDARD_LENGTH

if TYPE_CHECKING:
    from lifespan.contracts.subject import Subject
    from lifespan.randomness import Streams


@dataclass(frozen=True, kw_only=True)
class TaskInference(Measure):
    """Infer the task of a batch from one gradient, where it is not given (SupSup: Wortsman et al. 2020, one-shot).

    The masks of k tasks are superposed, W x sum(a_i mask_i) with all a_i = 1/k, and the task is inferred whose a_i, raised,
    lowers the entropy H of the superposed answer the most: argmax of -dH/da_i. Heads are superposed alike: the answer is
    a distribution over the classes of all tasks, in which head i has the weight a_i. Its entropy is sum(a_i H_i) and
    terms that rank no task before another. Each H_i is divided by log(classes of i), its largest value, so that a
    task is not taken for uncertain because it has many classes. A head that is sure of whatever it reads draws every batch
    to its task: compare the mean over tasks with chance, not one task alone.

    Tasks with classes and a mask of their own take part; with fewer than two there are no readings. Metrics by task:
    `inference_accuracy`, the fraction of examples in batches (of `batch_size` examples, one task each) whose task was
    inferred, chance 1/k; and `inferred_accuracy`, the fraction answered rightly by the mask and head so inferred. Another
    task's classes are never the right answer (the paper's unshared labels), so it is at most `inference_accuracy`.

    `examples` thins the split (by default the task's second), drawn for each individual. Costs a forward and a backward pass.
    """

    citation = "wortsman2020supermasks"

    meanings = (
        Meaning(
            "inference_accuracy",
            "examples whose task was inferred",
            "[0, 1], chance 1/k for k tasks",
            "near 1",
            better="higher",
        ),
        Meaning(
            "inferred_accuracy",
            "examples answered rightly by it",
            "[0, 1]",
            "near the score with the task given",
            better="higher",
            outcome="task not told",
        ),
    )
    cost = "1 forward and 1 backward pass over the split"

    batch_size: int = 16
    examples: int | None = None
    split: str | None = None
    length: int = STANDARD_LENGTH

    def __post_init__(self) -> None:
        self.require_count("batch_size")
        if self.examples is not None:
            self.require_count("examples")
        self.require_count("length", at_least=8)

    def effort(self, tasks: Sequence[Task]) -> Iterable[Effort]:
        return [Effort(task, 3.0, self.split, self.examples, self.length) for task in tasks]

    def read(self, subject: Subject, tasks: Mapping[str, Task], streams: Streams) -> Iterable[Reading]:
        import math

        from lifespan.probes.structure.superposition import Superposition, answered, batches, masked_tasks

        known = masked_tasks(subject, tasks)
        if len(known) < 2:
            return
        splits = {title: self.split or task.splits[1] for title, task in known.items()}
        parts = {
            title: batches(subject, task, splits[title], self, streams.numpy("evaluation", position))
            for position, (title, task) in enumerate(known.items())
        }
        with Superposition(subject, list(known)) as superposed:
            guessed = {title: [superposed.infer(part.batch) for part in own] for title, own in parts.items()}
        for title, own in parts.items():
            inferred_parts = [part for part, guess in zip(own, guessed[title], strict=True) if guess == title]
            n = sum(len(part.labels) for part in own)
            sure = None not in guessed[title]
            inferred = sum(len(part.labels) for part in inferred_parts) if sure else math.nan
            right = answered(subject, title, inferred_parts) if sure else math.nan
            yield Reading("inference_accuracy", inferred / n, n, title, splits[title])
            yield Reading("inferred_accuracy", right / n, n, title, splits[title])
