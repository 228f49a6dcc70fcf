"""The interface of engines, which start workers on a plan and wait until nothing is left to live."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from lifespan.execution.observer import Observer
from lifespan.study.plan import Plan


@dataclass(frozen=True)
class Job:
    """What a simulation asks of an engine beside the plan: where the store is, and how workers work.

    `threads` are those of one worker, and `every` the optimizer steps between its saved states. Nothing in here may change
    an outcome, `threads` alone excepted: on some processors sums come out differently with another number.
    """

    store: Path
    device: str = "cpu"
    threads: int = 1
    every: int = 100
    fail_fast: bool = False
    observer: Observer = field(default_factory=Observer)
    should_stop: Callable[[], bool] = lambda: False


@dataclass(frozen=True, kw_only=True)
class Engine(ABC):
    """A way to run workers. Which one is used, and how many workers it starts, changes no row."""

    def threads_for(self, cores: int) -> int:
        """Threads for one worker on a machine of so many cores, where its subjects gain from more than one."""
        return cores

    @abstractmethod
    def run(self, plan: Plan, job: Job) -> None:
        """Live the plan. Raises `training.loop.Interrupted` when asked to stop and `UserError` where no worker can go on."""
