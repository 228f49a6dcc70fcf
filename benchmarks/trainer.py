"""Fine-tuning, masked-language modelling and prediction beside Hugging Face's Trainer, on real MRPC.

    LIFESPAN_GLUE_DIR=... python benchmarks/trainer.py --out benchmarks/results/trainer.json

MiniLM (6 layers, width 384), batch 32, AdamW, the first 960 pairs of MRPC as thinned for every individual. Ways take turns for
`--rounds` rounds; a turn is one epoch (30 steps) or one pass over the dev split, its figure examples a second, and a ratio
compares the turns of one round. Trainer pads dynamically, in fp32 and, as "bf16", under autocast, batches grouped by length
(`train_sampling_strategy`). Masked-language modelling: the same pairs as text, Trainer with its own collator. Needs
`pip install accelerate` beside the extra minilm.

The limit: the bare bf16 matrix products of a step's linear layers (forward, and two backward), at the shapes of our batches;
`of_limit` is their time over that of our whole step.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from lifespan import Glue, MiniLM, Weights, hardware
from lifespan.batches import MaskedSource, task_source
from lifespan.evaluation import predictions, tokenised
from lifespan.randomness import Streams
from lifespan.subject import Subject
from lifespan.training import Recipe, train

STREAMS = Streams(0, "benchmark")
TASK = Glue("mrpc", train_examples=960)
STEPS = 30
BATCH = 32


def passages() -> list[tuple[str, str]]:
    rows = TASK.examples("train")
    assert rows.second is not None
    return list(zip(rows.first, rows.second, strict=True))


def ours() -> Subject:
    subject = Subject(MiniLM().build(STREAMS), precision=hardware.resolve_precision("auto", half_pays=True, device="cpu"))
    subject.skill_for(TASK, "weights", STREAMS)
    return subject


def weights(subject: Subject) -> float:
    source = task_source(subject, TASK, length=128, batch_size=BATCH, streams=STREAMS)
    plasticity = Weights().attach(subject, (TASK,), STEPS, STREAMS)
    begin = time.perf_counter()
    train(subject, plasticity, source, Recipe(STEPS, 0.1, 1.0), STREAMS)
    return 960 / (time.perf_counter() - begin)


def language(subject: Subject) -> float:
    kind = {"length": 128, "batch_size": BATCH, "masking": 0.15, "streams": STREAMS}
    source = MaskedSource(passages(), subject.tokenizer, **kind)
    plasticity = Weights(rate=5e-4).attach(subject, (), STEPS, STREAMS)
    begin = time.perf_counter()
    train(subject, plasticity, source, Recipe(STEPS, 0.1, 1.0), STREAMS)
    return 960 / (time.perf_counter() - begin)


def predicted(subject: Subject) -> float:
    tokenised.cache_clear()
    begin = time.perf_counter()
    answers, _ = predictions(subject, TASK, "dev", 128)
    return len(answers) / (time.perf_counter() - begin)


class Trainers:
    """The Trainer's ways."""

    def __init__(self, folder: str) -> None:
        from transformers import (
            AutoModelForMaskedLM,
            AutoModelForSequenceClassification,
            AutoTokenizer,
            DataCollatorForLanguageModeling,
            DataCollatorWithPadding,
        )

        self.folder = folder
        place = str(MiniLM().folder())
        self.tokenizer = AutoTokenizer.from_pretrained(place)
        self.classifier = AutoModelForSequenceClassification.from_pretrained(place, num_labels=2)
        self.masked = AutoModelForMaskedLM.from_pretrained(place)
        self.padding = DataCollatorWithPadding(self.tokenizer)
        self.masking = DataCollatorForLanguageModeling(self.tokenizer, mlm_probability=0.15)
        self.rows = {split: self._rows(split) for split in ("train", "dev")}

    def _rows(self, split: str) -> list[dict[str, Any]]:
        rows = TASK.examples(split)
        encoded = self.tokenizer(list(rows.first), list(rows.second or ()), truncation=True, max_length=128)
        return [{**{k: encoded[k][i] for k in encoded}, "labels": int(rows.labels[i])} for i in range(len(rows))]

    def _trainer(self, model: Any, collate: Any, *, half: bool) -> Any:
        from transformers import Trainer, TrainingArguments

        settings = TrainingArguments(
            self.folder,
            per_device_train_batch_size=BATCH,
            per_device_eval_batch_size=BATCH,
            max_steps=STEPS,
            learning_rate=1e-4,
            use_cpu=True,
            bf16=half,
            train_sampling_strategy="group_by_length" if half else "random",
            save_strategy="no",
            report_to=[],
            disable_tqdm=True,
            logging_steps=10_000,
            dataloader_pin_memory=False,
        )
        rows = self.rows["train"]
        if collate is self.masking:
            rows = [{name: value for name, value in row.items() if name != "labels"} for row in rows]
        return Trainer(model=model, args=settings, train_dataset=rows, data_collator=collate)

    def weights(self, half: bool) -> float:
        return self._timed(self._trainer(self.classifier, self.padding, half=half))

    def language(self, half: bool) -> float:
        return self._timed(self._trainer(self.masked, self.masking, half=half))

    def _timed(self, trainer: Any) -> float:
        begin = time.perf_counter()
        trainer.train()
        return 960 / (time.perf_counter() - begin)

    def predicted(self, half: bool) -> float:
        trainer = self._trainer(self.classifier, self.padding, half=half)
        begin = time.perf_counter()
        found = trainer.predict(self.rows["dev"])
        return len(found.predictions) / (time.perf_counter() - begin)


def limit(subject: Subject) -> float:
    """Examples a second of the bare bf16 products of the linear layers, at the mean size of our batches."""
    source = task_source(subject, TASK, length=128, batch_size=BATCH, streams=STREAMS)
    tokens = int(np.mean([source.batch(step)["input_ids"].numel() for step in range(STEPS)]))
    pairs = []
    for weight in subject.synapses.values():
        half = weight.detach().to(torch.bfloat16)
        pairs.append((half, torch.randn(tokens, half.shape[1]).to(half), torch.randn(tokens, half.shape[0]).to(half)))
    times = []
    with torch.inference_mode():
        for _ in range(8):
            begin = time.perf_counter()
            for half, inputs, outputs in pairs:
                torch.mm(inputs, half.t())
                torch.mm(outputs, half)
                torch.mm(outputs.t(), inputs)
            times.append(time.perf_counter() - begin)
    return BATCH / float(np.median(times))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    warnings.simplefilter("ignore")
    subject = ours()
    with tempfile.TemporaryDirectory() as folder:
        trainers = Trainers(folder)
        ways: dict[str, dict[str, Callable[[], float]]] = {
            kind: {
                "ours": lambda run=run: run(subject),
                "Trainer, fp32": lambda kind=kind: getattr(trainers, kind)(False),
                "Trainer, bf16": lambda kind=kind: getattr(trainers, kind)(True),
            }
            for kind, run in (("weights", weights), ("language", language), ("predicted", predicted))
        }
        found: dict[str, dict[str, list[float]]] = {kind: {name: [] for name in runs} for kind, runs in ways.items()}
        bound = []
        for number in range(asked.rounds + 1):
            for kind, runs in ways.items():
                for name, run in runs.items():
                    rate = run()
                    if number:
                        found[kind][name].append(rate)
            if number:
                bound.append(limit(subject))
    told: dict[str, Any] = {
        "about": {"rounds": asked.rounds, "threads": asked.threads, "precision": subject.precision, "batch": BATCH},
        "machine": hardware.environment(threads=asked.threads, device="cpu"),
    }
    for kind, rates in found.items():
        told[kind] = {}
        for name, mine in rates.items():
            ratios = np.array(rates["ours"]) / np.array(mine)
            told[kind][name] = {
                "examples_per_second": round(float(np.median(mine)), 1),
                "ours_over_it": [round(float(q), 2) for q in np.quantile(ratios, [0.0, 0.5, 1.0])],
            }
            print(f"{kind:10} {name:14} {np.median(mine):8.1f} examples/s   ours over it {told[kind][name]['ours_over_it']}")
    shares = np.array(found["weights"]["ours"]) / np.array(bound)
    told["limit"] = {
        "examples_per_second": round(float(np.median(bound)), 1),
        "of_limit": [round(float(q), 2) for q in np.quantile(shares, [0.0, 0.5, 1.0])],
    }
    print(f"bf16 products alone {np.median(bound):.1f} examples/s; our step runs at {told['limit']['of_limit']} of it")
    if asked.out:
        asked.out.write_text(json.dumps(told, indent=1) + "\n")


if __name__ == "__main__":
    main()
