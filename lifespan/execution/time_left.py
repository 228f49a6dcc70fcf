"""How long a running study will still take, from what was lived of its estimated cost until now."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from lifespan.execution.estimate import Estimate
from lifespan.study.plan import Life, Plan

KNOWN = 0.02
"""Share of the estimated cost that must have been lived before a time is shown."""
FEW = 2_000
"""Open steps up to which the longest chain of them is looked up; of more, all workers have enough to do."""


@dataclass
class TimeLeft:
    """Seconds until so many workers have lived what of a plan was open when its estimate `found` was made.

    The pace is the estimated cost of the steps that ended by the time since the first one began, so that an estimate may be
    wrong by any factor that is the same for all steps.
    """

    plan: Plan
    found: Estimate
    workers: int = 1
    now: Callable[[], float] = time.perf_counter
    _begun: float = field(init=False)
    _open: dict[str, float] = field(init=False)
    _left: float | None = field(default=None, init=False)
    _since: float = field(default=0.0, init=False)

    def __post_init__(self) -> None:
        self._begun = self.now()
        self._open = {digest: self.found.nodes[digest].total_seconds for digest in self.found.open_steps}
        self._whole = self._rest = sum(self._open.values())

    def step_ends(self, digest: str) -> None:
        """A step was lived. One that was not open changes nothing."""
        if digest not in self._open:
            return
        self._rest -= self._open.pop(digest)
        done, self._since = self._whole - self._rest, self.now()
        if done >= KNOWN * self._whole and done > 0:
            self._left = max(self._rest, self.workers * self._longest()) * (self._since - self._begun) / done

    def life_ends(self, life: Life, *, done: bool = True) -> None:
        """A life ended. Twins may go on from steps that they share with one that is not `done`."""
        shared: set[str] = set()
        if not done:
            shared = {step.digest for other in self.plan.lives if other.name != life.name for step in other.steps}
        for digest in {step.digest for step in life.steps} - shared:
            cost = self._open.pop(digest, 0.0)
            self._whole, self._rest = self._whole - cost, self._rest - cost

    def seconds(self) -> float | None:
        """Seconds left at this moment, at least 0; None before enough was lived."""
        return None if self._left is None else max(0.0, self._left - (self.now() - self._since))

    def _longest(self) -> float:
        """Cost of the longest chain of open steps that must follow each other; 0 where there are many."""
        if len(self._open) > FEW:
            return 0.0
        return max(sum(self._open.get(step.digest, 0.0) for step in life.steps) for life in self.plan.lives)
