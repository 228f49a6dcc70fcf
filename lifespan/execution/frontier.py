"""The frontier of a plan, from what is on disk alone: which steps can be lived now, and which lives have ended."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from lifespan.record.store import Store
from lifespan.study.plan import Life, Pair, Plan, Step

SWEEP = 64
"""Open steps that one `refresh` looks at, beside those that it is told of."""


@dataclass(frozen=True)
class Completion:
    """A step that is complete, or with `life` a life that has ended there (`status`, `reason`)."""

    step: Step
    life: Life | None = None
    status: str = "done"
    reason: str = ""


class Frontier:
    """Walks down the tree as steps are completed, whoever completes them.

    `open` holds the steps whose parent is complete; nothing below an ended step is ever open. What others complete is found
    by looking at some open steps at a time, all in turn, so that a refresh costs the same in a cohort of any size; a step
    that is open here though another worker has completed it costs a worker one look.
    """

    def __init__(self, plan: Plan, store: Store) -> None:
        self.plan, self.store = plan, store
        self.nodes = plan.nodes
        self.failed = 0
        self.children: dict[str | None, list[str]] = {}
        self.first: dict[str, Life] = {}
        self._over: dict[str, list[Life]] = {}
        for digest, step in self.nodes.items():
            self.children.setdefault(step.parent, []).append(digest)
        for life in plan.lives:
            for step in life.steps:
                self.first.setdefault(step.digest, life)
            self._over.setdefault(life.steps[-1].digest, []).append(life)
        self._order = {digest: number for number, digest in enumerate(self.nodes)}
        self._names = list(self.nodes)
        self._open: set[str] = set()
        self._heap: list[int] = []
        self._round: deque[str] = deque()
        for digest in self.children.get(None, ()):
            self._add(digest)

    @property
    def open(self) -> Collection[str]:
        """Steps whose parent is complete, in no order."""
        return self._open

    def candidates(self, near: str | None) -> Iterator[str]:
        """Open steps, those right below `near` first, then in the order of the plan."""
        below = [digest for digest in self.children.get(near, ()) if digest in self._open] if near else []
        yield from below
        seen: list[int] = []
        try:
            while self._heap:
                number = heapq.heappop(self._heap)
                digest = self._names[number]
                if digest in self._open:
                    seen.append(number)
                    if digest not in below:
                        yield digest
        finally:
            for number in seen:
                heapq.heappush(self._heap, number)

    def refresh(self, of: Iterable[str] = (), sweep: int | None = None) -> Iterator[Completion]:
        """What has been completed or has ended since the last call, steps that were opened by it included.

        Looks at the steps `of`, and at `sweep` others, which take turns (None: at all that are open).
        """
        for digest in of:
            yield from self._advance(digest)
        for _ in range(len(self._round) if sweep is None else min(sweep, len(self._round))):
            digest = self._round.popleft()
            yield from self._advance(digest)
            if digest in self._open:
                self._round.append(digest)

    def pairs_left(self) -> list[Pair]:
        """Comparisons that can be made and are not."""
        return [
            pair
            for pair in self.plan.pairs
            if self.store.has_node(pair.one.digest)
            and self.store.has_node(pair.other.digest)
            and self.store.evaluation(pair.one.digest, pair.digest) is None
        ]

    def _add(self, digest: str) -> None:
        self._open.add(digest)
        heapq.heappush(self._heap, self._order[digest])
        self._round.append(digest)

    def _advance(self, digest: str) -> Iterator[Completion]:
        """Close an open step where it is complete or has ended, and what is complete below it."""
        pending = [digest]
        while pending:
            digest = pending.pop()
            if digest not in self._open:
                continue
            if self.store.complete(self.nodes[digest]):
                self._open.remove(digest)
                further = self.children.get(digest, [])
                for each in further:
                    self._add(each)
                pending += reversed(further)
                yield Completion(self.nodes[digest])
                for life in self._over.get(digest, ()):
                    yield Completion(self.nodes[digest], life)
            elif (ended := self.store.ended(digest)) is not None:
                self._open.remove(digest)
                yield from self._end(digest, ended)

    def _end(self, digest: str, ended: dict[str, str]) -> Iterator[Completion]:
        self.failed += ended["status"] == "failed"
        below = [digest]
        for each in below:
            below += self.children.get(each, ())
        over = [life for each in below for life in self._over.get(each, ())]
        for life in sorted(over, key=lambda life: self._order[life.steps[-1].digest]):
            yield Completion(self.nodes[digest], life, ended["status"], ended["reason"])
