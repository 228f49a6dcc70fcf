"""Hard attention to the task: each task learns which heads and neurons it uses, and later tasks do not change those."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lifespan.contracts import Learner, Plasticity, Task

if TYPE_CHECKING:
    from lifespan.contracts.subject import Subject
    from lifespan.randomness import Streams


@dataclass(frozen=True, kw_only=True)
class HAT(Learner):
    """Gates a = sigmoid(s e) over attention heads and feed-forward neurons, learned with the weights (Serra et al. 2018).

    s rises linearly in every epoch from 1 / `hardness` to `hardness` (equation 3), the gradient of e is compensated for it
    (section 2.5), and the loss has the term `cost` x the mean of a over the units that no earlier task uses (equation 5). In
    the end a unit is used where a > 1/2; the task's mask lets all synapses of used units through, and no others.

    What earlier tasks use moves no more (equation 2, with gates that are 0 or 1): rows into their units and columns out of
    them. The stream between layers has no gates here: embeddings, LayerNorm and the biases that write to it learn with the
    first task alone. So earlier tasks forget nothing, and a transformer's residual connections stay as they are.

    A head or neuron starts used with the probability `open`, and e is drawn accordingly with a spread of 1 (the paper: 1/2).
    Who uses what is remembered (`subject.remembered`, a byte a unit). What dies in a used unit is lost to all its tasks.
    Tasks learned otherwise are not protected from it.
    """

    citation = "serra2018hat"
    revision = 2

    hardness: float = 400.0
    cost: float = 0.75
    gate_rate: float = 0.05
    open: float = 0.9

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require("hardness", self.hardness > 1, "must be above 1.")
        self.require_positive("cost", or_zero=True)
        self.require_positive("gate_rate")
        self.require_fraction("open", below_one=True)
        self.require("open", self.open > 0, "must be above 0: the task needs units.")

    @property
    def plasticity(self) -> str:
        return "both"

    def attach(self, subject: Subject, tasks: Sequence[Task], steps: int, streams: Streams) -> Plasticity:
        from lifespan.learners._hat import Gating

        return Gating(subject, tasks, self, steps, streams)
