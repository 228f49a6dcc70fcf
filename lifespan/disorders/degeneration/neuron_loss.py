"""An instant disorder of degeneration: feed-forward neurons die."""

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
class NeuronLoss(LayerFocal):
    """A share of the living feed-forward neurons dies at once, whole.

    Native parameter: the share of living neurons that dies, `severity`, rounded to whole neurons over all targeted layers
    together; one neuron of each layer stays. A larger severity contains a smaller one. `by="random"` draws the neurons;
    `by="weakest"` takes first those with the smallest l2 norm of living weights, and `by="importance"` those with the
    largest. What a neuron is stands in `Neurons`. Loss of units is one of the damages that Guest et al. (2020) compare.

    The dead stay dead, as in `SynapseLoss`. The control of a chosen loss is the random one, of as many neurons; that of a
    random one is `ScatteredLoss`, of as many synapses.
    """

    aetiology = "degeneration"
    citation = "guest2020levels"
    parts = ("neurons",)
    compounds = True

    by: By = "random"

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_literal("by")

    def strike(self, subject: Subject, streams: Streams) -> Mapping[str, float]:
        """Moves the alive mask alone. Reports lost `units` (neurons) and `entries`, and the `norm` of their weights."""
        from lifespan.disorders._losses import bury, without_units

        masks, units = without_units(subject, self.units(subject), self.severity, self.by, streams)
        return {**bury(subject, masks), "units": float(units)}

    def control(self) -> Disorder:
        return ScatteredLoss(like=self, severity=self.severity) if self.by == "random" else replace(self, by="random")
