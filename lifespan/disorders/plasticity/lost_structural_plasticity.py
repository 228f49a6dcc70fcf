"""A chronic disorder of plasticity: the state of some synapses can no longer change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lifespan.contracts import Course, Disorder

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, kw_only=True)
class LostStructuralPlasticity(Disorder):
    """A share of the synapses can no longer learn whether to be: their scores get no gradient, from onset to end.

    Native parameter: the chance of each synapse to be among them, equal to `severity`, drawn once for the whole life: they
    are the same in every event, and a larger share contains a smaller one. Healthy synapses turn over all life long
    (Holtmaat & Svoboda 2009). Their scores rest, bit for bit; weights that learn along (`Both`, `MovementMasks`) do not.

    It acts on learners with scores: `Masks`, `Both`, `TopKMasks`, `MovementMasks`, `SoftMovementMasks`, `BernoulliMasks`
    and `Rewire`. A learner by weights or by the head alone has no structural plasticity to lose, and `RigL` and `SET` rewire
    without scores: on those it has no effect. Where a target sparsity moves the cut, it may pass a score at rest.
    """

    aetiology = "plasticity"
    citation = "holtmaat2009experience"

    def gradient(self, parameters: Sequence[torch.nn.Parameter], course: Course) -> None:
        from lifespan.disorders._moving import scores_of

        scores = scores_of(course.plasticity)
        if self.severity == 0 or not scores:
            return
        if not all(name in course.memory for name in scores):
            course.memory |= self._drawn(course)
        for name, score in scores.items():
            if score.grad is not None:
                score.grad.masked_fill_(course.memory[name], 0.0)

    def _drawn(self, course: Course) -> dict[str, torch.Tensor]:
        """By matrix, True where a synapse is among the lost."""
        import torch

        from lifespan.disorders._moving import lifelong

        generator = lifelong(course, type(self).__name__).torch("disorder")
        return {
            name: (torch.rand(weight.shape, generator=generator) < self.severity).to(weight.device)
            for name, weight in course.subject.synapses.items()
        }
