"""A chronic disorder of deprivation: a fixed set of word pieces is read as unknown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lifespan.contracts import Course, Disorder
from lifespan.disorders.deprivation.vocabulary_swap import VocabularySwap

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, kw_only=True)
class VocabularyLoss(Disorder):
    """A fixed set of word pieces is always read as the unknown token while the subject learns.

    A deprivation in a window, as Achille et al. (2019) study it, of chosen content instead of all. The set is drawn once
    for a life: every event that the disorder acts on lacks the same words. Native parameter: the share of the vocabulary
    lost, special tokens not counted, equal to `severity`; exactly `round(severity * pieces)`. In masked-language learning
    a lost word is not predicted either: the unknown token is. A tokenizer without one uses the mask token.
    """

    aetiology = "sensory deprivation"
    citation = "achille2019critical"

    def batch(self, batch: dict[str, torch.Tensor], course: Course) -> dict[str, torch.Tensor]:
        if self.severity == 0:
            return batch
        import torch

        from lifespan.disorders._tokens import lost_pieces, translated

        tokenizer = course.subject.tokenizer
        unknown = tokenizer.mask_token_id if tokenizer.unk_token_id is None else tokenizer.unk_token_id
        table = torch.arange(len(tokenizer))
        table[lost_pieces(self.severity, tokenizer, course.streams)] = unknown
        return translated(batch, table, language=course.task is None)

    def control(self) -> Disorder:
        """The same words replaced one for one, so that nothing is lost."""
        return VocabularySwap(severity=self.severity)
