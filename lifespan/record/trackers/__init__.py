"""Experiment trackers that a record, or a study that is being lived, is logged to: one class a file, all without a network."""

from __future__ import annotations

from importlib.util import find_spec

from lifespan.errors import ScenarioError, did_you_mean
from lifespan.record.trackers._tracker import Point, Tracker
from lifespan.record.trackers.mlflow import MLflow
from lifespan.record.trackers.tensorboard import TensorBoard
from lifespan.record.trackers.trackio import Trackio
from lifespan.record.trackers.wandb import WandB

TRACKERS: dict[str, type[Tracker]] = {
    **{"tensorboard": TensorBoard, "mlflow": MLflow},
    **{"wandb": WandB, "trackio": Trackio},
}
"""Trackers by the name that `--to` and `--log-to` take."""


def tracker_class(name: str, option: str = "--to") -> type[Tracker]:
    """The class of a tracker. Raises `ScenarioError` for an unknown name, and where its package is not installed."""
    if name not in TRACKERS:
        raise ScenarioError(f"{option} {name}", "is not known here.", did_you_mean(name, list(TRACKERS)))
    kind = TRACKERS[name]
    missing = [module for module in kind.modules if _is_missing(module)]
    if missing:
        remedy = f"pip install 'lifespan[{name}]'"
        raise ScenarioError(f"{option} {name}", f"the package {kind.package} is not installed.", remedy)
    return kind


def _is_missing(module: str) -> bool:
    try:
        return find_spec(module) is None
    except ValueError:
        return True


__all__ = ["TRACKERS", "Point", "Tracker", "tracker_class"]
