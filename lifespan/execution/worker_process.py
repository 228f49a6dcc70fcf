"""A worker as a process of its own: `python -m lifespan.execution.worker_process`.

It reads one assignment from its standard input (a length in 8 bytes, then a pickle, which only the process that started it
can have written) and stops when its standard input is closed, so that no worker outlives its supervisor. Warnings go to its
standard error. Exit codes: 0 nothing is left to live, 2 an error that is no life's (as JSON on standard output), 130 stopped.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cloudpickle

from lifespan import errors, hardware
from lifespan.contracts.spec import digest_of
from lifespan.culprits import machine_error
from lifespan.errors import LifespanError, ScenarioError, UserError
from lifespan.execution.engine import Job
from lifespan.execution.observer import Observer
from lifespan.study.neighbours import user_folders, user_modules
from lifespan.study.plan import Plan, compile_study
from lifespan.study.scenario import Study

STOPPED = 130
SCENARIO = "scenario"
"""The module name under which scenario files run."""
IN_CLUSTER_JOB = "LIFESPAN_WORKER_OF_A_JOB"
"""Environment variable of workers that were started by a cluster's job."""


@dataclass(frozen=True)
class Assignment:
    """What a worker has to live, and how. `digest` is made of the ends of all lives, by which a worker checks its own plan."""

    study: Study
    precision: str
    digest: str
    store: str
    device: str
    threads: int
    every: int
    fail_fast: bool


class WarningPrinter(Observer):
    """Prints warnings on standard error."""

    def warns(self, text: str) -> None:
        with suppress(OSError, ValueError):  # Nobody listens any more.
            print(f"warning: {text}", file=sys.stderr, flush=True)


def assignment_for(plan: Plan, job: Job) -> bytes:
    """The assignment as bytes, with the classes of scenario files, helpers and scripts, which a worker could not import."""
    for module in [sys.modules.get(SCENARIO), *user_modules().values()]:
        if module is not None and sys.modules.get(module.__name__) is module:
            cloudpickle.register_pickle_by_value(module)
    ends = _ends(plan)
    store = str(Path(job.store).resolve())
    assignment = Assignment(plan.study, plan.precision, ends, store, job.device, job.threads, job.every, job.fail_fast)
    return cloudpickle.dumps(assignment)


def search_path() -> str:
    """Where workers look for modules: where this process does, but for the working directory that `python -m` puts first.

    The folder of the scenario file comes last, behind Python's own modules and installed packages.
    """
    places = list(sys.path)
    main = sys.modules.get("__main__")
    by_name = getattr(main, "__spec__", None) is not None and not sys.flags.safe_path
    if by_name and places and os.path.realpath(places[0] or ".") == os.path.realpath("."):
        del places[0]
    own = [str(folder) for folder in user_folders()]
    return os.pathsep.join(dict.fromkeys(place for place in [*places, *own] if place))


def compiled_plan(assignment: Assignment) -> Plan:
    """The plan of an assignment, compiled in the worker: digests of the same installation prove that it is the same.

    It is not sent along: a plan is larger than its study, and a worker of another version must not live a plan that its own
    code would not make. Raises `LifespanError` where this installation compiles another plan, `ScenarioError` where the store
    cannot be seen.
    """
    if not os.path.isdir(assignment.store):
        raise ScenarioError(assignment.store, "a node does not see this folder.", "Choose an --out that all nodes share.")
    plan = compile_study(assignment.study, precision=assignment.precision)
    if _ends(plan) != assignment.digest:
        raise LifespanError(
            "this worker compiles another plan than its supervisor: have both the same versions and code, and the same data "
            "and models under the same paths?"
        )
    return plan


def _ends(plan: Plan) -> str:
    """What two plans have in common where all their lives end alike."""
    return digest_of([[life.steps[-1].digest, *(each.digest for each in life.steps[-1].evaluations)] for life in plan.lives])


def serve(assignment: Assignment, should_stop: Callable[[], bool], observer: Observer) -> None:
    """Work until nothing is left to live."""
    from lifespan.execution.worker import Worker
    from lifespan.record.store import Store

    hardware.settle_arithmetic(threads=assignment.threads, device=assignment.device)
    plan = compiled_plan(assignment)
    store = Store(Path(assignment.store), warn=observer.warns)
    Worker(plan, store, assignment.device, assignment.every, assignment.fail_fast, observer, should_stop).run()


def as_message(error: Exception) -> dict[str, str]:
    """An error that stops a run, as plain data for another process; `raise_message` raises it there."""
    found = error if isinstance(error, UserError) else machine_error(error)
    if found is None:
        traceback.print_exc()
        return {"unexpected": f"{type(error).__name__}: {error}"}
    return {"kind": type(found).__name__, "where": found.where, "what": found.what, "remedy": found.remedy}


def raise_message(message: Mapping[str, str]) -> None:
    """Raise the error of which another process told."""
    if "unexpected" in message:
        raise LifespanError(f"{message['unexpected']} (in a worker)")
    raise getattr(errors, message["kind"], UserError)(message["where"], message["what"], message["remedy"])


def main() -> int:
    """Read one assignment from standard input and work on it."""
    from lifespan.training.loop import Interrupted

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if IN_CLUSTER_JOB in os.environ:
        # A cluster signals every process of a job; the process that started this worker decides what to do.
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signal.signal(signal.SIGUSR2, signal.SIG_IGN)
    stopped = threading.Event()
    size = int.from_bytes(sys.stdin.buffer.read(8), "big")
    content = sys.stdin.buffer.read(size)
    threading.Thread(target=_wait_for_closed_input, args=(stopped,), daemon=True).start()
    try:
        assignment: Any = cloudpickle.loads(content)
        serve(assignment, stopped.is_set, WarningPrinter())
    except Interrupted:
        return STOPPED
    except Exception as error:
        with suppress(OSError):
            print(json.dumps(as_message(error)), flush=True)
        return 2
    return 0


def _wait_for_closed_input(stopped: threading.Event) -> None:
    # Not through Python's buffer, whose lock a daemon thread would hold at the interpreter's end.
    os.read(sys.stdin.fileno(), 1)
    stopped.set()


if __name__ == "__main__":
    sys.exit(main())
