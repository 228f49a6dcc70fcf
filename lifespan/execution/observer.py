"""The interface by which an engine reports its progress."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lifespan.study.plan import Life, Step


class Observer:
    """Receives lives, steps and warnings as they happen. Override any method; none may change anything."""

    def life_begins(self, life: Life) -> None: ...

    def step_begins(self, life: Life, step: Step) -> None: ...

    def advances(self, done: int, steps: int, loss: float) -> None: ...

    def step_ends(self, life: Life, step: Step, seconds: float) -> None: ...

    def life_ends(self, life: Life, status: str, reason: str) -> None: ...

    def warns(self, text: str) -> None: ...


class Attended(Observer):
    """Passes everything on to an observer, and remembers the error by which that broke: no life is to blame for it."""

    def __init__(self, observer: Observer) -> None:
        self.observer = observer
        self.error: Exception | None = None

    def life_begins(self, life: Life) -> None:
        self._pass(self.observer.life_begins, life)

    def step_begins(self, life: Life, step: Step) -> None:
        self._pass(self.observer.step_begins, life, step)

    def advances(self, done: int, steps: int, loss: float) -> None:
        self._pass(self.observer.advances, done, steps, loss)

    def step_ends(self, life: Life, step: Step, seconds: float) -> None:
        self._pass(self.observer.step_ends, life, step, seconds)

    def life_ends(self, life: Life, status: str, reason: str) -> None:
        self._pass(self.observer.life_ends, life, status, reason)

    def warns(self, text: str) -> None:
        self._pass(self.observer.warns, text)

    def _pass(self, method: Callable[..., None], *arguments: Any) -> None:
        try:
            method(*arguments)
        except Exception as error:
            self.error = error
            raise
