"""The local engine: several workers on this machine, each a process of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter, deque
from contextlib import suppress
from dataclasses import dataclass, field

from lifespan import hardware
from lifespan.culprits import LOWER
from lifespan.errors import LifespanError, ScenarioError
from lifespan.execution.engine import Engine, Job
from lifespan.execution.observer import Observer
from lifespan.execution.supervision import StoreMonitor
from lifespan.execution.worker_process import STOPPED, assignment_for, raise_message, search_path
from lifespan.record.leases import holders
from lifespan.study.plan import Plan

DEATHS = 3
"""How many workers may die at one step, without any progress in it, before it counts as failed."""
POLL = 0.2
"""Seconds between two checks of the store and the processes."""


MOST_WORKERS = 512
"""Processes that one machine is asked for at most."""


@dataclass(frozen=True, kw_only=True)
class Local(Engine):
    """Starts workers as processes of this machine, and replaces those that are killed.

    `workers` defaults to one for each CUDA device, or to as many as have `threads` cores each. With more workers than
    devices (device="cuda"), several individuals share a device. A step at which three workers died, without progress between
    them, counts as failed.
    """

    workers: int | None = None

    def __post_init__(self) -> None:
        if self.workers is not None and not 1 <= self.workers <= MOST_WORKERS:
            bound = f", and at most {MOST_WORKERS}" if self.workers > MOST_WORKERS else ""
            raise ScenarioError(f"workers={self.workers}", f"must be a whole number, at least 1{bound}.")

    def threads_for(self, cores: int) -> int:
        """The cores, shared out."""
        return max(1, cores // self.workers) if self.workers else cores

    def run(self, plan: Plan, job: Job) -> None:
        """Live the plan with processes of this machine."""
        assignment, devices = assignment_for(plan, job), _devices(job.device)
        count = self.workers or len(devices) or max(1, hardware.cores() // job.threads)
        monitor = StoreMonitor(plan, job)
        if not monitor.frontier.open and not monitor.frontier.pairs_left():
            return
        pool = [_WorkerProcess(assignment, job, devices[place % len(devices)] if devices else None) for place in range(count)]
        try:
            _supervise(pool, monitor, job)
        finally:
            _end(pool)
            monitor.refresh(whole=True)


def _supervise(pool: list[_WorkerProcess], monitor: StoreMonitor, job: Job) -> None:
    """Wait until every worker has finished, replacing those that died."""
    from lifespan.training.loop import Interrupted

    deaths: Counter[str] = Counter()
    for worker in pool:
        worker.start()
    working = list(pool)
    while working:
        if job.should_stop():
            raise Interrupted("the engine was asked to stop")
        time.sleep(POLL)
        monitor.refresh()
        for worker in list(working):
            code = worker.process.poll()
            if code == 0:
                working.remove(worker)
            elif code is not None:
                worker.raise_error(code)
                _record_death(worker, code, deaths, monitor, job)
                worker.start()


def _end(pool: list[_WorkerProcess]) -> None:
    """Have all workers save and exit. A second Ctrl-C kills them: what they had saved before is kept."""
    try:
        for worker in pool:
            worker.stop()
        for worker in pool:
            worker.wait()
    except KeyboardInterrupt:
        for worker in pool:
            worker.kill()
        raise


def _record_death(worker: _WorkerProcess, code: int, deaths: Counter[str], monitor: StoreMonitor, job: Job) -> None:
    """Count a death at the step that the worker held; a step with too many is marked as failed."""
    held = [lease for lease in holders(job.store) if lease["pid"] == worker.process.pid and not lease["alive"]]
    how = f"killed by signal {-code}" if code < 0 else f"exit code {code}"
    job.observer.warns(f"a worker died ({how}); another takes its place")
    for digest in [lease["digest"] for lease in held] or [""]:
        place = f"{digest}/{monitor.store.progress(digest)}" if digest else ""
        deaths[place] += 1
        if deaths[place] < DEATHS:
            continue
        last = "\n".join(worker.last)
        if digest not in monitor.frontier.nodes:
            raise LifespanError(f"workers die again and again ({how}). The last one's output:\n{last}")
        reason = f"its worker died {DEATHS} times ({how}){_perhaps(code)}"
        monitor.store.save_ended(digest, {"status": "failed", "reason": reason, "traceback": last})


def _perhaps(code: int) -> str:
    """What a death by the system may mean."""
    return f"; where memory ran out: {LOWER}" if code == -signal.SIGKILL else ""


@dataclass
class _WorkerProcess:
    """One worker's process, and its replacement where it dies."""

    assignment: bytes
    job: Job
    device: str | None
    last: deque[str] = field(default_factory=lambda: deque(maxlen=30))

    def start(self) -> None:
        """Start the process and send it the assignment."""
        threads = str(self.job.threads)
        known = {"PYTHONPATH": search_path(), "OMP_NUM_THREADS": threads}
        if self.device is not None:
            known["CUDA_VISIBLE_DEVICES"] = self.device
        self.process = subprocess.Popen(
            # -P: nothing is imported from the working directory, which may be anybody's.
            [sys.executable, "-P", "-m", "lifespan.execution.worker_process"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, **known},
            start_new_session=True,
        )
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(len(self.assignment).to_bytes(8, "big") + self.assignment)
            self.process.stdin.flush()
        except BrokenPipeError:
            pass  # The process is dead already; the supervisor will find out.
        self.reader = threading.Thread(
            target=_forward_warnings, args=(self.process, self.last, self.job.observer), daemon=True
        )
        self.reader.start()

    def raise_error(self, code: int) -> None:
        """Raise the user's error that the worker reported, if it did."""
        assert self.process.stdout is not None
        output = self.process.stdout.read()
        self.reader.join(timeout=5)
        self.close()
        if code == 2 and output.startswith(b"{"):
            raise_message(json.loads(output))
        if code == STOPPED:
            raise LifespanError("a worker was stopped by something other than its engine")

    def stop(self) -> None:
        """Ask the process to save and exit."""
        if hasattr(self, "process") and self.process.stdin is not None and not self.process.stdin.closed:
            self.process.stdin.close()

    def wait(self) -> None:
        """Wait until the process has exited."""
        if hasattr(self, "process"):
            self.process.wait()
            self.reader.join(timeout=5)
            self.close()

    def kill(self) -> None:
        """End the process at once, with all that it has started."""
        if hasattr(self, "process") and self.process.poll() is None:
            with suppress(OSError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def close(self) -> None:
        """Close the pipes of a process that has exited."""
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            if pipe is not None and not pipe.closed:
                pipe.close()


def _forward_warnings(process: subprocess.Popen[bytes], last: deque[str], observer: Observer) -> None:
    assert process.stderr is not None
    for line in process.stderr:
        text = line.decode(errors="replace").rstrip()
        last.append(text)
        if text.startswith("warning: "):
            observer.warns(text.removeprefix("warning: "))


def _devices(device: str) -> list[str]:
    """The CUDA devices to share out: none unless the device is "cuda", without a number."""
    if device != "cuda":
        return []
    import torch

    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    return visible.split(",") if visible else [str(number) for number in range(torch.cuda.device_count())]
