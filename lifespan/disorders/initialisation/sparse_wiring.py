"""An instant disorder of structural initialisation: synapses that never grow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lifespan.disorders._targets import Focal

if TYPE_CHECKING:
    from lifespan.contracts.subject import Subject
    from lifespan.randomness import Streams


@dataclass(frozen=True, kw_only=True)
class SparseWiring(Focal):
    """Born with too few synapses, missing at random; place it first in a life.

    Native parameter: the share of living synapses that is missing, `severity * max_loss`, rounded to whole synapses over
    all targeted matrices together. An Erdos-Renyi wiring, as sparse evolutionary training starts from (Mocanu et al. 2018),
    but at the same density in every layer. A larger severity misses the synapses of a smaller one and more.

    They stay dead: learning goes on without them, a later `Age` counts them. Only `Recover`, which moves the living at an
    equal count, and a treatment that regrows can put a synapse in their place.
    """

    aetiology = "structural initialisation"
    citation = "mocanu2018scalable"

    max_loss: float = 0.9

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_fraction("max_loss")
        self.require("max_loss", self.max_loss > 0, "must be above 0: something has to be missing.")

    def strike(self, subject: Subject, streams: Streams) -> Mapping[str, float]:
        """Moves the alive mask alone. Reports the missing `entries`, the `norm` of their weights, also `relative` to all."""
        from lifespan.disorders._losses import kill_synapses, without_synapses
        from lifespan.model.subject import true_entries

        names = self.region(subject)
        missing = round(self.severity * self.max_loss * true_entries(subject.alive[name] for name in names))
        return kill_synapses(subject, without_synapses(subject, names, missing, "random", streams))
