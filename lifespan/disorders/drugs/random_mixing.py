"""A drug that replaces a share of the weights by random ones."""

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
class RandomMixing(Disorder):
    """Replace a share of each matrix's weights by random ones, once; at 1 nothing learned is left but the structure.

    Native parameter: the share of entries, drawn at random, equal to `severity`; a larger share contains a smaller one of
    the same individual, with the same random values. `values` says what they are: "matched" is normal with the mean and
    standard deviation of the matrix's living weights; "signed-constant" is plus or minus sqrt(2 / inputs), the standard
    deviation of Kaiming's initialisation (the signed constant of Ramanujan et al. 2020); "init" is normal with sigma 0.02,
    as BERT is born. Dead synapses are drugged like any other. Embeddings, biases and LayerNorm stay.
    """

    aetiology = "drug"
    citation = "ramanujan2020hidden"

    values: Literal["matched", "signed-constant", "init"] = "matched"

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_literal("values")

    def strike(self, subject: Subject, streams: Streams) -> Mapping[str, float]:
        """Injures W itself. Reports `entries`, `norm` and `relative`."""
        from lifespan.disorders.drugs.doses import administer, replaced

        if self.severity == 0:
            return administer(subject, None)
        generator = streams.torch("disorder")

        def change(weight: torch.Tensor, alive: torch.Tensor) -> torch.Tensor:
            return replaced(weight, self._random(weight, alive, generator), self.severity, generator)

        return administer(subject, change)

    def _random(self, weight: torch.Tensor, alive: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        import torch

        from lifespan.disorders.drugs.doses import living_entries, signed

        normal = torch.randn(weight.shape, generator=generator).to(weight.device)
        if self.values == "signed-constant":
            return signed(normal, (2 / weight.shape[1]) ** 0.5)
        if self.values == "init":
            return 0.02 * normal
        own = living_entries(weight, alive)
        return own.mean() + own.std(correction=0) * normal
