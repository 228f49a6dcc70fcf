"""The Hessian of any loss through products with vectors, and gradients of single examples."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel

from lifespan.contracts.subject import Subject

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
    """(the eigenvalue largest in absolute value, iterations taken), by Lanczos iteration (Golub & Van Loan 2013, chapter 10).

    It starts at random and ends when an eigenvalue is known to lie within the tolerance's share of the estimate: the residual
    of a Ritz pair is the last off-diagonal entry times the last entry of its vector. Power iteration takes as many products
    and errs where eigenvalues of both signs are nearly as large. No vectors are kept to orthogonalise against: that leaves
    copies of extreme eigenvalues, not false ones.
    """
    vector = [_normal(part, generator) for part in like]
    norm = max(_dot(vector, vector) ** 0.5, 1e-30)
    vector = [part / norm for part in vector]
    before = [torch.zeros_like(part) for part in vector]
    diagonal: list[float] = []
    beside: list[float] = []
    value = 0.0
    for iteration in range(1, iterations + 1):
        image = [part * (mask != 0) for part, mask in zip(product(vector), like, strict=True)]
        diagonal.append(_dot(vector, image))
        back = beside[-1] if beside else 0.0
        image = [new - diagonal[-1] * now - back * old for new, now, old in zip(image, vector, before, strict=True)]
        step = _dot(image, image) ** 0.5
        if not np.isfinite(step):
            return float("nan"), iteration
        value, last = _largest(diagonal, beside)
        if step * last <= tolerance * abs(value):
            return value, iteration
        beside.append(step)
        before, vector = vector, [part / step for part in image]
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


def _largest(diagonal: list[float], beside: list[float]) -> tuple[float, float]:
    """The eigenvalue largest in absolute value of a tridiagonal matrix, and its vector's last entry without sign."""
    values, vectors = np.linalg.eigh(np.diag(diagonal) + np.diag(beside, 1) + np.diag(beside, -1))
    top = int(np.abs(values).argmax())
    return float(values[top]), float(abs(vectors[-1, top]))


def _signs(like: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    drawn = torch.randint(2, like.shape, generator=generator).to(like) * 2 - 1
    return drawn * (like != 0)


def _normal(like: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    return torch.randn(like.shape, generator=generator).to(like) * (like != 0)


def _dot(one: Vector, other: Vector) -> float:
    return float(sum((a.double() * b.double()).sum() for a, b in zip(one, other, strict=True)))
