"""An instant disorder of weight initialisation: weights of too few dimensions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lifespan.contracts import Disorder
from lifespan.disorders._targets import Focal
from lifespan.disorders.noise.matched_noise import MatchedNoise

if TYPE_CHECKING:
    import torch

    from lifespan.contracts.subject import Subject
    from lifespan.randomness import Streams


@dataclass(frozen=True, kw_only=True)
class RankCollapse(Focal):
    """Replace each matrix by its best approximation of a lower rank (Eckart & Young 1936).

    Native parameter: the rank that is kept, `(1 - severity)` of the smaller side of the matrix, rounded, and 1 at least;
    the largest singular values stay. The approximation loses length as well as rank; `rescaled=True` gives each matrix the
    Frobenius norm that it had, which leaves the rank alone to blame (the size of the change then need not grow with severity
    to the very end). Dead synapses count as they are stored: where synapses are dead, W x alive has a higher rank.

    Placed first in a life it is a disorder of birth; its late twin is the same object after `Learn`. The control is
    `MatchedNoise`: as large a change of the same matrices, at full rank.
    """

    aetiology = "weight initialisation"
    citation = "eckart1936approximation"

    rescaled: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_one_of("rescaled", (False, True))

    def strike(self, subject: Subject, streams: Streams) -> Mapping[str, float]:
        """Injures W itself and draws nothing. Reports `entries`, `norm`, `relative` and the mean kept `rank`."""
        from lifespan.disorders._rewriting import rewrite

        names = self.region(subject)
        ranks = [self._rank(subject.synapses[name]) for name in names]
        injuries = rewrite(subject, names, lambda weight, alive: self._approximation(weight))
        return {**injuries, "rank": sum(ranks) / len(ranks)}

    def _rank(self, weight: torch.Tensor) -> int:
        return max(1, round((1 - self.severity) * min(weight.shape)))

    def _approximation(self, weight: torch.Tensor) -> torch.Tensor:
        import torch

        rank = self._rank(weight)
        if rank == min(weight.shape):
            return weight
        left, sizes, right = torch.linalg.svd(weight.double(), full_matrices=False)
        scale = sizes.norm() / sizes[:rank].norm().clamp_min(1e-300) if self.rescaled else 1.0
        return (left[:, :rank] * (sizes[:rank] * scale)) @ right[:rank]

    def control(self) -> Disorder:
        return MatchedNoise(like=self, severity=self.severity)
