"""Living single steps: stand at a state, live the next event, look, and keep what came of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from lifespan.contracts import Moment, Origin
from lifespan.contracts.checkpoint import Snapshot
from lifespan.contracts.subject import Subject
from lifespan.execution.observer import Observer
from lifespan.execution.step import Circumstances, compare, live, look
from lifespan.record.store import Corrupt, Store
from lifespan.study.plan import Birth, Life, Look, Pair, Plan, Step
from lifespan.study.scenario import position_of


@dataclass
class Living:
    """One subject in memory, moved along the tree of a plan.

    `every` is the number of optimizer steps between saved states inside a long step.
    """

    store: Store
    device: str = "cpu"
    every: int = 100
    observer: Observer = field(default_factory=Observer)
    should_stop: Callable[[], bool] = lambda: False

    def __post_init__(self) -> None:
        self._subject: Subject | None = None
        self._origin: Origin | None = None
        self._at: str | None = None

    def lose(self) -> None:
        """Let go of the subject in memory: an error may have left it half changed."""
        self._subject, self._at = None, None

    def _reach(self, plan: Plan, path: list[Step], life: Life) -> None:
        """Live the last step of a path, or look at it, starting from the nearest state that is at hand."""
        step = path[-1]
        if self.store.node(step.digest) is None:
            self._stand_at(plan, path[:-1], life)
            self._live_step(plan, step, life)
        missing = [seen for seen in step.looks if self.store.look(step.digest, seen.digest) is None]
        inside = tuple(seen for seen in missing if seen.every is not None)
        if inside:
            self._look_inside(plan, path, inside, life)
        for seen in missing:
            if seen.every is None:
                subject = self._visited(plan, path, life)
                start = time.perf_counter()
                rows = [row.as_data() for row in look(subject, step, seen)]
                self.store.save_look(step.digest, seen.digest, rows, time.perf_counter() - start)

    def _look_inside(self, plan: Plan, path: list[Step], inside: tuple[Look, ...], life: Life) -> None:
        """A step that was lived before anybody looked inside is lived once more, beside its own life."""
        step = path[-1]
        subject = replace(self)._visited(plan, path[:-1], life)
        here = replace(self._circumstances(step), keeper=None, inside=inside)
        _, lived = live(subject, step, plan.precision, here)
        for digest, rows in lived.inside.items():
            self.store.save_look(step.digest, digest, rows, lived.seconds_inside[digest])

    def _compare(self, plan: Plan, pair: Pair, beside: Living) -> None:
        """Look at two lives at once, where both came so far; `beside` holds the second."""
        one, other = pair.one.digest, pair.other.digest
        if self.store.look(one, pair.digest) is not None or None in (self.store.node(one), self.store.node(other)):
            return
        first = self._visited(plan, plan.path_to(one), pair.first)
        second = beside._visited(plan, plan.path_to(other), pair.second)
        start = time.perf_counter()
        rows = compare(pair.between.contrast, first, second, pair.one, pair.other)
        self.store.save_look(one, pair.digest, rows, time.perf_counter() - start)

    def _visited(self, plan: Plan, path: list[Step], life: Life) -> Subject:
        """The subject at the end of a path, with the past that led there."""
        self._stand_at(plan, path, life)
        assert self._subject is not None
        self._subject.past = _Past(self, plan, path, life)
        return self._subject

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
        birth = path[0]
        assert isinstance(birth.event, Birth)
        if self._subject is None or self._origin != birth.event.origin:
            # What an origin settles beside the state, such as widths and dropout, comes with the body alone.
            self._subject, _ = live(None, birth, plan.precision, self._circumstances(birth))
            self._origin = birth.event.origin
        self._subject.load(facts, state)
        self._at = step.digest

    def _live_step(self, plan: Plan, step: Step, life: Life) -> None:
        if isinstance(step.event, Birth):
            self._subject, self._origin = None, step.event.origin
        self.observer.step_begins(life, step)
        if self._subject is not None:
            self._subject.past = _Past(self, plan, plan.path_to(step.digest)[:-1], life)
        start = time.perf_counter()
        subject, lived = live(self._subject, step, plan.precision, self._circumstances(step))
        seconds = time.perf_counter() - start
        content = {
            "digest": step.digest,
            "parent": step.parent,
            "event": step.event.describe(),
            "facts": subject.facts(),
            "rows": [row.as_data() for row in lived.rows],
            "optimizer_steps": lived.optimizer_steps,
            "examples": lived.examples,
            "tokens": lived.tokens,
            "seconds": seconds - sum(lived.seconds_inside.values()),
        }
        self.store.save_node(step.digest, subject.state(), content)
        for look_digest, rows in lived.inside.items():
            self.store.save_look(step.digest, look_digest, rows, lived.seconds_inside[look_digest])
        self._subject, self._at = subject, step.digest
        self.observer.step_ends(life, step, seconds)

    def _circumstances(self, step: Step) -> Circumstances:
        return Circumstances(
            device=self.device,
            keeper=_Keeper(self.store, step.digest, self.every),
            inside=tuple(seen for seen in step.looks if seen.every is not None),
            progress=self.observer.advances,
            should_stop=self.should_stop,
            warn=self.observer.warns,
        )


@dataclass(frozen=True)
class _Past:
    """The life along a path, from the store; what is lost there is lived again."""

    engine: Living
    plan: Plan
    path: list[Step]
    life: Life

    def at(self, moment: Moment) -> Subject:
        position = position_of(moment, [step.event for step in self.path[1:]], self.path[-1].event.label)
        visitor = replace(self.engine)
        visitor._stand_at(self.plan, self.path[: position + 1], self.life)
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
