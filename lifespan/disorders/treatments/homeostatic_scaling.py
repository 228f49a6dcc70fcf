"""A treatment that scales the living synapses up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from lifespan.contracts import Disorder, Moment
from lifespan.errors import ScenarioError

if TYPE_CHECKING:
    import torch

    from lifespan.contracts.subject import Masks, Subject
    from lifespan.randomness import Streams


@dataclass(frozen=True, kw_only=True)
class HomeostaticScaling(Disorder):
    """Multiply living weights so that each neuron's input is as strong as before the losses, once; write `Treat(...)`.

    Native parameter: the share `severity` of the way there: living W becomes W x (1 + severity (g - 1)), where g is the
    strength before the losses divided by that of what lives. Horn et al. (1996) so compensate for synapses lost in
    Alzheimer's disease, neuron by neuron; Turrigiano (2008) reviews the scaling of real neurons, which keeps the ratios
    between a neuron's synapses, as this does. `within` says what shares a factor: a "neuron" (an output row) or a "matrix".
    `strength` is "sum", of abs(W), or "square", the root of the sum of W ** 2, which is what independent inputs of equal
    variance add up to.

    `since=None` counts all synapses, the dead with the weight they died with, as the state before. That is right for one
    dose; another would make good for the same dead again. In a life with several doses name a moment before the losses, such
    as `since="development"`: then the state of that moment is restored, also where it was weaker, and a second dose at
    `severity` 1 changes nothing. Weights that die keep their stored value; a row without a living synapse stays.
    """

    aetiology = "treatment"
    citation = "horn1996neuronal"

    within: Literal["neuron", "matrix"] = "neuron"
    strength: Literal["sum", "square"] = "sum"
    since: Moment | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_literal("within")
        self.require_literal("strength")

    @property
    def moments(self) -> tuple[Moment, ...]:
        """The moment whose strengths are restored, if one is named."""
        return () if self.since is None else (self.since,)

    def strike(self, subject: Subject, streams: Streams) -> Mapping[str, float]:
        """Moves W. Reports `entries`, `norm` and the mean `gain` of the factors applied; draws nothing."""
        from lifespan.disorders._scaling import gains, scale

        if self.severity == 0:
            return {"entries": 0.0, "norm": 0.0, "gain": 1.0}
        weights, alive = self._before(subject)
        found = gains(subject, weights, alive, strength=self.strength, rows=self.within == "neuron")
        return scale(subject, {name: 1 + self.severity * (gain - 1) for name, gain in found.items()})

    def _before(self, subject: Subject) -> tuple[Mapping[str, torch.Tensor], Masks | None]:
        """Weights and alive masks (None: all live) of the state whose strengths are restored."""
        if self.since is None:
            return {name: weight.data for name, weight in subject.synapses.items()}, None
        if subject.past is None:
            remedy = "Live it through simulate(), or write since=None."
            raise ScenarioError(self.where("since"), "this subject has no recorded past.", remedy)
        earlier = subject.past.at(self.since)
        return {name: weight.data for name, weight in earlier.synapses.items()}, earlier.alive
