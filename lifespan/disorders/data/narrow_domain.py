"""A chronic disorder of data: only texts similar to one of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lifespan.contracts import Disorder, Examples, Passage, Task
from lifespan.disorders.data.poor_corpus import PoorCorpus

if TYPE_CHECKING:
    from lifespan.randomness import Streams


@dataclass(frozen=True, kw_only=True)
class NarrowDomain(Disorder):
    """Only the passages and training rows that are most like one of them, drawn for a life; they repeat to the old number.

    Likeness is overlap of vocabulary, which separates domains in Gururangan et al. (2020): the words that two texts share
    over the words that either has (Jaccard), pairs read as one text. Native parameter: the share of texts that stays,
    1 - 0.9 severity, at least one. Of a task's rows the same share of every class stays, so that the domain narrows and
    the balance of the answers does not shift.
    """

    aetiology = "data and curriculum"
    citation = "gururangan2020dont"

    def passages(self, passages: Sequence[Passage], streams: Streams) -> Sequence[Passage]:
        if self.severity == 0:
            return passages
        import numpy as np

        from lifespan.disorders._rows import lasting_draw, overlap, repeated

        anchor = int(lasting_draw(streams, "NarrowDomain").integers(len(passages)))
        index = repeated(-overlap(passages, anchor), np.zeros(len(passages)), 1 - 0.9 * self.severity)
        return [passages[i] for i in index]

    def examples(self, examples: Examples, task: Task, streams: Streams) -> Examples:
        if self.severity == 0:
            return examples
        from lifespan.disorders._rows import lasting_draw, overlap, repeated, strata

        texts: Sequence[Passage] = examples.first
        if examples.second is not None:
            texts = list(zip(examples.first, examples.second, strict=True))
        anchor = int(lasting_draw(streams, f"NarrowDomain/{task.title}").integers(len(examples)))
        return examples.take(repeated(-overlap(texts, anchor), strata(examples, task), 1 - 0.9 * self.severity))

    def control(self) -> Disorder:
        """As few distinct texts, drawn at random."""
        return PoorCorpus(severity=self.severity)
