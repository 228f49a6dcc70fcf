"""How many workers pay on this machine: by its cores and memory, the subjects' size and the shape of the plan."""

from __future__ import annotations

from dataclasses import dataclass

from lifespan import hardware
from lifespan.execution.estimate import START, Estimate, parameters_of
from lifespan.study.events import Birth
from lifespan.study.plan import Plan

WORTHWHILE = 0.95
"""A further worker must bring the time below this share of that with one less: it, too, takes a start and a core."""
PROCESS = 0.6e9
"""Bytes of memory of a worker with torch and transformers at hand, without its subject."""
PARAMETER = 24
"""Bytes for each parameter: weights, gradients, the optimizer's two moments, and a state that is being saved."""
ACTIVATIONS = 1.5e9
"""Bytes that a step of a large subject keeps for its backward pass, about those of BERT-base with 32 texts of 128 tokens."""


@dataclass(frozen=True)
class Choice:
    """So many workers of so many threads, and in words what bounds them."""

    workers: int
    threads: int
    reason: str

    @property
    def text(self) -> str:
        """Such as "2 workers of 1 thread (2 cores)"."""
        workers, threads = (f"{n} {name}{'s' * (n > 1)}" for n, name in ((self.workers, "worker"), (self.threads, "thread")))
        return f"{workers} of {threads} ({self.reason})"


def choose(plan: Plan, found: Estimate, *, threads: int | None = None) -> Choice:
    """The workers that pay for what of a plan is not lived yet, on this machine's CPU; rows do not depend on their number.

    `found` is the plan's estimate, `threads` those that are asked for, of each worker. Without, a worker has one, or where any
    subject is large its share of the cores.
    """
    cores = hardware.cores()
    room, bound = cores // (threads or 1), f"{cores} core{'s' * (cores > 1)}"
    memory = hardware.available_memory()
    fitting = int(memory // worker_bytes(plan))
    if fitting < room:
        room, bound = fitting, f"{memory / 1e9:.1f} GB of free memory"
    unfinished = sum(1 for life in plan.lives if life.steps[-1].digest in found.open_steps)
    count = _paying(found, max(1, min(room, unfinished)))
    if count < room:
        bound = "what is left to live"
    return Choice(count, threads or (max(1, cores // count) if plan.study.half_pays else 1), bound)


def _paying(found: Estimate, room: int) -> int:
    """The number of workers up to which each further one makes the whole clearly faster."""
    count = 1
    while count < room and _wall(found, count + 1) < WORTHWHILE * _wall(found, count):
        count += 1
    return count


def _wall(found: Estimate, workers: int) -> float:
    """Seconds with so many workers. Those of one start beside nothing; others are processes that start first."""
    start = 0.0 if workers == 1 else START
    return start + max(found.remaining.total_seconds / workers, found.longest)


def worker_bytes(plan: Plan) -> float:
    """About how many bytes of memory a worker takes with the largest subject of a plan."""
    births = [step.event for step in plan.nodes.values() if isinstance(step.event, Birth)]
    largest = max(parameters_of(birth) for birth in births)
    return PROCESS + PARAMETER * largest + (ACTIVATIONS if plan.study.half_pays else 0.0)
