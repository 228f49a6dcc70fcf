"""Structural re-tuning of the shared anatomy, at an equal number of living synapses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lifespan.contracts import Learner, Plasticity, Task

if TYPE_CHECKING:
    from lifespan.contracts.subject import Subject
    from lifespan.randomness import Streams


@dataclass(frozen=True, kw_only=True)
class Rewire(Learner):
    """Move the alive mask: synapses die and revive, their number stays, W is frozen bit for bit.

    Scores start graded by magnitude on the present side of the cut and learn by the straight-through estimator, as in
    `Masks`; a controller restores the count every `refresh` steps, exactly at the end (top-k, Ramanujan et al.
    2020, equation 3). `heads` says whether the task heads, which are not synapses, re-tune along; by default they do not,
    so that a recovery is structural alone.
    """

    citation = "ramanujan2020hidden"

    rate: float = 1e-4
    head_rate: float | None = 5e-4
    spread: float = 2e-2
    refresh: int = 10
    heads: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_positive("spread")
        self.require_count("refresh")

    @property
    def plasticity(self) -> str:
        return "structure"

    @property
    def moves_anatomy(self) -> bool:
        return True

    def attach(self, subject: Subject, tasks: Sequence[Task], steps: int, streams: Streams) -> Plasticity:
        from lifespan.learners._masks import MaskChange, Pace
        from lifespan.learners._selection import Rule
        from lifespan.learners._starts import anatomy_scores

        scores, eligible = anatomy_scores(subject, self.spread)
        return MaskChange(
            subject,
            tasks,
            scores=scores,
            eligible=eligible,
            rule=Rule(cut=0.0, first=subject.sparsity, target=subject.sparsity, refresh=self.refresh),
            pace=Pace(self.rate, self.rate_of_heads if self.heads else None, None, self.weight_decay),
            steps=steps,
            shared=True,
        )
