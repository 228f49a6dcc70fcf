"""Fault injection: drivers and workers are killed (signal 9) at random moments, and the rows are compared bit for bit.

    python benchmarks/kills.py --kills 50 --out benchmarks/results/kills.json
    python benchmarks/kills.py --kills 50 --seed 1 --within 15 --out benchmarks/results/kills_sparse.json

A small study is simulated by two local workers. At a random moment (seeded), up to `--within` seconds after it has made
progress, the driver or one of its workers is killed; a killed driver is started again on the same directory, a killed worker
is replaced by its driver.
Whenever a run comes to its end its rows are compared with those of a run that nobody disturbed, and a new one begins.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import tempfile
import time
from collections import Counter
from pathlib import Path

from common import LIFESPAN

from lifespan.record.leases import holders

STUDY = """
from lifespan import *

subject = Micro(layers=1, width=16, heads=2, feed_forward=32)
tasks = [MicroTask(name, train_examples=48, eval_examples=40) for name in ("sentiment", "entailment")]
events = (
    Develop(MicroText(number=300), steps=150, batch_size=16),
    Learn(tasks[0], by=Masks(steps=150, rate=5e-3)),
    Probe(Score(), Outputs(), every=50),
    Age(to=0.4, by=Magnitude()),
    Recover(steps=100),
    Learn(tasks[1], by=Both(steps=100, masks=Masks(rate=5e-3))),
    Probe(Score()),
)
life = Scenario(name="life", subject=subject, events=events)
ill = life.with_events(after=3, add=Suffer(WeightNoise(severity=0.4)))
study = Study(name="kills", groups={"life": life, "ill": ill}, individuals=3)
"""
TABLES = ("measurements.jsonl", "participants.tsv", "examples/Outputs.parquet", "examples/Outputs-during.parquet")


def start(folder: Path, out: str, workers: int = 2) -> subprocess.Popen[bytes]:
    command = ["simulate", "study.py", "--out", out, "--no-report", "--threads", "1", "--every", "5"]
    program = [*LIFESPAN, *command, "--workers", str(workers)]
    with open(folder / f"{out.replace('/', '-')}.log", "ab") as log:
        return subprocess.Popen(program, cwd=folder, stdout=log, stderr=log)


def rows(directory: Path) -> list[bytes]:
    return [path.read_bytes() for path in (directory / name for name in TABLES) if path.exists()]


def marks(store: Path) -> set[tuple[str, int]]:
    found = set()
    for path in store.glob("*/*.json"):
        try:
            found.add((path.name, path.stat().st_mtime_ns))
        except FileNotFoundError:
            continue
    return found


def strike(driver: subprocess.Popen[bytes], store: Path, dice: random.Random, within: float, done: Counter[str]) -> None:
    """Wait for progress and a random moment more, then kill somebody."""
    before = marks(store)
    while driver.poll() is None and marks(store) == before:
        time.sleep(0.01)
    time.sleep(dice.uniform(0, within))
    whom = dice.choice(("driver", "worker"))
    alive = [claim["pid"] for claim in holders(store) if claim["alive"]]
    if driver.poll() is not None or (whom == "worker" and not alive):
        return
    os.kill(dice.choice(sorted(alive)) if whom == "worker" else driver.pid, signal.SIGKILL)
    done[whom] += 1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--within", type=float, default=1.0)
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    dice, done, runs, begun = random.Random(asked.seed), Counter[str](), 0, time.perf_counter()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "study.py").write_text(STUDY)
        assert start(folder, "whole").wait() == 0
        while sum(done.values()) < asked.kills:
            driver = start(folder, "cut")
            while driver.poll() is None and sum(done.values()) < asked.kills:
                strike(driver, folder / "cut" / "store", dice, asked.within, done)
            if driver.wait() == 0:
                runs += check(folder)
        while (folder / "cut").exists():
            if start(folder, "cut").wait() == 0:
                runs += check(folder)
    told = {
        "kills": dict(done),
        "seed": asked.seed,
        "within": asked.within,
        "runs_compared": runs,
        "different": 0,
        "seconds": round(time.perf_counter() - begun, 1),
    }
    print(json.dumps(told, indent=2))
    if asked.out:
        asked.out.write_text(json.dumps(told, indent=2) + "\n")


def check(folder: Path) -> int:
    assert rows(folder / "cut") == rows(folder / "whole"), (folder / "cut.log").read_text()
    shutil.rmtree(folder / "cut")
    return 1


if __name__ == "__main__":
    main()
