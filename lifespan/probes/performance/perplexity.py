"""Perplexity of a corpus."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lifespan.contracts import Corpus, Effort, Meaning, Measure, Objective, Reading, Source, Task, thinning
from lifespan.contracts.length import STANDARD_LENGTH
from lifespan.training.objectives.masked import objective_of, require_masking, require_one_objective

if TYPE_CHECKING:
    from lifespan.contracts.subject import Subject
    from lifespan.randomness import Streams

BATCH = 32
"""Passages that are read at once."""


@dataclass(frozen=True, kw_only=True)
class Perplexity(Measure):
    """Perplexity of masked-language modelling on a corpus: exp of the mean negative log-likelihood of masked tokens.

    With another `objective` than masked words (`masking`), of what that predicts. The chosen share `masking` of the tokens of
    `examples` passages is masked as in development (80% mask token, 10% random, 10% kept; Devlin et al. 2019), with the same
    draw for every individual and evaluation, and predicted once. So it is the exponential of development's loss, not the
    pseudo-perplexity of masking token by token (Salazar et al. 2020). The subject's language mask, if any, is applied.
    Metrics: `perplexity` in [1, inf), `masked_accuracy` in [0, 1].
    """

    citation = "devlin2019bert"
    meanings = (
        Meaning(
            "perplexity",
            "exp of the mean loss on masked tokens",
            "[1, inf), chance the vocabulary's size",
            "low",
            better="lower",
            outcome="perplexity {about}",
        ),
        Meaning("masked_accuracy", "masked tokens predicted rightly", "[0, 1]", "high", better="higher"),
    )
    cost = "1 forward pass over the passages"

    corpus: Corpus = field(kw_only=False)
    masking: float = 0.15
    examples: int = 500
    length: int = STANDARD_LENGTH
    objective: Objective | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_a("corpus", Corpus, "Perplexity(MicroText())")
        require_masking(self)
        self.require_count("examples")
        self.require_count("length", at_least=8)
        require_one_objective(self)

    @property
    def predicts(self) -> Objective:
        """The objective: that of masked words, if none is given."""
        return objective_of(self.objective, self.masking)

    @property
    def title(self) -> str:
        return f"Perplexity {self.corpus.title}"

    @property
    def about(self) -> str:
        """The corpus's title."""
        return self.corpus.title

    def effort(self, tasks: Sequence[Task]) -> Iterable[Effort]:
        return [Effort(self.corpus, examples=self.examples, length=self.length)]

    def read(self, subject: Subject, tasks: Mapping[str, Task], streams: Streams) -> Iterable[Reading]:
        import math

        objective = self.predicts
        source = self._source(subject)
        with subject.wearing(None):
            found = [objective.predicted(subject, source.batch(number)) for number in range(-(-len(source) // BATCH))]
        loss, right, count = (sum(getattr(part, name) for part in found) for name in ("loss", "right", "count"))
        known = bool(count) and math.isfinite(loss)
        yield Reading("perplexity", math.exp(min(loss / count, 700.0)) if known else math.nan, count)
        yield Reading(objective.accuracy, right / count if known else math.nan, count)

    def _source(self, subject: Subject) -> Source:
        from lifespan.randomness import Streams

        passages = list(self.corpus.passages())
        chosen = thinning(f"{self.corpus.title}/looking", len(passages), self.examples)
        return self.predicts.source(
            [passages[i] for i in chosen],
            subject.tokenizer,
            length=self.length,
            batch_size=BATCH,
            streams=Streams(0, self.corpus.title).child("looking"),
        )
