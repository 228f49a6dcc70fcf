"""A chronic disorder of data: a share of the training labels is wrong."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from lifespan.contracts import Disorder, Examples, Task

if TYPE_CHECKING:
    from lifespan.randomness import Streams


@dataclass(frozen=True, kw_only=True)
class LabelNoise(Disorder):
    """A share of the training labels is replaced by another class, drawn uniformly among the others.

    Uniform label noise, "noisy completely at random" (Frénay & Verleysen 2014). Scores are permuted among the rows chosen.
    Native parameter: the share of wrong labels, severity (k - 1) / k of k classes, so that at 1 labels say nothing about
    the texts; of scores, the share permuted, equal to `severity`. Exact to the row. The mistakes are drawn once for a
    life: a task learned again has the same ones, and larger severities contain those of smaller ones.
    """

    aetiology = "data and curriculum"
    citation = "frenay2014classification"
    answers = ("classes", "score")

    def examples(self, examples: Examples, task: Task, streams: Streams) -> Examples:
        if self.severity == 0:
            return examples
        from lifespan.disorders._rows import lasting_draw

        draw = lasting_draw(streams, f"LabelNoise/{task.title}")
        rows, classes = len(examples), len(task.labels)
        share = self.severity * (1 - 1 / classes) if classes else self.severity
        wrong = draw.permutation(rows)[: round(share * rows)]
        labels = examples.labels.copy()
        if classes:
            # Drawn for all rows, so that a row's mistake is the same at every severity.
            shift = draw.integers(1, classes, size=rows)
            labels[wrong] = (labels[wrong] + shift[wrong]) % classes
        else:
            labels[wrong] = labels[draw.permutation(wrong)]
        return replace(examples, labels=labels)
