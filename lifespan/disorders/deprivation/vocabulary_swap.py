"""The control of a lost vocabulary: the same word pieces stand for each other, without loss of information."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lifespan.contracts import Course, Disorder

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, kw_only=True)
class VocabularySwap(Disorder):
    """The word pieces that `VocabularyLoss` of this severity would lose stand for one another while the subject learns.

    A deficit without loss of information, as Achille et al. (2019) use it for a control: each of them is always read as
    the same other one, a cipher that can be undone. Native parameter: the share of the vocabulary swapped, equal to
    `severity`. In masked-language learning the answers are swapped alike.
    """

    aetiology = "sensory deprivation"
    citation = "achille2019critical"

    def batch(self, batch: dict[str, torch.Tensor], course: Course) -> dict[str, torch.Tensor]:
        if self.severity == 0:
            return batch
        import torch

        from lifespan.disorders._tokens import lost_pieces, translated

        swapped = lost_pieces(self.severity, course.subject.tokenizer, course.streams)
        table = torch.arange(len(course.subject.tokenizer))
        table[swapped] = swapped.roll(1)
        return translated(batch, table, language=course.task is None)
