"""What the learners that drop and grow synapses have in common: their arguments and where they may stand."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from lifespan.contracts import Learner, Plasticity, Task
from lifespan.errors import ScenarioError

if TYPE_CHECKING:
    from lifespan.contracts.subject import Subject
    from lifespan.randomness import Streams


@dataclass(frozen=True, kw_only=True)
class DynamicSparse(Learner):
    """Drop the weakest synapses and grow as many others, every few steps; `RigL` says what the arguments mean."""

    head_rate: float | None = 5e-4
    anatomy: bool = False
    sparsity: float | None = None
    start: Literal["magnitude", "random"] = "magnitude"
    weights: bool = False
    every: int = 10
    until: float = 0.75
    drop: float = 0.3
    heads: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("anatomy", "weights", "heads"):
            self.require_one_of(name, (False, True))
        if self.sparsity is not None:
            self.require_fraction("sparsity", below_one=True)
        self.require_literal("start")
        self.require_count("every")
        self.require_fraction("until")
        self.require_fraction("drop")
        for name, alone in (("sparsity", None), ("start", "magnitude")):
            fine = not self.anatomy or getattr(self, name) == alone
            self.require(name, fine, "is for a mask of the task's own; the anatomy starts as it is.", "Leave it out.")

    @property
    @abstractmethod
    def by_gradient(self) -> bool:
        """Whether growth follows the gradient; else chance."""

    @property
    def plasticity(self) -> str:
        return "both" if self.weights else "structure"

    @property
    def moves_anatomy(self) -> bool:
        return self.anatomy

    @property
    def learns_jointly(self) -> bool:
        return self.anatomy

    def attach(self, subject: Subject, tasks: Sequence[Task], steps: int, streams: Streams) -> Plasticity:
        from lifespan.learners._rewiring import Rewiring

        name = type(self).__name__
        if self.anatomy and not tasks:
            raise ScenarioError(
                f"{name}(anatomy=True)", "moves the shared anatomy, which only Recover may.", f"Write {name}(sparsity=0.5)."
            )
        if not self.anatomy and len(tasks) > 1:
            raise ScenarioError(
                f"{name}(anatomy=False)",
                f"rewires the mask of one task, but {len(tasks)} are learned here.",
                f"In Recover write {name}(anatomy=True).",
            )
        return Rewiring(subject, tasks, self, steps, streams)
