"""Dose-response to pruning."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lifespan.contracts import Pruner, Task
from lifespan.probes.robustness._dose_response import DoseResponse, curve

if TYPE_CHECKING:
    import numpy as np

    from lifespan.contracts.subject import Subject
    from lifespan.randomness import Streams


@dataclass(frozen=True, kw_only=True)
class Pruned(DoseResponse):
    """How every task learned so far would do if the subject aged to higher sparsities now, by any pruner, without recovery.

    `Pruned(Magnitude())` against `Pruned(Random())` measures what the criterion is worth; `Pruned(Heads())` takes the heads
    that matter least first. The dose is the sparsity of the anatomy, dead synapses included. Sparsities that are reached
    already are left out, and the curve is level up to the present one, so that doses compare between ages. A pruner of whole
    units comes as near to a sparsity as its units allow: its dose is the nominal one, and sparsities out of its reach are left
    out. Pruners that read data cost their own passes beside.
    """

    citation = "han2015learning"
    revision = 2
    meanings = curve("pruned by {about}")

    by: Pruner = field(kw_only=False)
    sparsities: tuple[float, ...] = (0.3, 0.5, 0.7, 0.9)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_a("by", Pruner, "Pruned(Magnitude())")
        fine = isinstance(self.sparsities, tuple) and len(self.sparsities) > 0 and all(0 < s < 1 for s in self.sparsities)
        fine = fine and list(self.sparsities) == sorted(set(self.sparsities))
        self.require("sparsities", fine, "must be a tuple of rising sparsities in (0, 1).", "For example: (0.5, 0.9).")

    @property
    def title(self) -> str:
        return f"Pruned by {self.about}"

    @property
    def about(self) -> str:
        """The pruner."""
        return self.by.describe().removesuffix("()")

    @property
    def doses(self) -> tuple[float, ...]:
        return self.sparsities

    def reachable(self, subject: Subject) -> tuple[float, ...]:
        return tuple(sparsity for sparsity in self.sparsities if sparsity > subject.sparsity)

    def suffered(self, subject: Subject) -> float:
        return subject.sparsity

    @contextmanager
    def _aged(self, subject: Subject, sparsity: float, streams: Streams, tasks: Mapping[str, Task]) -> Iterator[None]:
        alive = subject.alive
        try:
            subject.alive = self.by.choose(subject, sparsity, streams, list(tasks.values()))
            yield
        finally:
            subject.alive = alive

    def damaged(
        self, subject: Subject, dose: float, streams: Streams, tasks: Mapping[str, Task]
    ) -> AbstractContextManager[object]:
        return self._aged(subject, dose, streams, tasks)

    def answer(self, subject: Subject, task: Task, split: str, dose: float, streams: Streams) -> np.ndarray:
        from lifespan.training.evaluation import task_logits

        return task_logits(subject, task, split, self.length, self.examples)[0]
