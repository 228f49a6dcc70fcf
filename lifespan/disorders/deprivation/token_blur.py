"""A chronic disorder of deprivation: tokens drawn at each step are masked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lifespan.contracts import Course, Disorder
from lifespan.disorders.deprivation.word_order_mirror import WordOrderMirror

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, kw_only=True)
class TokenBlur(Disorder):
    """Tokens drawn anew at each step are replaced by the mask token while the subject learns.

    The text's counterpart of the blurred images with which Achille et al. (2019) find critical periods: information is
    lost, and the labels stay. Give it a window, `Suffer(TokenBlur(severity=0.6), lasting=2)`, and vary the window's
    onset and length. Native parameter: the probability that a token is blurred, equal to `severity`. Special tokens and
    labels stay; in masked-language learning the chosen tokens are predicted as ever, from a blurred context.
    """

    aetiology = "sensory deprivation"
    citation = "achille2019critical"

    def batch(self, batch: dict[str, torch.Tensor], course: Course) -> dict[str, torch.Tensor]:
        if self.severity == 0:
            return batch
        import torch

        from lifespan.disorders._tokens import drawn, ordinary

        ids, tokenizer = batch["input_ids"], course.subject.tokenizer
        draw = drawn(ids.shape, ids, course.streams.torch("disorder", course.step))
        blurred = ordinary(batch, tokenizer) & (draw < self.severity)
        return {**batch, "input_ids": torch.where(blurred, tokenizer.mask_token_id, ids)}

    def control(self) -> Disorder:
        """Texts read backwards: as many places altered, and nothing lost."""
        return WordOrderMirror(severity=self.severity)
