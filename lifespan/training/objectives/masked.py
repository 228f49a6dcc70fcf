"""The default objective of development: masked-language modelling."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lifespan.contracts import Objective, Passage, Predicted, Source

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedTokenizerBase

    from lifespan.contracts.subject import Subject
    from lifespan.randomness import Streams


@dataclass(frozen=True, kw_only=True)
class MaskedLanguage(Objective):
    """Masked-language modelling with dynamic masking (Devlin et al. 2019, section 3.1): the default of `Develop`.

    `masking` is the share of tokens chosen anew at each step; 80% of them become the mask token, 10% a random one, 10% stay,
    and all of them are predicted. In a batch in which none was chosen the first word is. The subject's `language` is a
    masked-language model. Draws: "masking". Metric beside the perplexity: `masked_accuracy`.
    """

    citation = "devlin2019bert"
    accuracy = "masked_accuracy"
    overhead = 0.0025

    masking: float = 0.15

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_fraction("masking")
        self.require("masking", self.masking > 0, "must be above 0: something has to be predicted.")

    @property
    def share(self) -> float:
        return self.masking

    def source(
        self,
        passages: Sequence[Passage],
        tokenizer: PreTrainedTokenizerBase,
        *,
        length: int,
        batch_size: int,
        streams: Streams,
        tokens: Any = None,
    ) -> Source:
        from lifespan.training.objectives._masked import MaskedSource

        how: dict[str, Any] = {"length": length, "batch_size": batch_size, "streams": streams, "tokens": tokens}
        return MaskedSource(passages, tokenizer, masking=self.masking, **how)

    def loss(self, subject: Subject, batch: dict[str, torch.Tensor]) -> torch.Tensor:
        from lifespan.training.objectives._masked import masked_loss

        return masked_loss(subject, batch)

    def predicted(self, subject: Subject, batch: dict[str, torch.Tensor]) -> Predicted:
        from lifespan.training.objectives._masked import predicted

        return predicted(subject, batch)
