"""An instant disorder of degeneration: whole layers die."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from lifespan.contracts import Disorder
from lifespan.disorders._targets import LayerFocal
from lifespan.disorders.degeneration.scattered_loss import ScatteredLoss
from lifespan.disorders.degeneration.synapse_loss import By
from lifespan.errors import ScenarioError

if TYPE_CHECKING:
    from lifespan.contracts.subject import Subject
    from lifespan.model.anatomy import Layer
    from lifespan.randomness import Streams


@dataclass(frozen=True, kw_only=True)
class LayerLoss(LayerFocal):
    """A share of the living layers dies at once, whole: what passes on is the residual stream, biases and LayerNorms.

    Native parameter: the share of living targeted layers that dies, `severity`, rounded to whole layers; one layer of the
    subject stays. A larger severity contains a smaller one. `by="random"` draws the layers; `by="weakest"` takes first
    those with the smallest l2 norm of living weights, and `by="importance"` those with the largest. `layers` aims at places:
    the top layers, say, which Sajjad et al. (2023) find to be the least missed.

    The dead stay dead, as in `SynapseLoss`. The control of a chosen loss is the random one, of as many layers; that of a
    random one is `ScatteredLoss`, of as many synapses. Raises `ScenarioError` for a subject of one layer (such as an ALBERT).
    """

    aetiology = "degeneration"
    citation = "sajjad2023effect"
    compounds = True

    by: By = "random"

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_literal("by")

    def strike(self, subject: Subject, streams: Streams) -> Mapping[str, float]:
        """Moves the alive mask alone. Reports lost `units` (layers) and `entries`, and the `norm` of their weights."""
        import torch

        from lifespan.disorders._losses import kill_synapses
        from lifespan.model.anatomy import anatomy_of

        everyone = anatomy_of(subject.encoder)
        if self.severity > 0 and len(everyone) < 2:
            raise ScenarioError(self.describe(), "the subject has one layer, which must stay.", "Use another loss.")
        candidates = [layer for layer in self.focus(subject) if _lives(layer, subject)]
        most = sum(_lives(layer, subject) for layer in everyone) - 1
        dying = self._order(candidates, subject, streams)[: min(round(self.severity * len(candidates)), max(0, most))]
        names = [name for layer in dying for units in (layer.heads, layer.neurons) for name in units.matrices]
        injuries = kill_synapses(subject, {name: torch.zeros_like(subject.alive[name]) for name in names})
        return {**injuries, "units": float(len(dying))}

    def _order(self, layers: Sequence[Layer], subject: Subject, streams: Streams) -> list[Layer]:
        """The layers in their order of death."""
        import torch

        if self.by == "random":
            return [layers[i] for i in torch.randperm(len(layers), generator=streams.torch("disorder")).tolist()]
        sign = 1.0 if self.by == "weakest" else -1.0
        return sorted(layers, key=lambda layer: sign * _square(layer, subject))

    def control(self) -> Disorder:
        return ScatteredLoss(like=self, severity=self.severity) if self.by == "random" else replace(self, by="random")


def _lives(layer: Layer, subject: Subject) -> bool:
    """Whether any head or neuron of it is heard."""
    return any(bool(units.heard(subject.alive).any()) for units in (layer.heads, layer.neurons))


def _square(layer: Layer, subject: Subject) -> float:
    """The sum of its squared living weights."""
    names = [name for units in (layer.heads, layer.neurons) for name in units.matrices]
    return sum(float((subject.synapses[name].data * subject.alive[name]).double().square().sum()) for name in names)
