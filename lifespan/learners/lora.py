"""Low-rank adapters: a task adds a small matrix of its own to weights that stay frozen, bit for bit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lifespan.contracts import Learner, Plasticity, Task
from lifespan.errors import require_package

if TYPE_CHECKING:
    from lifespan.contracts.subject import Subject
    from lifespan.randomness import Streams


@dataclass(frozen=True, kw_only=True)
class LoRA(Learner):
    """Each synapse matrix has a product of two factors added, of the task's own (Hu et al. 2022, section 4.1), by `peft`.

    Effective weight = W x alive + alpha / rank x up down, with `up` (rows, rank) starting at 0 and `down` (rank, columns); W,
    biases, LayerNorm and embeddings are frozen, the task's head is trained at `head_rate`. The honest competitor of a task's
    own mask: it forgets nothing either, and costs 4 rank (rows + columns) bytes a matrix (`Footprint`). `dropout` acts on the
    adapter's input. Needs `pip install 'lifespan[peft]'`.

    The addition belongs to the task, as its head does: it is no synapse and does not age; what `Age` takes later is taken
    from W alone. Learned on an aged subject it can make up for what was lost, which the sparsity then does not count.
    Learning the task anew by another learner drops it. It belongs to a task: there is no `Develop` by it.
    """

    citation = "hu2022lora"
    revision = 2

    rate: float = 1e-3
    head_rate: float | None = 5e-4
    rank: int = 8
    alpha: float = 16.0
    dropout: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        require_package("LoRA()", "peft", "the package peft", "peft")
        self.require_count("rank")
        self.require_positive("alpha")
        self.require_fraction("dropout", below_one=True)

    @property
    def plasticity(self) -> str:
        return "adapter"

    def attach(self, subject: Subject, tasks: Sequence[Task], steps: int, streams: Streams) -> Plasticity:
        from lifespan.learners._lora import Adapting

        return Adapting(subject, tasks, self, streams)
