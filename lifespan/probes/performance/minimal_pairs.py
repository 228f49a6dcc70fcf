"""What of a language's grammar a subject prefers, by minimal pairs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from lifespan.contracts import Effort, Meaning, Measure, Reading, Task, thinning
from lifespan.contracts.length import STANDARD_LENGTH
from lifespan.corpora.minimal_pairs import PairSet

if TYPE_CHECKING:
    from lifespan.contracts.subject import Subject
    from lifespan.randomness import Streams


@dataclass(frozen=True, kw_only=True)
class MinimalPairs(Measure):
    """Share of minimal pairs whose acceptable sentence has the greater pseudo-log-likelihood (Salazar et al. 2020).

    A sentence's pseudo-log-likelihood is the sum over its tokens of log P(token | all others), each read with that token
    masked. `within_words="masked"` masks with a token those that follow it in its word, too, which does not overrate words
    that are cut into pieces (Kauf & Ivanova 2023, PLL-word-l2r); "seen" leaves them, as published first. Texts longer than
    `length` tokens are cut. `examples` of the pairs are read, the same for every individual; None is all. The subject's
    language mask, if any, is applied. Metrics: `accuracy` in [0, 1], .5 is chance, and `margin`, the mean difference in nats a
    sentence, of all pairs and, after a "/", of each kind.
    """

    citation = "salazar2020masked"
    meanings = (
        Meaning(
            "accuracy",
            "share of minimal pairs whose acceptable sentence is preferred",
            "[0, 1], chance .5",
            "near 1",
            better="higher",
            outcome="minimal pairs of {about}",
        ),
        Meaning("accuracy/*", "the same of one kind of difference", "[0, 1], chance .5", "near 1", better="higher"),
        Meaning(
            "margin",
            "pseudo-log-likelihood of the acceptable sentence minus that of the other, mean",
            "(-inf, inf), above 0 where the acceptable one is preferred",
            "above 0",
            "nats",
            "higher",
        ),
        Meaning("margin/*", "the same of one kind of difference", "(-inf, inf)", "above 0", "nats", "higher"),
    )
    cost = "1 forward pass for each token of both sentences"

    pairs: PairSet = field(kw_only=False)
    within_words: Literal["masked", "seen"] = "masked"
    examples: int | None = 200
    length: int = STANDARD_LENGTH

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_a("pairs", PairSet, "MinimalPairs(MicroPairs())")
        self.require_literal("within_words")
        self.require_count("length", at_least=8)
        if self.examples is not None:
            self.require_count("examples")

    @property
    def title(self) -> str:
        return f"MinimalPairs {self.pairs.title}"

    @property
    def about(self) -> str:
        """The pairs' title."""
        return self.pairs.title

    def effort(self, tasks: Sequence[Task]) -> Iterable[Effort]:
        texts = self.pairs.passages()
        words = sum(len(str(text).split()) for text in texts) / max(1, len(texts))
        return [Effort(self.pairs, passes=2 * (words + 1), examples=self.examples, length=self.length)]

    def read(self, subject: Subject, tasks: Mapping[str, Task], streams: Streams) -> Iterable[Reading]:
        import numpy as np

        from lifespan.probes.performance._likelihood import pseudo_log_likelihoods

        every = self.pairs.pairs()
        pairs = [every[i] for i in thinning(f"{self.pairs.title}/pairs", len(every), self.examples or len(every))]
        texts = [text for pair in pairs for text in (pair.good, pair.bad)]
        known = pseudo_log_likelihoods(subject, texts, self.length, later_pieces=self.within_words == "masked")
        gaps = known[0::2] - known[1::2]
        kinds = np.array([pair.kind for pair in pairs])
        for kind in ("", *dict.fromkeys(kinds)):
            own = gaps[kinds == kind] if kind else gaps
            # Neither is preferred where both are equal, as in a subject that knows nothing.
            right = np.where(np.isfinite(own), (own > 0) + 0.5 * (own == 0), np.nan)
            after = f"/{kind}" if kind else ""
            yield Reading(f"accuracy{after}", float(right.mean()), len(own))
            yield Reading(f"margin{after}", float(own.mean()), len(own))
