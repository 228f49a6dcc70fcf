"""A chronic disorder of noise: a share of every matrix's inputs is dropped."""

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
class FailingSynapses(Disorder):
    """A share of the inputs of every synapse matrix is zero, in learning and in evaluation.

    Dropout (Srivastava et al. 2014, section 4: y = W (r * x), r Bernoulli) that never ends and is not made up for: what
    arrives is not scaled up, as in synapses whose release probability has fallen. r is drawn anew for every input, token,
    matrix and batch; query, key and value fail independently though they read the same. Native parameter: the probability
    that an input fails, equal to `severity`; at 1 nothing but biases and the residual stream is left.
    """

    aetiology = "noise and neuromodulation"
    citation = "srivastava2014dropout"

    def activations(self, subject: Subject, streams: Streams, step: int) -> AbstractContextManager[object]:
        if self.severity == 0:
            return nullcontext()
        import torch

        from lifespan.disorders._forward import inputs_changed, matrices

        generator = streams.torch("disorder", step)

        def failing(inputs: torch.Tensor) -> torch.Tensor:
            arrives = torch.rand(inputs.shape, generator=generator) >= self.severity
            return inputs * arrives.to(inputs.device)

        return inputs_changed([(matrix, failing) for matrix in matrices(subject)])
