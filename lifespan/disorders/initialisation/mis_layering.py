"""An instant disorder of structural initialisation: layers in each other's places."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lifespan.disorders._targets import LayerFocal
from lifespan.errors import ScenarioError

if TYPE_CHECKING:
    from lifespan.contracts.subject import Subject
    from lifespan.randomness import Streams


@dataclass(frozen=True, kw_only=True)
class MisLayering(LayerFocal):
    """Some layers take each other's places, whole.

    Native parameter: the share of targeted layers that is displaced, `severity`, rounded to whole layers, and two at least
    where it is above 0. The displaced layers are drawn at random and move along one cycle: two exchange places, of three
    each takes the next one's. A larger severity displaces the layers of a smaller one and more. Sun et al. (2025) run the
    layers of trained transformers in other orders: those in the middle bear it, the first and the last do not.

    A layer moves with all that is its own: matrices, biases, LayerNorms, and which of its synapses live and belong to
    which skill. Layers of a random birth are exchangeable, so there it is only another draw: the disorder has an effect
    where layers have learned, in a pre-trained subject, or as the late twin, after `Develop` or `Learn`.

    Raises `ScenarioError` where fewer than two layers are targeted (an ALBERT has one). Parameters that not every layer has
    stay where they are (in ModernBERT, the first layer lacks a norm).
    """

    aetiology = "structural initialisation"
    citation = "sun2025painters"

    def strike(self, subject: Subject, streams: Streams) -> Mapping[str, float]:
        """Moves W, masks and the layers' other parameters. Reports displaced `units` (layers), `entries` and `norm`."""
        import torch

        from lifespan.disorders._exchange import exchange_layers
        from lifespan.disorders._rewriting import NOTHING, compared, copies

        paths = [layer.path for layer in self.focus(subject)]
        if self.severity == 0:
            return {**NOTHING, "units": 0.0}
        if len(paths) < 2:
            raise ScenarioError(self.describe(), "displaces layers, but only one is targeted.", "Target two or more.")
        order = torch.randperm(len(paths), generator=streams.torch("disorder")).tolist()
        cycle = [paths[i] for i in order[: max(2, round(self.severity * len(paths)))]]
        before = copies(subject, self.region(subject))
        exchange_layers(subject, cycle)
        return {**compared(subject, before), "units": float(len(cycle))}
