"""How much faster an encoder becomes when half of its heads and neurons are masked, and when they are removed.

    python benchmarks/removal.py --out benchmarks/results/removal.json

A BERT of random weights in three shapes: dense, masked (zeros in dense matrices) and removed
(`lifespan.model.compaction.shrink`); each in fp32, under bf16 autocast and with int8 dynamic quantisation. All are timed
in turn, round by round, so that a busy machine slows them alike; a speed-up is the ratio of dense fp32 to a variant within
a round, given as the median over rounds with quartiles.
"""

from __future__ import annotations

import argparse
import copy
import json
import platform
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from transformers import BertConfig, BertForMaskedLM

from lifespan.model.anatomy import anatomy_of
from lifespan.model.compaction import shrink, sizes
from lifespan.model.subject import Subject
from lifespan.subjects.bodies import body_from
from lifespan.tasks.world.vocabulary import tokenizer

VOCABULARY = 1000


def subject_of(options: argparse.Namespace) -> Subject:
    """A newborn BERT, half of whose heads and neurons, drawn at random in each layer, are dead."""
    torch.manual_seed(options.seed)
    config = BertConfig(
        vocab_size=VOCABULARY,
        hidden_size=options.width,
        num_hidden_layers=options.layers,
        num_attention_heads=options.heads,
        intermediate_size=options.feed_forward,
    )
    subject = Subject(body_from(BertForMaskedLM(config).eval(), tokenizer(options.length)))
    for layer in anatomy_of(subject.encoder):
        for units in (layer.heads, layer.neurons):
            living = torch.randperm(units.number) >= units.number // 2
            subject.alive |= units.synapse_masks(living, subject.alive)
    return subject


def quantised(encoder: nn.Module) -> tuple[nn.Module | None, str]:
    """The encoder with int8 dynamic quantisation of its linear layers, or None and why not; and a note."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            from torch.ao.quantization import quantize_dynamic

            small = quantize_dynamic(copy.deepcopy(encoder), {nn.Linear}, dtype=torch.qint8)
        except Exception as error:
            return None, f"int8 skipped: {type(error).__name__}: {str(error).splitlines()[0]}"
    deprecated = [str(warning.message).splitlines()[0] for warning in caught if "deprecat" in str(warning.message)]
    return small, f"torch says: {deprecated[0]}" if deprecated else ""


def variants_of(
    subject: Subject, inputs: dict[str, torch.Tensor]
) -> tuple[dict[tuple[str, str], Callable[[], Any]], dict, list]:
    """Forward passes by (precision, shape), facts of each shape, and notes."""
    dense = subject.encoder
    with subject.wearing(None):
        masked = copy.deepcopy(dense)
    shapes = {"dense": dense, "masked": masked, "removed": shrink(subject)}
    with torch.inference_mode():
        gap = (shapes["removed"](**inputs).last_hidden_state - masked(**inputs).last_hidden_state).abs().max()
    notes = [f"largest difference between the outputs of masked and removed: {float(gap):.2g}"]

    def in_half(encoder: nn.Module) -> Callable[[], Any]:
        def run() -> Any:
            with torch.autocast("cpu", dtype=torch.bfloat16):
                return encoder(**inputs)

        return run

    runs: dict[tuple[str, str], Callable[[], Any]] = {}
    for name, encoder in shapes.items():
        runs["fp32", name] = lambda encoder=encoder: encoder(**inputs)  # type: ignore[misc]
    for name, encoder in shapes.items():
        runs["bf16", name] = in_half(encoder)
    for name in ("dense", "removed"):
        small, note = quantised(shapes[name])
        notes += [note] if note and note not in notes else []
        if small is not None:
            runs["int8", name] = lambda small=small: small(**inputs)  # type: ignore[misc]
    return runs, {name: sizes(encoder) for name, encoder in shapes.items()}, notes


def seconds_of(runs: dict[tuple[str, str], Callable[[], Any]], rounds: int) -> dict[tuple[str, str], list[float]]:
    """Seconds by variant and round; each round starts with another variant."""
    names = list(runs)
    taken: dict[tuple[str, str], list[float]] = {name: [] for name in names}
    with torch.inference_mode():
        for run in runs.values():
            run()
        for number in range(rounds):
            start = number % len(names)
            for name in names[start:] + names[:start]:
                begin = time.perf_counter()
                runs[name]()
                taken[name].append(time.perf_counter() - begin)
    return taken


def rows_of(taken: dict[tuple[str, str], list[float]], facts: dict) -> list[dict[str, Any]]:
    """One row per variant: parameters, median seconds, and the speed-up over dense fp32 with quartiles over rounds."""
    base = np.array(taken["fp32", "dense"])
    rows = []
    for (precision, shape), seconds in taken.items():
        low, median, high = np.quantile(base / np.array(seconds), [0.25, 0.5, 0.75])
        row = {"precision": precision, "shape": shape, "parameters": facts[shape].parameters}
        row |= {"seconds": float(np.median(seconds)), "speedup": float(median), "low": float(low), "high": float(high)}
        rows.append({**row, "rounds": seconds})
    return rows


def table(rows: list[dict[str, Any]]) -> str:
    """The rows as text, 80 columns at most."""
    lines = [f"{'precision':<10}{'shape':<10}{'parameters':>12}{'seconds':>10}{'speed-up':>10}   quartiles"]
    for row in rows:
        named = f"{row['precision']:<10}{row['shape']:<10}{row['parameters']:>12,}{row['seconds']:>10.3f}"
        lines.append(f"{named}{row['speedup']:>9.2f}x   {row['low']:.2f} to {row['high']:.2f}")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, help="write the numbers to this JSON file")
    for name, value in {"layers": 3, "width": 768, "heads": 12, "feed-forward": 3072, "length": 128, "batch": 16}.items():
        parser.add_argument(f"--{name}", type=int, default=value)
    for name, value in {"rounds": 11, "threads": 1, "seed": 0}.items():
        parser.add_argument(f"--{name}", type=int, default=value)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    subject = subject_of(options)
    ids = torch.randint(VOCABULARY, (options.batch, options.length))
    runs, facts, notes = variants_of(subject, {"input_ids": ids, "attention_mask": torch.ones_like(ids)})
    rows = rows_of(seconds_of(runs, options.rounds), facts)
    print(table(rows))
    print(*notes, sep="\n")
    if options.out is not None:
        settings = {name: value for name, value in vars(options).items() if name != "out"}
        machine = {"processor": platform.machine(), "capability": torch.backends.cpu.get_cpu_capability()}
        content = {"settings": settings, "torch": torch.__version__, **machine, "rows": rows, "notes": notes}
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(json.dumps(content, indent=1) + "\n")


if __name__ == "__main__":
    main()
