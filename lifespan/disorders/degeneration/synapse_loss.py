"""An instant disorder of degeneration: synapses die."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from lifespan.contracts import Disorder
from lifespan.disorders._targets import Focal

if TYPE_CHECKING:
    from lifespan.contracts.subject import Subject
    from lifespan.randomness import Streams

By = Literal["random", "weakest", "importance"]


@dataclass(frozen=True, kw_only=True)
class SynapseLoss(Focal):
    """A share of the living synapses dies at once: diffusely, or in some layers and kinds of matrices.

    Native parameter: the share of living synapses that dies, `severity`, rounded over all targeted matrices together; a
    larger one contains a smaller one. `by="random"` draws them, `by="weakest"` takes the smallest abs(W) first and
    `by="importance"` the largest. Deletion of synapses is Horn et al.'s (1996) lesion in a model of Alzheimer's disease;
    the name is an analogy.

    The dead stay dead: a later `Age` counts them, and does nothing where its sparsity is already passed. Only `Recover`,
    which moves the living at an equal count, and a treatment that regrows can put a synapse in their place. The control of
    a chosen loss is the random one.
    """

    aetiology = "degeneration"
    citation = "horn1996neuronal"
    compounds = True

    by: By = "random"

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_literal("by")

    def strike(self, subject: Subject, streams: Streams) -> Mapping[str, float]:
        """Moves the alive mask alone. Reports the `entries` that died, the `norm` of their weights, also `relative` to all."""
        from lifespan.disorders._losses import kill_synapses, without_synapses
        from lifespan.model.subject import true_entries

        names = self.region(subject)
        count = round(self.severity * true_entries(subject.alive[name] for name in names))
        return kill_synapses(subject, without_synapses(subject, names, count, self.by, streams))

    def control(self) -> Disorder | None:
        return None if self.by == "random" else replace(self, by="random")
