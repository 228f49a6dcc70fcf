"""A chronic disorder of noise: Gaussian noise on the outputs of every layer."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lifespan.contracts import Disorder

if TYPE_CHECKING:
    import torch

    from lifespan.contracts.subject import Subject
    from lifespan.randomness import Streams


@dataclass(frozen=True, kw_only=True)
class ActivationNoise(Disorder):
    """Gaussian noise on the token states that every layer passes on, in learning and in evaluation.

    Neural signals vary from trial to trial for reasons from ion channels to synapses (Faisal et al. 2008). Each state x of
    a token becomes x + severity s(x) e, where s(x) is the standard deviation over the token's own units and e standard
    normal, drawn anew for every unit, token, layer and batch. Native parameter: the noise's standard deviation in units of
    the state's own, equal to `severity`; 1 is a signal-to-noise ratio of one in each layer.
    """

    aetiology = "noise and neuromodulation"
    citation = "faisal2008noise"

    def activations(self, subject: Subject, streams: Streams, step: int) -> AbstractContextManager[object]:
        if self.severity == 0:
            return nullcontext()
        import torch

        from lifespan.disorders._forward import layers, outputs_changed

        generator = streams.torch("disorder", step)

        def noisy(state: torch.Tensor) -> torch.Tensor:
            noise = torch.randn(state.shape, generator=generator).to(state.device, state.dtype)
            return state + self.severity * state.detach().std(-1, keepdim=True, correction=0) * noise

        return outputs_changed([(layer, noisy) for layer in layers(subject)])
