"""A chronic disorder of the pruning schedule: more synapses die than should."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lifespan.contracts import Disorder, Pruner

if TYPE_CHECKING:
    from lifespan.contracts.subject import Subject


@dataclass(frozen=True, kw_only=True)
class OverPruning(Disorder):
    """Every `Age` also takes a share of the synapses that it should have left.

    Hoffman & McGlashan (1997) eliminate connections of a network of speech perception beyond the normal decline: a
    moderate excess helps, a large one makes it hear voices. Native parameter: sparsity s becomes s + 0.9 severity (1 - s);
    at 1 a tenth of those that should live is left. The loss stays when the disorder ends, and a later `Age` to less than
    is dead already takes nothing. A pruner that cannot reach the higher sparsity raises `ScenarioError`. Documented
    analogies: schizophrenia, and regressive autism (Thomas et al. 2016).
    """

    aetiology = "pruning schedule"
    citation = "hoffman1997synaptic"

    def ageing(self, sparsity: float, pruner: Pruner, subject: Subject) -> tuple[float, Pruner]:
        return sparsity + 0.9 * self.severity * (1 - sparsity), pruner
