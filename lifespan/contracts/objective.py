"""The interface of objectives: what a development predicts, and how well a subject predicts it.

Part of `lifespan.contracts`, which says how the interfaces hang together.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from lifespan.contracts.data import Passage
from lifespan.contracts.spec import Spec

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedTokenizerBase

    from lifespan.contracts.subject import Subject
    from lifespan.randomness import Streams


class Source(Protocol):
    """Batches to learn from, by step number, so that no iterator has a state to save.

    `task` is the title of the task whose batches they are, None for language.
    """

    @property
    def task(self) -> str | None: ...

    def __len__(self) -> int:
        """How many examples there are."""
        ...

    def batch(self, step: int) -> dict[str, torch.Tensor]:
        """The batch of a 0-based step: `input_ids`, `attention_mask`, `labels`, ..."""
        ...

    def loss(self, subject: Subject, batch: dict[str, torch.Tensor]) -> torch.Tensor:
        """The mean loss of a batch."""
        ...


@dataclass(frozen=True)
class Predicted:
    """How a subject predicts the labels of one batch: `loss` and `right` are sums over `count` labels."""

    loss: float
    right: int
    count: int


@dataclass(frozen=True, kw_only=True)
class Objective(Spec):
    """What is predicted of text without labels: `Develop(..., objective=...)`, `Perplexity(..., objective=...)`.

    An objective makes the labels of batches, and the loss of a subject's predictions through its `language` head. Draws come
    only from the streams given: "order" for the order of passages and one purpose of the objective's own, with the step as
    counter. Labels have the shape of `input_ids`, -100 where nothing is predicted: disorders of words move and replace them
    along with the tokens.

    `share` is the part of all tokens that the language head reads, `overhead` the seconds of a step beside its matrix
    products, both for estimates. `accuracy` names the metric beside `perplexity`.
    """

    citation: ClassVar[str] = ""
    accuracy: ClassVar[str] = "accuracy"
    overhead: ClassVar[float] = 0.0

    @property
    def share(self) -> float:
        """Part of the tokens that the language head reads, in (0, 1]."""
        return 1.0

    @abstractmethod
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
        """Batches of passages cut at `length` tokens. `tokens` are those of the passages, if known."""

    @abstractmethod
    def loss(self, subject: Subject, batch: dict[str, torch.Tensor]) -> torch.Tensor:
        """Mean loss over the labels of a batch, at the encoder's present weights; 0 for a batch without labels."""

    @abstractmethod
    def predicted(self, subject: Subject, batch: dict[str, torch.Tensor]) -> Predicted:
        """Loss and hits of a batch's predicted labels, at the encoder's present weights and without gradients."""
