"""The driver's part: it watches the store and tells an observer what the workers, wherever they are, have done."""

from __future__ import annotations

from collections.abc import Callable

from lifespan.execution.engine import Job
from lifespan.execution.frontier import Frontier
from lifespan.record.store import Store
from lifespan.study.plan import Life, Plan


class Watch:
    """What has come about in the store since the last time."""

    def __init__(self, plan: Plan, job: Job) -> None:
        self.store = Store(job.store)
        self.frontier = Frontier(plan, self.store)
        self.observer = job.observer
        self._met: set[str] = set()
        self._tell(lambda digest: None)

    def look(self) -> None:
        """Tell of steps lived and lives ended since."""
        self._tell(self._lived)

    def _tell(self, lived: Callable[[str], None]) -> None:
        for news in self.frontier.refresh():
            if news.life is None:
                lived(news.step.digest)
            else:
                self._meet(news.life)
                self.observer.life_ends(news.life, news.status, news.reason)

    def _lived(self, digest: str) -> None:
        life, step = self.frontier.first[digest], self.frontier.nodes[digest]
        node = self.store.node(digest) or {}
        self._meet(life)
        self.observer.step_begins(life, step)
        self.observer.step_ends(life, step, float(node.get("seconds", 0.0)))

    def _meet(self, life: Life) -> None:
        if life.name not in self._met:
            self._met.add(life.name)
            self.observer.life_begins(life)
