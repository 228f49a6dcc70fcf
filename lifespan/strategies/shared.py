"""What strategies have in common: the weights that tasks share, a quadratic penalty on them, and remembered tensors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import nn

from lifespan.contracts import Course
from lifespan.contracts.subject import Subject
from lifespan.errors import ScenarioError


def moving_parameters(subject: Subject, parameters: Sequence[nn.Parameter], who: str) -> dict[str, nn.Parameter]:
    """The encoder's parameters among those that move, by name. Raises `ScenarioError` where none does."""
    moving = {id(parameter) for parameter in parameters}
    found = {name: p for name, p in subject.encoder.named_parameters() if id(p) in moving}
    if not found:
        raise ScenarioError(who, "this learner does not move the encoder's weights themselves.", "Learn by Weights().")
    return found


def pull(
    parameters: dict[str, nn.Parameter], anchor: dict[str, torch.Tensor], stiffness: dict[str, torch.Tensor], course: Course
) -> None:
    """Add the gradient of sum stiffness / 2 (theta - anchor)^2, over living synapses."""
    for name, parameter in parameters.items():
        if name not in anchor or parameter.grad is None:
            continue
        force = (parameter.detach() - anchor[name]).mul_(stiffness[name])
        parameter.grad.add_(zero_dead(course.subject, name, force))


def zero_dead(subject: Subject, name: str, values: torch.Tensor) -> torch.Tensor:
    """Values of a parameter, set to 0 at dead synapses in place."""
    mask = subject.alive.get(name)
    return values if mask is None else values.mul_(mask)


def filed(subject: Subject, prefix: str) -> dict[str, torch.Tensor]:
    """What is remembered under a prefix, by the rest of its name."""
    return {name.removeprefix(prefix): value for name, value in subject.remembered.items() if name.startswith(prefix)}


def file(subject: Subject, prefix: str, values: dict[str, torch.Tensor]) -> None:
    """Remember these values under a prefix, instead of what was there."""
    subject.remembered = {name: value for name, value in subject.remembered.items() if not name.startswith(prefix)}
    subject.remembered |= {f"{prefix}{name}": value.detach().clone() for name, value in values.items()}


def worn_values(subject: Subject) -> Iterator[tuple[str, torch.Tensor]]:
    """The encoder's parameters as they act: 0 at dead synapses."""
    for name, parameter in subject.encoder.named_parameters():
        yield name, zero_dead(subject, name, parameter.detach().clone())
