"""Ageing along the mask that masked-language modelling learned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lifespan.contracts import Pruner, Task
from lifespan.errors import ScenarioError

if TYPE_CHECKING:
    import torch

    from lifespan.contracts.subject import Subject
    from lifespan.randomness import Streams


@dataclass(frozen=True, kw_only=True)
class LanguageMask(Pruner):
    """The mask that masked-language modelling by structure left behind, task-agnostic (Liu et al. 2022, TAMT).

    Synapses off in the language's mask die first, then the smallest abs(W) of the rest; where fewer are wanted, the
    largest abs(W) of the language's dead are spared. Needs a `Develop(..., by=Masks(...))` before.
    """

    citation = "liu2022learning"

    def choose(self, subject: Subject, sparsity: float, streams: Streams, tasks: Sequence[Task]) -> dict[str, torch.Tensor]:
        """Exactly `round(sparsity * synapses)` dead. Raises `ScenarioError` where no language mask was learned."""
        from lifespan.pruning.selection import off_first

        mask = subject.language_mask
        if mask is None:
            raise ScenarioError(
                "LanguageMask()",
                "no mask was learned on masked-language modelling.",
                "Put a Develop(..., by=Masks(...)) before it.",
            )
        return off_first(subject, mask, sparsity)
