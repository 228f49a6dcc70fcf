"""A drug that permutes a share of each matrix's weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lifespan.contracts import Disorder

if TYPE_CHECKING:
    import torch

    from lifespan.contracts.subject import Subject
    from lifespan.randomness import Streams


@dataclass(frozen=True, kw_only=True)
class WeightShuffling(Disorder):
    """Let a share of each matrix's weights change places among themselves, once: their distribution stays, exactly.

    Native parameter: the share of entries, drawn at random, equal to `severity`; a larger share contains a smaller one of
    the same individual. The drawn entries move along one random cycle, so that each of them gets another one's weight.
    Living synapses exchange weights with living ones and dead with dead. Zhou et al. (2019) reshuffle the initial weights
    of lottery tickets so, to measure what the right place of a weight is worth.
    """

    aetiology = "drug"
    citation = "zhou2019deconstructing"

    def strike(self, subject: Subject, streams: Streams) -> Mapping[str, float]:
        """Injures W itself. Reports `entries`, `norm` and `relative`."""
        from lifespan.disorders.drugs.doses import administer, drawn

        if self.severity == 0:
            return administer(subject, None)
        generator = streams.torch("disorder")

        def change(weight: torch.Tensor, alive: torch.Tensor) -> torch.Tensor:
            result = weight.flatten().clone()
            for kind in (alive, ~alive):
                among = kind.flatten().nonzero().squeeze(1)
                positions = among[drawn(len(among), self.severity, generator).to(among.device)]
                result[positions] = result[positions.roll(1)]
            return result.view_as(weight)

        return administer(subject, change)
