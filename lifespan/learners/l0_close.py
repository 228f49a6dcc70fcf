"""Fine-tuning close in L0: only the most sensitive layers move."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from lifespan.contracts import Learner, Plasticity, Task
from lifespan.errors import ScenarioError

if TYPE_CHECKING:
    from lifespan.contracts.subject import Subject
    from lifespan.randomness import Streams


@dataclass(frozen=True, kw_only=True)
class L0Close(Learner):
    """Fine-tune the most sensitive layers and freeze all others, bit for bit (Radiya-Dixit & Wang 2020, L0-close tuning).

    The paper finds that fine-tuning moves weights little, and in some layers hardly at all. It finds those layers after
    fine-tuning; here they are predicted before it, to first order. With the mean gradient of the loss over
    `batches` training batches at the weights as they are, sensitivity = sum over matrices of norm(dL/dW) * norm(W)
    (Frobenius): how much loss a move of one percent of each matrix's own length can win, so that large weights do not hide
    what a small relative move does. Dead synapses do not count. The task's head is new then, and so is its gradient.

    `share` in (0, 1] of the units move, at least one. A unit is a layer of the encoder with its biases and LayerNorms
    (`unit="layer"`), or one matrix with its bias (`unit="matrix"`; LayerNorms are frozen). Embeddings are frozen, and the
    head learns. Reports `l0`, the fraction of synapses that are not what they were. A mask of the task's own is dropped.
    """

    citation = "radiyadixit2020fine"

    share: float = 0.5
    unit: Literal["layer", "matrix"] = "layer"
    batches: int = 4

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_fraction("share")
        self.require(
            "share", self.share > 0, "must be above 0: something has to learn.", "HeadOnly() learns by the head alone."
        )
        self.require_literal("unit")
        self.require_count("batches")

    @property
    def plasticity(self) -> str:
        return "weights"

    def attach(self, subject: Subject, tasks: Sequence[Task], steps: int, streams: Streams) -> Plasticity:
        from lifespan.learners._l0_close import L0Change

        if not tasks:
            what = "measures the sensitivity of layers by a task's loss, but development has no task."
            raise ScenarioError(self.describe(), what, "Use it in Learn or Recover.")
        return L0Change(subject, tasks, self, streams)
