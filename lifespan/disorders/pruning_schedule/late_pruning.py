"""A chronic disorder of the pruning schedule: synapses that should die do so later."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lifespan.contracts import Disorder, Pruner

if TYPE_CHECKING:
    from lifespan.contracts.subject import Subject


@dataclass(frozen=True, kw_only=True)
class LatePruning(Disorder):
    """While it lasts, part of each `Age`'s own loss is put off; the first `Age` after its end catches up.

    How late synapses are lost differs between species and regions: in human prefrontal cortex the loss goes on into the
    third decade (Petanjek et al. 2011). Native parameter: the share of the step's loss that is left out, equal to
    `severity`; from d dead, sparsity s becomes s - severity (s - d). So it needs an end: `Suffer(..., lasting=n)`. The
    synapse count after that is the healthy one; which synapses die, and how many at once, is not.
    """

    aetiology = "pruning schedule"
    citation = "petanjek2011extraordinary"

    def ageing(self, sparsity: float, pruner: Pruner, subject: Subject) -> tuple[float, Pruner]:
        due = max(0.0, sparsity - subject.sparsity)
        return sparsity - self.severity * due, pruner
