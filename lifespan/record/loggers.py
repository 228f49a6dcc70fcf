"""Records for the viewers that a laboratory uses already: TensorBoard and MLflow, both without a network.

One run for each individual; a point's step is its age in optimizer steps, its name `<probe>/<task>/<metric>`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from lifespan.errors import RecordError, ScenarioError, did_you_mean
from lifespan.names import file_name
from lifespan.record.record import Record
from lifespan.record.untrusted import no_link

BATCH = 900
"""Values that MLflow takes at a time; its limit is 1000."""


def log(record: Record, to: str, out: Path) -> int:
    """Write a record for "tensorboard" (event files below the folder `out`) or "mlflow" (an SQLite file `out`/mlflow.db).

    Returns the number of values written; values that do not exist are left out. Raises `ScenarioError` for another `to` and
    where the package is missing, `RecordError` where this record was logged there already.
    """
    if to not in WRITERS:
        raise ScenarioError(f"--to {to}", "is not known here.", did_you_mean(to, list(WRITERS)))
    return WRITERS[to](record, out)


def _tensorboard(record: Record, out: Path) -> int:
    """One folder of events for each individual."""
    try:
        from tensorboardX import SummaryWriter
    except ImportError:
        raise _missing("tensorboard", "tensorboardX") from None
    written = 0
    for name, facts, values in _lives(record):
        folder = no_link(out / file_name(str(record.study.get("name", "study"))) / file_name(name), out)
        if any(folder.glob("events.*")):
            raise RecordError(str(folder), "holds events already.", "Choose another --out, or remove it.")
        with SummaryWriter(str(folder), write_to_disk=True) as writer:
            writer.add_text("life", "  \n".join(f"{key}: {value}" for key, value in facts.items()))
            for tag, age, value in zip(values["name"], values["age"], values["value"], strict=True):
                writer.add_scalar(tag, value, int(age), walltime=0.0)
        written += len(values)
    return written


def _mlflow(record: Record, out: Path) -> int:
    """One run for each individual, in an experiment named as the study."""
    try:
        import sqlalchemy  # noqa: F401
        from mlflow import MlflowClient
        from mlflow.entities import Metric, Param
    except ImportError:
        raise _missing("mlflow", "mlflow-skinny with sqlalchemy and alembic") from None
    out.mkdir(parents=True, exist_ok=True)
    client = MlflowClient(tracking_uri=f"sqlite:///{out.absolute() / 'mlflow.db'}")
    name = str(record.study.get("name", "study"))
    if client.get_experiment_by_name(name) is not None:
        raise RecordError(str(out / "mlflow.db"), f"holds the experiment {name!r} already.", "Choose another --out.")
    experiment = client.create_experiment(name, artifact_location=str(out.absolute() / "artifacts"))
    written = 0
    for life, facts, values in _lives(record):
        run = client.create_run(experiment, run_name=life)
        identifier = run.info.run_id
        client.log_batch(identifier, params=[Param(key, str(value)[:500]) for key, value in facts.items()])
        points = [
            Metric(_key(str(name)), float(value), 0, int(age))
            for name, age, value in zip(values["name"], values["age"], values["value"], strict=True)
        ]
        for start in range(0, len(points), BATCH):
            client.log_batch(identifier, metrics=points[start : start + BATCH])
        client.set_terminated(identifier, "FINISHED" if facts["status"] == "done" else "FAILED")
        written += len(points)
    return written


WRITERS: Mapping[str, Callable[[Record, Path], int]] = {"tensorboard": _tensorboard, "mlflow": _mlflow}


def _lives(record: Record) -> Iterator[tuple[str, dict[str, Any], pd.DataFrame]]:
    """(name, its facts, its values as name, age and value) of each individual."""
    rows = record.measurements().dropna(subset=["value", "age"])
    rows = rows.assign(name=[_tag(*parts) for parts in zip(rows["probe"], rows["task"], rows["metric"], strict=True)])
    for (_, person), number in zip(record.participants().iterrows(), record.numbered()["individual"], strict=True):
        own = rows[(rows["group"] == person["group"]) & (rows["individual"] == number)]
        facts = {name: person[name] for name in ("group", "seed", "status", "reason", "steps")}
        facts |= {"study": record.study.get("name", ""), "precision": record.study.get("precision", "")}
        yield str(person["individual"]), facts, own[["name", "age", "value"]]


def _key(name: str) -> str:
    """A name that MLflow takes; two different names never share one.

    >>> _key("Score/mrpc/f1"), _key("recall of a:b")
    ('Score/mrpc/f1', 'recall of a_b fb0cd89c')
    """
    plain = re.sub(r"[^\w/. -]", "_", name)
    return plain if plain == name else f"{plain} {hashlib.sha256(name.encode()).hexdigest()[:8]}"


def _tag(probe: str, task: str, metric: str) -> str:
    """A point's name.

    >>> _tag("Score", "mrpc", "f1"), _tag("Sparsity", "", "sparsity")
    ('Score/mrpc/f1', 'Sparsity/sparsity')
    """
    return "/".join(part for part in (probe, task, metric) if part)


def _missing(extra: str, package: str) -> ScenarioError:
    return ScenarioError(f"--to {extra}", f"the package {package} is not installed.", f"pip install 'lifespan[{extra}]'")
