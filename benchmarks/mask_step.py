"""What a step of structural learning costs beside a step of fine-tuning, on one subject and the same batches.

    python benchmarks/mask_step.py --out benchmarks/results/mask_step.json

MiniLM (6 layers, width 384), batch 32, sentence pairs of MRPC's lengths (seeded random words, so that no data is needed),
bf16 where the CPU has it. Learners take turns, `--steps` steps each, for `--rounds` rounds; a turn's figure is its median
step, and a ratio compares the turns of one round. Wall and CPU time are told apart: on a shared machine CPU time says more.
Memory: the tensors that each learner keeps beside the body (its parameters and AdamW's moments), in MiB.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from lifespan import BernoulliMasks, Examples, MiniLM, MovementMasks, RigL, Task, TopKMasks, Weights, hardware
from lifespan import Masks as ThresholdMasks
from lifespan.model.subject import Subject
from lifespan.randomness import Streams
from lifespan.training.batches import task_source
from lifespan.training.loop import Recipe, train

STREAMS = Streams(0, "benchmark")
LEARNERS = {
    "weights": Weights(),
    "masks": ThresholdMasks(),
    "masks, target 50%": ThresholdMasks(target=0.5),
    "top-k masks 50%": TopKMasks(),
    "Bernoulli masks": BernoulliMasks(),
    "SMP 50%": MovementMasks(weights=False),
    "movement 50%": MovementMasks(),
    "RigL 50%": RigL(weights=True),
}


@dataclass(frozen=True, kw_only=True)
class Pairs(Task):
    """Random words in pairs as long as MRPC's: 20 to 60 tokens."""

    @property
    def title(self) -> str:
        return "pairs"

    @property
    def labels(self) -> tuple[str, ...]:
        return ("no", "yes")

    @property
    def metrics(self) -> tuple[str, ...]:
        return ("accuracy",)

    def load(self, split: str) -> Examples:
        draw = np.random.default_rng(0)
        words = ["the", "city", "said", "on", "company", "new", "people", "after", "market", "of", "report", "today"]
        first, second = ([" ".join(draw.choice(words, draw.integers(12, 32))) for _ in range(1024)] for _ in range(2))
        return Examples(first, second, draw.integers(0, 2, 1024))


def turn(subject: Subject, name: str, steps: int) -> tuple[float, float, float]:
    """(median wall seconds, median CPU seconds, MiB kept) of some steps of a learner; the first step is left out."""
    task, learner = Pairs(), LEARNERS[name]
    source = task_source(subject, task, length=128, batch_size=32, streams=STREAMS)
    plasticity = learner.attach(subject, (task,), steps + 1, STREAMS)
    moving = [parameter for group in plasticity.groups() for parameter in group["params"]]
    kept = sum(3 * parameter.numel() * 4 for parameter in moving) / 2**20
    times: list[tuple[float, float]] = []
    train(
        subject,
        plasticity,
        source,
        Recipe(steps + 1, 0.1, 1.0),
        STREAMS,
        progress=lambda done, loss: times.append((time.perf_counter(), time.process_time())),
    )
    wall, cpu = np.median(np.diff(np.array(times), axis=0), axis=0)
    return float(wall), float(cpu), kept


def spread(values: list[float]) -> dict[str, float]:
    low, middle, high = np.quantile(values, [0.25, 0.5, 0.75])
    return {"median": float(middle), "low": float(low), "high": float(high)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    precision = "bf16" if hardware.native_bf16() else "fp32"
    subject = Subject(MiniLM().build(STREAMS), precision=precision)
    subject.skill_for(Pairs(), "structure", STREAMS)
    turns: dict[str, list[tuple[float, float, float]]] = {name: [] for name in LEARNERS}
    for _ in range(arguments.rounds):
        for name in LEARNERS:
            turns[name].append(turn(subject, name, arguments.steps))
    result: dict[str, Mapping] = {}
    print(f"{'learner':20} {'s a step':>9} {'wall ratio':>20} {'CPU ratio':>20} {'MiB':>6}")
    for name, mine in turns.items():
        ratios = [[one[i] / base[i] for one, base in zip(mine, turns["weights"], strict=True)] for i in (0, 1)]
        wall, cpu = (spread(values) for values in ratios)
        seconds = float(np.median([one[0] for one in mine]))
        result[name] = {"seconds": seconds, "wall": wall, "cpu": cpu, "mebibytes": mine[0][2]}
        shown = [f"{r['median']:.2f} ({r['low']:.2f}-{r['high']:.2f})" for r in (wall, cpu)]
        print(f"{name:20} {seconds:9.3f} {shown[0]:>20} {shown[1]:>20} {mine[0][2]:6.0f}")
    if arguments.out:
        arguments.out.parent.mkdir(parents=True, exist_ok=True)
        about = {"rounds": arguments.rounds, "steps": arguments.steps, "threads": arguments.threads, "precision": precision}
        machine = hardware.environment(threads=arguments.threads, device="cpu")
        arguments.out.write_text(json.dumps({"about": about, "machine": machine, "learners": result}, indent=1) + "\n")


if __name__ == "__main__":
    main()
