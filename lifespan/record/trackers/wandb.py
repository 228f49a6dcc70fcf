"""Weights & Biases, offline: a run for each life in W&B's own files, which `wandb sync` sends where the user wishes to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lifespan.record.trackers._tracker import Point, Tracker, plain, rows_of

PROJECT = r"\w. -"
"""Characters that a project's name may have there."""


class WandB(Tracker):
    """Offline runs below `folder`/wandb, in a project named as the study; the x axis is the age in optimizer steps."""

    modules = ("wandb",)
    package = "wandb"

    def __init__(self, study: str, folder: Path) -> None:
        super().__init__(study, folder)
        folder.mkdir(parents=True, exist_ok=True)
        self._runs: dict[str, Any] = {}

    def begin(self, life: str, facts: Mapping[str, Any]) -> None:
        import wandb

        quiet = {"console": "off", "silent": True, "disable_git": True, "disable_code": True, "x_disable_stats": True}
        run = wandb.init(
            project=plain(self.study, PROJECT, 100),
            name=life,
            group=str(facts["group"]),
            config=dict(facts),
            dir=str(self.folder),
            mode="offline",
            reinit="create_new",
            settings=wandb.Settings(**quiet),  # type: ignore[arg-type]
        )
        run.define_metric("age")
        run.define_metric("*", step_metric="age")
        self._runs[life] = run

    def add(self, life: str, points: Sequence[Point]) -> None:
        for age, row in rows_of(points):
            self._runs[life].log({"age": age, **{plain(name): value for name, value in row.items()}})

    def end(self, life: str, facts: Mapping[str, Any]) -> None:
        run = self._runs.pop(life)
        run.summary.update({key: facts[key] for key in ("status", "reason") if key in facts})
        run.finish(exit_code=0 if facts.get("status") == "done" else 1)

    def close(self) -> None:
        for run in self._runs.values():
            run.finish(exit_code=1)

    @classmethod
    def viewer(cls, folder: Path) -> str:
        return f"wandb sync {folder / 'wandb' / 'offline-run-*'}   (sends it to your account)"
