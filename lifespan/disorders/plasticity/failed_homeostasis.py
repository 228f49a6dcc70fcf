"""A chronic disorder of plasticity: the norm of the weights grows at every step."""

from __future__ import annotations

from dataclasses import dataclass

from lifespan.contracts import Course, Disorder


@dataclass(frozen=True, kw_only=True)
class FailedHomeostasis(Disorder):
    """Synapses grow stronger with every step of learning, all of a matrix alike, from onset to end.

    Native parameter: the growth of every synapse matrix's norm in a step, `severity * drift`: after t steps a matrix that
    learning left alone is `(1 + severity * drift) ** t` times as large. It is the runaway that synaptic scaling prevents in
    neurons (Turrigiano 2008): ratios between synapses stay, gain is lost.

    It acts on weights that learn. Where they are frozen (structural learning, the head alone, layers that a learner
    leaves out) they keep their size, bit for bit; dead synapses stay dead, with the weight they died with.
    """

    aetiology = "plasticity"
    citation = "turrigiano2008self"

    drift: float = 1e-3

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_positive("drift")

    def after(self, course: Course) -> None:
        from lifespan.disorders._moving import weights_of

        if self.severity == 0:
            return
        for weight in weights_of(course).values():
            weight.data.mul_(1 + self.severity * self.drift)
