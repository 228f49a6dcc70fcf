"""The interface by which an engine reports its progress."""

from __future__ import annotations

from lifespan.study.plan import Life, Step


class Observer:
    """Receives lives, steps and warnings as they happen. Override any method; none may change anything."""

    def life_begins(self, life: Life) -> None: ...

    def step_begins(self, life: Life, step: Step) -> None: ...

    def advances(self, done: int, steps: int, loss: float) -> None: ...

    def step_ends(self, life: Life, step: Step, seconds: float) -> None: ...

    def life_ends(self, life: Life, status: str, reason: str) -> None: ...

    def warns(self, text: str) -> None: ...
