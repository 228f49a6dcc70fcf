"""Learners around another learner: they follow its hyperparameters, and delegate what they do not change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

from lifespan.contracts import Learner, Moment, Plasticity

if TYPE_CHECKING:
    import torch


def _of_wrapped(name: str) -> property:
    return property(lambda self: getattr(self.by, name))


@dataclass(frozen=True, kw_only=True)
class Wrapper(Learner):
    """A learner around another, `by`, whose hyperparameters it follows.

    Steps, rates and batch size are those of `by`; here they can be read and not set, so the two cannot differ.
    """

    by: Learner

    if not TYPE_CHECKING:
        # A class variable takes the inherited field's place: it is no argument, and no part of the written spec.
        steps: ClassVar[Any] = _of_wrapped("steps")
        epochs: ClassVar[Any] = _of_wrapped("epochs")
        batch_size: ClassVar[Any] = _of_wrapped("batch_size")
        rate: ClassVar[Any] = _of_wrapped("rate")
        head_rate: ClassVar[Any] = _of_wrapped("head_rate")
        warmup: ClassVar[Any] = _of_wrapped("warmup")
        weight_decay: ClassVar[Any] = _of_wrapped("weight_decay")
        clip: ClassVar[Any] = _of_wrapped("clip")

    def __post_init__(self) -> None:
        self.require_a("by", Learner, "Masks()")
        what = f"is {type(self.by).__name__}, which mixes tasks in its batches."
        self.require("by", not self.by.brings_strategy, what, "Use Weights().")
        super().__post_init__()

    @property
    def plasticity(self) -> str:
        return self.by.plasticity

    @property
    def leaves_mask(self) -> bool:
        return self.by.leaves_mask

    @property
    def moves_anatomy(self) -> bool:
        return self.by.moves_anatomy

    @property
    def learns_jointly(self) -> bool:
        return self.by.learns_jointly

    @property
    def moments(self) -> tuple[Moment, ...]:
        return self.by.moments

    def steps_for(self, examples: int) -> int:
        """Optimizer steps of the wrapped learner's recipe."""
        return self.by.steps_for(examples)

    def steps_of_round(self, examples: int) -> int:
        """Those of the wrapped learner."""
        return self.by.steps_of_round(examples)

    def lasting(self, *, steps: int, batch_size: int, rate: float) -> Learner:
        """The same wrapper around a learner with an event's own recipe."""
        return replace(self, by=self.by.lasting(steps=steps, batch_size=batch_size, rate=rate))


class Around(Plasticity):
    """A plasticity around another, `inner`, to which it delegates everything that is not overridden."""

    def __init__(self, inner: Plasticity) -> None:
        self.inner = inner
        self.cycle, self.resumable = inner.cycle, inner.resumable

    def feed(self, source: Any) -> Any:
        return self.inner.feed(source)

    def groups(self) -> list[dict[str, Any]]:
        return self.inner.groups()

    def enter(self, task: str | None) -> None:
        self.inner.enter(task)

    def objective(self, task: str | None, batch: Mapping[str, torch.Tensor]) -> torch.Tensor | None:
        return self.inner.objective(task, batch)

    def penalty(self) -> torch.Tensor | None:
        return self.inner.penalty()

    def translate(self) -> None:
        self.inner.translate()

    def advance(self, step: int) -> None:
        self.inner.advance(step)

    def report(self) -> dict[str, float]:
        return self.inner.report()

    def warnings(self) -> list[str]:
        return self.inner.warnings()

    def state(self) -> dict[str, torch.Tensor]:
        return self.inner.state()

    def load_state(self, state: Mapping[str, torch.Tensor]) -> None:
        self.inner.load_state(state)

    def settle(self) -> None:
        self.inner.settle()
