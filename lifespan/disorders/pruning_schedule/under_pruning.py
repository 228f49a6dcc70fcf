"""A chronic disorder of the pruning schedule: fewer synapses die than should."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lifespan.contracts import Disorder, Pruner

if TYPE_CHECKING:
    from lifespan.contracts.subject import Subject


@dataclass(frozen=True, kw_only=True)
class UnderPruning(Disorder):
    """Every `Age` stays short of the sparsity that it should reach.

    Tang et al. (2014) find that spines which should be lost in childhood are not in autism, for want of autophagy. Native
    parameter: sparsity s becomes s (1 - severity), but never less than is dead already; at 1 no synapse dies any more.
    """

    aetiology = "pruning schedule"
    citation = "tang2014loss"

    def ageing(self, sparsity: float, pruner: Pruner, subject: Subject) -> tuple[float, Pruner]:
        if self.severity == 0:
            return sparsity, pruner
        return max(subject.sparsity, sparsity * (1 - self.severity)), pruner
