"""Supervision of workers: what they have added to the store, wherever they run, is reported to an observer."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from lifespan.execution.engine import Job
from lifespan.execution.frontier import Frontier
from lifespan.record.leases import holders
from lifespan.record.store import Store
from lifespan.study.plan import Life, Plan

WATCH = 256
"""Open steps that one refresh looks at, beside those that workers held."""


class StoreMonitor:
    """Reports to a job's observer what has been added to its store since the last `refresh`."""

    def __init__(self, plan: Plan, job: Job) -> None:
        self.store = Store(job.store)
        self.frontier = Frontier(plan, self.store)
        self.observer = job.observer
        self._begun: set[str] = set()
        self._held: set[str] = set()
        self._report(lambda digest: None, [], None)

    def refresh(self, whole: bool = False) -> None:
        """Report the steps lived and the lives ended since the last call.

        Looks at the steps that workers held at the last call, and at some others; with `whole` at all that are open.
        """
        before, self._held = self._held, {lease["digest"] for lease in holders(self.store.root)}
        self._report(self._report_step, sorted(before), None if whole else WATCH)

    def _report(self, lived: Callable[[str], None], of: Iterable[str], sweep: int | None) -> None:
        for completion in self.frontier.refresh(of, sweep):
            if completion.life is None:
                lived(completion.step.digest)
            else:
                self._begin_life(completion.life)
                self.observer.life_ends(completion.life, completion.status, completion.reason)

    def _report_step(self, digest: str) -> None:
        life, step = self.frontier.first[digest], self.frontier.nodes[digest]
        node = self.store.node(digest) or {}
        self._begin_life(life)
        self.observer.step_begins(life, step)
        self.observer.step_ends(life, step, float(node.get("seconds", 0.0)))

    def _begin_life(self, life: Life) -> None:
        if life.name not in self._begun:
            self._begun.add(life.name)
            self.observer.life_begins(life)
