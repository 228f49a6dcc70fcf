"""An instant disorder of weight initialisation: some weights are drawn anew."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from lifespan.contracts import Disorder
from lifespan.disorders._targets import Focal
from lifespan.disorders.noise.matched_noise import MatchedNoise

if TYPE_CHECKING:
    from lifespan.contracts.subject import Subject
    from lifespan.randomness import Streams


@dataclass(frozen=True, kw_only=True)
class PartialReinitialization(Focal):
    """Redraw a share of the weights: normal, with mean 0 and the standard deviation of the matrix's living weights.

    Native parameter: the share of each matrix's entries (`of="entries"`) or whole rows, the output neurons of the matrix
    (`of="rows"`), drawn at random, equal to `severity` and rounded. A larger share contains a smaller one, with the same new
    values. Re-initialising part of a network is how Zhou et al. (2022) make it forget.

    In a random birth it is only another draw: the disorder has an effect where weights have learned, in a pre-trained
    subject, or as the late twin, after `Learn`. The control of rows is entries, as many; that of entries is `MatchedNoise`,
    as large a change spread over all of them.
    """

    aetiology = "weight initialisation"
    citation = "zhou2022fortuitous"

    of: Literal["entries", "rows"] = "entries"

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_literal("of")

    def strike(self, subject: Subject, streams: Streams) -> Mapping[str, float]:
        """Injures W itself, dead synapses included. Reports `entries`, `norm` and `relative`."""
        import torch

        from lifespan.disorders._rewriting import NOTHING, rewrite, spread

        names = self.region(subject)
        if self.severity == 0:
            return NOTHING
        generator = streams.torch("disorder")

        def change(weight: torch.Tensor, alive: torch.Tensor) -> torch.Tensor:
            new = torch.randn(weight.shape, generator=generator).to(weight.device) * spread(weight, alive)
            count = len(weight) if self.of == "rows" else weight.numel()
            chosen = torch.zeros(count, dtype=torch.bool)
            chosen[torch.randperm(count, generator=generator)[: round(self.severity * count)]] = True
            place = chosen[:, None] if self.of == "rows" else chosen.view(weight.shape)
            return torch.where(place.to(weight.device), new, weight)

        return rewrite(subject, names, change)

    def control(self) -> Disorder:
        return replace(self, of="entries") if self.of == "rows" else MatchedNoise(like=self, severity=self.severity)
