"""What a running simulation shows: nested bars in a terminal, one line per finished event anywhere else."""

from __future__ import annotations

import time
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn
from rich.table import Column
from rich.text import Text

from lifespan.execution.durations import clock, duration
from lifespan.execution.observer import Observer
from lifespan.execution.time_left import TimeLeft
from lifespan.study.plan import Life, Plan, Step


class Timed(Observer):
    """Keeps the time left of the study up to date."""

    def __init__(self, plan: Plan, left: TimeLeft | None) -> None:
        self.lives, self.left = len(plan.lives), left

    def step_ends(self, life: Life, step: Step, seconds: float) -> None:
        if self.left is not None:
            self.left.step_ends(step.digest)

    def life_ends(self, life: Life, status: str, reason: str) -> None:
        if self.left is not None:
            self.left.life_ends(life, done=status == "done")

    @property
    def remaining(self) -> str:
        """Such as "about 3:20 left"; empty before enough was lived."""
        seconds = None if self.left is None else self.left.seconds()
        return "" if seconds is None else f"about {clock(seconds)} left"


class Lines(Timed):
    """Plain lines without control codes, for logs and pipes."""

    def __init__(self, plan: Plan, console: Console, left: TimeLeft | None = None) -> None:
        super().__init__(plan, left)
        self.console, self.ended = console, 0
        self.steps, self.loss = 0, float("nan")

    def __enter__(self) -> Lines:
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None: ...

    def step_begins(self, life: Life, step: Step) -> None:
        self.steps = 0

    def advances(self, done: int, steps: int, loss: float) -> None:
        self.steps, self.loss = steps, loss

    def step_ends(self, life: Life, step: Step, seconds: float) -> None:
        super().step_ends(life, step, seconds)
        trained = f", {self.steps} steps, loss {self.loss:.3f}" if self.steps else ""
        place = f"event {step.index} of {len(life.steps) - 1}" if step.index else "birth"
        label = f": {step.event.label}" if step.index else ""
        self._line(f"{life.name} {place}{label} ({duration(seconds)}{trained})")

    def life_ends(self, life: Life, status: str, reason: str) -> None:
        super().life_ends(life, status, reason)
        self.ended += 1
        left = f"; {self.remaining}" if self.remaining and self.ended < self.lives else ""
        self._line(f"{life.name} {status} ({self.ended} of {self.lives} lives{left}){': ' if reason else ''}{reason}")

    def warns(self, text: str) -> None:
        self._line(f"warning: {text}")

    def _line(self, text: str) -> None:
        self.console.print(Text(text), soft_wrap=True)


class _Name(ProgressColumn):
    """What a bar is about, as it is: no markup and no emoji codes are read in it."""

    def render(self, task: Task) -> Text:
        return Text(task.description, task.fields["style"])


class _Note(ProgressColumn):
    """What stands behind a bar, made anew whenever it is shown, so that time goes on where nothing else does."""

    def render(self, task: Task) -> Text:
        note = task.fields["note"]
        return Text(note() if callable(note) else note, "dim")


class Bars(Timed):
    """Three nested bars: lives of the study, events of the life, optimizer steps of the event."""

    def __init__(self, plan: Plan, console: Console, left: TimeLeft | None = None) -> None:
        super().__init__(plan, left)
        self.progress = Progress(
            _Name(table_column=Column(width=30, no_wrap=True, overflow="ellipsis")),
            BarColumn(bar_width=14),
            TextColumn("{task.completed:.0f}/{task.total:.0f}", table_column=Column(width=9, justify="right")),
            _Note(table_column=Column(no_wrap=True)),
            console=console,
            refresh_per_second=8,
            transient=True,
        )
        self.study = self.progress.add_task(plan.study.name, total=len(plan.lives), note=self._whole, style="bold")
        self.life = self.progress.add_task("", total=1, note="events", style="cyan")
        self.event = self.progress.add_task("", total=None, note="", visible=False, style="")
        self.born = self.begun = time.perf_counter()
        self.first = 0

    def __enter__(self) -> Bars:
        self.progress.start()
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.progress.stop()

    def life_begins(self, life: Life) -> None:
        self.progress.update(self.life, description=f" {life.name}", completed=0, total=len(life.steps) - 1)

    def step_begins(self, life: Life, step: Step) -> None:
        self.begun, self.first = time.perf_counter(), 0
        self.progress.update(self.life, completed=max(0, step.index - 1))
        label = f"  {step.event.label}"
        self.progress.update(self.event, description=label, completed=0, total=1, note=self._preparing, visible=True)

    def advances(self, done: int, steps: int, loss: float) -> None:
        if not self.first:
            self.begun, self.first = time.perf_counter(), done
        fresh = done - self.first
        now = time.perf_counter()
        left = (now - self.begun) / fresh * (steps - done) if fresh else 0.0
        note = f"loss {loss:.3f}" + (f"  {clock(left)} left" if fresh > 3 else "")
        self.progress.update(self.event, completed=done, total=steps, note=note)

    def _whole(self) -> str:
        remaining = self.remaining
        return f"lives, {clock(time.perf_counter() - self.born)}{', ' if remaining else ''}{remaining}"

    def _preparing(self) -> str:
        return f"preparing, {clock(time.perf_counter() - self.begun)}"

    def step_ends(self, life: Life, step: Step, seconds: float) -> None:
        super().step_ends(life, step, seconds)
        self.begun = time.perf_counter()
        self.progress.update(self.life, completed=step.index)
        self.progress.update(self.event, note=self._evaluating)

    def _evaluating(self) -> str:
        return f"evaluating, {clock(time.perf_counter() - self.begun)}"

    def life_ends(self, life: Life, status: str, reason: str) -> None:
        super().life_ends(life, status, reason)
        self.progress.advance(self.study)
        if status != "done":
            self.warns(f"{life.name} {status}: {reason}")

    def warns(self, text: str) -> None:
        self.progress.console.print(Text(text, "yellow"))


def watch(plan: Plan, console: Console, left: TimeLeft | None = None) -> Lines | Bars:
    """The observer that suits the console; `left` tells the time left of the study."""
    return (Bars if console.is_terminal else Lines)(plan, console, left)
