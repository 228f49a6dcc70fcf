"""What a plan will cost: steps, examples, seconds and bytes.

Seconds come from the step times of an earlier run in the same directory where there are some. Otherwise they come from
counting the multiplications of the matrix products (6 for every synapse and token learned from: 2 forward, 4 backward)
and from timing one such product now, which is rough: `benchmarks/scaling.py` says how rough.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from lifespan import hardware
from lifespan.contracts import Corpus, Effort, Passage, Task
from lifespan.record import record
from lifespan.study.costs import Sizes, Work
from lifespan.study.events import Birth
from lifespan.study.plan import Plan, Step

EFFICIENCY = 0.9
"""Share that training reaches of the speed of small matrix products on as many cores."""
OVERHEAD = 0.0045
"""Seconds of an optimizer step beside its matrix products."""
MASK_OVERHEAD = 0.001
"""Further seconds of an optimizer step that moves masks."""
PARAMETER = 1.5e-9
"""Seconds that clipping and the optimizer take for each parameter and step."""
EVENT_OVERHEAD = 0.1
"""Seconds of loading, saving and noting around an event."""
EVALUATION_OVERHEAD = 0.03
"""Seconds around an evaluation."""
SAVING = 6e-9
"""Seconds that a byte takes to its place in the store."""
START = 7.0
"""Seconds until a worker has torch and transformers at hand and a first subject is born."""
HALF_GAIN = 2.5
"""How much faster bfloat16 products are where the hardware has them."""
PADDING = 3.5
"""Tokens that a batch adds to a text: lengths are multiples of 8."""
PIECES = 1.2
"""Tokens per word, guessed without a tokenizer."""
MEASURED = "measured here"
ROUGH = "rough, from a matrix product timed just now"


@dataclass(frozen=True)
class Cost:
    """What one step of a life takes."""

    optimizer_steps: int = 0
    examples: int = 0
    seconds: float = 0.0
    evaluation_seconds: float = 0.0
    bytes: int = 0
    measured: bool = False

    def __add__(self, other: Cost) -> Cost:
        return Cost(
            self.optimizer_steps + other.optimizer_steps,
            self.examples + other.examples,
            self.seconds + other.seconds,
            self.evaluation_seconds + other.evaluation_seconds,
            self.bytes + other.bytes,
            self.measured or other.measured,
        )

    @property
    def total_seconds(self) -> float:
        """Seconds of the step and of its evaluations."""
        return self.seconds + self.evaluation_seconds


@dataclass(frozen=True)
class Estimate:
    """The costs of a plan: of its tree, of separate lives, and of what is not lived yet.

    `wall` is how many seconds so many `workers` take for what is not lived yet: their start, their share of it, and not
    less than `longest`, the seconds of the longest chain of steps that must follow each other. `open_steps` are those not
    lived yet.
    """

    nodes: Mapping[str, Cost]
    shared: Cost
    separate: Cost
    remaining: Cost
    lived: int
    basis: str
    workers: int = 1
    wall: float = 0.0
    longest: float = 0.0
    open_steps: frozenset[str] = frozenset()


def estimate(plan: Plan, out: Path | None = None, workers: int = 1, store: Path | None = None) -> Estimate:
    """The costs of a plan; `out` is the run directory whose step times and finished steps count, `store` a shared one."""
    gauge = _Gauge(plan, _timings(out), _speed(plan, workers))
    nodes = {digest: gauge.cost(step) for digest, step in plan.nodes.items()}
    open_nodes = {digest for digest in nodes if (out or store) is None or not record.is_lived(out or Path(), digest, store)}
    real = [digest for digest, step in plan.nodes.items() if step.parent is not None]
    known = any(cost.measured for cost in nodes.values())
    remaining = _sum(nodes[digest] for digest in open_nodes)
    longest = max(sum(nodes[s.digest].total_seconds for s in life.steps if s.digest in open_nodes) for life in plan.lives)
    return Estimate(
        nodes,
        shared=_sum(nodes.values()),
        separate=_sum(nodes[step.digest] for _, step in plan.walk()),
        remaining=remaining,
        lived=sum(1 for digest in real if digest not in open_nodes),
        basis=MEASURED if known else ROUGH,
        workers=workers,
        wall=(START if open_nodes else 0.0) + max(remaining.total_seconds / workers, longest),
        longest=longest,
        open_steps=frozenset(open_nodes),
    )


def as_json(plan: Plan, found: Estimate) -> dict[str, Any]:
    """A plan and its costs for other programs."""

    def cost_data(cost: Cost, events: int) -> dict[str, Any]:
        return {
            "events": events,
            "optimizer_steps": cost.optimizer_steps,
            "examples": cost.examples,
            "seconds": round(cost.total_seconds, 2),
            "bytes": cost.bytes,
        }

    return {
        "study": plan.study.name,
        "groups": list(plan.study.groups),
        "individuals": plan.study.individuals,
        "precision": plan.precision,
        "basis": found.basis,
        "separate": cost_data(found.separate, plan.separate),
        "shared": cost_data(found.shared, plan.shared),
        "remaining": cost_data(found.remaining, plan.shared - found.lived),
        "workers": found.workers,
        "wall_seconds": round(found.wall, 2),
        "nodes": [
            {
                "digest": digest,
                "parent": step.parent,
                "kind": type(step.event).__name__,
                "stage": step.event.label,
                "seed": step.seed,
                "probes": [evaluation.title for evaluation in step.evaluations],
                "optimizer_steps": found.nodes[digest].optimizer_steps,
                "examples": found.nodes[digest].examples,
                "seconds": round(found.nodes[digest].total_seconds, 2),
                "bytes": found.nodes[digest].bytes,
            }
            for digest, step in plan.nodes.items()
        ],
    }


@dataclass(frozen=True)
class _Timing:
    """Measured seconds of one stage: of each optimizer step (each event, where it takes none), and of its evaluations."""

    training: float
    evaluation: float


@dataclass
class _Gauge:
    """Costs of single steps of one plan on this machine, `speed` operations a second in float32 products a worker."""

    plan: Plan
    timings: Mapping[tuple[str, str], _Timing]
    speed: float
    lengths: dict[object, tuple[int, float]] = field(default_factory=dict)
    births: dict[str, Birth] = field(default_factory=dict)
    newborns: dict[str, str] = field(default_factory=dict)
    known: dict[object, Cost] = field(default_factory=dict)

    def cost(self, step: Step) -> Cost:
        """The cost of a step; individuals of one course share events and measures, and pay alike."""
        size = self._bytes(step)
        measures = tuple((id(each.measure), each.every) for each in step.evaluations)
        key = (id(step.event), id(step.tasks), id(self._birth(step)), size, measures)
        if key not in self.known:
            self.known[key] = self._cost(step, size)
        return self.known[key]

    def _cost(self, step: Step, size: int) -> Cost:
        work = step.event.work(step.tasks, self)
        steps = work.optimizer_steps
        timing = self.timings.get((type(step.event).__name__, step.event.label))
        training = self._training_seconds(step, work) if timing is None else timing.training * max(1, steps)
        if timing is None or not timing.evaluation:
            evaluation = self._evaluation_seconds(step, steps)
        else:
            evaluation = timing.evaluation * bool(step.evaluations)
        return Cost(steps, work.examples, EVENT_OVERHEAD + training + SAVING * size, evaluation, size, timing is not None)

    def _training_seconds(self, step: Step, work: Work) -> float:
        sizes = _sizes(self._birth(step))
        overhead = OVERHEAD + PARAMETER * sizes.parameters + (MASK_OVERHEAD if step.event.moves_masks else 0)
        # The language head, as large as the word embeddings, reads the tokens that are asked for only.
        read = sizes.synapses + work.language * (sizes.parameters - sizes.synapses)
        return work.optimizer_steps * (overhead + work.overhead) + self._seconds(6 * work.tokens * read)

    def _evaluation_seconds(self, step: Step, steps: int) -> float:
        rounds = {each.digest: 1 if each.every is None else steps // each.every for each in step.evaluations}
        tokens = self._evaluated_tokens(step, rounds)
        return EVALUATION_OVERHEAD * sum(rounds.values()) + self._seconds(2 * tokens * _size(self._birth(step), "synapses"))

    def _evaluated_tokens(self, step: Step, rounds: Mapping[str, int]) -> float:
        """Tokens that pass forward through the encoder in evaluations, each made so many rounds."""
        efforts = ((effort, rounds[each.digest]) for each in step.evaluations for effort in each.measure.effort(step.tasks))
        return sum(number * effort.passes * self._source_tokens(effort) for effort, number in efforts)

    def _source_tokens(self, effort: Effort) -> float:
        """Tokens of one pass over what an evaluation reads."""
        source = effort.source
        if isinstance(source, Task):
            count, tokens = self.task_tokens(source, effort.split or source.splits[1], effort.length)
        else:
            count, tokens = self.corpus_tokens(source, effort.length)
        return tokens * (count if effort.examples is None else min(count, effort.examples))

    def _seconds(self, operations: float) -> float:
        """Of so many operations at the plan's precision."""
        gain = HALF_GAIN if self.plan.precision == "bf16" else 1.0
        return operations / (self.speed * EFFICIENCY * gain)

    def task_tokens(self, task: Task, split: str, length: int) -> tuple[int, float]:
        """(examples, mean tokens of one) of a split."""
        key = (task.title, split, length, task.train_examples, task.eval_examples)
        if key not in self.lengths:
            rows = task.examples(split)
            pairs = rows.first if rows.second is None else list(zip(rows.first, rows.second, strict=True))
            self.lengths[key] = len(rows), _mean_tokens(pairs, length)
        return self.lengths[key]

    def corpus_tokens(self, corpus: Corpus, length: int) -> tuple[int, float]:
        """(passages, mean tokens of one) of a corpus."""
        key = (corpus.digest(), length)
        if key not in self.lengths:
            passages = corpus.passages()
            self.lengths[key] = len(passages), _mean_tokens(passages, length)
        return self.lengths[key]

    def _birth(self, step: Step) -> Birth:
        if step.digest not in self.births:
            event = step.event
            known = event if isinstance(event, Birth) else self._birth(self.plan.nodes[step.parent or ""])
            self.births[step.digest] = known
        return self.births[step.digest]

    def _bytes(self, step: Step) -> int:
        """New bytes in the store: weights as 4 each where they change, masks as bits, the rest is shared."""
        birth, event = self._birth(step), step.event
        if isinstance(event, Birth):
            known = self.newborns.setdefault(event.origin.digest(), step.digest)
            if event.origin.born_alike and known != step.digest:
                return 0
        return event.stored(step.tasks, _sizes(birth))


def _sizes(birth: Birth) -> Sizes:
    return Sizes(parameters_of(birth), _size(birth, "synapses"), _size(birth, "width"))


def _size(birth: Birth, name: str) -> int:
    """A size of the subject; that of BERT-base where it cannot be known without building it."""
    unknown = {"synapses": 85_000_000, "width": 768}
    return int((birth.origin.size() or unknown).get(name, unknown[name]))


def parameters_of(birth: Birth) -> int:
    """How many parameters a subject has: what its origin knows without building it, else about so many."""
    known = (birth.origin.size() or {}).get("parameters")
    vocabulary = 30_000 if birth.origin.half_pays else 1_000
    return int(known or 1.02 * _size(birth, "synapses") + vocabulary * _size(birth, "width"))


def _mean_tokens(passages: Iterable[Passage], length: int) -> float:
    """Mean tokens of passages, from their words; a sample of 1000 is enough."""
    sample = list(passages)[:1000]
    words = [len((passage if isinstance(passage, str) else " ".join(passage)).split()) for passage in sample]
    return float(np.mean([min(length, PIECES * count + 3 + PADDING) for count in words])) if words else 0.0


@cache
def _throughput() -> float:
    """Operations of float32 matrix products per second on one core here, two for each multiply-add.

    The best of many short tries, as other work on the machine slows most of them. Matrices so small are multiplied by one
    thread: several that wait for each other on a busy machine can be a hundred times slower than one.
    """
    size, times = 64, 8
    matrix = np.ones((size, size), dtype=np.float32)
    product = np.empty_like(matrix)
    begin, best = time.perf_counter(), math.inf
    while time.perf_counter() - begin < 0.25:
        start = time.perf_counter()
        for _ in range(times):
            np.matmul(matrix, matrix, out=product)
        best = min(best, time.perf_counter() - start)
    return 2 * size**3 * times / best


def _speed(plan: Plan, workers: int) -> float:
    """Operations a second of one worker: small subjects keep it to one core, large ones share out the cores."""
    return _throughput() * (max(1, hardware.cores() // workers) if plan.study.half_pays else 1)


def _timings(out: Path | None) -> dict[tuple[str, str], _Timing]:
    """What was measured in a run directory, by kind and stage."""
    if out is None or not (out / "study.json").is_file():
        return {}
    rows = record.read(out).steps()
    rows = rows[(rows["status"] == "done") & ~rows["shared"].astype(bool)]
    found = {}
    for (kind, stage), part in rows.groupby(["kind", "stage"], sort=False):
        units = part["optimizer_steps"].clip(lower=1).sum()
        seconds = part["look_seconds"][part["look_seconds"] > 0]
        evaluation = float(seconds.mean()) if len(seconds) else 0.0
        found[(str(kind), str(stage))] = _Timing(float(part["seconds"].sum() / units), evaluation)
    return found


def _sum(costs: Iterable[Cost]) -> Cost:
    each = list(costs)
    return Cost(
        sum(cost.optimizer_steps for cost in each),
        sum(cost.examples for cost in each),
        sum(cost.seconds for cost in each),
        sum(cost.evaluation_seconds for cost in each),
        sum(cost.bytes for cost in each),
        any(cost.measured for cost in each),
    )
