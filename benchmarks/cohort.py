"""What a shared childhood saves, and how quickly a large study answers.

    python benchmarks/cohort.py --out benchmarks/results/cohort.json

16 variants of one childhood (doses of weight noise) x 5 individuals in the micro world are lived as one tree, and as 80
separate lives with a store each, one worker and one thread both times. The saving is 1 - tree / separate, of optimizer
steps and of wall time; the tree promises the saving that `lifespan plan` shows. Individuals take turns between the two ways,
so that a busy machine slows both alike. Then `lifespan plan` and `lifespan status` are timed as commands, start of Python
included, on a study of 200 lives.
"""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from common import LIFESPAN

from lifespan import (
    Age,
    Develop,
    Learn,
    Magnitude,
    Masks,
    Micro,
    MicroTask,
    MicroText,
    Probe,
    Recover,
    Scenario,
    Score,
    Study,
    Suffer,
    WeightNoise,
    simulate,
)
from lifespan.execution.observer import Observer
from lifespan.study.plan import compile_study

VARIANTS, INDIVIDUALS = 16, 5
LARGE = """
from lifespan import *

task = MicroTask("sentiment", train_examples=48, eval_examples=40)
events = (Develop(MicroText(number=200), steps=50), Learn(task, by=Masks(steps=20)), Probe(Score()))
ageing = gradually(to=0.6, in_steps=6, each=lambda to: (Age(to=to, by=Magnitude()), Recover(steps=5), Probe(Score())))
life = Scenario(name="life", subject=Micro(layers=1, width=16, heads=2, feed_forward=32), events=events + ageing)
groups = {f"dose-{n:02}": life.with_events(after=2, add=Suffer(WeightNoise(severity=n / 20))) for n in range(20)}
study = Study(name="large", groups=groups, individuals=10)
"""


class Count(Observer):
    def __init__(self) -> None:
        self.steps = 0

    def advances(self, done: int, steps: int, loss: float) -> None:
        self.steps += 1


def variants() -> Study:
    """One childhood and school, then a dose of noise and a recovery."""
    task = MicroTask("sentiment", train_examples=200, eval_examples=100)
    childhood = (Develop(MicroText(number=2000), steps=200), Learn(task, by=Masks(steps=100)), Probe(Score()))
    late = (Age(to=0.3, by=Magnitude()), Recover(steps=20), Probe(Score()))
    life = Scenario(name="life", subject=Micro(), events=childhood + late)
    groups = {
        f"dose-{number:02}": life.with_events(after=2, add=Suffer(WeightNoise(severity=number / VARIANTS)))
        for number in range(VARIANTS)
    }
    return Study(name="variants", groups=groups, individuals=1)


def lived(study: Study, out: Path) -> tuple[int, float]:
    """(optimizer steps, seconds) of simulating a study."""
    count, start = Count(), time.perf_counter()
    simulate(study, out, threads=1, observer=count)
    return count.steps, time.perf_counter() - start


def saving(folder: Path) -> dict[str, object]:
    """Steps and seconds of the tree and of separate lives, individual by individual."""
    told: dict[str, list[float]] = {"tree_steps": [], "tree_seconds": [], "separate_steps": [], "separate_seconds": []}
    study = variants()
    for seed in range(INDIVIDUALS):
        own = replace(study, seed=seed)
        steps, seconds = lived(own, folder / f"tree-{seed}")
        told["tree_steps"].append(steps)
        told["tree_seconds"].append(seconds)
        alone = {name: replace(own, groups={name: life}, control=None) for name, life in own.groups.items()}
        parts = [lived(each, folder / f"{seed}-{name}") for name, each in alone.items()]
        told["separate_steps"].append(sum(part[0] for part in parts))
        told["separate_seconds"].append(sum(part[1] for part in parts))
        same = sorted(line for part in own.groups for line in rows(folder / f"{seed}-{part}"))
        assert sorted(rows(folder / f"tree-{seed}")) == same, "the tree gave other rows than separate lives"
    totals = {name: sum(values) for name, values in told.items()}
    plan = compile_study(replace(study, individuals=INDIVIDUALS), precision="fp32")
    of_steps = 1 - totals["tree_steps"] / totals["separate_steps"]
    of_time = 1 - totals["tree_seconds"] / totals["separate_seconds"]
    promised = 1 - steps_of(plan.nodes.values()) / steps_of(step for life in plan.lives for step in life.steps)
    return {
        "variants": VARIANTS,
        "individuals": INDIVIDUALS,
        "events": {"tree": plan.shared, "separate": plan.separate},
        **{name: round(value, 2) for name, value in totals.items()},
        "saving_promised": round(promised, 4),
        "saving_of_steps": round(of_steps, 4),
        "saving_of_wall_time": round(of_time, 4),
        "share_of_promise_kept": round(of_time / promised, 4),
    }


def steps_of(steps) -> int:
    """Optimizer steps that these events ask for."""
    asked = 0
    for step in steps:
        by = getattr(step.event, "by", None)
        asked += getattr(step.event, "steps", None) or getattr(by, "steps", None) or 0
    return asked


def rows(directory: Path) -> list[str]:
    return (directory / "measurements.jsonl").read_text().splitlines()


def response(folder: Path, rounds: int = 5) -> dict[str, object]:
    """Median seconds of `plan` and `status` on 200 lives, half of them lived."""
    (folder / "large.py").write_text(LARGE)
    simulate_command = ["simulate", "large.py", "--out", "large", "--no-report", "--threads", "1"]
    run(folder, [*simulate_command, "--individuals", "5"])
    study = json.loads((folder / "large" / "study.json").read_text())
    from lifespan.record.manifest import describe_study, fingerprints
    from lifespan.study.loading import load

    whole = load(str(folder / "large.py"))
    plan = compile_study(whole, precision=study["precision"])
    described = describe_study(plan, [], 1, fingerprints(plan))
    (folder / "large" / "study.json").write_text(json.dumps(described))
    told: dict[str, object] = {"lives": len(plan.lives), "events": plan.separate, "nodes": len(plan.nodes)}
    for name, command in (("plan", ["plan", "large.py", "--out", "large"]), ("status", ["status", "large"])):
        times = sorted(run(folder, command) for _ in range(rounds))
        told[f"{name}_seconds"] = round(times[rounds // 2], 3)
        told[f"{name}_seconds_all"] = [round(value, 3) for value in times]
    return told


def run(folder: Path, command: list[str]) -> float:
    start = time.perf_counter()
    subprocess.run([*LIFESPAN, *command], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--only", choices=("saving", "response"))
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        parts = {"saving": saving, "response": response}
        told = {part: work(Path(name)) for part, work in parts.items() if asked.only in (None, part)}
    found = {"machine": platform.platform(), "python": platform.python_version(), **told}
    text = json.dumps(found, indent=2)
    print(text)
    if asked.out:
        asked.out.write_text(text + "\n")


if __name__ == "__main__":
    main()
