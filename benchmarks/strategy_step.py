"""What a step under a strategy against forgetting costs, and what the one gradient loop costs over a plain one.

    python benchmarks/strategy_step.py --out benchmarks/results/strategy_step.json

MiniLM, batch 32, sentence pairs of MRPC's lengths (see `mask_step.py`), bf16 where the CPU has it. The plain loop is written
out below: the same batches, passes, clipping, schedule and fused AdamW, and nothing else. Ways take turns for `--rounds`
rounds of `--steps` steps; a turn's figure is its median step, and a ratio compares the turns of one round. Wall and CPU time
are told apart. A strategy watches over a second task, the first having been learned for a few steps; `settling_in_steps` is
the time at a task's end, in plain steps.

With --avalanche also Avalanche's own loop ("Avalanche's loop": Naive, on our batches, with our clipping, rates and fused
AdamW, evaluator and loggers off), and its strategies inside our loop (with its own loaders, which do not group by length: read
these beside "inside: Naive").
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from mask_step import Pairs
from torch import nn

from lifespan import (
    EWC,
    AvalancheStrategy,
    AveragedGEM,
    DarkExperience,
    LearningWithoutForgetting,
    Lesson,
    MiniLM,
    Rehearsal,
    SynapticIntelligence,
    Weights,
    hardware,
)
from lifespan.model.forward import batch_loss
from lifespan.model.subject import Subject
from lifespan.randomness import Streams
from lifespan.training.batches import task_source
from lifespan.training.loop import ActiveHooks, Recipe, train

STREAMS = Streams(0, "benchmark")
STRATEGIES = {
    "loop": None,
    "EWC": EWC(examples=32),
    "SI": SynapticIntelligence(),
    "LwF": LearningWithoutForgetting(),
    "rehearsal": Rehearsal(),
    "DER++": DarkExperience(),
    "A-GEM": AveragedGEM(),
}


@dataclass(frozen=True, kw_only=True)
class Others(Pairs):
    """The same rows by another name."""

    @property
    def title(self) -> str:
        return "others"


class Clock:
    """Wall and CPU seconds of single steps."""

    def __init__(self) -> None:
        self.marks = [(time.perf_counter(), time.process_time())]

    def __call__(self, *_: object) -> None:
        self.marks.append((time.perf_counter(), time.process_time()))

    def medians(self) -> tuple[float, float]:
        wall, cpu = np.median(np.diff(np.array(self.marks), axis=0), axis=0)
        return float(wall), float(cpu)


def plain(subject: Subject, task: Pairs, steps: int) -> tuple[float, float]:
    """A loop as one would write it by hand."""
    by, recipe = Weights(), Recipe(steps, 0.1, 1.0)
    subject.skill_for(task, "weights", STREAMS)
    source = task_source(subject, task, length=128, batch_size=by.batch_size, streams=STREAMS)
    body = list(subject.encoder.parameters())
    parameters = [*body, *subject.skills[task.title].head.parameters()]
    matrices = [p for p in parameters if p.dim() > 1]
    vectors = [p for p in parameters if p.dim() == 1]
    groups = [{"params": matrices, "weight_decay": by.weight_decay}, {"params": vectors, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=by.rate, fused=True)
    subject.encoder.train()
    clock = Clock()
    for step in range(steps):
        loss = batch_loss(subject, task.title, source.batch(step))
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, 1.0)
        for group in optimizer.param_groups:
            group["lr"] = by.rate * recipe.factor(step)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        loss.item()
        clock()
    subject.encoder.eval()
    return clock.medians()


def guarded(subject: Subject, task: Pairs, strategy, steps: int, earlier=()) -> tuple[float, float, float]:
    """(wall, CPU) of a step of the one loop, and seconds at the end."""
    by = Weights()
    subject.skill_for(task, "weights", STREAMS)
    source = task_source(subject, task, length=128, batch_size=by.batch_size, streams=STREAMS)
    lesson = Lesson([task], list(earlier), 128, by.batch_size, STREAMS)
    guard = None if strategy is None else ActiveHooks(strategy.guard(subject, lesson), STREAMS)
    plasticity = by.attach(subject, (task,), steps, STREAMS)
    clock = Clock()
    hooks = [guard] if guard else []
    train(subject, plasticity, source, Recipe(steps, 0.1, 1.0), STREAMS, hooks=hooks, progress=clock)
    begun = time.perf_counter()
    if guard is not None:
        guard.disorder.settle(subject, guard.memory)
    return *clock.medians(), time.perf_counter() - begun


def avalanches_loop(subject: Subject, task: Pairs, steps: int) -> tuple[float, float]:
    """Avalanche's own loop over the same batches."""
    from avalanche.training.supervised import Naive

    from lifespan.integrations.avalanche.benchmarks import experience
    from lifespan.integrations.avalanche.datasets import dataset, packed, quiet
    from lifespan.integrations.avalanche.model import Model

    by, recipe = Weights(), Recipe(steps, 0.1, 1.0)
    subject.skill_for(task, "weights", STREAMS)
    source = task_source(subject, task, length=128, batch_size=by.batch_size, streams=STREAMS)
    batches = [source.batch(step) for step in range(steps)]
    ready = [[packed(batch), batch["labels"], torch.zeros(len(batch["labels"]), dtype=torch.int64)] for batch in batches]
    model = Model(subject, [task.title])
    parameters = list(model.parameters())
    matrices = [p for p in parameters if p.dim() > 1]
    vectors = [p for p in parameters if p.dim() == 1]
    groups = [{"params": matrices, "weight_decay": by.weight_decay}, {"params": vectors, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=by.rate, fused=True)
    clock, step = Clock(), iter(range(steps))
    with quiet():
        naive = Naive(model=model, optimizer=optimizer, train_mb_size=by.batch_size, evaluator=None)

        def update(**_: object) -> None:
            nn.utils.clip_grad_norm_(parameters, 1.0)
            rate = by.rate * recipe.factor(next(step))
            for group in optimizer.param_groups:
                group["lr"] = rate

        naive._before_update = update
        naive._after_training_iteration = lambda **_: (naive.loss.item(), clock())
        naive.make_train_dataloader = lambda **_: setattr(naive, "dataloader", ready)
        naive.check_model_and_optimizer = lambda **_: model.adaptation(naive.experience)
        naive.train(experience(dataset(*ready[0]), 0), eval_streams=[])
    model.eval()
    return clock.medians()


def inside(subject: Subject, task: Pairs, by, steps: int) -> tuple[float, float]:
    """A strategy of Avalanche in our loop."""
    subject.skill_for(task, "weights", STREAMS)
    source = task_source(subject, task, length=128, batch_size=by.batch_size, streams=STREAMS)
    plasticity = by.attach(subject, (task,), steps, STREAMS)
    clock = Clock()
    train(subject, plasticity, source, Recipe(steps, 0.1, 1.0), STREAMS, progress=clock)
    return clock.medians()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--avalanche", action="store_true")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    precision = hardware.resolve_precision("auto", half_pays=True, device="cpu")
    first, second = Pairs(train_examples=400), Others(train_examples=400)
    subjects = {}
    for name, strategy in STRATEGIES.items():
        subjects[name] = Subject(MiniLM().build(STREAMS), precision=precision)
        guarded(subjects[name], first, strategy, 3)
    theirs = {}
    if asked.avalanche:
        kinds = {
            "Naive": {},
            "EWC": {"ewc_lambda": 1.0},
            "LwF": {"alpha": 1.0, "temperature": 2.0},
            "Replay": {"mem_size": 200},
        }
        kinds |= {"SynapticIntelligence": {"si_lambda": 1.0}, "AGEM": {"patterns_per_exp": 200, "sample_size": 32}}
        theirs = {f"inside: {kind}": AvalancheStrategy(kind, settings=settings) for kind, settings in kinds.items()}
        for name, by in theirs.items():
            subjects[name] = Subject(MiniLM().build(STREAMS), precision=precision)
            inside(subjects[name], first, by, 3)
        subjects["Avalanche's loop"] = Subject(MiniLM().build(STREAMS), precision=precision)
    subjects["plain"] = Subject(MiniLM().build(STREAMS), precision=precision)
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in subjects}
    settling = {}
    for _ in range(asked.rounds):
        found["plain"].append(plain(subjects["plain"], second, asked.steps))
        for name, strategy in STRATEGIES.items():
            *step, end = guarded(subjects[name], second, strategy, asked.steps, [first])
            found[name].append((step[0], step[1]))
            settling[name] = end
        if asked.avalanche:
            found["Avalanche's loop"].append(avalanches_loop(subjects["Avalanche's loop"], second, asked.steps))
        for name, by in theirs.items():
            found[name].append(inside(subjects[name], second, by, asked.steps))
    told = {"threads": asked.threads, "precision": precision, "rounds": asked.rounds, "steps": asked.steps}
    base = np.array(found["plain"])
    for name, turns in found.items():
        ratios = np.array(turns) / base
        median = np.median(ratios, axis=0)
        told[name] = {
            "wall": round(float(median[0]), 3),
            "wall_range": [round(float(ratios[:, 0].min()), 3), round(float(ratios[:, 0].max()), 3)],
            "cpu": round(float(median[1]), 3),
            "settling_in_steps": round(settling.get(name, 0.0) / float(np.median(base[:, 0])), 1),
        }
    told["plain_step_seconds"] = round(float(np.median(base[:, 0])), 3)
    text = json.dumps(told, indent=2)
    print(text)
    if asked.out:
        asked.out.write_text(text + "\n")


if __name__ == "__main__":
    main()
