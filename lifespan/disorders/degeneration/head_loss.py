"""An instant disorder of degeneration: attention heads die."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from lifespan.contracts import Disorder
from lifespan.disorders._targets import LayerFocal
from lifespan.disorders.degeneration.scattered_loss import ScatteredLoss
from lifespan.disorders.degeneration.synapse_loss import By

if TYPE_CHECKING:
    from lifespan.contracts.subject import Subject
    from lifespan.randomness import Streams


@dataclass(frozen=True, kw_only=True)
class HeadLoss(LayerFocal):
    """A share of the living attention heads dies at once, whole.

    Native parameter: the share of living heads that dies, `severity`, rounded to whole heads over all targeted layers
    together; one head of each layer stays, so that 1 leaves one in each. A larger severity contains a smaller one.
    `by="random"` draws the heads; `by="weakest"` takes first those with the smallest l2 norm of living weights, and
    `by="importance"` those with the largest. What a head is stands in `Heads`. Li et al. (2022) degrade attention heads of
    GPT-2 by share to imitate the language of dementia; the name is an analogy.

    The dead stay dead, as in `SynapseLoss`. The control of a chosen loss is the random one, of as many heads; that of a
    random one is `ScatteredLoss`, of as many synapses.
    """

    aetiology = "degeneration"
    citation = "li2022gptd"
    parts = ("heads",)
    compounds = True

    by: By = "random"

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_literal("by")

    def strike(self, subject: Subject, streams: Streams) -> Mapping[str, float]:
        """Moves the alive mask alone. Reports lost `units` (heads) and `entries`, and the `norm` of their weights."""
        from lifespan.disorders._losses import bury, without_units

        masks, units = without_units(subject, self.units(subject), self.severity, self.by, streams)
        return {**bury(subject, masks), "units": float(units)}

    def control(self) -> Disorder:
        return ScatteredLoss(like=self, severity=self.severity) if self.by == "random" else replace(self, by="random")
