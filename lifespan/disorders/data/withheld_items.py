"""A chronic disorder of data: some training items are left out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lifespan.contracts import Disorder, Examples, Task

if TYPE_CHECKING:
    from lifespan.randomness import Streams


@dataclass(frozen=True, kw_only=True)
class WithheldItems(Disorder):
    """Leave a share of each task's training items out, always the same ones, from onset to end.

    Native parameter: the share of items left out, equal to `severity`, but one item always remains. The items are drawn
    once per task, the same for every individual, and a larger share contains a smaller one. They are those that an `Items`
    task counts as untreated, so this is what makes of learning again a rehabilitation by treated items (Plaut 1996); see
    `rehabilitate`. The number of optimizer steps stays, so the items that remain are learned more often.
    """

    aetiology = "data and curriculum"
    citation = "plaut1996relearning"

    def examples(self, examples: Examples, task: Task, streams: Streams) -> Examples:
        import numpy as np

        from lifespan.tasks.items import left_out

        left = left_out(task.title, len(examples), self.severity)
        if len(left) == 0:
            return examples
        return examples.take(np.setdiff1d(np.arange(len(examples)), left))
