"""The plainest engine: one process, one life after the other, friendly to a debugger."""

from __future__ import annotations

import math
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from lifespan.contracts import Moment
from lifespan.errors import Diverged, UserError
from lifespan.life import Circumstances, Row, live, look
from lifespan.plan import Birth, Life, Plan, Step
from lifespan.scenario import position_of
from lifespan.store import Corrupt, Store
from lifespan.subject import Subject
from lifespan.training import Interrupted, Snapshot


class Observer:
    """What an engine tells while it works. All methods may be overridden; none may change anything."""

    def life_begins(self, life: Life) -> None: ...

    def step_begins(self, life: Life, step: Step) -> None: ...

    def advances(self, done: int, steps: int, loss: float) -> None: ...

    def step_ends(self, life: Life, step: Step, seconds: float) -> None: ...

    def life_ends(self, life: Life, status: str, reason: str) -> None: ...

    def warns(self, text: str) -> None: ...


@dataclass
class Inline:
    """Lives every life of a plan whose steps are not in the store yet.

    `every` is the number of optimizer steps between saved states inside a long step.
    """

    store: Store
    device: str = "cpu"
    every: int = 100
    observer: Observer = field(default_factory=Observer)
    should_stop: Callable[[], bool] = lambda: False

    def __post_init__(self) -> None:
        self._subject: Subject | None = None
        self._at: str | None = None

    def run(self, plan: Plan) -> None:
        """Live the plan. Raises `Interrupted` when asked to stop; a failed or diverged life is recorded and left."""
        nodes = plan.nodes
        for life in plan.lives:
            self.observer.life_begins(life)
            status, reason = self._live(plan, [nodes[step.digest] for step in life.steps], life)
            self.observer.life_ends(life, status, reason)

    def _live(self, plan: Plan, steps: list[Step], life: Life) -> tuple[str, str]:
        for position, step in enumerate(steps):
            ended = self.store.ended(step.digest)
            if ended is not None and ended["status"] == "diverged":
                return ended["status"], ended["reason"]
            if self._complete(step):
                continue
            if self.should_stop():
                raise Interrupted("between two events")
            try:
                self._reach(plan, steps[: position + 1], life)
            except (UserError, Interrupted):
                raise
            except Diverged as error:
                return self._end(step, "diverged", str(error))
            except Exception as error:
                traceback_text = traceback.format_exc()
                return self._end(step, "failed", f"{type(error).__name__}: {error}", traceback_text)
        return "done", ""

    def _complete(self, step: Step) -> bool:
        if self.store.node(step.digest) is None:
            return False
        return all(self.store.look(step.digest, seen.digest) is not None for seen in step.looks)

    def _end(self, step: Step, status: str, reason: str, trace: str = "") -> tuple[str, str]:
        self._subject, self._at = None, None
        self.store.save_ended(step.digest, {"status": status, "reason": reason, "traceback": trace})
        return status, reason

    def _reach(self, plan: Plan, path: list[Step], life: Life) -> None:
        """Live the last step of a path, or look at it, starting from the nearest state that is at hand."""
        step = path[-1]
        if self.store.node(step.digest) is None:
            self._stand_at(plan, path[:-1], life)
            self._live_step(plan, step, life)
        missing = [seen for seen in step.looks if self.store.look(step.digest, seen.digest) is None]
        if missing:
            self._stand_at(plan, path, life)
            for seen in missing:
                assert self._subject is not None
                rows = [as_row(row) for row in look(self._subject, step, seen)]
                self.store.save_look(step.digest, seen.digest, rows)

    def _stand_at(self, plan: Plan, path: list[Step], life: Life) -> None:
        """Make `_subject` the one that a path leads to, living again what is lost or corrupt."""
        if not path:
            self._subject, self._at = None, None
            return
        step = path[-1]
        if self._at == step.digest:
            return
        try:
            facts, state = self.store.load_state(step.digest)
        except Corrupt as error:
            self.observer.warns(str(error))
            self.store.forget(step.digest)
            self._stand_at(plan, path[:-1], life)
            self._live_step(plan, step, life)
            return
        if self._subject is None:
            birth = path[0]
            self._subject, _ = live(None, birth, plan.precision, self._circumstances(birth))
        self._subject.load(facts, state)
        self._at = step.digest

    def _live_step(self, plan: Plan, step: Step, life: Life) -> None:
        if isinstance(step.event, Birth):
            self._subject = None
        self.observer.step_begins(life, step)
        if self._subject is not None:
            self._subject.past = _Past(self, plan, step, life)
        start = time.perf_counter()
        subject, lived = live(self._subject, step, plan.precision, self._circumstances(step))
        seconds = time.perf_counter() - start
        content = {
            "digest": step.digest,
            "parent": step.parent,
            "event": step.event.describe(),
            "facts": subject.facts(),
            "rows": [as_row(row) for row in lived.rows],
            "optimizer_steps": lived.optimizer_steps,
            "examples": lived.examples,
            "tokens": lived.tokens,
            "seconds": seconds,
        }
        self.store.save_node(step.digest, subject.state(), content)
        self._subject, self._at = subject, step.digest
        self.observer.step_ends(life, step, seconds)

    def _circumstances(self, step: Step) -> Circumstances:
        return Circumstances(
            device=self.device,
            keeper=_Keeper(self.store, step.digest, self.every),
            progress=self.observer.advances,
            should_stop=self.should_stop,
            warn=self.observer.warns,
        )


@dataclass(frozen=True)
class _Past:
    """The life before a step, from the store; what is lost there is lived again."""

    engine: Inline
    plan: Plan
    step: Step
    life: Life

    def at(self, moment: Moment) -> Subject:
        path = self.plan.path_to(self.step.digest)[:-1]
        position = position_of(moment, [step.event for step in path[1:]], self.step.event.label)
        visitor = replace(self.engine)
        visitor._stand_at(self.plan, path[: position + 1], self.life)
        assert visitor._subject is not None
        return visitor._subject


@dataclass(frozen=True)
class _Keeper:
    store: Store
    digest: str
    every: int

    def load(self) -> Snapshot | None:
        return self.store.load_partial(self.digest)

    def save(self, snapshot: Snapshot) -> None:
        self.store.save_partial(self.digest, snapshot)


def as_row(row: Row) -> dict[str, Any]:
    """A row as plain data; a value that is not a finite number becomes null."""
    reading = row.reading
    value = float(reading.value)
    return {
        "step": row.step,
        "age": row.age,
        "stage": row.stage,
        "probe": row.probe,
        "task": reading.task,
        "split": reading.split,
        "metric": reading.metric,
        "value": value if math.isfinite(value) else None,
        "n": int(reading.n),
    }
