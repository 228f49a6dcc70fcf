"""A treatment that revives dead synapses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from lifespan.contracts import Disorder

if TYPE_CHECKING:
    from lifespan.contracts.subject import Subject
    from lifespan.randomness import Streams


@dataclass(frozen=True, kw_only=True)
class Regrow(Disorder):
    """Revive a share of the dead synapses of the shared anatomy, once; write `Treat(Regrow(severity=0.5))`.

    Native parameter: the share of the dead, equal to `severity`; exactly `round(severity * dead)` revive, over all matrices
    together. `by="random"` draws them, as sparse evolutionary training does (Mocanu et al. 2018); `by="magnitude"` revives
    those with the largest stored abs(W) first, ties by position. `weights="kept"` gives a synapse the weight it died with,
    `weights="zero"` none.

    Tasks learned by weights use what has regrown at once. A task's own mask stays as it is, and has no place for a synapse
    that was dead when the task was learned.
    """

    aetiology = "treatment"
    citation = "mocanu2018scalable"
    regrows = True

    by: Literal["random", "magnitude"] = "random"
    weights: Literal["kept", "zero"] = "kept"

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_literal("by")
        self.require_literal("weights")

    def strike(self, subject: Subject, streams: Streams) -> Mapping[str, float]:
        """Moves the alive mask, and with `weights="zero"` the revived weights. Reports how many `entries` revived."""
        import torch

        dead = torch.cat([~mask.flatten().cpu() for mask in subject.alive.values()]).nonzero().squeeze(1)
        count = round(self.severity * len(dead))
        if count == 0:
            return {"entries": 0.0}
        if self.by == "random":
            order = torch.randperm(len(dead), generator=streams.torch("disorder"))
        else:
            strength = torch.cat([subject.synapses[name].data.abs().flatten().cpu() for name in subject.alive])
            order = strength[dead].argsort(descending=True, stable=True)
        revived = torch.zeros(subject.count, dtype=torch.bool)
        revived[dead[order[:count]]] = True
        anatomy, start = {}, 0
        for name, mask in subject.alive.items():
            part = revived[start : start + mask.numel()].view(mask.shape).to(mask.device)
            start += mask.numel()
            anatomy[name] = mask | part
            if self.weights == "zero":
                subject.synapses[name].data[part] = 0.0
        subject.alive = anatomy
        return {"entries": float(count)}
