"""Several workers on this machine, each a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections import Counter, deque
from dataclasses import dataclass, field

from lifespan import errors, hardware
from lifespan.errors import LifespanError, ScenarioError
from lifespan.execution.driver import Watch
from lifespan.execution.engine import Engine, Job
from lifespan.execution.observer import Observer
from lifespan.execution.worker_process import STOPPED, order_for
from lifespan.record.leases import holders
from lifespan.study.plan import Plan

DEATHS = 3
"""How many workers a step may cost at one place, without having come further, before it counts as failed."""
POLL = 0.2
"""Seconds between two looks at the store and the processes."""


@dataclass(frozen=True, kw_only=True)
class Local(Engine):
    """Starts workers as processes of this machine, and starts one anew where it is killed.

    `workers` defaults to one for each CUDA device, or to as many as have `threads` cores each. With more workers than
    devices (device="cuda"), several individuals share a device. A step that cost three workers at one place counts as failed.
    """

    workers: int | None = None

    def __post_init__(self) -> None:
        if self.workers is not None and self.workers < 1:
            raise ScenarioError(f"workers={self.workers}", "must be a whole number, at least 1.")

    def threads_for(self, cores: int) -> int:
        """The cores, shared out."""
        return max(1, cores // self.workers) if self.workers else cores

    def run(self, plan: Plan, job: Job) -> None:
        """Live the plan with processes of this machine."""
        order, devices = order_for(plan, job), _devices(job.device)
        count = self.workers or len(devices) or max(1, hardware.cores() // job.threads)
        watch = Watch(plan, job)
        if not watch.frontier.open and not watch.frontier.pairs_left():
            return
        crew = [_Hand(order, job, devices[place % len(devices)] if devices else None) for place in range(count)]
        try:
            _lead(crew, watch, job)
        finally:
            for hand in crew:
                hand.stop()
            for hand in crew:
                hand.wait()
            watch.look()


def _lead(crew: list[_Hand], watch: Watch, job: Job) -> None:
    """Watch until every worker has left, replacing those that died."""
    from lifespan.training.loop import Interrupted

    deaths: Counter[str] = Counter()
    for hand in crew:
        hand.start()
    working = list(crew)
    while working:
        if job.should_stop():
            raise Interrupted("the driver was asked to stop")
        time.sleep(POLL)
        watch.look()
        for hand in list(working):
            code = hand.process.poll()
            if code == 0:
                working.remove(hand)
            elif code is not None:
                hand.explain(code)
                _bury(hand, code, deaths, watch, job)
                hand.start()


def _bury(hand: _Hand, code: int, deaths: Counter[str], watch: Watch, job: Job) -> None:
    """Note which step a dead worker held; one that cost too many counts as failed."""
    held = [claim for claim in holders(job.store) if claim["pid"] == hand.process.pid and not claim["alive"]]
    how = f"killed by signal {-code}" if code < 0 else f"exit code {code}"
    job.observer.warns(f"a worker died ({how}); another takes its place")
    for digest in [claim["digest"] for claim in held] or [""]:
        place = f"{digest}/{watch.store.progress(digest)}" if digest else ""
        deaths[place] += 1
        if deaths[place] < DEATHS:
            continue
        last = "\n".join(hand.last)
        if digest not in watch.frontier.nodes:
            raise LifespanError(f"workers die again and again ({how}). The last one said:\n{last}")
        reason = f"its worker died {DEATHS} times ({how})"
        watch.store.save_ended(digest, {"status": "failed", "reason": reason, "traceback": last})


@dataclass
class _Hand:
    """One place in the crew: a process, and another after it where it dies."""

    order: bytes
    job: Job
    device: str | None
    last: deque[str] = field(default_factory=lambda: deque(maxlen=30))

    def start(self) -> None:
        """Start the process and hand it its order."""
        threads = str(self.job.threads)
        known = {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path), "OMP_NUM_THREADS": threads}
        if self.device is not None:
            known["CUDA_VISIBLE_DEVICES"] = self.device
        self.process = subprocess.Popen(
            [sys.executable, "-m", "lifespan.execution.worker_process"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, **known},
            start_new_session=True,
        )
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(len(self.order).to_bytes(8, "big") + self.order)
            self.process.stdin.flush()
        except BrokenPipeError:
            pass  # It is dead already, which the driver will find.
        self.ear = threading.Thread(target=_listen, args=(self.process, self.last, self.job.observer), daemon=True)
        self.ear.start()

    def explain(self, code: int) -> None:
        """Raise what the worker could not go on from, if it said so."""
        assert self.process.stdout is not None
        told = self.process.stdout.read()
        self.ear.join(timeout=5)
        self.close()
        if code == 2 and told.startswith(b"{"):
            said = json.loads(told)
            raise getattr(errors, said["kind"], errors.UserError)(said["where"], said["what"], said["remedy"])
        if code == STOPPED:
            raise LifespanError("a worker was stopped by another hand than its driver's")

    def stop(self) -> None:
        """Ask the process to save and leave."""
        if hasattr(self, "process") and self.process.stdin is not None and not self.process.stdin.closed:
            self.process.stdin.close()

    def wait(self) -> None:
        """Wait until the process has left."""
        if hasattr(self, "process"):
            self.process.wait()
            self.ear.join(timeout=5)
            self.close()

    def close(self) -> None:
        """Close the pipes of a process that has left."""
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            if pipe is not None and not pipe.closed:
                pipe.close()


def _listen(process: subprocess.Popen[bytes], last: deque[str], observer: Observer) -> None:
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
