"""An instant disorder of noise: Gaussian noise on every synapse."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lifespan.contracts import Disorder

if TYPE_CHECKING:
    from lifespan.contracts.subject import Subject
    from lifespan.randomness import Streams


@dataclass(frozen=True, kw_only=True)
class WeightNoise(Disorder):
    """Add Gaussian noise to every synapse matrix, once.

    Native parameter: the noise's standard deviation in units of the matrix's own, equal to `severity`.
    """

    aetiology = "noise and neuromodulation"
    citation = "guest2020levels"

    def strike(self, subject: Subject, streams: Streams) -> Mapping[str, float]:
        """Injures W itself. Reports the number of entries and the norm of what was added."""
        import torch

        if self.severity == 0:
            return {"entries": 0.0, "norm": 0.0}
        generator = streams.torch("disorder")
        entries, square = 0, 0.0
        with torch.no_grad():
            for weight in subject.synapses.values():
                noise = torch.randn(weight.shape, generator=generator).to(weight.device)
                noise *= self.severity * weight.std()
                weight.add_(noise)
                entries += noise.numel()
                square += float(noise.square().sum())
        return {"entries": float(entries), "norm": square**0.5}
