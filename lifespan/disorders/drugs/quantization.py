"""A drug that rounds weights to few bits."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from lifespan.contracts import Disorder
from lifespan.errors import ScenarioError

if TYPE_CHECKING:
    from lifespan.contracts.subject import Subject
    from lifespan.randomness import Streams


@dataclass(frozen=True, kw_only=True)
class Quantize(Disorder):
    """Round every synapse's weight to one of at most 2^`bits` values, once; the weights stay floating-point numbers.

    Native parameter: `bits` = 9 - 8 `severity`, so 1/8 is 8 bits, 1 is 1 bit and 0 leaves W alone; a severity between two
    eighths counts as the larger one, the stronger dose (0.2 is 7 bits). `Quantize.to_bits(4)` names the bits.

    `grid="absmax"` is symmetric and uniform: the nearest multiple of absmax / (2^(bits-1) - 1), which for 1 bit is not
    defined; there it is sign(W) times the mean of abs(W), which is the best scale in the least-squares sense (Rastegari et
    al. 2016, equation 6). `grid="sigma"` cuts the range of `width` standard deviations (about zero) on either side into
    2^bits equal cells and takes their centres; weights outside go to the outermost cell.

    `group` consecutive inputs of a row share a scale (None: the whole matrix does). Group-wise scales are Q-BERT's (Shen et
    al. 2020), whose groups are output neurons of one head, whole rows.

    Scales are taken of living synapses; dead ones are rounded too, so that one which revives is drugged as well. A second
    dose of "absmax" changes nothing; one of "sigma" does, for the spread has changed. More severity is more change, with one
    exception: the 1 bit of "absmax" uses its two values well, and moves W less than 2 bits do. Reports `bits`, 32 for
    untouched weights.
    """

    aetiology = "drug"
    citation = "shen2020qbert"

    grid: Literal["absmax", "sigma"] = "absmax"
    width: float = 3.0
    group: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_literal("grid")
        self.require_positive("width")
        if self.group is not None:
            self.require_count("group")

    @classmethod
    def to_bits(cls, bits: int, **others: Any) -> Quantize:
        """The drug at the dose of so many bits, 1 to 8.

        >>> Quantize.to_bits(4)
        Quantize(severity=0.625, grid='absmax', width=3.0, group=None)
        """
        if not isinstance(bits, int) or isinstance(bits, bool) or not 1 <= bits <= 8:
            remedy = "For untouched weights write Quantize(severity=0)."
            raise ScenarioError(f"Quantize.to_bits({bits!r})", "must be a whole number from 1 to 8.", remedy)
        return cls(severity=(9 - bits) / 8, **others)

    @property
    def bits(self) -> int | None:
        """Bits per weight, or None at severity 0.

        >>> Quantize(severity=1 / 8).bits, Quantize(severity=0.2).bits, Quantize(severity=1.0).bits
        (8, 7, 1)
        """
        if self.severity == 0:
            return None
        # A sum such as 0.1 + 0.2 + 0.075 misses an eighth by a rounding error, and must not cost a bit.
        return 9 - max(1, math.ceil(8 * self.severity - 1e-9))

    def strike(self, subject: Subject, streams: Streams) -> Mapping[str, float]:
        """Injures W itself and draws nothing. Reports `entries`, `norm`, `relative` and `bits`."""
        from lifespan.disorders.drugs.doses import administer
        from lifespan.disorders.drugs.grids import quantised

        bits = self.bits
        if bits is None:
            return {**administer(subject, None), "bits": 32.0}
        settings: dict[str, Any] = {"bits": bits, "grid": self.grid, "width": self.width, "group": self.group}
        return {**administer(subject, lambda weight, alive: quantised(weight, alive, **settings)), "bits": float(bits)}
