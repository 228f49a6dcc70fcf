"""Workers as tasks of a Ray cluster: an existing one, or one of this machine."""

from __future__ import annotations

import os
import sys
from collections import Counter
from dataclasses import dataclass
from typing import Any

import cloudpickle

from lifespan import errors
from lifespan.engines.local import DEATHS, POLL
from lifespan.errors import LifespanError, ScenarioError, UserError
from lifespan.execution.driver import Watch
from lifespan.execution.engine import Engine, Job
from lifespan.execution.observer import Observer
from lifespan.execution.worker_process import order_for, serve
from lifespan.record.leases import holders
from lifespan.study.plan import Plan


@dataclass(frozen=True, kw_only=True)
class Ray(Engine):
    """Starts workers on the nodes of a cluster that all see the run directory, and starts anew those that are lost.

    `address` is that of a cluster, as `ray.init` takes it; by default the one in RAY_ADDRESS, or else a new one on this
    machine. `workers` defaults to as many as the cluster has `threads` cores each, or `gpus`. `gpus` is the share of a GPU
    that a worker asks for, by default one with device="cuda": 0.25 packs four individuals on each.
    """

    address: str | None = None
    workers: int | None = None
    gpus: float | None = None

    def __post_init__(self) -> None:
        if self.workers is not None and self.workers < 1:
            raise ScenarioError(f"workers={self.workers}", "must be a whole number, at least 1.")
        if self.gpus is not None and not self.gpus > 0:
            raise ScenarioError(f"gpus={self.gpus}", "must be a number above 0.")

    def threads_for(self, cores: int) -> int:
        """The cores, shared out."""
        return max(1, cores // self.workers) if self.workers else cores

    def run(self, plan: Plan, job: Job) -> None:
        """Live the plan with tasks of the cluster."""
        ray = _ray()
        watch = Watch(plan, job)
        if not watch.frontier.open and not watch.frontier.pairs_left():
            return
        began = not ray.is_initialized()
        if began:
            ray.init(address=self.address, log_to_driver=False, configure_logging=False, include_dashboard=False)
        try:
            self._lead(ray, order_for(plan, job), watch, job)
        finally:
            if began:
                ray.shutdown()
            watch.look()

    def _lead(self, ray: Any, order: bytes, watch: Watch, job: Job) -> None:
        """Watch until every worker has left, replacing those that were lost."""
        from lifespan.training.loop import Interrupted

        gpus = (self.gpus or 1) if job.device == "cuda" else 0
        path = os.pathsep.join(path for path in sys.path if path)
        known = {"env_vars": {"PYTHONPATH": path, "OMP_NUM_THREADS": str(job.threads)}}
        # Retries are the driver's: it sees which step costs one worker after the other.
        task = ray.remote(_work).options(num_cpus=job.threads, num_gpus=gpus, max_retries=0, runtime_env=known)
        pending = [task.remote(order) for _ in range(self.workers or _places(ray, job.threads, gpus))]
        deaths: Counter[str] = Counter()
        while pending:
            ready, pending = ray.wait(pending, timeout=POLL)
            watch.look()
            if job.should_stop():
                for each in pending:
                    ray.cancel(each)
                if pending:
                    ray.wait(pending, num_returns=len(pending), timeout=10)
                raise Interrupted("the driver was asked to stop")
            for each in ready:
                try:
                    _hear(ray.get(each), job.observer)
                except ray.exceptions.RayTaskError:
                    raise
                except ray.exceptions.RayError as error:
                    # All others tell of the cluster: a process, a node or a start that was lost.
                    _bury(type(error).__name__, deaths, watch, job)
                    pending.append(task.remote(order))


def _bury(how: str, deaths: Counter[str], watch: Watch, job: Job) -> None:
    """Note which steps lost workers of this machine held; one that cost too many counts as failed."""
    job.observer.warns(f"a worker was lost ({how}); another takes its place")
    lost = [claim["digest"] for claim in holders(job.store) if claim["alive"] is False]
    places = {digest: f"{digest}/{watch.store.progress(digest)}" for digest in lost}
    for place in places.values() or [""]:
        deaths[place] += 1
    # A lost worker of another machine cannot be told from a silent one: all of them together may be many.
    if deaths[""] > 10 * DEATHS:
        raise LifespanError(f"workers are lost again and again ({how}). `ray status` and its logs may tell why.")
    for digest, place in places.items():
        if deaths[place] >= DEATHS:
            reason = f"its worker was lost {DEATHS} times ({how})"
            watch.store.save_ended(digest, {"status": "failed", "reason": reason, "traceback": ""})


def _work(order: bytes) -> dict[str, Any]:
    """What a task does on its node. Tells warnings, and what was wrong with the input."""
    told = _Notes()
    asked = cloudpickle.loads(order)
    try:
        serve(asked, lambda: False, told)
    except UserError as error:
        wrong = {"where": error.where, "what": error.what, "remedy": error.remedy}
        return {"said": told.said, "kind": type(error).__name__, "wrong": wrong}
    return {"said": told.said}


class _Notes(Observer):
    def __init__(self) -> None:
        self.said: list[str] = []

    def warns(self, text: str) -> None:
        self.said.append(text)


def _hear(told: dict[str, Any], observer: Observer) -> None:
    for text in told["said"]:
        observer.warns(text)
    if "wrong" in told:
        raise getattr(errors, told["kind"], UserError)(**told["wrong"])


def _places(ray: Any, threads: int, gpus: float) -> int:
    """How many workers the cluster has room for; at least one, for which it may have to grow."""
    room = ray.cluster_resources()
    return max(1, int(room.get("GPU", 0) / gpus) if gpus else int(room.get("CPU", 1) // threads))


def _ray() -> Any:
    try:
        import ray
    except ImportError:
        raise ScenarioError("Ray()", "the package ray is not installed.", "pip install 'lifespan[ray]'") from None
    return ray
