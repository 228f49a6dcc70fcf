"""A synthetic record: three groups of four individuals, two tasks, ageing, one divergence. No model is trained."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from lifespan.record import record

GROUPS = ("healthy", "unstable", "<b>over & pruned</b>")
TASKS = ("mrpc", "rte")
PRIMARY = {"mrpc": "f1", "rte": "accuracy"}
STAGES = (
    *(("Birth", "birth", "", None, 0), ("Develop", "develop on rte+mrpc", "", None, 200)),
    *(("Learn", "learn rte", "rte", None, 60), ("Learn", "learn mrpc", "mrpc", None, 90)),
    *(("Age", "age to 0.35", "", 0.35, 0), ("Recover", "recover", "", None, 40)),
    *(("Age", "age to 0.6", "", 0.6, 0), ("Recover", "recover", "", None, 40)),
)
DIVERGED = ("unstable", 2)
PROVENANCE = {"command": ["lifespan", "simulate", "scenarios/aging study.py", "--individuals", "4"]}


def events() -> list[dict[str, Any]]:
    """The scenario's events as `to_data()` writes them."""
    made = []
    for kind, _, task, to, steps in STAGES[1:]:
        event: dict[str, Any] = {"class": f"lifespan:{kind}", "revision": 1}
        if kind == "Develop":
            event |= {"corpus": {"class": "lifespan:TaskText", "revision": 1, "tasks": ["rte", "mrpc"]}, "steps": steps}
        if kind == "Learn":
            event |= {
                "task": {"class": "lifespan:Glue", "revision": 1, "name": task},
                "by": {"class": "lifespan:Masks", "revision": 1, "sparsity": 0.05, "steps": steps},
            }
        if kind == "Age":
            event |= {"to": to, "by": {"class": "lifespan:Magnitude", "revision": 1}}
        if kind == "Recover":
            event |= {"steps": steps}
        made.append(event)
        if kind != "Birth":
            made.append({"class": "lifespan:Probe", "revision": 1, "measures": [{"class": "lifespan:Score"}]})
    return made


def write_record(directory: Path, *, individuals: int = 4, lived: int | None = None, name: str = "graceful-aging") -> Path:
    """Write the run directory. `lived` cuts every life after so many steps, as an interrupted run would."""
    directory.mkdir(parents=True, exist_ok=True)
    timeline = [
        {"step": number, "kind": kind, "stage": stage, "task": task, "to": to}
        for number, (kind, stage, task, to, _) in enumerate(STAGES)
    ]
    study = {
        **{"format": 1, "name": name, "control": GROUPS[0], "individuals": individuals, "seed": 7, "precision": "fp32"},
        **PROVENANCE,
        "tasks": {
            task: {"metrics": [PRIMARY[task], "matthews"], "kind": "classes", "labels": ["no", "yes"]} for task in TASKS
        },
        "groups": {group: {"scenario": _scenario(), "doc": f"The {group} life.", "timeline": timeline} for group in GROUPS},
    }
    environment = {
        **{"python": "3.12.1", "torch": "2.12.0", "transformers": "5.1.0", "numpy": "2.4.6", "lifespan": "0.1.0"},
        **{"platform": "Linux", "cpu": "A <CPU>", "cores": 2, "threads": 1, "device": "cpu", "git": "abc1234"},
        "started": "2025-01-02T03:04:05+00:00",
    }
    measured: list[dict[str, Any]] = []
    steps: list[dict[str, Any]] = []
    people: list[dict[str, Any]] = []
    for group in GROUPS:
        for individual in range(individuals):
            _live(group, individual, lived, measured, steps, people, name)
    (directory / "study.json").write_text(json.dumps(study))
    (directory / "environment.json").write_text(json.dumps(environment))
    _lines(directory / "measurements.jsonl", measured)
    _lines(directory / "steps.jsonl", steps)
    (directory / "participants.tsv").write_bytes(record.as_table(people, record.PARTICIPANT_COLUMNS))
    return directory


def _scenario() -> dict[str, Any]:
    subject = {"class": "lifespan:Micro", "revision": 2}
    return {"class": "lifespan:Scenario", "revision": 1, "name": "a-life", "subject": subject, "events": events()}


def _live(group, individual, lived, measured, steps, people, study) -> None:
    seed = 7 + individual
    draw = np.random.default_rng([seed, GROUPS.index(group)])
    talent = float(np.random.default_rng(seed).normal(0, 0.015))
    harm = (0.0, 0.05, 0.11)[GROUPS.index(group) % 3]
    who = {"study": study, "group": group, "individual": individual, "seed": seed}
    end = len(STAGES) if lived is None else lived
    diverges = (group, individual) == DIVERGED and lived is None
    end = 4 if diverges else end
    age, sparsity, met = 0, 0.0, []
    for number, (kind, stage, task, to, length) in enumerate(STAGES[:end]):
        failed = diverges and number == end - 1
        row = {**who, "step": number, "stage": stage}
        for moment in range(10, length + 1, 10):
            _training(measured, {**row, "age": age + moment}, task, draw, moment, kind, broken=failed and moment > 40)
        age, sparsity = age + length, to if to is not None else sparsity
        met = [*met, task] if task and task not in met else met
        common = GROUPS[0] if number < 3 else group
        parent = None if number == 0 else f"{common}-{seed}-{number - 1}"
        steps.append(
            {
                **row,
                **{"digest": f"{common}-{seed}-{number}", "parent": parent},
                **{"kind": kind, "status": "diverged" if failed else "done", "age": age, "optimizer_steps": length},
                **{"examples": length * 32, "seconds": 0.1 + length / 50, "shared": number < 3 and group != GROUPS[0]},
            }
        )
        if failed:
            continue
        for title in met:
            loss = sparsity * 0.1 + (0.08 if kind == "Age" else 0) + harm * number / 7
            score = 0.82 + talent - loss + (0.02 if title != met[-1] else 0) + float(draw.normal(0, 0.008))
            for metric, shift in ((PRIMARY[title], 0.0), ("matthews", -0.2)):
                measured.append(_row(row, age, "Score", title, "dev", metric, score + shift, 277))
        measured.append(_row(row, age, "Sparsity", "", "", "sparsity", sparsity, 10_000))
        measured.append(_row(row, age, "Sparsity", "", "", "alive", 10_000 * (1 - sparsity), 10_000))
        for layer, offset in (("layer.0", -0.02), ("layer.1", 0.02)):
            measured.append(_row(row, age, "Sparsity", "", "", f"sparsity/{layer}", max(0, sparsity + offset), 5_000))
    status = "diverged" if diverges else "done" if end == len(STAGES) else "pending"
    people.append(
        {
            **{"individual": f"{group}-{individual:03d}", "group": group, "seed": seed, "status": status},
            "steps": max(0, end - 1),
            "reason": "the loss became NaN <script>alert(1)</script>" if diverges else "",
        }
    )


def _training(measured, row, task, draw, moment, kind, *, broken) -> None:
    floor = 3.0 if kind == "Develop" else 0.3
    loss = None if broken else floor + np.exp(-moment / 30) + float(draw.normal(0, 0.03))
    measured.append(_row(row, row["age"], "Training", task, "", "loss", loss, 320))
    if kind == "Learn":
        measured.append(_row(row, row["age"], "Training", task, "", "flips", 0.02 * (1 - np.exp(-moment / 40)), 10_000))


def _row(row, age, probe, task, split, metric, value, n) -> dict[str, Any]:
    return {**row, "age": age, "probe": probe, "task": task, "split": split, "metric": metric, "value": value, "n": n}


def _lines(path: Path, rows: list[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
