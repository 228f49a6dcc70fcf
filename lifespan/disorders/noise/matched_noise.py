"""An instant disorder, the control of changes of weights: noise of the same size."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from lifespan.contracts import Disorder

if TYPE_CHECKING:
    from lifespan.contracts.subject import Subject
    from lifespan.randomness import Streams


@dataclass(frozen=True, kw_only=True)
class MatchedNoise(Disorder):
    """Add Gaussian noise to each matrix, of the size of the change that another disorder would make of it.

    Damages that are not the same are compared at one size (Guest et al. 2020). `like` is the other disorder, and
    `severity` replaces its own; `RankCollapse(severity=0.3).control()` writes both. Native parameter: the L2 norm of the
    change that `like` would make of this subject at this severity, matrix by matrix. Only synapse matrices get noise, also
    where `like` changes biases along.
    """

    aetiology = "noise and neuromodulation"
    citation = "guest2020levels"

    like: Disorder

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_a("like", Disorder, "RankCollapse()")

    def strike(self, subject: Subject, streams: Streams) -> Mapping[str, float]:
        """Injures W itself. Reports `entries`, `norm` and `relative`."""
        import torch

        from lifespan.disorders._rewriting import compared, copies
        from lifespan.model.history import undone

        before = copies(subject, list(subject.synapses))
        with undone(subject):
            replace(self.like, severity=self.severity).strike(subject, streams)
            sizes = {name: float((subject.synapses[name].data.double() - old.double()).norm()) for name, old in before.items()}
        struck = [name for name, size in sizes.items() if size > 0]
        # Another counter than that of `like`, or the noise would be the change itself where that is drawn.
        generator = streams.torch("disorder", 1)
        for name in struck:
            noise = torch.randn(before[name].shape, generator=generator).double().to(subject.device)
            subject.synapses[name].data.add_(noise * (sizes[name] / noise.norm()))
        return compared(subject, {name: before[name] for name in struck})
