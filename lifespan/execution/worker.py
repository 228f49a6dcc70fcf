"""The one worker of all engines: takes a lease on an open step, lives it, saves it, releases it, and goes on below it.

Workers know of each other only through the store and its leases, so any number of them, started by anybody on any machine
that sees the store, share a plan; each can die at any moment.
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from types import CodeType
from typing import Any

from lifespan.culprits import machine_error, unborn
from lifespan.errors import Diverged, ScenarioError, UserError
from lifespan.execution.executor import Executor
from lifespan.execution.frontier import SWEEP, Frontier
from lifespan.execution.observer import Attended, Observer
from lifespan.execution.step import compare, evaluate, live
from lifespan.record.leases import Lease, Leases
from lifespan.record.sessions import living_in
from lifespan.record.store import Store
from lifespan.study.events import Birth
from lifespan.study.plan import Life, Pair, Plan, Step
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
        self.observer = Attended(self.observer)
        self.leases = Leases(self.store.root)
        self.frontier = Frontier(self.plan, self.store)
        self.nodes = self.frontier.nodes
        self._lease: Lease | None = None
        self._at: str | None = None
        self._begun: set[str] = set()
        self.executor = self._executor()
        self._second_executor = self._executor()

    def run(self) -> None:
        """Live the plan. Raises `Interrupted` when asked to stop; a failed or diverged life is recorded and left."""
        with living_in(self.store.root, self.should_stop):
            try:
                self._run()
            finally:
                self.leases.close()

    def _run(self) -> None:
        self._refresh()
        while self.frontier.open and not (self.fail_fast and self.frontier.failed):
            self._raise_if_stopped("between two events")
            touched = next(filter(self._live_if_free, self.frontier.candidates(self._at)), None)
            if touched is None:
                # All that is known to be open is held by others.
                time.sleep(self.poll)
                self._refresh()
            else:
                self._refresh([touched], SWEEP)
        self._raise_if_stopped("after the last event")
        pairs = [] if self.fail_fast and self.frontier.failed else self.frontier.pairs_left()
        while pairs:
            self._raise_if_stopped("between two comparisons")
            tried = [pair for pair in pairs if self._compare_if_free(pair)]
            pairs = [pair for pair in pairs if pair not in tried]
            if not tried:
                time.sleep(self.poll)

    def _executor(self) -> Executor:
        stop = self._should_stop
        return Executor(self.store, self.device, self.every, observer=self.observer, should_stop=stop)

    def _should_stop(self) -> bool:
        return self.should_stop() or (self._lease is not None and self._lease.lost)

    def _raise_if_stopped(self, where: str) -> None:
        if self.should_stop():
            raise Interrupted(where)

    def _refresh(self, of: Iterable[str] = (), sweep: int | None = None) -> None:
        """Update the frontier with what any worker has completed, and report the lives that ended."""
        for completion in self.frontier.refresh(of, sweep):
            if completion.life is not None:
                self._begin_life(completion.life)
                self.observer.life_ends(completion.life, completion.status, completion.reason)

    def _begin_life(self, life: Life) -> None:
        if life.name not in self._begun:
            self._begun.add(life.name)
            self.observer.life_begins(life)

    def _live_if_free(self, digest: str) -> bool:
        """Live a step, or return False where another worker holds it."""
        step = self.nodes[digest]
        lease = self.leases.take(digest, stage=step.event.label, lives=self.frontier.first[digest].name)
        if lease is None:
            return False
        try:
            self._lease = lease
            # The worker that held it before may have completed it.
            if not self.store.complete(step) and self.store.ended(digest) is None:
                self._live(step)
        finally:
            self._lease = None
            self.leases.release(lease)
        return True

    def _live(self, step: Step) -> None:
        life = self.frontier.first[step.digest]
        self._begin_life(life)
        try:
            self.executor.complete_step(self.plan, self.plan.path_to(step.digest), life)
            self.store.drop_ended(step.digest)
            self._at = step.digest
            return
        except Interrupted:
            if self.should_stop():
                raise
            self.observer.warns(f"{step.event.label}: another worker has taken this step over")
        except Diverged as error:
            self._end(
                step,
                "diverged",
                str(error),
                rows=list(error.rows),
                optimizer_steps=max((done for done, *_ in error.points), default=0),
            )
        except (Exception, SystemExit) as error:
            self._raise_if_blameless(step, error)
            self._fail(step, error)
        self.executor.drop_subject()
        self._at = None

    def _raise_if_blameless(self, step: Step, error: BaseException) -> None:
        """Raise where the life is not to blame: the machine, the input, the observer or this package is."""
        life = self.frontier.first[step.digest].name
        found = machine_error(error, f"{step.event.label} of {life}" if step.parent else f"birth of {life}")
        if found is error or (isinstance(self.observer, Attended) and self.observer.error is error):
            raise error
        if found is not None:
            raise found from error
        if not _raised_by_a_life(error):
            raise error
        if isinstance(step.event, Birth):
            # Whoever is born of this origin meets the same.
            raise unborn(step.event.origin.describe(), error) from error

    def _fail(self, step: Step, error: BaseException) -> None:
        invalid = {}
        if isinstance(error, UserError):
            invalid = {"wrong": {"where": error.where, "what": error.what, "remedy": error.remedy}}
        reason = str(error) if invalid else f"{type(error).__name__}: {error}"
        self._end(step, "failed", reason, traceback=traceback.format_exc(), **invalid)

    def _end(self, step: Step, status: str, reason: str, **more: Any) -> None:
        self.store.save_ended(step.digest, {"status": status, "reason": reason, **more})

    def _compare_if_free(self, pair: Pair) -> bool:
        """Compare two lives, or return False where another worker holds the pair."""
        lease = self.leases.take(pair.digest, stage=pair.between.contrast.title, lives=pair.first.name)
        if lease is None:
            return False
        try:
            self._lease = lease
            self._compare(pair)
            self._at = None
        finally:
            self._lease = None
            self.leases.release(lease)
        return True

    def _compare(self, pair: Pair) -> None:
        """Compare two lives. What a contrast raises is no outcome of theirs."""
        try:
            self.executor.compare_pair(self.plan, pair, self._second_executor)
        except (UserError, Interrupted):
            raise
        except (Exception, SystemExit) as error:
            found = machine_error(error, pair.between.contrast.title)
            if found is not None:
                raise found from error
            if not _raised_by_a_life(error):
                raise
            said = f"cannot compare {pair.first.name} with {pair.second.name} ({type(error).__name__}: {error})."
            remedy = "Mend it, and simulate again: all lives are kept."
            raise ScenarioError(pair.between.contrast.title, said, remedy) from error


OF_A_LIFE: frozenset[CodeType] = frozenset(function.__code__ for function in (live, evaluate, compare))
"""What runs the methods of a life. An error from anywhere else is not the life's."""


def _raised_by_a_life(error: BaseException) -> bool:
    return any(frame.f_code in OF_A_LIFE for frame, _ in traceback.walk_tb(error.__traceback__))
