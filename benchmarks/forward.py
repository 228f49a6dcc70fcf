"""The choices behind a fast pass on a CPU: dropout, attention and the size of a batch that is only read.

    LIFESPAN_GLUE_DIR=... python benchmarks/forward.py --out benchmarks/results/forward.json

Milliseconds, medians over `--rounds` rounds in which the ways take turns; ratios compare the turns of one round (lowest,
median, highest). Dropout: torch's own against ours on MiniLM's attention probabilities. Attention: torch's fused kernel
against ours, 12 heads of size 32, 2,048 tokens in all, one pass without gradients and one with. Reading: MRPC's dev split
by MiniLM with batches of several sizes.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from common import extremes
from torch.nn import functional
from trainer import TASK, ours

from lifespan import hardware
from lifespan.subjects import dropping
from lifespan.subjects._torchvision import mend_torchvision
from lifespan.training import evaluation

TOKENS, HEADS, SIZE = 2048, 12, 32
MODULE = torch.nn.Identity()


def timed(work: Callable[[], Any], times: int = 5) -> float:
    """Milliseconds of one call."""
    work()
    begin = time.perf_counter()
    for _ in range(times):
        work()
    return (time.perf_counter() - begin) / times * 1e3


def turns(ways: dict[str, Callable[[], Any]], rounds: int, times: int = 5) -> dict[str, Any]:
    """Medians of each way, and the first way's time over each."""
    found: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, work in ways.items():
            found[name].append(timed(work, times))
    first = np.array(next(iter(found.values())))
    return {
        name: {
            "milliseconds": round(float(np.median(mine)), 2),
            "first_over_it": extremes(first / np.array(mine)),
        }
        for name, mine in found.items()
    }


def attention(length: int, dtype: torch.dtype, gradient: bool, rounds: int) -> dict[str, Any]:
    shape = (TOKENS // length, length, HEADS, SIZE)
    query, key, value = (torch.randn(shape).to(dtype).transpose(1, 2).requires_grad_(gradient) for _ in range(3))
    mask = torch.ones(shape[0], 1, length, length, dtype=torch.bool)
    mask[:, :, :, -3:] = False
    slope = torch.randn(shape).to(dtype)

    def run(attend: Callable[[], torch.Tensor]) -> None:
        with torch.set_grad_enabled(gradient):
            heard = attend()
        if gradient:
            heard.backward(slope)

    ours = lambda: dropping.attend(MODULE, query, key, value, mask, dropout=1e-9)[0]  # noqa: E731
    fused = lambda: functional.scaled_dot_product_attention(query, key, value, mask).transpose(1, 2).contiguous()  # noqa: E731
    return turns({"torch, fused": lambda: run(fused), "ours": lambda: run(ours)}, rounds)


def reading(rounds: int) -> dict[str, Any]:
    subject = ours()

    def read(tokens: int) -> None:
        evaluation.ENTRIES_PER_BATCH = tokens * subject.width
        evaluation.TOKENS_PER_BATCH = tokens
        evaluation.predictions(subject, TASK, "dev", 128)

    sizes = (4096, 512, 1024, 2048, 8192, 16384)
    return turns({f"{size} tokens": lambda size=size: read(size) for size in sizes}, rounds, times=1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    mend_torchvision()
    told: dict[str, Any] = {}
    for dtype in (torch.bfloat16, torch.float32):
        states = torch.randn(32, HEADS, 58, 58).to(dtype)
        ways = {"torch": lambda s=states: functional.dropout(s, 0.1), "ours": lambda s=states: dropping.dropped(s, 0.1)}
        told[f"dropout, {dtype}"] = turns(ways, asked.rounds)
    for gradient in (False, True):
        for dtype in (torch.bfloat16, torch.float32):
            for length in (32, 64, 128, 256):
                name = f"attention {'with' if gradient else 'without'} gradient, {length} tokens, {dtype}"
                told[name] = attention(length, dtype, gradient, asked.rounds)
    told["reading MRPC's dev split"] = reading(asked.rounds)
    for name, ways in told.items():
        for way, figures in ways.items():
            print(f"{name:58} {way:13} {figures['milliseconds']:9.2f} ms   first over it {figures['first_over_it']}")
    if asked.out:
        about = {"rounds": asked.rounds, "threads": asked.threads}
        machine = hardware.environment(threads=asked.threads, device="cpu")
        asked.out.write_text(json.dumps({"about": about, "machine": machine, "results": told}, indent=1) + "\n")


if __name__ == "__main__":
    main()
