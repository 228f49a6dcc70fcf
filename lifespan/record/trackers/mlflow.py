"""MLflow: an experiment in an SQLite file, with a run for each life."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lifespan.errors import RecordError
from lifespan.record.trackers._tracker import Point, Tracker, plain

BATCH = 900
"""Values that MLflow takes at a time; its limit is 1000."""


class MLflow(Tracker):
    """Runs of an experiment named as the study, in `folder`/mlflow.db."""

    modules = ("mlflow", "sqlalchemy")
    package = "mlflow-skinny with sqlalchemy and alembic"

    def __init__(self, study: str, folder: Path) -> None:
        import sqlalchemy  # noqa: F401
        from mlflow import MlflowClient

        super().__init__(study, folder)
        folder.mkdir(parents=True, exist_ok=True)
        self._client = MlflowClient(tracking_uri=f"sqlite:///{folder.absolute() / 'mlflow.db'}")
        if self._client.get_experiment_by_name(study) is not None:
            raise RecordError(str(folder / "mlflow.db"), f"holds the experiment {study!r} already.", "Choose another --out.")
        self._experiment = self._client.create_experiment(study, artifact_location=str(folder.absolute() / "artifacts"))
        self._runs: dict[str, str] = {}

    def begin(self, life: str, facts: Mapping[str, Any]) -> None:
        self._runs[life] = self._client.create_run(self._experiment, run_name=life).info.run_id

    def add(self, life: str, points: Sequence[Point]) -> None:
        from mlflow.entities import Metric

        metrics = [Metric(plain(point.name), point.value, 0, point.age) for point in points]
        for start in range(0, len(metrics), BATCH):
            self._client.log_batch(self._runs[life], metrics=metrics[start : start + BATCH])

    def end(self, life: str, facts: Mapping[str, Any]) -> None:
        from mlflow.entities import Param

        run = self._runs.pop(life)
        self._client.log_batch(run, params=[Param(key, str(value)[:500]) for key, value in facts.items()])
        self._client.set_terminated(run, "FINISHED" if facts.get("status") == "done" else "FAILED")

    @classmethod
    def viewer(cls, folder: Path) -> str:
        return f"mlflow ui --backend-store-uri sqlite:///{folder / 'mlflow.db'}"
