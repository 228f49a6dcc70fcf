"""A chronic disorder of plasticity: some layers no longer learn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from lifespan.contracts import Course, Disorder

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, kw_only=True)
class FrozenLayers(Disorder):
    """A share of the layers gets no gradient, from onset to end (Lee et al. 2019).

    Native parameter: the number of frozen layers, `round(severity * layers)`, counted from the input (`order="bottom"`) or
    from the output ("top"), or drawn once for the whole life ("random", where more layers contain fewer). Weights, biases,
    LayerNorm and structural scores of a frozen layer stay bit for bit, weight decay included. Embeddings go with the lowest
    layer; heads learn on. The layers above go on passing gradients down to those that learn.

    A mask may still change in a frozen layer where no gradient moves it: `RigL` and `SET` go on rewiring, and a target
    sparsity over all layers may move its cut across scores at rest.
    """

    aetiology = "plasticity"
    citation = "lee2019elsa"

    order: Literal["bottom", "top", "random"] = "bottom"

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_literal("order")

    def gradient(self, parameters: Sequence[torch.nn.Parameter], course: Course) -> None:
        from lifespan.disorders._moving import by_layer

        if self.severity == 0:
            return
        layers = by_layer(course.subject, course.plasticity)
        for layer in self.frozen(list(layers), course):
            for parameter in layers[layer]:
                parameter.grad = None

    def frozen(self, layers: Sequence[str], course: Course) -> list[str]:
        """Which of these layers, named from the input on, are frozen."""
        from lifespan.disorders._moving import lifelong

        order = list(layers)
        if self.order == "top":
            order.reverse()
        elif self.order == "random":
            drawn = lifelong(course, type(self).__name__).numpy("disorder").permutation(len(order))
            order = [order[i] for i in drawn]
        return order[: round(self.severity * len(order))]

    def control(self) -> Disorder | None:
        """As many layers, drawn at random."""
        return None if self.order == "random" else replace(self, order="random")
