"""Would a cohort of micro subjects live faster stacked in one process? Gradient steps only, the best case for stacking.

    python benchmarks/stacked.py --out benchmarks/results/stacked.json

Ways of taking gradient steps with `--individuals` micro subjects on two cores: one after another in one process with two
threads; one after another in each of two processes with one thread (what `--workers 2 --threads 1` does); stacked by
`torch.func` (`vmap` over stacked parameters, one fused AdamW) in one process with two threads, and in two processes with
half of them each. Every way sees batches of 32 examples of 16 tokens, ready made, with AdamW and clipping by norm. Ways take
turns for `--rounds` rounds; the figure is steps a second over all individuals, and a ratio compares the turns of one round.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import time
from pathlib import Path

import numpy as np
import torch
from common import extremes
from torch.func import functional_call, grad_and_value, stack_module_state, vmap
from torch.nn import functional

from lifespan import Micro, MicroTask, Weights, hardware
from lifespan.model.subject import Subject
from lifespan.randomness import Streams
from lifespan.training.batches import task_source
from lifespan.training.loop import Recipe, train

TASK = MicroTask("sentiment")
STEPS = 60


def born(seed: int) -> tuple[Subject, Streams]:
    streams = Streams(seed, "benchmark")
    subject = Subject(Micro().build(streams))
    subject.skill_for(TASK, "weights", streams)
    return subject, streams


def one_by_one(count: int) -> float:
    """Steps a second of our own loop."""
    spent = 0.0
    for seed in range(count):
        subject, streams = born(seed)
        source = task_source(subject, TASK, length=32, batch_size=32, streams=streams)
        plasticity = Weights().attach(subject, (TASK,), STEPS, streams)
        begin = time.perf_counter()
        train(subject, plasticity, source, Recipe(STEPS, 0.1, 1.0), streams)
        spent += time.perf_counter() - begin
    return count * STEPS / spent


class Whole(torch.nn.Module):
    """Encoder and head as one module."""

    def __init__(self, subject: Subject) -> None:
        super().__init__()
        self.encoder, self.head = subject.encoder.train(), subject.skills[TASK.title].head.train()
        # `vmap` has no rule for the fused kernel, nor for a mask that is made by looking at the batch.
        self.encoder.set_attn_implementation("eager")

    def forward(self, ids: torch.Tensor, kinds: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        states = self.encoder(input_ids=ids, token_type_ids=kinds, attention_mask=mask).last_hidden_state
        return self.head(states[:, 0])


def stacked(count: int) -> float:
    """Steps a second, over all individuals."""
    subjects = [born(seed) for seed in range(count)]
    modules = [Whole(subject) for subject, _ in subjects]
    parameters, buffers = stack_module_state(modules)
    batches = []
    for subject, streams in subjects:
        source = task_source(subject, TASK, length=32, batch_size=32, streams=streams)
        batches.append(
            next(batch for batch in map(source.batch, range(len(source) // 32)) if batch["input_ids"].shape[1] == 16)
        )
    fields = ("input_ids", "token_type_ids", "attention_mask", "labels")
    ids, kinds, mask, labels = (torch.stack([batch[name] for batch in batches]) for name in fields)
    mask = (1.0 - mask.float())[:, :, None, None, :].mul(-1e9).expand(-1, -1, -1, mask.shape[-1], -1)

    def loss(weights, kept, ids, kinds, mask, labels):
        return functional.cross_entropy(functional_call(modules[0], (weights, kept), (ids, kinds, mask)), labels)

    slope = vmap(grad_and_value(loss))
    optimizer = torch.optim.AdamW(parameters.values(), fused=True)
    begin = 0.0
    for step in range(STEPS + 3):
        if step == 3:
            begin = time.perf_counter()
        gradients, _ = slope(parameters, buffers, ids, kinds, mask, labels)
        squares = sum(gradient.flatten(1).square().sum(1) for gradient in gradients.values())
        shrink = (1 / (squares.sqrt() + 1e-6)).clamp(max=1)
        for name, gradient in gradients.items():
            parameters[name].grad = gradient * shrink.view(-1, *[1] * (gradient.dim() - 1))
        optimizer.step()
    return count * STEPS / (time.perf_counter() - begin)


def serve(way: str, count: int, begin: object, results: object) -> None:
    """A worker: waits for its turn, then works at the same time as the other."""
    torch.set_num_threads(1)
    begin.wait()  # type: ignore[attr-defined]
    results.put({"one_by_one": one_by_one, "stacked": stacked}[way](count))  # type: ignore[attr-defined]


def beside(way: str, count: int) -> float:
    """Steps a second of two processes together, each with half of the individuals."""
    context = multiprocessing.get_context("spawn")
    begin, results = context.Barrier(2), context.Queue()
    workers = [context.Process(target=serve, args=(way, count // 2, begin, results)) for _ in range(2)]
    for worker in workers:
        worker.start()
    rates = [results.get() for _ in workers]
    for worker in workers:
        worker.join()
    return sum(rates)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--individuals", type=int, default=16)
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    torch.set_num_threads(2)
    ways = {
        "one by one, 1 process of 2 threads": one_by_one,
        "one by one, 2 processes of 1 thread": lambda count: beside("one_by_one", count),
        "stacked, 1 process of 2 threads": stacked,
        "stacked, 2 processes of 1 thread": lambda count: beside("stacked", count),
    }
    found: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(asked.rounds):
        for name, way in ways.items():
            found[name].append(way(asked.individuals))
    first = np.array(next(iter(found.values())))
    told = {}
    for name, rates in found.items():
        ratios = extremes(np.array(rates) / first)
        told[name] = {"steps_per_second": round(float(np.median(rates)), 1), "over_one_by_one": ratios}
        print(f"{name:38} {np.median(rates):7.1f} steps/s   over one by one {ratios}")
    if asked.out:
        about = {"individuals": asked.individuals, "rounds": asked.rounds, "steps": STEPS}
        machine = hardware.environment(threads=2, device="cpu")
        asked.out.write_text(json.dumps({"about": about, "machine": machine, "ways": told}, indent=1) + "\n")


if __name__ == "__main__":
    main()
