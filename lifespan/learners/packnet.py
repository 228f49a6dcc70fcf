"""PackNet: each task takes a share of the synapses that no earlier task has taken."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lifespan.contracts import Learner, Plasticity, Task

if TYPE_CHECKING:
    from lifespan.contracts.subject import Subject
    from lifespan.randomness import Streams


@dataclass(frozen=True, kw_only=True)
class PackNet(Learner):
    """Several tasks in one body by pruning again and again (Mallya & Lazebnik 2018, section 3).

    A task trains the free synapses, those of earlier tasks taking part as they are; half-way, the largest `share` of the free
    ones of each matrix become the task's own and the others are set to zero; then what it took is trained on, with a fresh
    optimizer and schedule. Its mask is what it and earlier tasks took, so that earlier tasks forget nothing. Biases, LayerNorm
    and embeddings learn with the first task alone, as in the paper; the free synapses of later tasks start from zero.

    Who took what is remembered (`subject.remembered`, a byte a synapse). A synapse that dies is lost to its owner and to all
    later tasks; a dead one cannot be taken. A task learned once more counts as a new one. Tasks learned otherwise (by
    `Weights`, say) are not protected from it, as in their masks nothing is taken.
    """

    citation = "mallya2018packnet"

    share: float = 0.5

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_fraction("share", below_one=True)
        self.require("share", self.share > 0, "must be above 0: the task needs synapses.")

    @property
    def plasticity(self) -> str:
        return "both"

    def attach(self, subject: Subject, tasks: Sequence[Task], steps: int, streams: Streams) -> Plasticity:
        from lifespan.learners._packnet import Packing

        return Packing(subject, tasks, self, steps)
