"""A chronic disorder of deprivation: tokens of a text are shuffled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lifespan.contracts import Course, Disorder
from lifespan.disorders.deprivation.word_order_mirror import WordOrderMirror

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, kw_only=True)
class WordOrderShuffle(Disorder):
    """A share of the tokens of each text trade places among themselves, anew at each step, while the subject learns.

    Sinha et al. (2021) pre-train on permuted word order to find what order is needed for. Of pairs, each text is shuffled
    by itself; word pieces move one by one. Native parameter: the probability that a token takes part, equal to
    `severity`. A token's label in masked-language learning moves with it, so that the predicted words are the same.
    """

    aetiology = "sensory deprivation"
    citation = "sinha2021masked"

    def batch(self, batch: dict[str, torch.Tensor], course: Course) -> dict[str, torch.Tensor]:
        if self.severity == 0:
            return batch
        from lifespan.disorders._tokens import drawn, framing, rearranged

        ids, tokenizer = batch["input_ids"], course.subject.tokenizer
        generator = course.streams.torch("disorder", course.step)
        takes_part, key = drawn(ids.shape, ids, generator), drawn(ids.shape, ids, generator)
        chosen = ~framing(batch, tokenizer) & (takes_part < self.severity)
        return rearranged(batch, chosen, key, tokenizer)

    def control(self) -> Disorder:
        """Texts read backwards: as many places altered, and the order can be recovered."""
        return WordOrderMirror(severity=self.severity)
