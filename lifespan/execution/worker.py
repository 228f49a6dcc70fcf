"""The one worker of all engines: claims an open step, lives it, saves it, lets go, and goes on below it.

Workers know of each other only through the store and its claims, so any number of them, started by anybody on any machine
that sees the store, share a plan; each can die at any moment.
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from lifespan.errors import Diverged, RecordError, UserError
from lifespan.execution.executor import Living
from lifespan.execution.frontier import Frontier
from lifespan.execution.observer import Observer
from lifespan.record.leases import Claim, Claims
from lifespan.record.store import Store
from lifespan.study.plan import Birth, Life, Pair, Plan, Step
from lifespan.training.loop import Interrupted


@dataclass
class Worker:
    """Lives what is open in a plan until nothing is, or until asked to stop.

    It goes down a life as far as it can, with the subject in memory, and takes the first open step of the plan's order
    where it cannot. With `fail_fast` it leaves as soon as any life of the plan has failed. `poll` is the number of seconds
    that it waits where all that is open is held by others.
    """

    plan: Plan
    store: Store
    device: str = "cpu"
    every: int = 100
    fail_fast: bool = False
    observer: Observer = field(default_factory=Observer)
    should_stop: Callable[[], bool] = lambda: False
    poll: float = 0.2

    def __post_init__(self) -> None:
        self.claims = Claims(self.store.root)
        self.frontier = Frontier(self.plan, self.store)
        self.nodes = self.frontier.nodes
        self._holds: Claim | None = None
        self._at: str | None = None
        self._met: set[str] = set()
        self.living = self._living()
        self._beside = self._living()

    def run(self) -> None:
        """Live the plan. Raises `Interrupted` when asked to stop; a failed or diverged life is recorded and left."""
        try:
            self._run()
        finally:
            self.claims.close()

    def _run(self) -> None:
        while self._go_on("between two events"):
            self._hear()
            if not self.frontier.open or (self.fail_fast and self.frontier.failed):
                break
            if not any(self._try(digest) for digest in self._candidates()):
                time.sleep(self.poll)
        pairs = [] if self.fail_fast and self.frontier.failed else self.frontier.pairs_left()
        while pairs and self._go_on("between two comparisons"):
            tried = [pair for pair in pairs if self._try_pair(pair)]
            pairs = [pair for pair in pairs if pair not in tried]
            if not tried:
                time.sleep(self.poll)

    def _living(self) -> Living:
        stop = self._stops
        return Living(self.store, self.device, self.every, observer=self.observer, should_stop=stop)

    def _stops(self) -> bool:
        return self.should_stop() or (self._holds is not None and self._holds.lost)

    def _go_on(self, where: str) -> bool:
        if self.should_stop():
            raise Interrupted(where)
        return True

    def _hear(self) -> None:
        """Take in what has been completed by anybody, and tell which lives came to their end."""
        for news in self.frontier.refresh():
            if news.life is not None:
                self._meet(news.life)
                self.observer.life_ends(news.life, news.status, news.reason)

    def _meet(self, life: Life) -> None:
        if life.name not in self._met:
            self._met.add(life.name)
            self.observer.life_begins(life)

    def _candidates(self) -> list[str]:
        """Open steps, those below the subject in memory first."""
        below = self.frontier.children.get(self._at, []) if self._at else []
        near = [digest for digest in below if digest in self.frontier.open]
        return near + [digest for digest in self.frontier.open if digest not in near]

    def _try(self, digest: str) -> bool:
        """Live a step if nobody else does. False where somebody does."""
        step = self.nodes[digest]
        claim = self.claims.take(digest, stage=step.event.label, lives=self.frontier.first[digest].name)
        if claim is None:
            return False
        try:
            self._holds = claim
            # Whoever held it until now may have completed it.
            if not self.store.complete(step) and self.store.ended(digest) is None:
                self._live(step)
        finally:
            self._holds = None
            self.claims.release(claim)
        return True

    def _live(self, step: Step) -> None:
        life = self.frontier.first[step.digest]
        self._meet(life)
        try:
            self.living._reach(self.plan, self.plan.path_to(step.digest), life)
            self.store.drop_ended(step.digest)
            self._at = step.digest
            return
        except Interrupted:
            if self.should_stop():
                raise
            self.observer.warns(f"{step.event.label}: another worker has taken this step over")
        except RecordError:
            raise
        except Diverged as error:
            self._end(
                step,
                "diverged",
                str(error),
                rows=list(error.rows),
                optimizer_steps=max((done for done, *_ in error.points), default=0),
            )
        except Exception as error:
            if isinstance(error, UserError) and isinstance(step.event, Birth):
                raise
            self._fail(step, error)
        self.living.lose()
        self._at = None

    def _fail(self, step: Step, error: Exception) -> None:
        wrong = {}
        if isinstance(error, UserError):
            wrong = {"wrong": {"where": error.where, "what": error.what, "remedy": error.remedy}}
        said = str(error) if wrong else f"{type(error).__name__}: {error}"
        self._end(step, "failed", said, traceback=traceback.format_exc(), **wrong)

    def _end(self, step: Step, status: str, reason: str, **more: Any) -> None:
        self.store.save_ended(step.digest, {"status": status, "reason": reason, **more})

    def _try_pair(self, pair: Pair) -> bool:
        """Compare two lives if nobody else does. False where somebody does."""
        claim = self.claims.take(pair.digest, stage=pair.between.contrast.title, lives=pair.first.name)
        if claim is None:
            return False
        try:
            self._holds = claim
            self.living._compare(self.plan, pair, self._beside)
            self._at = None
        finally:
            self._holds = None
            self.claims.release(claim)
        return True
