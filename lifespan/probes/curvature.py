"""The Hessian of any loss through products with vectors, and gradients of single examples."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel

from lifespan.subject import Subject

Vector = list[torch.Tensor]
Product = Callable[[Vector], Vector]
"""A vector to the Hessian times it."""


def hessian_of(loss: Callable[[], torch.Tensor], parameters: Sequence[torch.Tensor]) -> Product:
    """Products with the Hessian of a loss at the parameters' present values, two backward passes each (Pearlmutter 1994)."""

    def product(vector: Vector) -> Vector:
        gradients = torch.autograd.grad(loss(), parameters, create_graph=True)
        return list(torch.autograd.grad(gradients, parameters, grad_outputs=vector))

    return product


def trace(product: Product, like: Vector, draws: int, generator: torch.Generator) -> tuple[float, float]:
    """(estimate, standard error) of the trace: mean of z'Hz over vectors z of random signs (Hutchinson 1990).

    The error is NaN for a single draw. A zero in `like` stays zero in z, so that the trace is of the others' block.
    """
    found = []
    for _ in range(draws):
        signs = [_signs(part, generator) for part in like]
        found.append(_dot(signs, product(signs)))
    values = torch.tensor(found, dtype=torch.float64)
    error = float(values.std() / draws**0.5) if draws > 1 else float("nan")
    return float(values.mean()), error


def top_eigenvalue(
    product: Product, like: Vector, iterations: int, generator: torch.Generator, tolerance: float = 1e-3
) -> tuple[float, int]:
    """(the eigenvalue largest in absolute value, iterations taken), by power iteration (Yao et al. 2020, algorithm 1).

    It starts at random and ends when the Rayleigh quotient changes by less than the tolerance's share.
    """
    vector = [_normal(part, generator) for part in like]
    value = 0.0
    for iteration in range(1, iterations + 1):
        norm = max(_dot(vector, vector) ** 0.5, 1e-30)
        vector = [part / norm for part in vector]
        image = product(vector)
        before, value = value, _dot(vector, image)
        if iteration > 1 and abs(value - before) <= tolerance * abs(value):
            return value, iteration
        vector = [part * (mask != 0) for part, mask in zip(image, like, strict=True)]
    return value, iterations


@contextmanager
def twice_differentiable(subject: Subject) -> Iterator[None]:
    """Inside this block passes are in fp32, and attention can be differentiated twice, which fused kernels cannot."""
    precision = subject.precision
    subject.precision = "fp32"
    try:
        with sdpa_kernel(SDPBackend.MATH):
            yield
    finally:
        subject.precision = precision


def _signs(like: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    drawn = torch.randint(2, like.shape, generator=generator).to(like) * 2 - 1
    return drawn * (like != 0)


def _normal(like: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    return torch.randn(like.shape, generator=generator).to(like) * (like != 0)


def _dot(one: Vector, other: Vector) -> float:
    return float(sum((a.double() * b.double()).sum() for a, b in zip(one, other, strict=True)))
