"""The control of a deprivation: texts are read backwards, without loss of information."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lifespan.contracts import Course, Disorder

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, kw_only=True)
class WordOrderMirror(Disorder):
    """Texts drawn anew at each step are read backwards while the subject learns; of pairs, each text by itself.

    The text's counterpart of images turned upside down, the deficit that Achille et al. (2019) find to leave no lasting
    damage whenever it comes: every token is still there, and reversing undoes it. Native parameter: the probability that a
    text is mirrored, equal to `severity`. A token's label in masked-language learning moves with it.
    """

    aetiology = "sensory deprivation"
    citation = "achille2019critical"

    def batch(self, batch: dict[str, torch.Tensor], course: Course) -> dict[str, torch.Tensor]:
        if self.severity == 0:
            return batch
        import torch

        from lifespan.disorders._tokens import drawn, framing, rearranged

        ids, tokenizer = batch["input_ids"], course.subject.tokenizer
        draw = drawn((len(ids), 1), ids, course.streams.torch("disorder", course.step))
        mirrored = ~framing(batch, tokenizer) & (draw < self.severity)
        backwards = -torch.arange(ids.shape[1], device=ids.device).expand_as(ids)
        return rearranged(batch, mirrored, backwards, tokenizer)
