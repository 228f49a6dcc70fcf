"""A task whose training items fall into two parts, treated and untreated."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace

import numpy as np

from lifespan.contracts import Examples, Head, Task
from lifespan.contracts.sources import Source
from lifespan.errors import DataError

PARTS = ("treated", "untreated")


@dataclass(frozen=True, kw_only=True)
class Items(Task):
    """Another task, with two further splits: the training items that a rehabilitation treats, and those it does not.

    It measures how far retraining on some items helps the others (Plaut 1996). Learn this task from the start, in the place
    of the one it holds, whose skill, labels and metrics it has. `share` of the training items is treated: a draw
    made once per task, the same for every individual, in which a larger share contains a smaller one. `rehabilitate` writes
    the retraining, `Generalisation` scores both parts.

    Thin the training split inside: `Items(Glue("rte", train_examples=500))`.
    """

    citation = "plaut1996relearning"

    task: Task = field(kw_only=False)
    share: float = 0.5

    def __post_init__(self) -> None:
        self.require("resample", self.resample is False, "is the inner task's business.", "Write it there.")
        super().__post_init__()
        self.require_a("task", Task, 'Glue("rte")')
        self.require("task", not isinstance(self.task, Items), "is divided already.", "Hold the task itself.")
        self.require_fraction("share", below_one=True)
        self.require("share", self.share > 0, "must be above 0: some items have to be treated.")
        remedy = "Write Items(task_with_train_examples), so that all of them know the same items."
        self.require("train_examples", self.train_examples is None, "is the inner task's business.", remedy)
        self.require("positive", self.positive is None, "is the inner task's business.", "Write it there.")

    @property
    def title(self) -> str:
        """The inner task's, whose skill this is."""
        return self.task.title

    @property
    def labels(self) -> tuple[str, ...]:
        """The inner task's."""
        return self.task.labels

    @property
    def metrics(self) -> tuple[str, ...]:
        """The inner task's."""
        return self.task.metrics

    @property
    def head(self) -> Head:
        """The inner task's."""
        return self.task.head

    @property
    def positive_class(self) -> int:
        """The inner task's."""
        return self.task.positive_class

    @property
    def score_range(self) -> tuple[float, float]:
        """The inner task's."""
        return self.task.score_range

    @property
    def splits(self) -> tuple[str, ...]:
        """The inner task's, then treated and untreated."""
        return (*self.task.splits, *PARTS)

    def of_individual(self, seed: int) -> Task:
        """With the inner task's rows of that individual."""
        own = self.task.of_individual(seed)
        return self if own is self.task else replace(self, task=own)

    def population(self) -> Examples:
        """The inner task's."""
        return self.task.population()

    @property
    def withheld(self) -> float:
        """The share of training items that are not treated."""
        return 1 - self.share

    def sources_of(self, split: str) -> tuple[Source, ...]:
        """Those of the inner task's split; both parts are parts of its training split."""
        return self.task.sources_of(self.task.splits[0] if split in PARTS else split)

    def load(self, split: str) -> Examples:
        """The inner task's rows, or those of the training split that are, or are not, treated."""
        if split not in PARTS:
            return self.task.examples(split)
        rows = self.task.examples(self.task.splits[0])
        left = left_out(self.title, len(rows), self.withheld)
        if len(left) == 0:
            what = f"share={self.share:g} of {len(rows)} training items leaves none untreated."
            raise DataError(self.describe(), what, "Use more items, or a smaller share.")
        return rows.take(left if split == "untreated" else np.setdiff1d(np.arange(len(rows)), left))


def left_out(title: str, count: int, share: float) -> np.ndarray:
    """Positions, ascending, of `round(share * count)` drawn items of a task, never of all; larger shares contain smaller."""
    seed = int.from_bytes(hashlib.sha256(f"{title}/items".encode()).digest()[:8], "big")
    return np.sort(np.random.default_rng(seed).permutation(count)[: min(round(share * count), count - 1)])
