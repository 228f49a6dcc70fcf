"""An instant disorder of the pruning schedule: synapses die at once instead of over the life."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lifespan.contracts import Disorder, Pruner
from lifespan.pruning.magnitude import Magnitude
from lifespan.pruning.random import Random

if TYPE_CHECKING:
    from lifespan.contracts.subject import Subject
    from lifespan.randomness import Streams


@dataclass(frozen=True, kw_only=True)
class EarlyPruning(Disorder):
    """Synapses die at once, at the onset, by `by`; every later `Age` finds the loss already there.

    In Thomas et al. (2016) the pruning of infancy is too early and too aggressive, and what was to be learned with the lost
    synapses is not. Native parameter: the sparsity reached at once, 0.9 severity, those dead before included; where more
    is dead already nothing happens. Put it before the learning that it shall harm. `by` must need no data, as nothing may
    be learned yet: one that needs learned tasks raises `ScenarioError`.
    """

    aetiology = "pruning schedule"
    citation = "thomas2016overpruning"

    by: Pruner = field(default_factory=Magnitude)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_a("by", Pruner, "Magnitude()")

    def strike(self, subject: Subject, streams: Streams) -> Mapping[str, float]:
        """Moves the alive mask; weights stay. Reports how many `entries` died and the `norm` of what they weighed."""
        from lifespan.model.subject import true_entries

        if 0.9 * self.severity <= subject.sparsity:
            return {"entries": 0.0, "norm": 0.0}
        masks = self.by.choose(subject, 0.9 * self.severity, streams, ())
        died = {name: alive & ~masks[name] for name, alive in subject.alive.items()}
        subject.alive = {name: alive & masks[name] for name, alive in subject.alive.items()}
        square = sum(float(subject.synapses[name].data[dead].double().square().sum()) for name, dead in died.items())
        return {"entries": float(true_entries(died.values())), "norm": square**0.5}

    def control(self) -> Disorder | None:
        """As many synapses, drawn at random."""
        return None if isinstance(self.by, Random) else EarlyPruning(severity=self.severity, by=Random())
