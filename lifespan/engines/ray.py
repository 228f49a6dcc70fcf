"""The Ray engine: workers as tasks of a cluster, an existing one or one of this machine."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections import Counter
from dataclasses import dataclass
from typing import Any

import cloudpickle

from lifespan.engines.local import DEATHS, POLL
from lifespan.errors import LifespanError, ScenarioError
from lifespan.execution.engine import Engine, Job
from lifespan.execution.observer import Observer
from lifespan.execution.supervision import StoreMonitor
from lifespan.execution.worker_process import as_message, assignment_for, raise_message, search_path, serve
from lifespan.record.leases import holders
from lifespan.study.plan import Plan


@dataclass(frozen=True, kw_only=True)
class Ray(Engine):
    """Starts workers on the nodes of a cluster that all see the run directory, and replaces those that are lost.

    `address` is that of a cluster, as `ray.init` takes it; by default the one in RAY_ADDRESS, or else a new one on this
    machine. `workers` defaults to as many as the cluster has `threads` cores each, or `gpus`. `gpus` is the share of a GPU
    that a worker asks for, by default one with device="cuda": 0.25 packs four individuals on each. Whoever reaches a cluster
    may run code on it, as Ray is made: give it a network of its own. A new one on this machine lives in a private folder.
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
        monitor = StoreMonitor(plan, job)
        if not monitor.frontier.open and not monitor.frontier.pairs_left():
            return
        began = not ray.is_initialized()
        own = _private_folder() if began and self.address is None and "RAY_ADDRESS" not in os.environ else None
        if began:
            config = _job_config(ray)
            place = {} if own is None else {"_temp_dir": own}
            quiet = {"log_to_driver": False, "configure_logging": False, "include_dashboard": False}
            ray.init(address=self.address, job_config=config, **quiet, **place)
        try:
            self._supervise(ray, assignment_for(plan, job), monitor, job)
        finally:
            if began:
                ray.shutdown()
            if own is not None:
                shutil.rmtree(own, ignore_errors=True)
            monitor.refresh(whole=True)

    def _supervise(self, ray: Any, assignment: bytes, monitor: StoreMonitor, job: Job) -> None:
        """Wait until every worker has finished, replacing those that were lost."""
        from lifespan.training.loop import Interrupted

        gpus = (self.gpus or 1) if job.device == "cuda" else 0
        known = {
            "env_vars": {"PYTHONPATH": search_path(), "PYTHONSAFEPATH": "1", "OMP_NUM_THREADS": str(job.threads)},
        }
        # This engine retries, not Ray: it knows at which step the workers are lost.
        task = ray.remote(_run_worker).options(num_cpus=job.threads, num_gpus=gpus, max_retries=0, runtime_env=known)
        pending = [task.remote(assignment) for _ in range(self.workers or _room(ray, job.threads, gpus))]
        deaths: Counter[str] = Counter()
        while pending:
            ready, pending = ray.wait(pending, timeout=POLL)
            monitor.refresh()
            if job.should_stop():
                for each in pending:
                    ray.cancel(each)
                if pending:
                    ray.wait(pending, num_returns=len(pending), timeout=10)
                raise Interrupted("the engine was asked to stop")
            for each in ready:
                try:
                    _forward(ray.get(each), job.observer)
                except ray.exceptions.RayTaskError:
                    raise
                except ray.exceptions.RayError as error:
                    # All others are errors of the cluster: a process, a node or a start was lost.
                    _record_loss(type(error).__name__, deaths, monitor, job)
                    pending.append(task.remote(assignment))


def _record_loss(how: str, deaths: Counter[str], monitor: StoreMonitor, job: Job) -> None:
    """Count losses at the steps that lost workers of this machine held; a step with too many is marked as failed."""
    job.observer.warns(f"a worker was lost ({how}); another takes its place")
    lost = [lease["digest"] for lease in holders(job.store) if lease["alive"] is False]
    places = {digest: f"{digest}/{monitor.store.progress(digest)}" for digest in lost}
    for place in places.values() or [""]:
        deaths[place] += 1
    # A lost worker of another machine cannot be distinguished from a silent one, so only their total is limited.
    if deaths[""] > 10 * DEATHS:
        raise LifespanError(f"workers are lost again and again ({how}). `ray status` and its logs may tell why.")
    for digest, place in places.items():
        if deaths[place] >= DEATHS:
            reason = f"its worker was lost {DEATHS} times ({how})"
            monitor.store.save_ended(digest, {"status": "failed", "reason": reason, "traceback": ""})


def _private_folder() -> str:
    """A folder of this user alone for the sockets and objects of a new cluster, which pickles go through.

    Its path is short: those of sockets have 107 bytes.
    """
    return tempfile.mkdtemp(prefix="lifespan-", dir="/tmp" if os.path.isdir("/tmp") else None)


def _run_worker(assignment: bytes) -> bytes:
    """A task on its node: lives, and returns as JSON its warnings and the error that is no life's, if there was one."""
    response = _WarningList()
    try:
        serve(cloudpickle.loads(assignment), lambda: False, response)
    except Exception as error:
        return json.dumps({"said": response.warnings, "wrong": as_message(error)}).encode()
    return json.dumps({"said": response.warnings}).encode()


class _WarningList(Observer):
    def __init__(self) -> None:
        self.warnings: list[str] = []

    def warns(self, text: str) -> None:
        self.warnings.append(text)


def _forward(answer: bytes, observer: Observer) -> None:
    response = json.loads(answer)
    for text in response["said"]:
        observer.warns(text)
    if "wrong" in response:
        raise_message(response["wrong"])


def _job_config(ray: Any) -> Any:
    """Settings of a job whose workers do not import from the driver's working directory, which Ray would tell them to."""

    class Config(ray.job_config.JobConfig):
        def _serialize(self) -> Any:
            told: list[str] = self._py_driver_sys_path
            told[:] = [place for place in told if place != os.path.abspath(os.path.curdir)]
            return super()._serialize()

    return Config()


def _room(ray: Any, threads: int, gpus: float) -> int:
    """How many workers the cluster has room for; at least one, for which it may have to grow."""
    room = ray.cluster_resources()
    return max(1, int(room.get("GPU", 0) / gpus) if gpus else int(room.get("CPU", 1) // threads))


def _ray() -> Any:
    try:
        import ray
    except ImportError:
        raise ScenarioError("Ray()", "the package ray is not installed.", "pip install 'lifespan[ray]'") from None
    return ray
