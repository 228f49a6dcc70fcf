"""A synthetic record with every kind of look, in which all truths are planted. No model is trained.

Two groups of ten individuals learn two tasks, then age four times, each time with a recovery. Chance is 0.5 on both tasks.
Planted: ED50 under noise 0.4 in health and 0.2 in the ill; head 1 of layer 0 is worth 0.2 of task a; the ill lose 0.2 at each
age, and half of it comes back; masks of individuals overlap at chance, the younger self's by 0.5; a barrier of 0.3 between
individuals; the ill have lost task a for good from the second age on, and are right on 60% of examples, the healthy on 80%.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd

from lifespan.record import record

GROUPS = ("healthy", "ill")
TASKS = ("a", "b")
INDIVIDUALS = 10
CYCLES = 4
STAGES = (
    *(("Birth", "birth", "", None, 0), ("Develop", "develop", "", None, 100)),
    *(("Learn", "learn a", "a", None, 50), ("Learn", "learn b", "b", None, 50)),
    *(
        stage
        for cycle in range(CYCLES)
        for stage in (("Age", f"age to {0.2 * (cycle + 1):g}", "", 0.2 * (cycle + 1), 0), ("Recover", "recover", "", None, 20))
    ),
)
DOSES = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0)
ED50 = {"healthy": 0.4, "ill": 0.2}
EXAMPLES = 50


def write_looks(directory: Path) -> Path:
    """Write the run directory."""
    (directory / "examples").mkdir(parents=True)
    timeline = [{"step": n, "kind": k, "stage": s, "task": t, "to": to} for n, (k, s, t, to, _) in enumerate(STAGES)]
    told = {"metrics": ["accuracy"], "kind": "classes", "labels": ["no", "yes"], "chance": {"accuracy": 0.5}}
    study = {
        **{"format": 1, "name": "looks", "control": "healthy", "individuals": INDIVIDUALS, "seed": 0, "precision": "fp32"},
        "tasks": dict.fromkeys(TASKS, told),
        "groups": {group: {"scenario": _scenario(group), "timeline": timeline} for group in GROUPS},
    }
    measured, steps, people, between, answers = [], [], [], [], []
    for group in GROUPS:
        for individual in range(INDIVIDUALS):
            _live(group, individual, measured, steps, people, answers)
            _compare(group, individual, between)
    (directory / "study.json").write_text(json.dumps(study))
    for name, rows in (("measurements", measured), ("steps", steps), ("contrasts", between)):
        (directory / f"{name}.jsonl").write_bytes(record.as_lines(rows))
    (directory / "participants.tsv").write_bytes(record.as_table(people, record.PARTICIPANT_COLUMNS))
    pd.DataFrame(answers).to_parquet(directory / "examples" / "Outputs.parquet")
    return directory


def _scenario(group):
    events = [{"class": f"lifespan:{kind}", "revision": 1, "name": stage} for kind, stage, *_ in STAGES[1:]]
    if group == "ill":
        noise = {"class": "lifespan:WeightNoise", "revision": 1, "severity": 0.25}
        events.insert(1, {"class": "lifespan:Suffer", "revision": 1, "disorder": noise})
    return {"class": "lifespan:Scenario", "revision": 1, "subject": {"class": "lifespan:Micro"}, "events": events}


def _score(group, task, step, talent):
    learned = {"a": 2, "b": 3}[task]
    if group == "healthy" or step < 4:
        return 0.9 + talent
    aged, recovered = (step - 2) // 2, (step - 4) % 2
    lost = 0.2 - 0.1 * recovered
    return (0.58 if task == "a" and aged >= 2 and learned else 0.9 - lost) + talent


def _live(group, individual, measured, steps, people, answers):
    dice = np.random.default_rng([individual, GROUPS.index(group)])
    talent = float(np.random.default_rng(individual).normal(0, 0.01))
    who = {"study": "looks", "group": group, "individual": individual, "seed": individual}
    age = 0
    for step, (kind, stage, _, to, length) in enumerate(STAGES):
        age += length
        row = {**who, "step": step, "stage": stage, "age": age}
        steps.append(
            {**row, "kind": kind, "status": "done", "digest": f"{group}{individual}{step}", "optimizer_steps": length}
        )

        def add(probe, task, metric, value, split="dev", row=row):
            measured.append({**row, "probe": probe, "task": task, "split": split, "metric": metric, "value": value, "n": 100})

        add(
            "Sparsity",
            "",
            "sparsity",
            [0.0, *(0.2 * (c + 1) for c in range(CYCLES))][max(0, (step - 2) // 2)] if to or step > 4 else 0.0,
        )
        for task in TASKS:
            if step >= {"a": 2, "b": 3}[task]:
                add("Score", task, "accuracy", _score(group, task, step, talent) + float(dice.normal(0, 0.002)))
        if step in (3, len(STAGES) - 1):
            _look(group, step, dice, add)
    for task in TASKS:
        for example in range(EXAMPLES):
            right = float(dice.random() < {"healthy": 0.8, "ill": 0.6}[group])
            answers.append(
                {
                    **who,
                    "step": step,
                    "age": age,
                    "stage": stage,
                    "task": task,
                    "split": "dev",
                    "example": example,
                    "right": right,
                }
            )
    name = f"{group}-{individual:03d}"
    people.append(
        {"individual": name, "group": group, "seed": individual, "status": "done", "steps": len(STAGES) - 1, "reason": ""}
    )


def _look(group, step, dice, add):
    for task in TASKS:
        for dose in DOSES:
            kept = 1 / (1 + (dose / ED50[group]) ** 4) if dose else 1.0
            add("Response to WeightNoise", task, f"accuracy@{dose:g}", 0.5 + 0.4 * kept + float(dice.normal(0, 0.003)))
        add(
            "Response to WeightNoise", task, "accuracy@area", {"healthy": 0.7, "ill": 0.6}[group] + float(dice.normal(0, 0.01))
        )
        add("LesionMap", task, "accuracy@none", 0.9)
        for layer in range(2):
            for head in range(4):
                worth = 0.2 if (task, layer, head) == ("a", 0, 1) else 0.01
                add("LesionMap", task, f"accuracy@encoder.layer.{layer}/head {head}", 0.9 - worth)
        for share in (0.25, 0.5):
            for kind, cost in (("targeted", 0.3), ("random", 0.1), ("harmless", 0.0)):
                add("TargetedLesions", task, f"accuracy@{share:g}/{kind}", 0.9 - cost * share)
        for place in (-1.0, -0.5, 0.0, 0.5, 1.0):
            add("LossSlice", task, f"loss@{place:g}", 0.2 + place**2)
        add("DormantUnits", task, "dormant", 0.1)
        add("EffectiveRank", task, "effective_rank", 10.0 - step / 10)
    if step > 3:
        for metric, value in (("jaccard", 0.75), ("chance", 0.5), ("corrected", 0.5)):
            add("MaskOverlap since 3", "a", metric, value, split="")


def _compare(group, individual, between):
    step = len(STAGES) - 1
    age = sum(length for *_, length in STAGES)
    for other in range(individual + 1, INDIVIDUALS):
        row = {
            **{"study": "looks", "group": group, "individual": individual, "seed": individual, "other_group": group},
            **{"other_individual": other, "other_seed": other, "pairs": "individuals", "step": step, "age": age},
            **{"other_step": step, "other_age": age, "n": 100},
        }

        def add(probe, task, metric, value, row=row):
            between.append({**row, "probe": probe, "task": task, "split": "dev", "metric": metric, "value": value})

        tilt = 0.001 * ((individual + other) % 3 - 1)
        for metric, value in (("jaccard", 0.5 + tilt / 2), ("chance", 0.5), ("corrected", tilt)):
            add("MaskOverlap", "a", metric, value)
        for task in TASKS:
            add("ErrorOverlap", task, "kappa", 0.4)
            for place, loss in ((0.0, 0.2), (0.5, 0.5), (1.0, 0.2)):
                add("Barrier", task, f"loss@{place:g}", loss)
            add("Barrier", task, "barrier", 0.3)
