"""Trackio, local: a run for each life in an SQLite file, shown by `trackio show`."""

from __future__ import annotations

import contextvars
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lifespan.record.trackers._tracker import Point, Tracker, plain, rows_of


class Trackio(Tracker):
    """Runs of a project named as the study, below the folder that TRACKIO_DIR named when trackio was imported.

    `lifespan.record.trackers.process` sets it; the run's step is the age in optimizer steps.
    """

    modules = ("trackio",)
    package = "trackio"

    def __init__(self, study: str, folder: Path) -> None:
        super().__init__(study, folder)
        self._runs: dict[str, Any] = {}

    def begin(self, life: str, facts: Mapping[str, Any]) -> None:
        import trackio

        # In a context of its own, as `init` ends the run that the present context has open.
        self._runs[life] = contextvars.Context().run(
            trackio.init,
            project=plain(self.study, r"\w. -", 100),
            name=life,
            group=str(facts["group"]),
            config=dict(facts),
            embed=False,
            auto_log_gpu=False,
            auto_log_cpu=False,
        )

    def add(self, life: str, points: Sequence[Point]) -> None:
        for age, row in rows_of(points):
            self._runs[life].log(row, step=age)

    def end(self, life: str, facts: Mapping[str, Any]) -> None:
        self._runs.pop(life).finish()

    def close(self) -> None:
        for run in self._runs.values():
            run.finish()

    @classmethod
    def viewer(cls, folder: Path) -> str:
        return f"TRACKIO_DIR={folder.absolute()} trackio show"
