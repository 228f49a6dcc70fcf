"""A chronic disorder of plasticity: whatever learns is pulled back to its earlier value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from lifespan.contracts import Course, Disorder

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, kw_only=True)
class Anchoring(Disorder):
    """The loss has the further term `severity * strength / 2 * sum F (theta - theta0)^2`, from onset to end.

    Elastic weight consolidation (Kirkpatrick et al. 2017, equation 3), with which Constantinescu et al. (2025) close a
    critical period. theta is all that learning moves, weights or structural scores; theta0 is what it was when the event
    began. Native parameter: the stiffness, `severity * strength`.

    `importance="equal"` pulls on all alike (F = 1). With "gradient", F is the mean square of the gradients of the event's
    first `batches` steps, in which nothing pulls yet, scaled to a mean of 1 so that `strength` has the same unit. The paper
    takes it from what was learned before, whose data a disorder does not see: here it is what the new event would move.

    A task's head is new and therefore free, unless `heads=True`. The term's gradient joins the task's before clipping, and
    Adam scales the sum: however stiff, a step is about as long as in health, but turns back. The loss in rows is the task's
    own. Remembers a copy of all that moves, two with "gradient".
    """

    aetiology = "plasticity"
    citation = "kirkpatrick2017overcoming"

    strength: float = 10.0
    importance: Literal["equal", "gradient"] = "equal"
    batches: int = 8
    heads: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_positive("strength")
        self.require_literal("importance")
        self.require_count("batches")
        self.require_one_of("heads", (False, True))

    def gradient(self, parameters: Sequence[torch.nn.Parameter], course: Course) -> None:
        if self.severity == 0:
            return
        memory, anchored = course.memory, self._anchored(parameters, course)
        if course.step == 0:
            memory.update({f"anchor/{i}": parameter.detach().clone() for i, parameter in anchored.items()})
        if self.importance == "gradient" and course.step < self.batches:
            self._measure(anchored, memory)
            return
        stiffness = self.severity * self.strength / self._mean_importance(anchored, memory)
        for i, parameter in anchored.items():
            if parameter.grad is None:
                continue
            pull = (parameter.detach() - memory[f"anchor/{i}"]).mul_(stiffness)
            if self.importance == "gradient":
                pull.mul_(memory[f"importance/{i}"])
            parameter.grad.add_(pull)

    def control(self) -> Disorder | None:
        """The same stiffness for all alike, where importance says for which."""
        return None if self.importance == "equal" else replace(self, importance="equal")

    def _anchored(self, parameters: Sequence[torch.nn.Parameter], course: Course) -> dict[int, torch.nn.Parameter]:
        """What is pulled, by its position among all that moves."""
        free = {id(p) for skill in course.subject.skills.values() for p in skill.head.parameters() if not self.heads}
        return {i: parameter for i, parameter in enumerate(parameters) if id(parameter) not in free}

    def _measure(self, anchored: dict[int, torch.nn.Parameter], memory: dict[str, torch.Tensor]) -> None:
        import torch

        for i, parameter in anchored.items():
            square = memory.setdefault(f"importance/{i}", torch.zeros_like(parameter.data))
            if parameter.grad is not None:
                square.add_(parameter.grad.square())

    def _mean_importance(self, anchored: dict[int, torch.nn.Parameter], memory: dict[str, torch.Tensor]) -> float:
        """Mean of F before scaling, found once an event. Infinite where no gradient came: then nothing is important."""
        import torch

        if self.importance == "equal":
            return 1.0
        if "mean" not in memory:
            total = sum(float(memory[f"importance/{i}"].double().sum()) for i in anchored)
            mean = total / max(1, sum(parameter.numel() for parameter in anchored.values()))
            memory["mean"] = torch.tensor(mean or float("inf"), dtype=torch.float64)
        return float(memory["mean"])
