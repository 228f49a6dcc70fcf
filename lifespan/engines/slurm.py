"""The Slurm engine: workers as a job array of a cluster, through submitit."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import stat
import subprocess
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cloudpickle

from lifespan.engines.local import Local
from lifespan.errors import ScenarioError, UserError
from lifespan.execution.engine import Engine, Job
from lifespan.execution.supervision import StoreMonitor
from lifespan.execution.worker_process import (
    IN_CLUSTER_JOB,
    Assignment,
    WarningPrinter,
    assignment_for,
    compiled_plan,
    search_path,
)
from lifespan.record.files import read_sealed, write_sealed
from lifespan.study.plan import Plan

POLL = 2.0
"""Seconds between two checks of the store."""
QUEUE = 30.0
"""Seconds between two checks of the cluster's queue."""
THREADS = 4
"""Cores that a worker asks for by default, where its subjects gain from more than one."""
_NUMBER = re.compile(r"\d+(_\d+)?")
MOST = 16
"""Workers by default, where the study has so many lives."""


@dataclass(frozen=True, kw_only=True)
class Slurm(Engine):
    """Submits a job array whose jobs work on one run directory, which all nodes must see.

    `workers` defaults to one for each life, 16 at most; `packed` of them share one job, and with device="cuda" its `gpus`.
    A job that is preempted, or reaches its limit of `minutes`, saves and is queued again, for the limit at most `timeouts`
    times; a job on a node that is lost is queued again by Slurm. `memory` is in GB for a job. `partition`, `account` and
    `more` go to sbatch as they are: more={"constraint": "a100"}. `setup` are lines of shell run first.

    A second command on the same directory joins the jobs that still run, and submits none. Jobs and their logs are in
    `<run directory>.slurm`, beside the run directory: submitit pickles them, and a run directory holds no pickle. That folder
    is of the user alone; one that others could write is refused.
    """

    workers: int | None = None
    packed: int = 1
    minutes: int = 240
    timeouts: int = 20
    gpus: int = 1
    memory: float | None = None
    partition: str | None = None
    account: str | None = None
    setup: tuple[str, ...] = ()
    more: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("workers", "packed", "minutes", "timeouts", "gpus"):
            value = getattr(self, name)
            if value is not None and (not isinstance(value, int) or value < 1):
                raise ScenarioError(f"{name}={value!r}", "must be a whole number, at least 1.")
        if self.memory is not None and not self.memory > 0:
            raise ScenarioError(f"memory={self.memory!r}", "must be a number of gigabytes above 0.")

    def threads_for(self, cores: int) -> int:
        """Four, whatever this machine has: jobs run on other nodes."""
        return THREADS

    def run(self, plan: Plan, job: Job) -> None:
        """Live the plan with jobs of the cluster."""
        monitor = StoreMonitor(plan, job)
        if not monitor.frontier.open and not monitor.frontier.pairs_left():
            return
        submitit = _submitit()
        folder = _private(job.store.parent.with_name(f"{job.store.parent.name}.slurm").absolute())
        jobs = _earlier_jobs(submitit, folder)
        if jobs:
            job.observer.warns(f"{len(jobs)} jobs of an earlier command still run; this one joins them")
        else:
            jobs = self._submit(submitit, folder, plan, job)
        try:
            _follow(jobs, folder, monitor, job)
        finally:
            monitor.refresh(whole=True)

    def _submit(self, submitit: Any, folder: Path, plan: Plan, job: Job) -> list[Any]:
        """Submit the array and store its job numbers, for a later command."""
        executor = submitit.SlurmExecutor(folder=folder / "jobs", max_num_timeout=self.timeouts)
        places = self.workers or min(len(plan.lives), MOST)
        parameters = {
            "job_name": f"lifespan-{plan.study.name}",
            "time": self.minutes,
            "cpus_per_task": job.threads * self.packed,
            "gpus_per_node": self.gpus if job.device.startswith("cuda") else None,
            "mem": f"{self.memory:g}GB" if self.memory else None,
            "partition": self.partition,
            "account": self.account,
            # Nodes import nothing from the working directory, which may be anybody's.
            "setup": ["export PYTHONSAFEPATH=1", f"export PYTHONPATH={shlex.quote(search_path())}", *self.setup],
            "array_parallelism": MOST * MOST,
            "additional_parameters": {"requeue": True, **self.more},
        }
        executor.update_parameters(**{name: value for name, value in parameters.items() if value is not None})
        array_job = ArrayJob(assignment_for(plan, job), self.packed, str(folder / "errors"))
        try:
            jobs = executor.submit_array([array_job] * -(-places // self.packed))
        except (submitit.core.utils.FailedJobError, submitit.core.utils.FailedSubmissionError) as error:
            raise ScenarioError("Slurm()", f"sbatch refused the job: {_why(str(error))}", "Change what you ask for.") from None
        write_sealed(folder / "jobs.json", {"jobs": [each.job_id for each in jobs]})
        job.observer.warns(f"submitted {len(jobs)} jobs to Slurm, {jobs[0].job_id} and on; their logs: {folder / 'jobs'}")
        return jobs


@dataclass
class ArrayJob:
    """A job on its node: starts its workers, and when the job is ended from outside, has them save first.

    What goes wrong is written to the folder `errors` as JSON: the driver reads that, never the pickle that submitit leaves.

    The workers are supervised from a second thread, as submitit calls `checkpoint` in the first one, from a signal handler.
    """

    assignment: bytes
    packed: int
    errors: str

    def __call__(self) -> str:
        os.environ[IN_CLUSTER_JOB] = "1"
        self._stop, self._error = threading.Event(), []  # type: ignore[var-annotated]
        self._lead = threading.Thread(target=self._work, daemon=True)
        self._lead.start()
        while self._lead.is_alive():
            self._lead.join(timeout=1.0)
        for error in self._error:
            _write_error(Path(self.errors), error)
            raise error
        return "nothing is left to live"

    def checkpoint(self) -> Any:
        """Stop the workers, which save their state, and submit the same job again."""
        self._stop.set()
        self._lead.join()
        from submitit.helpers import DelayedSubmission

        return DelayedSubmission(ArrayJob(self.assignment, self.packed, self.errors))

    def __getstate__(self) -> dict[str, Any]:
        return {"assignment": self.assignment, "packed": self.packed, "errors": self.errors}

    def _work(self) -> None:
        from lifespan.training.loop import Interrupted

        assignment: Assignment = cloudpickle.loads(self.assignment)
        try:
            job = Job(
                Path(assignment.store),
                assignment.device,
                assignment.threads,
                assignment.every,
                assignment.fail_fast,
                WarningPrinter(),
                self._stop.is_set,
            )
            Local(workers=self.packed).run(compiled_plan(assignment), job)
        except Interrupted:
            pass
        except Exception as error:
            self._error.append(error)


def _follow(jobs: list[Any], folder: Path, monitor: StoreMonitor, job: Job) -> None:
    """Wait until nothing is left to live, or no job that would live it."""
    from lifespan.training.loop import Interrupted

    checked = time.monotonic()
    while monitor.frontier.open or monitor.frontier.pairs_left():
        if job.should_stop():
            for each in jobs:
                each.cancel(check=False)
            raise Interrupted("the engine was asked to stop")
        left = [each for each in jobs if not each.paths.result_pickle.exists()]
        if time.monotonic() - checked > QUEUE:
            checked = time.monotonic()
            left = [each for each in left if each.job_id in _queued(left)]
        monitor.refresh(whole=not left)
        if not left:
            _explain(jobs, folder, monitor, job)
            return
        time.sleep(POLL)


def _explain(jobs: list[Any], folder: Path, monitor: StoreMonitor, job: Job) -> None:
    """Raise `UserError` where all jobs have ended and lives are left, unless `fail_fast` ended them."""
    if not (monitor.frontier.open or monitor.frontier.pairs_left()) or (job.fail_fast and monitor.frontier.failed):
        return
    why = next((text for each in jobs if (text := _error_of(folder, each.job_id))), "none of them could say why.")
    raise UserError("Slurm()", f"all {len(jobs)} jobs have ended, and lives are left: {why}", f"Logs: {folder / 'jobs'}")


def _write_error(folder: Path, error: Exception) -> None:
    """Keep what ended a job, under its number."""
    array, task = os.environ.get("SLURM_ARRAY_JOB_ID"), os.environ.get("SLURM_ARRAY_TASK_ID")
    number = f"{array}_{task}" if array and task else os.environ.get("SLURM_JOB_ID", "")
    if _NUMBER.fullmatch(number):
        write_sealed(folder / f"{number}.json", {"error": f"{type(error).__name__}: {error}"}, within=folder.parent)


def _error_of(folder: Path, number: str) -> str:
    """What ended a job; empty where it said nothing."""
    try:
        return str(read_sealed(folder / "errors" / f"{number}.json")["error"])
    except (OSError, ValueError, KeyError):
        return ""


def _private(folder: Path) -> Path:
    """The folder of jobs, which submitit pickles: made, or there and of this user alone. Raises `ScenarioError` otherwise."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid():
        raise ScenarioError("Slurm()", f"{folder} is a link, or another user's: jobs are read from it.", "Remove it.")
    if status.st_mode & 0o022:
        what = f"others may write into {folder}, and code is read from it."
        raise ScenarioError("Slurm()", what, "Remove it, if you did not allow that yourself.")
    folder.chmod(0o700)
    return folder


def _earlier_jobs(submitit: Any, folder: Path) -> list[Any]:
    """Jobs of an earlier command that have not ended."""
    try:
        numbers = read_sealed(folder / "jobs.json")["jobs"]
    except (OSError, ValueError, KeyError):
        return []
    numbers = [number for number in numbers if isinstance(number, str) and _NUMBER.fullmatch(number)]
    jobs = [submitit.SlurmJob(folder=folder / "jobs", job_id=number) for number in numbers]
    jobs = [each for each in jobs if not each.paths.result_pickle.exists()]
    queued = _queued(jobs)
    return [each for each in jobs if each.job_id in queued]


def _queued(jobs: list[Any]) -> set[str]:
    """Numbers of those jobs that wait or run; all of them where the queue cannot be read."""
    numbers = {each.job_id for each in jobs}
    if not numbers:
        return set()
    arrays = ",".join(sorted({number.partition("_")[0] for number in numbers}))
    parameters = ["squeue", "--noheader", "--array", "--format=%i", f"--jobs={arrays}"]
    try:
        answer = subprocess.run(parameters, capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return numbers
    if answer.returncode and "Invalid job id" not in answer.stderr:
        return numbers
    return numbers & set(answer.stdout.split())


def _why(text: str) -> str:
    """The line of an error message of a failed job, or of sbatch, that says what went wrong."""
    lines = [line.strip() for line in text.partition("You can check full logs")[0].splitlines()]
    lines = [line for line in lines if line.strip("-")]
    return lines[-1] if lines else ""


def _submitit() -> Any:
    try:
        import submitit
    except ImportError:
        raise ScenarioError("Slurm()", "the package submitit is not installed.", "pip install 'lifespan[slurm]'") from None
    if not all(map(shutil.which, ("sbatch", "srun"))):
        here = "this machine has no sbatch and srun: it belongs to no Slurm cluster."
        raise ScenarioError("Slurm()", here, "Run it on a login node, or use --engine local.")
    return submitit
