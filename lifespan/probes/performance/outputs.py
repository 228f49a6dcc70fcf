"""Answers to single examples, and their comparison between subjects."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lifespan.contracts import Bulk, ClassHead, Contrast, Effort, Meaning, Reading, Task
from lifespan.contracts.length import STANDARD_LENGTH
from lifespan.probes._task_measure import TaskMeasure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lifespan.contracts.subject import Subject
    from lifespan.randomness import Streams


@dataclass(frozen=True, kw_only=True)
class Outputs(TaskMeasure):
    """The answer to every example of every task learned so far, for `examples/Outputs.parquet`.

    Columns: task, split, example (position in the split), label, prediction (class index, or score), right (null for scores;
    both null where an output is not finite); where a learned task tags words, word (position in the sentence), a row being a
    word then; and logit_0, logit_1, ...: the head's outputs, as many as the task with most has, null beyond a task's own.
    `read(DIR).examples("Outputs")` is a pandas table; `lifespan.analysis.examples` has what can be made of it without torch.
    Also one row: `answered`, the number of examples.
    """

    meanings = (Meaning("answered", "examples answered", "[1, inf)", "-", "examples"),)
    cost = "1 forward pass over the split, and a few dozen bytes an example"

    def read(self, subject: Subject, tasks: Mapping[str, Task], streams: Streams) -> Iterable[Reading | Bulk]:
        import numpy as np

        from lifespan.training.evaluation import answers, evaluated_rows, task_logits

        known = list(self.learned(subject, tasks))
        heads = [task.head for _, task, _ in known]
        widest = max((head.outputs for head in heads), default=0)
        for (title, task, split), head in zip(known, heads, strict=True):
            logits, labels = task_logits(subject, task, split, self.length, self.examples)
            table = head.table(logits, answers(task, logits), labels)
            rows = len(table.logits)
            padded = np.full((rows, widest), np.nan)
            padded[:, : table.logits.shape[1]] = table.logits
            word = np.full(rows, np.nan) if table.word is None else table.word.astype(float)
            yield Bulk(
                {
                    "task": np.full(rows, title),
                    "split": np.full(rows, split),
                    "example": evaluated_rows(task, split, self.examples)[table.example],
                    **({"word": word} if any(head.words for head in heads) else {}),
                    "label": table.label,
                    "prediction": table.prediction,
                    "right": table.right,
                    **{f"logit_{i}": padded[:, i] for i in range(widest)},
                }
            )
            yield Reading("answered", float(len(labels)), len(labels), title, split)


@dataclass(frozen=True, kw_only=True)
class ErrorOverlap(Contrast):
    """Overlap of two subjects' errors: agreement, its level by chance, and kappa (Geirhos et al. 2020, equation 1).

    For every task with classes that both have learned, on its second split (or `split`), thinned to `examples`. Formulas in
    `lifespan.stats.similarity.error_consistency`. The same from saved `Outputs`, for all pairs of individuals, without torch:
    `lifespan.analysis.examples.error_overlap(read(DIR))`.
    """

    citation = "geirhos2020beyond"
    meanings = (
        Meaning("agreement", "examples that both get right or both wrong", "[0, 1]", "-"),
        Meaning("chance", "agreement of independent errors at these accuracies", "[0, 1]", "-"),
        Meaning("kappa", "(agreement - chance) / (1 - chance)", "[-1, 1], 0 for independent errors", "-"),
    )
    cost = "1 forward pass over the split by each subject"

    split: str | None = None
    examples: int | None = None
    length: int = STANDARD_LENGTH

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.examples is not None:
            self.require_count("examples")
        self.require_count("length", at_least=8)

    def effort(self, tasks: Sequence[Task]) -> Iterable[Effort]:
        return [Effort(task, 2.0, self.split, self.examples, self.length) for task in tasks]

    def compare(self, first: Subject, second: Subject, tasks: Mapping[str, Task], streams: Streams) -> Iterable[Reading]:
        import math

        from lifespan.stats.similarity import error_consistency
        from lifespan.training.evaluation import predictions

        for title, task in tasks.items():
            if not isinstance(task.head, ClassHead) or title not in first.skills or title not in second.skills:
                continue
            split = self.split or task.splits[1]
            right = []
            for subject in (first, second):
                predicted, labels = predictions(subject, task, split, self.length, self.examples)
                right.append((predicted == labels) if (predicted >= 0).all() else None)
            one, other = right
            found = (math.nan,) * 3 if one is None or other is None else error_consistency(one, other)
            for metric, value in zip(("agreement", "chance", "kappa"), found, strict=True):
                yield Reading(metric, value, len(labels), title, split)
