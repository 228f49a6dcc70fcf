"""Learning by weights: fine-tuning inside a fixed anatomy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lifespan.contracts import Learner, Plasticity, Task

if TYPE_CHECKING:
    from lifespan.contracts.subject import Subject
    from lifespan.randomness import Streams


@dataclass(frozen=True, kw_only=True)
class Weights(Learner):
    """Fine-tune every weight of the encoder by AdamW, as BERT is (Devlin et al. 2019, appendix A.3).

    Dead synapses stay dead: they neither act nor learn, and keep the weight they died with. Biases and LayerNorm are not
    decayed. A mask of the task's own, left by structural learning, is dropped: the task is learned anew by weights.
    """

    citation = "devlin2019bert"

    @property
    def plasticity(self) -> str:
        return "weights"

    def attach(self, subject: Subject, tasks: Sequence[Task], steps: int, streams: Streams) -> Plasticity:
        from lifespan.learners._weights import WeightChange

        return WeightChange(subject, tasks, self)
