"""An instant disorder of weight initialisation: neurons that are copies of others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lifespan.contracts import Disorder
from lifespan.disorders._targets import LayerFocal
from lifespan.disorders.noise.matched_noise import MatchedNoise

if TYPE_CHECKING:
    import torch

    from lifespan.contracts.subject import Subject
    from lifespan.model.anatomy import Units
    from lifespan.randomness import Streams


@dataclass(frozen=True, kw_only=True)
class DuplicatedUnits(LayerFocal):
    """Some feed-forward neurons of each layer become copies of others: incoming weights, bias and outgoing weights.

    Native parameter: the share of neurons that are copies, `severity`, rounded in each layer, and all but one at most: at 1
    a layer has one neuron many times. Which neurons are copies is drawn at random, and a larger severity contains those of
    a smaller one; originals are copied equally often, to within one.

    Copies get equal gradients and stay copies, unless dropout or masks separate them: the symmetry that random initial
    weights are to break (Rumelhart et al. 1986). Which synapses live is not copied. Placed first in a life it is a
    disorder of birth; its late twin is the same object after `Learn`. The control is `MatchedNoise`: as large a change of the
    same matrices.
    """

    aetiology = "weight initialisation"
    citation = "rumelhart1986learning"
    parts = ("neurons",)

    def strike(self, subject: Subject, streams: Streams) -> Mapping[str, float]:
        """Injures W and biases. Reports `units` that became copies, changed `entries` of W, their `norm` and `relative`."""
        import torch

        from lifespan.disorders._rewriting import compared, copies

        units = self.units(subject)
        before = copies(subject, self.region(subject))
        generator = streams.torch("disorder")
        total = 0
        for each in units:
            order = torch.randperm(each.number, generator=generator)
            count = min(round(self.severity * each.number), each.number - 1)
            source = torch.arange(each.number)
            # Originals are taken from the end, where they stay originals longest as severity rises.
            source[order[:count]] = order.flip(0)[torch.arange(count) % (each.number - count)]
            _copy(subject, each, source.to(subject.device))
            total += count
        return {**compared(subject, before), "units": float(total)}

    def control(self) -> Disorder:
        return MatchedNoise(like=self, severity=self.severity)


def _copy(subject: Subject, units: Units, source: torch.Tensor) -> None:
    """Every neuron becomes a copy of its source, in all blocks of rows, their biases, and the columns."""
    for name, parts in units.inputs:
        bias = subject.encoder.get_submodule(name.removesuffix(".weight")).bias
        for parameter in (subject.synapses[name], bias):
            if parameter is not None:
                blocks = parameter.data.unflatten(0, (parts, units.number))
                blocks.copy_(blocks[:, source])
    columns = subject.synapses[units.output].data
    columns.copy_(columns[:, source])
