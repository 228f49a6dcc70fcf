"""What is left of the language."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lifespan.contracts import Corpus, Effort, Meaning, Measure, Reading, Task, thinning

if TYPE_CHECKING:
    from lifespan.contracts.subject import Subject
    from lifespan.randomness import Streams
    from lifespan.training.batches import MaskedSource


@dataclass(frozen=True, kw_only=True)
class Perplexity(Measure):
    """Perplexity of masked-language modelling on a corpus: exp of the mean negative log-likelihood of masked tokens.

    The chosen share `masking` of the tokens of `examples` passages is masked as in development (80% mask token, 10% random,
    10% kept; Devlin et al. 2019), with the same draw for every individual and at every look, and predicted once. So it is
    the exponential of development's loss, not the pseudo-perplexity of masking token by token (Salazar et al. 2020). The
    subject wears its language mask if it has one. Metrics: `perplexity` in [1, inf), `masked_accuracy` in [0, 1].
    """

    citation = "devlin2019bert"
    meanings = (
        Meaning("perplexity", "exp of the mean loss on masked tokens", "[1, inf), chance the vocabulary's size", "low"),
        Meaning("masked_accuracy", "masked tokens predicted rightly", "[0, 1]", "high"),
    )
    cost = "1 forward pass over the passages"

    corpus: Corpus = field(kw_only=False)
    masking: float = 0.15
    examples: int = 500
    length: int = 128

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_a("corpus", Corpus, "Perplexity(MicroText())")
        self.require_fraction("masking")
        self.require("masking", self.masking > 0, "must be above 0: something has to be predicted.")
        self.require_count("examples")
        self.require_count("length", at_least=8)

    @property
    def title(self) -> str:
        return f"Perplexity {self.corpus.title}"

    def effort(self, tasks: Sequence[Task]) -> Iterable[Effort]:
        return [Effort(self.corpus, examples=self.examples, length=self.length)]

    def read(self, subject: Subject, tasks: Mapping[str, Task], streams: Streams) -> Iterable[Reading]:
        import math

        import torch
        from torch.nn import functional

        from lifespan.model.forward import autocast, token_states
        from lifespan.subjects.bodies import language_logits

        source = self._source(subject)
        loss, right, count, finite = 0.0, 0, 0, True
        with torch.inference_mode(), subject.wearing(None):
            for number in range(source.order.per_epoch):
                batch = source.batch(number)
                labels = batch["labels"].to(subject.device)
                chosen = labels != -100
                states = token_states(subject, batch)
                with autocast(subject):
                    logits = language_logits(subject.language, states[chosen]).float()
                loss += float(functional.cross_entropy(logits, labels[chosen], reduction="sum"))
                finite = finite and bool(torch.isfinite(logits).all())
                right += int((logits.argmax(-1) == labels[chosen]).sum())
                count += int(chosen.sum())
        known = bool(count) and finite
        yield Reading("perplexity", math.exp(min(loss / count, 700.0)) if known else math.nan, count)
        yield Reading("masked_accuracy", right / count if known else math.nan, count)

    def _source(self, subject: Subject) -> MaskedSource:
        from lifespan.randomness import Streams
        from lifespan.training.batches import MaskedSource

        passages = list(self.corpus.passages())
        chosen = thinning(f"{self.corpus.title}/looking", len(passages), self.examples)
        return MaskedSource(
            [passages[i] for i in chosen],
            subject.tokenizer,
            length=self.length,
            batch_size=32,
            masking=self.masking,
            streams=Streams(0, self.corpus.title).child("looking"),
        )
