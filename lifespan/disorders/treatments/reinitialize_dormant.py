"""A treatment that draws inactive neurons anew."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lifespan.contracts import Disorder, Task

if TYPE_CHECKING:
    from lifespan.contracts.subject import Subject
    from lifespan.randomness import Streams


@dataclass(frozen=True, kw_only=True)
class ReinitializeDormant(Disorder):
    """Draw the feed-forward neurons of lowest utility anew, once (continual backpropagation); write `Treat(...)`.

    Native parameter: the share `severity` x `largest` of each layer's neurons, `largest` in [0, 1]; a larger share contains
    a smaller one of the same individual, with the same new weights. As in Dohare et al. (2024), incoming weights are drawn
    as at birth (normal, the model's own initializer range), the bias is zero, and outgoing weights are zero, so that the
    newcomer disturbs nothing before it learns. The paper replaces a few neurons at each step and spares the young; here it
    happens once, at an age that the scenario chooses.

    Utility is the neuron's contribution, activation x sum of abs(outgoing W). With `tasks`, the activation is its root mean
    square over real tokens of `batches` training batches of these tasks, in each task's effective weights (the paper: a
    running mean of its size); without them, the l2 norm of its incoming weights stands in for it. Only living synapses
    count and change, and a neuron without a living outgoing synapse, which is dead rather than dormant, is not counted.
    """

    aetiology = "treatment"
    citation = "dohare2024plasticity"

    largest: float = 0.2
    tasks: tuple[Task, ...] = ()
    batches: int = 4
    batch_size: int = 32

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_fraction("largest")
        fine = isinstance(self.tasks, tuple) and all(isinstance(task, Task) for task in self.tasks)
        self.require("tasks", fine, "must be a tuple of tasks.", 'For example: (Glue("rte"),).')
        self.require_count("batches")
        self.require_count("batch_size")

    def strike(self, subject: Subject, streams: Streams) -> Mapping[str, float]:
        """Moves W and biases. Reports changed `entries` of W, the `norm` of their change and how many `neurons`."""
        from lifespan.disorders._dormancy import activities, renew, utilities

        if self.severity == 0:
            return {"entries": 0.0, "norm": 0.0, "neurons": 0.0}
        active = activities(subject, self, streams) if self.tasks else None
        return renew(subject, utilities(subject, active), self.severity * self.largest, streams)
