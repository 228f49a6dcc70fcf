"""The interface of the subject that methods may use: its synapses and masks, its skills, and its effective weights.

`lifespan.model.subject` implements it. Methods (learners, pruners, disorders, strategies, measures) are written against
this page alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from lifespan.contracts.head import Head, head_of

if TYPE_CHECKING:
    import torch
    from torch import nn
    from transformers import PreTrainedTokenizerBase

    from lifespan.contracts.data import Moment, Task
    from lifespan.randomness import Streams

Masks: TypeAlias = "dict[str, torch.Tensor]"
"""Boolean masks by synapse matrix, True where the synapse lives."""

Factors: TypeAlias = "tuple[torch.Tensor, torch.Tensor]"
"""A matrix of low rank as (rows, rank) and (rank, columns)."""


@dataclass
class Skill:
    """What a task left behind: its head and, when it was learned structurally, a mask of its own.

    `outputs` is the number of classes, or 0 for a score; `plasticity` how it was learned. `addition` is what an adapter left:
    by synapse matrix, a factor (rows, rank) and one (rank, columns), whose product is added to the effective weight. `form`
    says what the head's answers are; by `outputs`, if not given.
    """

    head: Any
    outputs: int
    plasticity: str
    mask: Masks | None = None
    addition: dict[str, Factors] | None = None
    form: Head = None  # type: ignore[assignment]

    def __post_init__(self) -> None:
        if self.form is None:
            self.form = head_of({"outputs": self.outputs}, "")


class Past(Protocol):
    """The life so far, for methods that need an earlier state: lottery tickets rewind, distillation has a younger teacher."""

    def at(self, moment: Moment) -> Subject:
        """A copy of the subject as it was at a moment of its life."""
        ...


class Subject(Protocol):
    """The living model.

    `encoder` is the model without heads, `language` the language model that shares its parameters (see `Body`); `synapses`
    are the prunable matrices W by parameter name, `alive` the anatomy (shared by all tasks), `skills` what tasks left behind
    by title. The weight that a task's forward pass sees is W x alive x skill; W itself is kept whole. `language_mask` is
    what masked-language modelling by structure left behind, `remembered` what strategies against forgetting did, `age` the
    number of optimizer steps lived, `past` the life so far (None outside of a simulation).
    """

    encoder: Any
    language: Any
    tokenizer: PreTrainedTokenizerBase
    pooler: tuple[torch.Tensor, torch.Tensor] | None
    device: torch.device
    precision: str
    synapses: dict[str, nn.Parameter]
    alive: Masks
    skills: dict[str, Skill]
    language_mask: Masks | None
    remembered: dict[str, torch.Tensor]
    age: int
    past: Past | None

    @property
    def width(self) -> int:
        """Size of a token's state."""
        ...

    @property
    def count(self) -> int:
        """Number of prunable synapses, dead ones included."""
        ...

    @property
    def sparsity(self) -> float:
        """Fraction of prunable synapses that are dead, in [0, 1)."""
        ...

    @property
    def living(self) -> int:
        """Number of synapses that live."""
        ...

    @property
    def language_parameters(self) -> list[nn.Parameter]:
        """Parameters of the language head that are not tied to the encoder's."""
        ...

    @property
    def buffers(self) -> dict[str, torch.Tensor]:
        """Persistent buffers of the encoder and the language head, such as running means, by name."""
        ...

    def skill_for(self, task: Task, plasticity: str, streams: Streams) -> Skill:
        """A task's skill, with a fresh head drawn from `streams` if the task is new."""
        ...

    def new_head(self, form: Head | int, streams: Streams) -> nn.Module:
        """Fresh layers of a head, drawn from `streams` ("init"); a number means so many classes, 0 a score."""
        ...

    def effective(self, task: str | None) -> Masks | None:
        """The mask that a task's (None: the language's) forward pass sees. None when every synapse takes part."""
        ...

    def worn(self, task: str | None, whole: Masks) -> Masks:
        """The effective weights of a task (None: of language), by matrix, computed from W, which is given as `whole`.

        They are W x alive x the skill's mask, plus what an adapter adds.
        """
        ...

    def additions(self, task: str | None) -> dict[str, Factors]:
        """What a task's adapter adds, by matrix; nothing without one."""
        ...

    def wearing(self, task: str | None) -> AbstractContextManager[None]:
        """Inside this block the encoder computes with a task's effective weights; afterwards W is back, bit for bit."""
        ...

    def state(self) -> dict[str, dict[str, torch.Tensor]]:
        """All tensors in named groups: encoder, language, alive, and head/ and skill/ of each task."""
        ...

    def facts(self) -> dict[str, Any]:
        """The part of the state that is not tensors."""
        ...

    def load(self, facts: Mapping[str, Any], state: Mapping[str, Mapping[str, torch.Tensor]]) -> None:
        """Become the subject that wrote this state."""
        ...
