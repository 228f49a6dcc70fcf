"""Ready sets of probes."""

from __future__ import annotations

from typing import Any

from lifespan.contracts import Measure
from lifespan.contracts.length import STANDARD_LENGTH
from lifespan.disorders.deprivation.token_blur import TokenBlur
from lifespan.disorders.deprivation.typos import Typos
from lifespan.disorders.deprivation.word_order_shuffle import WordOrderShuffle
from lifespan.disorders.drugs.quantization import Quantize
from lifespan.disorders.noise.weight_noise import WeightNoise
from lifespan.probes.performance.confidence import Calibration, NullInput
from lifespan.probes.performance.score import Score
from lifespan.probes.plasticity.vitality import DormantUnits, EffectiveRank, WeightNorm
from lifespan.probes.robustness.pruned import Pruned
from lifespan.probes.robustness.response import Response
from lifespan.probes.structure.overlap import TaskOverlap
from lifespan.probes.structure.sparsity import Sparsity
from lifespan.probes.structure.wiring import Wiring
from lifespan.pruning.magnitude import Magnitude
from lifespan.pruning.random import Random


def usual(*, examples: int | None = 64, length: int = STANDARD_LENGTH) -> tuple[Measure, ...]:
    """The usual set of probes for the end of an event: `Probe(*usual())`.

    Scores and sparsity in full; calibration, confidence without input, signs of vitality, wiring and the overlap of masks, and
    `robustness`, on `examples` examples of every task.
    """
    seen: dict[str, Any] = {"examples": examples, "length": length}
    return (
        *(Score(length=length), Sparsity(), Wiring(), WeightNorm(), TaskOverlap()),
        *(Calibration(**seen), NullInput(**seen), DormantUnits(**seen), EffectiveRank(**seen)),
        *robustness(examples=examples, length=length),
    )


def robustness(*, examples: int | None = 64, length: int = STANDARD_LENGTH) -> tuple[Measure, ...]:
    """The usual set of dose-response probes: `Probe(Score(), *robustness())`.

    Noise on weights, pruning by magnitude and at random, bits per synapse, and three corruptions of input, at 25 doses on
    `examples` examples a task: with a healthy evaluation for each probe, as costly as 32 evaluations of so many examples.
    """
    seen: dict[str, Any] = {"examples": examples, "length": length}
    return (
        Response(WeightNoise(), severities=(0.1, 0.3, 0.6, 1.0), **seen),
        Response(Quantize(), severities=(0.25, 0.5, 0.625, 0.75, 0.875, 1.0), **seen),
        Pruned(Magnitude(), sparsities=(0.3, 0.5, 0.7, 0.9), **seen),
        Pruned(Random(), sparsities=(0.1, 0.3, 0.5), **seen),
        Response(TokenBlur(), severities=(0.1, 0.3, 0.6), **seen),
        Response(WordOrderShuffle(), severities=(0.3, 1.0), **seen),
        Response(Typos(), severities=(0.1, 0.3, 0.6), **seen),
    )
