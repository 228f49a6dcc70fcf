"""What `simulate` shows where it is called in Python: a block of HTML in a notebook, bars in a terminal, nothing in a pipe."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable
from html import escape
from types import TracebackType
from typing import Any

from lifespan.execution.durations import clock, duration
from lifespan.execution.observer import Observer
from lifespan.execution.progress import Bars, Timed
from lifespan.execution.time_left import TimeLeft
from lifespan.names import neutral
from lifespan.study.plan import Life, Plan, Step

PAUSE = 0.5
"""Seconds between two updates of a notebook: each is a message to the browser."""
SHOWN = 20
"""Warnings that a notebook shows."""


class Silent(Observer):
    """Shows nothing; warnings go to the logger `lifespan`."""

    def __enter__(self) -> Silent:
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None: ...

    def warns(self, text: str) -> None:
        logging.getLogger("lifespan").warning(text)


class InNotebook(Timed):
    """A block of HTML that is updated in place, without widgets: lives of the study, events of the life, optimizer steps."""

    def __init__(self, plan: Plan, left: TimeLeft | None, show: Callable[[str], Callable[[str], Any]]) -> None:
        super().__init__(plan, left)
        self.name, self._show = plan.study.name, show
        self._update: Callable[[str], Any] | None = None
        self.ended = {"done": 0, "diverged": 0, "failed": 0}
        self.life, self.event, self.warnings = "", "", list[str]()
        self.born = self._shown = time.perf_counter()

    def __enter__(self) -> InNotebook:
        self._update = self._show(self._html())
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.life = self.event = ""
        self._refresh(at_once=True)

    def life_begins(self, life: Life) -> None:
        self.life = f"{life.name}"
        self._refresh()

    def step_begins(self, life: Life, step: Step) -> None:
        self.life = f"{life.name}, event {step.index} of {len(life.steps) - 1}"
        self.event = f"{step.event.label}: preparing"
        self._refresh()

    def advances(self, done: int, steps: int, loss: float) -> None:
        label = self.event.partition(": ")[0]
        self.event = f"{label}: {done} of {steps} steps, loss {loss:.3f}"
        self._refresh()

    def life_ends(self, life: Life, status: str, reason: str) -> None:
        super().life_ends(life, status, reason)
        self.ended[status] = self.ended.get(status, 0) + 1
        if status != "done":
            self.warns(f"{life.name} {status}: {reason}")
        self._refresh()

    def warns(self, text: str) -> None:
        self.warnings.append(text)
        self._refresh(at_once=True)

    def _refresh(self, *, at_once: bool = False) -> None:
        now = time.perf_counter()
        if self._update is not None and (at_once or now - self._shown > PAUSE):
            self._shown = now
            self._update(self._html())

    def _html(self) -> str:
        ended = sum(self.ended.values())
        lost = "".join(f", {count} {status}" for status, count in self.ended.items() if count and status != "done")
        passed = time.perf_counter() - self.born
        left = f", {self.remaining}" if self.remaining and ended < self.lives else ""
        took = f"lived in {duration(passed)}" if ended == self.lives else f"{clock(passed)}{left}"
        lines = [
            f"<b>{_text(self.name)}</b> "
            f'<progress value="{ended}" max="{self.lives}" style="vertical-align:middle"></progress> '
            f"{ended} of {self.lives} lives{lost}, {took}"
        ]
        lines += [f"&emsp;{_text(line)}" for line in (self.life, self.event) if line]
        lines += [f'<span style="opacity:.75">{_text(line)}</span>' for line in self.warnings[:SHOWN]]
        if len(self.warnings) > SHOWN:
            lines.append(f"and {len(self.warnings) - SHOWN} more warnings")
        return "".join(f"<div>{line}</div>" for line in lines)


def shown_in_python(
    plan: Plan, *, quiet: bool, left: Callable[[], TimeLeft | None] = lambda: None
) -> Silent | InNotebook | Bars:
    """The observer that suits where Python runs; with `quiet` one that shows nothing. `left` estimates when it will end."""
    show = None if quiet else _display_of_notebook()
    if show is not None:
        return InNotebook(plan, left(), show)
    # Standard error, so that what a script prints can be piped.
    if quiet or sys.stderr is None or not sys.stderr.isatty():
        return Silent()
    from lifespan.execution.consoles import NeutralConsole

    return Bars(plan, NeutralConsole(stderr=True), left())


def _display_of_notebook() -> Callable[[str], Callable[[str], Any]] | None:
    """How to show HTML in this notebook, a function that returns how to replace it; None where Python runs in none."""
    running = sys.modules.get("IPython")
    shell = running.get_ipython() if running is not None else None
    if shell is None or getattr(shell, "kernel", None) is None:
        return None
    display: Any = sys.modules["IPython"].display

    def show(html: str) -> Callable[[str], Any]:
        handle = display.display(display.HTML(html), display_id=True)
        return lambda new: handle.update(display.HTML(new))

    return show


def _text(text: str) -> str:
    return escape(neutral(text))
