"""A worker as a process of its own: `python -m lifespan.execution.worker_process`, told by its standard input what to live.

It reads one order (a length in 8 bytes, then a pickle, which only the process that started it can have written) and stops
when its standard input is closed, so that no worker outlives its driver. It says warnings on its standard error.
Exit codes: 0 nothing is left to live, 2 wrong input (said as JSON on standard output), 130 stopped.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cloudpickle

from lifespan import hardware
from lifespan.errors import LifespanError, ScenarioError, UserError
from lifespan.execution.engine import Job
from lifespan.execution.observer import Observer
from lifespan.study.plan import Plan, compile_study
from lifespan.study.scenario import Study

STOPPED = 130
SCENARIO = "scenario"
"""The module name under which scenario files run."""
CHIEF = "LIFESPAN_WORKER_OF_A_JOB"
"""Environment variable of workers that a cluster's job has started."""


@dataclass(frozen=True)
class Order:
    """What a worker is to live, and how. `digest` is that of the last step: the worker must come to the same plan."""

    study: Study
    precision: str
    digest: str
    store: str
    device: str
    threads: int
    every: int
    fail_fast: bool


class Speaker(Observer):
    """Says warnings on standard error."""

    def warns(self, text: str) -> None:
        print(f"warning: {text}", file=sys.stderr, flush=True)


def order_for(plan: Plan, job: Job) -> bytes:
    """The order as bytes. Classes of scenario files and scripts travel with it: a worker could not import them."""
    if SCENARIO in sys.modules:
        cloudpickle.register_pickle_by_value(sys.modules[SCENARIO])
    last = plan.lives[-1].steps[-1].digest
    store = str(Path(job.store).resolve())
    order = Order(plan.study, plan.precision, last, store, job.device, job.threads, job.every, job.fail_fast)
    return cloudpickle.dumps(order)


def plan_of(order: Order) -> Plan:
    """The plan that an order means.

    Raises `LifespanError` where this installation comes to another one, `ScenarioError` where the store cannot be seen.
    """
    if not os.path.isdir(order.store):
        raise ScenarioError(order.store, "a node does not see this folder.", "Choose an --out that all nodes share.")
    plan = compile_study(order.study, precision=order.precision)
    if plan.lives[-1].steps[-1].digest != order.digest:
        raise LifespanError("this worker comes to another plan than its driver: are their versions the same?")
    return plan


def serve(order: Order, should_stop: Callable[[], bool], observer: Observer) -> None:
    """Work until nothing is left to live."""
    from lifespan.execution.worker import Worker
    from lifespan.record.store import Store

    hardware.settle_arithmetic(threads=order.threads, device=order.device)
    plan = plan_of(order)
    store = Store(Path(order.store), tell=observer.warns)
    Worker(plan, store, order.device, order.every, order.fail_fast, observer, should_stop).run()


def main() -> int:
    """Take one order from standard input and work on it."""
    from lifespan.training.loop import Interrupted

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if CHIEF in os.environ:
        # A cluster signals every process of a job; what it means is for the one that started this worker to say.
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signal.signal(signal.SIGUSR2, signal.SIG_IGN)
    stopped = threading.Event()
    size = int.from_bytes(sys.stdin.buffer.read(8), "big")
    order: Any = cloudpickle.loads(sys.stdin.buffer.read(size))
    threading.Thread(target=_wait_for_the_end, args=(stopped,), daemon=True).start()
    try:
        serve(order, stopped.is_set, Speaker())
    except Interrupted:
        return STOPPED
    except UserError as error:
        told = {"kind": type(error).__name__, "where": error.where, "what": error.what, "remedy": error.remedy}
        print(json.dumps(told), flush=True)
        return 2
    return 0


def _wait_for_the_end(stopped: threading.Event) -> None:
    # Not through Python's buffer, whose lock a daemon thread would hold at the interpreter's end.
    os.read(sys.stdin.fileno(), 1)
    stopped.set()


if __name__ == "__main__":
    sys.exit(main())
