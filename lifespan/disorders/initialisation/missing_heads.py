"""An instant disorder of structural initialisation: attention heads that never form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lifespan.contracts import Disorder
from lifespan.disorders._targets import LayerFocal
from lifespan.disorders.degeneration.scattered_loss import ScatteredLoss

if TYPE_CHECKING:
    from lifespan.contracts.subject import Subject
    from lifespan.randomness import Streams


@dataclass(frozen=True, kw_only=True)
class MissingHeads(LayerFocal):
    """Born without some attention heads; place it first in a life.

    Native parameter: the share of heads that is missing, `severity`, rounded to whole heads over all targeted layers
    together and drawn at random; one head of each layer is always there, so that 1 leaves one in each. A larger severity
    misses the heads of a smaller one and more. What a head is stands in `Heads`; that one may do is Michel et al.'s (2019)
    finding in trained models, while here the others learn without it from birth.

    The control is `ScatteredLoss`: as many synapses, missing at random in the same matrices.
    """

    aetiology = "structural initialisation"
    citation = "michel2019sixteen"
    parts = ("heads",)

    def strike(self, subject: Subject, streams: Streams) -> Mapping[str, float]:
        """Moves the alive mask alone. Reports missing `units` (heads) and `entries`, and the `norm` of their weights."""
        from lifespan.disorders._losses import kill_synapses, without_units

        masks, units = without_units(subject, self.units(subject), self.severity, "random", streams)
        return {**kill_synapses(subject, masks), "units": float(units)}

    def control(self) -> Disorder:
        return ScatteredLoss(like=self, severity=self.severity)
