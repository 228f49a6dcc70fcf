"""A chronic disorder of data: fewer distinct texts, which repeat."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lifespan.contracts import Disorder, Examples, Passage, Task

if TYPE_CHECKING:
    from lifespan.randomness import Streams


@dataclass(frozen=True, kw_only=True)
class PoorCorpus(Disorder):
    """Fewer distinct texts, the same number: a share of the passages and of the training rows, drawn at random, repeats.

    Learning goes on as long as ever from less that is different, as where data are constrained (Muennighoff et al. 2023).
    Native parameter: the share of distinct texts, 1 - 0.9 severity, at least one. Of a task's rows the same share of every
    class stays. The texts are drawn once for a life: a task learned again has the same ones.
    """

    aetiology = "data and curriculum"
    citation = "muennighoff2023scaling"

    def passages(self, passages: Sequence[Passage], streams: Streams) -> Sequence[Passage]:
        if self.severity == 0:
            return passages
        import numpy as np

        from lifespan.disorders._rows import lasting_draw, repeated

        rank = lasting_draw(streams, "PoorCorpus").random(len(passages))
        index = repeated(rank, np.zeros(len(passages)), 1 - 0.9 * self.severity)
        return [passages[i] for i in index]

    def examples(self, examples: Examples, task: Task, streams: Streams) -> Examples:
        if self.severity == 0:
            return examples
        from lifespan.disorders._rows import lasting_draw, repeated, strata

        rank = lasting_draw(streams, f"PoorCorpus/{task.title}").random(len(examples))
        return examples.take(repeated(rank, strata(examples, task), 1 - 0.9 * self.severity))
