"""The base of losses of whole units: which of the living ones die, and the control."""

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
class UnitLoss(LayerFocal):
    """A share of the living units that `parts` names dies at once, whole; one of each layer stays."""

    compounds = True

    by: By = "random"

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_literal("by")

    def strike(self, subject: Subject, streams: Streams) -> Mapping[str, float]:
        """Moves the alive mask alone. Reports lost `units` and `entries`, and the `norm` of their weights."""
        from lifespan.disorders._losses import kill_synapses, without_units

        masks, units = without_units(subject, self.units(subject), self.severity, self.by, streams)
        return {**kill_synapses(subject, masks), "units": float(units)}

    def control(self) -> Disorder:
        return ScatteredLoss(like=self, severity=self.severity) if self.by == "random" else replace(self, by="random")
