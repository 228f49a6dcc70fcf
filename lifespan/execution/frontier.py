"""The frontier of a plan, from what is on disk alone: which steps can be lived now, and which lives have ended."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lifespan.record.store import Store
from lifespan.study.plan import Life, Pair, Plan, Step


@dataclass(frozen=True)
class Completion:
    """A step that is complete, or with `life` a life that has ended there (`status`, `reason`)."""

    step: Step
    life: Life | None = None
    status: str = "done"
    reason: str = ""


class Frontier:
    """Walks down the tree as steps are completed, whoever completes them.

    `open` holds the steps whose parent is complete, in the order of the plan; nothing below an ended step is ever open.
    """

    def __init__(self, plan: Plan, store: Store) -> None:
        self.plan, self.store = plan, store
        self.nodes = plan.nodes
        self.order = {digest: number for number, digest in enumerate(self.nodes)}
        self.children: dict[str | None, list[str]] = {}
        self.first: dict[str, Life] = {}
        self._over: dict[str, list[Life]] = {}
        for digest, step in self.nodes.items():
            self.children.setdefault(step.parent, []).append(digest)
        for life in plan.lives:
            for step in life.steps:
                self.first.setdefault(step.digest, life)
            self._over.setdefault(life.steps[-1].digest, []).append(life)
        self.open: list[str] = list(self.children.get(None, ()))
        self.failed = 0

    def refresh(self) -> Iterator[Completion]:
        """What has been completed or has ended since the last call, steps that were opened by it included."""
        pending = list(self.open)
        while pending:
            digest = pending.pop(0)
            if self.store.complete(self.nodes[digest]):
                self.open.remove(digest)
                further = self.children.get(digest, [])
                self.open += further
                pending[:0] = further
                yield Completion(self.nodes[digest])
                for life in self._over.get(digest, ()):
                    yield Completion(self.nodes[digest], life)
            elif (ended := self.store.ended(digest)) is not None:
                self.open.remove(digest)
                yield from self._end(digest, ended)
        self.open.sort(key=self.order.__getitem__)

    def pairs_left(self) -> list[Pair]:
        """Comparisons that can be made and are not."""
        return [
            pair
            for pair in self.plan.pairs
            if self.store.has_node(pair.one.digest)
            and self.store.has_node(pair.other.digest)
            and self.store.evaluation(pair.one.digest, pair.digest) is None
        ]

    def _end(self, digest: str, ended: dict[str, str]) -> Iterator[Completion]:
        self.failed += ended["status"] == "failed"
        for life in self.plan.lives:
            if any(step.digest == digest for step in life.steps):
                yield Completion(self.nodes[digest], life, ended["status"], ended["reason"])
