"""A chronic disorder of neuromodulation: neurons and attention respond less steeply to their inputs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from lifespan.contracts import Disorder

if TYPE_CHECKING:
    import torch

    from lifespan.contracts.subject import Subject
    from lifespan.randomness import Streams

_QUERIES = ("query", "query_proj", "pos_query_proj", "q_lin")


@dataclass(frozen=True, kw_only=True)
class GainReduction(Disorder):
    """The net input of every nonlinearity is multiplied by a gain G below 1, in learning and in evaluation.

    Servan-Schreiber et al. (1990) model catecholamines as the gain of the activation function, f(G net + bias): less of
    them, less contrast between signal and noise. Here net is W x of the feed-forward neurons (their bias stays; of gated
    neurons, what goes through the nonlinearity) and the logits of attention, whose softmax is the logistic function for
    many. `at` is "both", "neurons" or "attention". Native parameter: G = 1 - severity; at 1 attention is uniform and the
    neurons say the same whatever they read. Documented analogies: hypodopaminergic prefrontal cortex, and ageing.

    Raises `ScenarioError` for an encoder whose heads and neurons are not mapped.
    """

    aetiology = "noise and neuromodulation"
    citation = "servanschreiber1990network"

    at: Literal["both", "neurons", "attention"] = "both"

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_literal("at")

    def activations(self, subject: Subject, streams: Streams, step: int) -> AbstractContextManager[object]:
        if self.severity == 0:
            return nullcontext()
        from lifespan.disorders._forward import outputs_changed

        return outputs_changed(self._changes(subject))

    def _changes(self, subject: Subject) -> Iterator[tuple[Any, Any]]:
        from lifespan.model.anatomy import anatomy_of

        for layer in anatomy_of(subject.encoder):
            if self.at != "attention":
                (name, parts), *_ = layer.neurons.inputs
                module = subject.encoder.get_submodule(name.removesuffix(".weight"))
                yield module, self._turned_down(module.out_features // parts, module.bias)
            if self.at != "neurons":
                for name, parts in layer.heads.inputs:
                    path = name.removesuffix(".weight")
                    if parts > 1 or path.split(".")[-1] in _QUERIES:
                        module = subject.encoder.get_submodule(path)
                        # Logits are linear in the queries, so that their gain is the logits'.
                        yield module, self._turned_down(module.out_features // parts, None)

    def _turned_down(self, rows: int, bias: torch.Tensor | None) -> Any:
        """The gain on the first `rows` outputs, biases left out."""
        gain = 1 - self.severity

        def change(output: torch.Tensor) -> torch.Tensor:
            import torch

            own = output[..., :rows] * gain
            if bias is not None:
                own = own + (1 - gain) * bias[:rows].to(output.dtype)
            return torch.cat([own, output[..., rows:]], -1)

        return change
