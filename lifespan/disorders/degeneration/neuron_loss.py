"""An instant disorder of degeneration: feed-forward neurons die."""

from __future__ import annotations

from dataclasses import dataclass

from lifespan.disorders.degeneration._unit_loss import UnitLoss


@dataclass(frozen=True, kw_only=True)
class NeuronLoss(UnitLoss):
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
