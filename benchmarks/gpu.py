"""Lives on a GPU: speed beside Hugging Face's Trainer, what sharing one card gains, and whether a life repeats bit for bit.

    LIFESPAN_GLUE_DIR=... python benchmarks/gpu.py FOLDER --out benchmarks/results/gpu.json

FOLDER holds a config.json and a tokenizer; weights are random. `minilm` is that configuration, `base` BERT-base's (12 layers,
width 768, 110M parameters) with the same tokenizer. Batches of 32 pairs of MRPC, thinned to 1,600, at most 128 tokens, bf16
autocast, AdamW. Ways take turns for `--rounds` rounds after one to warm up; a turn is 50 optimizer steps (one epoch), its
figure steps a second. `together` starts so many processes on one card, each learning by weights or by masks for as many turns,
and tells their steps a second in sum. `repeats` learns twice and compares the subjects bit by bit. Attention is throughout the
one that lives use on a GPU.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from common import encoded, extremes, trainer_settings

from lifespan import Glue, Masks, Pretrained, Weights, hardware
from lifespan.model.subject import Subject
from lifespan.randomness import Streams
from lifespan.subjects._torchvision import mend_torchvision
from lifespan.testing.lives import difference
from lifespan.training.batches import task_source
from lifespan.training.loop import Recipe, train

STREAMS = Streams(0, "benchmark")
TASK = Glue("mrpc", train_examples=1_600)
STEPS = 50
BATCH = 32


def base(folder: str, into: str) -> str:
    """BERT-base's configuration beside the tokenizer of `folder`."""
    from transformers import BertConfig

    for name in ("tokenizer.json", "tokenizer_config.json", "vocab.txt", "special_tokens_map.json"):
        shutil.copy(Path(folder) / name, into)
    BertConfig().save_pretrained(into)
    return into


class Ours:
    """One subject, one task, learned again and again."""

    def __init__(self, folder: str) -> None:
        self.subject = Subject(Pretrained(folder, random=True).build(STREAMS), device="cuda", precision="bf16")
        self.subject.skill_for(TASK, "weights", STREAMS)
        self.source = task_source(self.subject, TASK, length=128, batch_size=BATCH, streams=STREAMS)

    def learn(self, learner: Any) -> float:
        """Steps a second of one turn."""
        begin = time.perf_counter()
        plasticity = learner.attach(self.subject, (TASK,), STEPS, STREAMS)
        train(self.subject, plasticity, self.source, Recipe(STEPS, 0.1, 1.0), STREAMS)
        torch.cuda.synchronize()
        return STEPS / (time.perf_counter() - begin)


class Theirs:
    """A Trainer of the same rows."""

    def __init__(self, folder: str) -> None:
        from transformers import AutoConfig, AutoModelForSequenceClassification, AutoTokenizer, DataCollatorWithPadding

        tokenizer = AutoTokenizer.from_pretrained(folder)
        self.model = AutoModelForSequenceClassification.from_config(AutoConfig.from_pretrained(folder))
        self.collate = DataCollatorWithPadding(tokenizer)
        self.rows = encoded(tokenizer, TASK.examples("train"))

    def learn(self, folder: str) -> float:
        """Steps a second of one turn."""
        from transformers import Trainer, TrainingArguments

        settings = TrainingArguments(**trainer_settings(folder, half=True, steps=STEPS, batch=BATCH))
        trainer = Trainer(model=self.model, args=settings, train_dataset=self.rows, data_collator=self.collate)
        begin = time.perf_counter()
        trainer.train()
        torch.cuda.synchronize()
        return STEPS / (time.perf_counter() - begin)


LEARNERS = {"weights": Weights(), "masks": Masks()}


def beside(folder: str, rounds: int) -> dict[str, Any]:
    """Steps a second of each way, the ratio ours / Trainer within a round, and the most memory in MiB."""
    subject, trainer = Ours(folder), Theirs(folder)
    found: dict[str, list[float]] = {name: [] for name in (*LEARNERS, "Trainer")}
    memory: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as scratch:
        for number in range(rounds + 1):
            for name in found:
                torch.cuda.reset_peak_memory_stats()
                speed = trainer.learn(scratch) if name == "Trainer" else subject.learn(LEARNERS[name])
                memory[name] = round(torch.cuda.max_memory_allocated() / 2**20)
                if number:
                    found[name].append(speed)
    ratios = {name: extremes(np.array(found[name]) / np.array(found["Trainer"])) for name in LEARNERS}
    return {"steps_a_second": {name: extremes(np.array(v)) for name, v in found.items()}, "ratio": ratios, "memory": memory}


def together(folder: str, learner: str, count: int, turns: int) -> float:
    """Steps a second in sum of so many processes: all their steps over the time from the first start to the last end."""
    here = [sys.executable, __file__, folder, "--part", learner, "--turns", str(turns)]
    crew = [
        subprocess.Popen(here, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={**os.environ, "OMP_NUM_THREADS": "1"})
        for _ in range(count)
    ]
    for hand in crew:
        assert hand.stdout is not None
        hand.stdout.readline()
    begin = time.perf_counter()
    for hand in crew:
        assert hand.stdin is not None
        hand.stdin.write(b"go\n")
        hand.stdin.flush()
    for hand in crew:
        hand.wait()
    return round(count * turns * STEPS / (time.perf_counter() - begin), 1)


def part(folder: str, learner: str, turns: int) -> None:
    """One of several processes: says when it is warm, and goes when told."""
    subject = Ours(folder)
    subject.learn(LEARNERS[learner])
    print("ready", flush=True)
    sys.stdin.readline()
    for _ in range(turns):
        subject.learn(LEARNERS[learner])


def repeats(folder: str) -> dict[str, bool]:
    """Whether each way of learning leaves the same bits when done again, with and without torch's repeatable kernels."""
    found = {}
    for exact in (False, True):
        torch.use_deterministic_algorithms(exact, warn_only=True)
        for name, learner in LEARNERS.items():
            once, again = Ours(folder), Ours(folder)
            once.learn(learner)
            again.learn(learner)
            same = not difference(once.subject.state(), again.subject.state())
            found[f"{name}, {'repeatable' if exact else 'usual'} kernels"] = same
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--crews", type=int, nargs="*", default=[1, 4, 8, 16])
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--part", choices=LEARNERS)
    arguments = parser.parse_args()
    mend_torchvision()
    hardware.settle_arithmetic(threads=1, device="cuda")
    if arguments.part:
        return part(arguments.folder, arguments.part, arguments.turns)
    found: dict[str, Any] = {"environment": hardware.environment(threads=1, device="cuda")}
    with tempfile.TemporaryDirectory() as into:
        for name, folder in (("minilm", arguments.folder), ("base", base(arguments.folder, into))):
            found[name] = beside(folder, arguments.rounds)
            print(name, json.dumps(found[name]), flush=True)
    found["together"] = {
        f"{learner}, {count}": together(arguments.folder, learner, count, arguments.turns)
        for learner in LEARNERS
        for count in arguments.crews
    }
    print(json.dumps(found["together"]), flush=True)
    found["repeats"] = repeats(arguments.folder)
    print(json.dumps(found["repeats"]), flush=True)
    if arguments.out:
        arguments.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
