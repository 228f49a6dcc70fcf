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


def require_masking(spec: Any) -> None:
    """The argument `masking` is a fraction above 0. Raises `ScenarioError`."""
    spec.require_fraction("masking")
    spec.require("masking", spec.masking > 0, "must be above 0: something has to be predicted.")


def require_one_objective(spec: Any) -> None:
    """The argument `objective`, where there is one, is an `Objective`, and `masking` is left to it. Raises `ScenarioError`."""
    if spec.objective is not None:
        spec.require_a("objective", Objective, "MaskedLanguage(masking=0.3)")
        own = spec.masking == type(spec).masking
        spec.require("masking", own, "is the objective's business here.", "For example: MaskedLanguage(masking=0.3).")


def objective_of(given: Objective | None, masking: float) -> Objective:
    """The objective that was given, or that of masked words."""
    return MaskedLanguage(masking=masking) if given is None else given


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
        require_masking(self)

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
