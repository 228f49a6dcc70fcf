"""A pruner that chooses a share of its deaths wrongly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lifespan.contracts import Pruner, Task

if TYPE_CHECKING:
    import torch

    from lifespan.contracts.subject import Subject
    from lifespan.randomness import Streams


@dataclass(frozen=True, kw_only=True)
class Misguided(Pruner):
    """Another exact pruner, `by`, of whose deaths the share `share` are other synapses than it would choose.

    With `rival="opposite"` these are the synapses that `by` would keep longest: the survivors of its choice at so high a
    sparsity that just as many live. With `rival="random"` they are drawn among all that it does not take first. Calls `by`
    up to two times.
    """

    by: Pruner
    share: float
    rival: str = "opposite"

    def choose(self, subject: Subject, sparsity: float, streams: Streams, tasks: Sequence[Task]) -> dict[str, torch.Tensor]:
        """Exactly `round(sparsity * synapses)` dead, those already dead included."""
        import torch

        from lifespan.pruning.selection import weakest

        count, living = subject.count, subject.living
        due = round(sparsity * count) - (count - living)
        wrong = round(self.share * max(0, due))
        if wrong == 0:
            return self.by.choose(subject, sparsity, streams, tasks)
        generator = streams.torch("disorder")
        turn = {name: torch.rand(mask.shape, generator=generator).to(mask.device) for name, mask in subject.alive.items()}
        if self.rival == "opposite":
            last = self.by.choose(subject, (count - wrong) / count, streams, tasks)
            turn = {name: order + ~last[name] for name, order in turn.items()}
        if due > wrong:
            left = self.by.choose(subject, (count - living + due - wrong) / count, streams, tasks)
            turn = {name: order.where(left[name], -1.0) for name, order in turn.items()}
        return weakest(turn, subject.alive, sparsity, scope="global")
