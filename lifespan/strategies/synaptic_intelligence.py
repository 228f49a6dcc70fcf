"""Synaptic intelligence: weights that moved the loss while a task was learned are held afterwards."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lifespan.contracts import Course, Guard, Lesson, Strategy

if TYPE_CHECKING:
    from collections.abc import Sequence

    import torch

    from lifespan.contracts.subject import Subject


@dataclass(frozen=True, kw_only=True)
class SynapticIntelligence(Strategy):
    """The loss has the further term strength sum_i Omega_i (theta_i - theta*_i)^2 (Zenke et al. 2017, equations 3 to 5).

    While a task is learned, omega_i -= g_i dtheta_i at each step: g is the gradient of the task's own loss (before clipping,
    without the pull), dtheta what the optimizer's step changed. At its end Omega_i += max(0, omega_i) / (Delta_i^2 + damping),
    Delta being the way from the task's beginning; theta* is the end. One pair for all tasks, 8 bytes a weight. Importance is
    gathered from the first task on: it costs no pass of its own, and two elementwise ones a step.

    A synapse that died pulls no more and gathers nothing.
    """

    citation = "zenke2017continual"

    strength: float = 1.0
    damping: float = 1e-3

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_positive("strength", or_zero=True)
        self.require_positive("damping")

    def guard(self, subject: Subject, lesson: Lesson) -> Guard:
        return _Intelligence(self, subject)


class _Intelligence(Guard):
    def __init__(self, strategy: SynapticIntelligence, subject: Subject) -> None:
        from lifespan.strategies.shared import filed, worn_values

        self.strategy = strategy
        self.anchor = filed(subject, f"{strategy.name}/anchor/")
        self.importance = filed(subject, f"{strategy.name}/importance/")
        self.stiffness = {name: value * (2 * strategy.strength) for name, value in self.importance.items()}
        self.begin = dict(worn_values(subject))
        self._step: dict[str, tuple[torch.Tensor, torch.Tensor]] = {}

    def gradient(self, parameters: Sequence[torch.nn.Parameter], course: Course) -> None:
        from lifespan.strategies.shared import moving_parameters, pull

        moving = moving_parameters(course.subject, parameters, self.strategy.describe())
        self._step = {n: (p.grad.detach().clone(), p.detach().clone()) for n, p in moving.items() if p.grad is not None}
        if self.anchor:
            pull(moving, self.anchor, self.stiffness, course)

    def after(self, course: Course) -> None:
        import torch

        now = dict(course.subject.encoder.named_parameters())
        for name, (gradient, before) in self._step.items():
            path = course.memory.setdefault(f"omega/{name}", torch.zeros_like(before))
            path.sub_(gradient * (now[name].detach() - before))

    def settle(self, subject: Subject, memory: dict[str, torch.Tensor]) -> None:
        from lifespan.strategies.shared import file, worn_values, zero_dead

        end = dict(worn_values(subject))
        found = {}
        for name, value in end.items():
            omega = memory.get(f"omega/{name}")
            old = self.importance.get(name)
            new = value.new_zeros(value.shape)
            if omega is not None:
                new = omega.clamp(min=0) / ((value - self.begin[name]).square() + self.strategy.damping)
            found[name] = zero_dead(subject, name, new if old is None else new + old)
        file(subject, f"{self.strategy.name}/importance/", found)
        file(subject, f"{self.strategy.name}/anchor/", end)
