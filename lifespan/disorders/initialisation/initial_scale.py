"""An instant disorder of weight initialisation: weights too large or too small."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lifespan.contracts import Disorder
from lifespan.disorders._targets import Focal
from lifespan.disorders.noise.matched_noise import MatchedNoise

if TYPE_CHECKING:
    from lifespan.contracts.subject import Subject
    from lifespan.randomness import Streams


@dataclass(frozen=True, kw_only=True)
class InitialScale(Focal):
    """Multiply the standard deviation of the synapses' weights; directions stay.

    Native parameter: the multiplier, `factor ** severity`; a `factor` below 1 makes weights too small. Too large a
    scale saturates and too small a one starves what passes through the layers (Glorot & Bengio 2010, section 4.2).
    Biases, LayerNorms and embeddings stay. Placed first in a life it is a disorder of birth; its late twin is the same
    object after `Learn`. The control is `MatchedNoise`: as large a change of the same matrices, without its direction.
    """

    aetiology = "weight initialisation"
    citation = "glorot2010understanding"

    factor: float = 8.0

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_positive("factor")
        self.require("factor", self.factor != 1, "changes nothing.", "Write a factor above or below 1.")

    def strike(self, subject: Subject, streams: Streams) -> Mapping[str, float]:
        """Injures W itself and draws nothing. Reports `entries`, `norm`, `relative` and the `factor`."""
        from lifespan.disorders._rewriting import NOTHING, rewrite

        names = self.region(subject)
        if self.severity == 0:
            return {**NOTHING, "factor": 1.0}
        factor = float(self.factor**self.severity)
        return {**rewrite(subject, names, lambda weight, alive: weight * factor), "factor": factor}

    def control(self) -> Disorder:
        return MatchedNoise(like=self, severity=self.severity)
