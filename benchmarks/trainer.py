"""Fine-tuning, masked-language modelling and prediction beside Hugging Face's Trainer, on real MRPC.

    LIFESPAN_GLUE_DIR=... python benchmarks/trainer.py --out benchmarks/results/trainer.json

MiniLM (6 layers, width 384), batch 32, AdamW, 640 pairs of MRPC as thinned for every individual. Ways take turns for
`--rounds` rounds after one of ours to warm up; a turn is one epoch (20 steps) or one pass over the dev split, tokenised
before, its figure examples a second, and a ratio compares the turns of one round. Trainer pads dynamically, in fp32 and, as
"bf16", under autocast, batches grouped by length (`train_sampling_strategy`). Masked-language modelling: the same pairs as
text, Trainer with its own collator. Needs `pip install accelerate` beside the extra minilm.

The limit: the bare bf16 matrix products of a step, at the shapes of our batches: those of the linear layers and those of
attention, forward and two backward each. `of_limit` is their time over that of our whole step, once for the products of
Trainer's step, and once for those that ours really does: it computes the last layer for the first token alone.

`--scores N` instead fine-tunes N seeds on 1,600 rows of SST-2 for two epochs each, by ours and by Trainer in fp32, with one
recipe, and tells what the dev split says: the same body and the same kind of head, other draws of head, order and dropout.
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
from common import encoded, extremes, trainer_settings
from scipy import stats

from lifespan import Glue, MiniLM, Weights, hardware
from lifespan.model.subject import Subject
from lifespan.randomness import Streams
from lifespan.subjects._torchvision import mend_torchvision
from lifespan.training.batches import task_source
from lifespan.training.evaluation import predictions
from lifespan.training.loop import Recipe, train
from lifespan.training.objectives._masked import MaskedSource

STREAMS = Streams(0, "benchmark")
TASK = Glue("mrpc", train_examples=640)
SCORED = Glue("sst2", train_examples=1_600)
STEPS = 20
BATCH = 32


def passages() -> list[tuple[str, str]]:
    rows = TASK.examples("train")
    assert rows.second is not None
    return list(zip(rows.first, rows.second, strict=True))


def ours(streams: Streams = STREAMS, task: Glue = TASK) -> Subject:
    subject = Subject(MiniLM().build(streams), precision=hardware.resolve_precision("auto", half_pays=True, device="cpu"))
    subject.skill_for(task, "weights", streams)
    return subject


def weights(subject: Subject) -> float:
    source = task_source(subject, TASK, length=128, batch_size=BATCH, streams=STREAMS)
    plasticity = Weights().attach(subject, (TASK,), STEPS, STREAMS)
    begin = time.perf_counter()
    train(subject, plasticity, source, Recipe(STEPS, 0.1, 1.0), STREAMS)
    return STEPS * BATCH / (time.perf_counter() - begin)


def language(subject: Subject) -> float:
    kind = {"length": 128, "batch_size": BATCH, "masking": 0.15, "streams": STREAMS}
    source = MaskedSource(passages(), subject.tokenizer, **kind)
    plasticity = Weights(rate=5e-4).attach(subject, (), STEPS, STREAMS)
    begin = time.perf_counter()
    train(subject, plasticity, source, Recipe(STEPS, 0.1, 1.0), STREAMS)
    return STEPS * BATCH / (time.perf_counter() - begin)


def predicted(subject: Subject) -> float:
    begin = time.perf_counter()
    answers, _ = predictions(subject, TASK, "dev", 128)
    return len(answers) / (time.perf_counter() - begin)


class Trainers:
    """The Trainer's ways."""

    def __init__(self, folder: str, task: Glue = TASK) -> None:
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
        self.rows = {split: encoded(self.tokenizer, task.examples(split)) for split in ("train", "dev")}

    def trainer(self, model: Any, collate: Any, *, half: bool, steps: int = STEPS, **others: Any) -> Any:
        """A Trainer of the rows at hand; `others` are further `TrainingArguments`."""
        from transformers import Trainer, TrainingArguments

        settings = TrainingArguments(
            **trainer_settings(self.folder, half=half, steps=steps, batch=BATCH),
            learning_rate=1e-4,
            use_cpu=True,
            dataloader_pin_memory=False,
            **others,
        )
        rows = self.rows["train"]
        if collate is self.masking:
            rows = [{name: value for name, value in row.items() if name != "labels"} for row in rows]
        return Trainer(model=model, args=settings, train_dataset=rows, data_collator=collate)

    def weights(self, half: bool) -> float:
        return self._timed(self.trainer(self.classifier, self.padding, half=half))

    def language(self, half: bool) -> float:
        return self._timed(self.trainer(self.masked, self.masking, half=half))

    def _timed(self, trainer: Any) -> float:
        begin = time.perf_counter()
        trainer.train()
        return STEPS * BATCH / (time.perf_counter() - begin)

    def predicted(self, half: bool) -> float:
        trainer = self.trainer(self.classifier, self.padding, half=half)
        begin = time.perf_counter()
        found = trainer.predict(self.rows["dev"])
        return len(found.predictions) / (time.perf_counter() - begin)


def limit(subject: Subject, *, whole: bool) -> float:
    """Examples a second of the bare bf16 products of a step, at the mean size of our batches.

    `whole` counts the last layer for every token, as Trainer computes it; else, as we do, for the first alone but for keys
    and values.
    """
    source = task_source(subject, TASK, length=128, batch_size=BATCH, streams=STREAMS)
    length = int(np.mean([source.batch(step)["input_ids"].shape[1] for step in range(STEPS)]))
    half = {"dtype": torch.bfloat16}
    pairs = []
    last = f"layer.{subject.encoder.config.num_hidden_layers - 1}."
    for name, weight in subject.synapses.items():
        rows, columns = weight.shape
        every = whole or last not in name or "key" in name or "value" in name
        tokens = BATCH * length if every else BATCH
        pairs.append(
            (
                weight.detach().to(**half),
                torch.randn(tokens, columns, **half),
                torch.randn(tokens, rows, **half),
            )
        )
    config = subject.encoder.config
    heads = BATCH * config.num_attention_heads
    query, key = (torch.randn(heads, length, config.hidden_size // config.num_attention_heads, **half) for _ in range(2))
    scores = torch.randn(heads, length, length, **half)
    times = []
    with torch.inference_mode():
        for _ in range(8):
            begin = time.perf_counter()
            for matrix, inputs, outputs in pairs:
                torch.mm(inputs, matrix.t())
                torch.mm(outputs, matrix)
                torch.mm(outputs.t(), inputs)
            for _ in range(config.num_hidden_layers - (not whole)):
                for _ in range(2):
                    torch.bmm(query, key.transpose(1, 2))
                    torch.bmm(scores, key)
                    torch.bmm(scores.transpose(1, 2), query)
            times.append(time.perf_counter() - begin)
    return BATCH / float(np.median(times))


def scores(seeds: int) -> dict[str, Any]:
    """Accuracies on the dev split after two epochs, of one recipe: rate 1e-4, rise over 10%, decay 0.01, clip 1."""
    from transformers import AutoModelForSequenceClassification, set_seed

    rows = SCORED.examples("dev")
    steps = 2 * len(SCORED.examples("train")) // BATCH
    found: dict[str, list[float]] = {"ours": [], "Trainer, fp32": []}
    with tempfile.TemporaryDirectory() as folder:
        trainers = Trainers(folder, SCORED)
        for seed in range(seeds):
            streams = Streams(seed, "benchmark")
            subject = ours(streams, SCORED)
            source = task_source(subject, SCORED, length=128, batch_size=BATCH, streams=streams)
            learner = Weights(rate=1e-4, head_rate=1e-4, weight_decay=0.01)
            train(subject, learner.attach(subject, (SCORED,), steps, streams), source, Recipe(steps, 0.1, 1.0), streams)
            answers, labels = predictions(subject, SCORED, "dev", 128)
            found["ours"].append(float((answers == labels).mean()))
            set_seed(seed)
            model = AutoModelForSequenceClassification.from_pretrained(str(MiniLM().folder()), num_labels=2)
            more = {"warmup_steps": round(0.1 * steps), "weight_decay": 0.01, "seed": seed}
            trainer = trainers.trainer(model, trainers.padding, half=False, steps=steps, **more)
            trainer.train()
            told = trainer.predict(trainers.rows["dev"]).predictions.argmax(1)
            found["Trainer, fp32"].append(float((told == np.asarray(rows.labels)).mean()))
            print(seed, {name: round(values[-1], 3) for name, values in found.items()}, flush=True)
    test = stats.ttest_ind(found["ours"], found["Trainer, fp32"], equal_var=False)
    low, high = test.confidence_interval()
    difference = float(np.mean(found["ours"]) - np.mean(found["Trainer, fp32"]))
    return {"accuracies": found, "difference": difference, "interval": [float(low), float(high)], "p": float(test.pvalue)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--scores", type=int, default=0, metavar="N")
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    warnings.simplefilter("ignore")
    machine = hardware.environment(threads=asked.threads, device="cpu")
    mend_torchvision()
    if asked.scores:
        told = {"machine": machine, **scores(asked.scores)}
        print(json.dumps({name: told[name] for name in ("difference", "interval", "p")}))
        if asked.out:
            asked.out.write_text(json.dumps(told, indent=1) + "\n")
        return
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
        for runs in ways.values():
            runs["ours"]()
        for _ in range(asked.rounds):
            for kind, runs in ways.items():
                for name, run in runs.items():
                    found[kind][name].append(run())
                if kind == "weights":
                    bound.append((limit(subject, whole=True), limit(subject, whole=False)))
    told: dict[str, Any] = {
        "about": {"rounds": asked.rounds, "threads": asked.threads, "precision": subject.precision, "batch": BATCH},
        "machine": machine,
    }
    for kind, rates in found.items():
        told[kind] = {}
        for name, mine in rates.items():
            ratios = np.array(rates["ours"]) / np.array(mine)
            told[kind][name] = {
                "examples_per_second": round(float(np.median(mine)), 1),
                "ours_over_it": extremes(ratios),
            }
            print(f"{kind:10} {name:14} {np.median(mine):8.1f} examples/s   ours over it {told[kind][name]['ours_over_it']}")
    for place, name in enumerate(("of_trainers_products", "of_our_products")):
        rates = np.array(bound)[:, place]
        told[name] = {
            "examples_per_second": round(float(np.median(rates)), 1),
            "of_limit": extremes(np.array(found["weights"]["ours"]) / rates),
        }
        print(f"{name}: {np.median(rates):.1f} examples/s; our step runs at {told[name]['of_limit']} of it")
    if asked.out:
        asked.out.write_text(json.dumps(told, indent=1) + "\n")


if __name__ == "__main__":
    main()
