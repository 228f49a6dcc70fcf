"""A drug that leaves only the sign of a share of the weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from lifespan.contracts import Disorder

if TYPE_CHECKING:
    import torch

    from lifespan.contracts.subject import Subject
    from lifespan.randomness import Streams


@dataclass(frozen=True, kw_only=True)
class SignOnly(Disorder):
    """Replace a share of the weights by their sign times one constant, once: sizes are lost, signs are kept.

    Native parameter: the share of each matrix's entries, drawn at random, equal to `severity`; a larger share contains a
    smaller one of the same individual. The constant is the mean of abs(W) (Rastegari et al. 2016, equation 6):
    `constant="matrix"` takes each matrix's own, `constant="shared"` one for all matrices together. Means are over living
    synapses; dead ones are drugged like any other. A weight of zero counts as positive.
    """

    aetiology = "drug"
    citation = "rastegari2016xnor"

    constant: Literal["matrix", "shared"] = "matrix"

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_literal("constant")

    def strike(self, subject: Subject, streams: Streams) -> Mapping[str, float]:
        """Injures W itself. Reports `entries`, `norm` and `relative`."""
        import torch

        from lifespan.disorders.drugs.doses import administer, living_entries, replaced, signed

        if self.severity == 0:
            return administer(subject, None)
        generator = streams.torch("disorder")
        shared = None
        if self.constant == "shared":
            sizes = [
                living_entries(w.data, subject.alive[n]).abs() for n, w in subject.synapses.items() if subject.alive[n].any()
            ]
            everything = sizes or [w.data.flatten().double().abs() for w in subject.synapses.values()]
            shared = torch.cat(everything).mean()

        def change(weight: torch.Tensor, alive: torch.Tensor) -> torch.Tensor:
            size = living_entries(weight, alive).abs().mean() if shared is None else shared
            return replaced(weight, signed(weight, size), self.severity, generator)

        return administer(subject, change)
