"""Live logging: the rows of a study go to a tracker while it is lived, read from the store by a thread that changes nothing.

Lives know nothing of it. A tracker that fails is a warning, and the study goes on without it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from lifespan.record.store import Store
from lifespan.record.trackers import Point, tracker_class
from lifespan.record.trackers._tracker import tag
from lifespan.record.trackers.process import TrackerProcess
from lifespan.study.plan import Life, Plan, Step

POLL = 2.0
"""Seconds between two looks at the store."""
PATIENCE = 60.0
"""Seconds that a tracker has, once all is lived, to take what is left."""


def destination(text: str, directory: Path) -> tuple[str, Path]:
    """(tracker, folder) of `NAME` or `NAME:FOLDER`; without a folder `logs` in the run directory.

    Raises `ScenarioError` for an unknown tracker and where its package is missing.
    """
    name, _, folder = text.partition(":")
    tracker_class(name, "--log-to")
    return name, Path(folder).expanduser() if folder else directory / "logs"


@contextmanager
def followed(
    plan: Plan, store: Path, destinations: Sequence[tuple[str, Path]], warn: Callable[[str], None]
) -> Iterator[list[Follower]]:
    """While this block runs, what is added to a store goes to each tracker."""
    with ExitStack() as stack:
        yield [stack.enter_context(Follower(plan, store, name, folder, warn)) for name, folder in destinations]


class Follower:
    """Hands what a plan's lives have added to a store to one tracker, in a thread, from the first step to the last.

    Each use writes below a new folder `live-N` of `folder`, in which everything that is lived by then comes first, so that a
    study which was stopped and goes on has whole curves. `session` is that folder, None before anything was handed over.
    """

    def __init__(self, plan: Plan, store: Path, name: str, folder: Path, warn: Callable[[str], None]) -> None:
        self.name, self.folder = name, folder
        self.session: Path | None = None
        self._plan, self._store, self._warn = plan, Store(store), warn
        self._next = {life.name: 0 for life in plan.lives}
        self._open: dict[str, Life] = {}
        self._tracker: TrackerProcess | None = None
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._follow, name=f"log to {name}", daemon=True)

    def __enter__(self) -> Follower:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(PATIENCE)
        if self._thread.is_alive() and self._tracker is not None:
            self._tracker.kill()
            self._thread.join(PATIENCE)

    def _follow(self) -> None:
        try:
            while not self._over.wait(POLL):
                self._hand_over()
            self._hand_over()
            for life in list(self._open.values()):
                self._end(life, "pending", "")
            if self._tracker is not None:
                self._tracker.close()
        except Exception as error:
            if self._tracker is not None:
                self._tracker.kill()
            self._warn(f"--log-to {self.name}: {' '.join(str(error).split())} The study goes on without it.")

    def _hand_over(self) -> None:
        for life in self._plan.lives:
            while self._next[life.name] < len(life.steps) and self._step(life, life.steps[self._next[life.name]]):
                self._next[life.name] += 1

    def _step(self, life: Life, step: Step) -> bool:
        """Hand over a step, and whether the life goes on behind it."""
        store = self._store
        is_lived = store.has_node(step.digest) and store.complete(step)
        ended = None if is_lived else store.ended(step.digest)
        if not is_lived and ended is None:
            return False
        self._add(life, _points(store, step, ended))
        if ended is not None:
            self._end(life, str(ended["status"]), str(ended["reason"]))
            self._next[life.name] = len(life.steps)
            return False
        if step is life.steps[-1]:
            self._end(life, "done", "")
        return True

    def _add(self, life: Life, points: list[Point]) -> None:
        if self._tracker is None:
            self.session = _unused(self.folder)
            self._tracker = TrackerProcess(self.name, self._plan.study.name, self.session)
        if life.name not in self._open:
            self._open[life.name] = life
            self._tracker.begin(life.name, self._facts(life))
        self._tracker.add(life.name, points)

    def _end(self, life: Life, status: str, reason: str) -> None:
        assert self._tracker is not None
        del self._open[life.name]
        self._tracker.end(life.name, {**self._facts(life), "status": status, "reason": reason})

    def _facts(self, life: Life) -> dict[str, Any]:
        plan = self._plan
        return {"group": life.group, "seed": life.seed, "study": plan.study.name, "precision": plan.precision}


def _points(store: Store, step: Step, ended: dict[str, Any] | None) -> list[Point]:
    """Values of a step as the record's tables have them, ages rising."""
    node = store.node(step.digest)
    rows = list(node["rows"]) if node is not None else list((ended or {}).get("rows", []))
    for evaluation in step.evaluations if node is not None else ():
        rows += store.evaluation(step.digest, evaluation.digest) or []
    points = [
        Point(tag(row["probe"], row["task"], row["metric"]), int(row["age"]), float(row["value"]))
        for row in rows
        if row.get("value") is not None and row.get("age") is not None
    ]
    return sorted(points, key=lambda point: point.age)


def _unused(folder: Path) -> Path:
    """The first folder `live-N` that is not there."""
    return next(place for number in range(1, 10**6) if not (place := folder / f"live-{number}").exists())
