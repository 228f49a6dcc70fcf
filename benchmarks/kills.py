"""Fault injection: drivers and workers are killed (signal 9) at random moments, and the rows are compared bit for bit.

    python benchmarks/kills.py --kills 50 --out benchmarks/results/kills.json
    python benchmarks/kills.py --kills 50 --seed 1 --within 15 --out benchmarks/results/kills_sparse.json
    python benchmarks/kills.py --engine ray --kills 20 --out benchmarks/results/kills_ray.json
    python benchmarks/kills.py --engine slurm --kills 30 --out benchmarks/results/kills_slurm.json

A small study is simulated by two workers: local ones, those of a Ray cluster of this machine, or jobs of the fake Slurm of the
tests. At a random moment (seeded), up to `--within` seconds after it has made progress, the driver, one of its workers or a
whole job is killed; a killed driver is started again on the same directory, a killed worker is replaced by its driver, and a
job that lost its node is put back into the queue.
Whenever a run comes to its end its rows are compared with those of a run that nobody disturbed, and a new one begins.
`kills_of_commands.py` does the same to `gc` and `report`.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
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
    Develop(MicroText(number=300), steps=40, batch_size=16),
    Learn(tasks[0], by=Masks(steps=40, rate=5e-3)),
    Probe(Score(), Outputs(), every=15),
    Age(to=0.4, by=Magnitude()),
    Recover(steps=30),
    Learn(tasks[1], by=Both(steps=30, masks=Masks(rate=5e-3))),
    Probe(Score()),
)
life = Scenario(name="life", subject=subject, events=events)
ill = life.with_events(after=3, add=Suffer(WeightNoise(severity=0.4)))
study = Study(name="kills", groups={"life": life, "ill": ill}, individuals=3)
"""
TABLES = ("measurements.jsonl", "participants.tsv", "examples/Outputs.parquet", "examples/Outputs-during.parquet")


WORKERS = {
    "local": ("--workers", "2"),
    "ray": ("--engine", "ray", "--workers", "2"),
    "slurm": ("--engine", "slurm", "--workers", "2", "--engine-set", "minutes=5"),
}
CLUSTER = ("sbatch", "srun", "squeue", "sacct", "scontrol", "scancel")
QUICK = "import lifespan.engines.slurm as s; s.POLL, s.QUEUE = 0.2, 1.0; "
"""A driver asks a cluster on this machine more often than one far away."""


def start(folder: Path, out: str, engine: str = "local") -> subprocess.Popen[bytes]:
    # A worker killed three times at one event is taken for a life that kills its workers: only --retry goes on then.
    command = ["simulate", "study.py", "--out", out, "--no-report", "--threads", "1", "--every", "5", "--retry"]
    python, flag, code = LIFESPAN
    program = [python, flag, (QUICK if engine == "slurm" else "") + code, *command, *WORKERS[engine]]
    with open(folder / f"{out.replace('/', '-')}.log", "ab") as log:
        return subprocess.Popen(program, cwd=folder, stdout=log, stderr=log)


def fake_cluster(folder: Path) -> None:
    """Put the commands of a Slurm of this machine in front of the path."""
    script = Path(__file__).resolve().parents[1] / "tests" / "fake_slurm.py"
    commands, home = folder / "bin", folder / "cluster"
    commands.mkdir()
    home.mkdir()
    for name in CLUSTER:
        (commands / name).write_text(f'#!/bin/sh\nexec {sys.executable} {script} {name} "$@"\n')
        (commands / name).chmod(0o755)
    os.environ |= {"FAKE_SLURM": str(home), "PATH": f"{commands}{os.pathsep}{os.environ['PATH']}"}


def running_jobs(folder: Path) -> list[str]:
    states = (folder / "cluster").glob("*_*/state")
    return sorted(path.parent.name for path in states if path.read_text() == "RUNNING")


def rows(directory: Path) -> list[bytes]:
    return [path.read_bytes() for path in (directory / name for name in TABLES) if path.exists()]


def marks(store: Path) -> set[tuple[str, int]]:
    found = set()
    for path in store.glob("*/*.json"):
        # That a driver announces itself is no progress.
        if path.parent.name == "sessions":
            continue
        try:
            found.add((path.name, path.stat().st_mtime_ns))
        except FileNotFoundError:
            continue
    return found


def strike(driver: subprocess.Popen[bytes], folder: Path, dice: random.Random, asked: argparse.Namespace) -> str:
    """Wait for progress and a random moment more, then kill somebody. Returns whom; nothing where nobody was there."""
    store = folder / "cut" / "store"
    before = marks(store)
    while driver.poll() is None and marks(store) == before:
        time.sleep(0.01)
    time.sleep(dice.uniform(0, asked.within))
    whom = dice.choice(("driver", "worker", "job") if asked.engine == "slurm" else ("driver", "worker"))
    alive = sorted(claim["pid"] for claim in holders(store) if claim["alive"])
    jobs = running_jobs(folder) if whom == "job" else []
    if driver.poll() is not None or (whom == "worker" and not alive) or (whom == "job" and not jobs):
        return ""
    if whom == "job":
        subprocess.run(["scancel", dice.choice(jobs), "--signal", "SIGKILL"], check=False)
    else:
        os.kill(dice.choice(alive) if whom == "worker" else driver.pid, signal.SIGKILL)
    return whom


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--within", type=float, default=1.0)
    parser.add_argument("--engine", choices=list(WORKERS), default="local")
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    dice, done, runs, begun = random.Random(asked.seed), Counter[str](), 0, time.perf_counter()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        (folder / "study.py").write_text(STUDY)
        assert start(folder, "whole").wait() == 0
        if asked.engine == "slurm":
            fake_cluster(folder)
        while done.total() < asked.kills:
            driver = start(folder, "cut", asked.engine)
            while driver.poll() is None and done.total() < asked.kills:
                whom = strike(driver, folder, dice, asked)
                done.update([whom] if whom else [])
                if whom:
                    print(f"{done.total()} kills: {whom}", flush=True)
            if driver.wait() == 0:
                runs += check(folder)
                tell(asked, done, runs, begun)
        while (folder / "cut").exists():
            if start(folder, "cut", asked.engine).wait() == 0:
                runs += check(folder)
    print(tell(asked, done, runs, begun))


def tell(asked: argparse.Namespace, done: Counter[str], runs: int, begun: float) -> str:
    """Keep what was found so far, all of it checked: an interrupted part loses the kills of its last run alone."""
    told = {
        "engine": asked.engine,
        "kills": dict(done),
        "seed": asked.seed,
        "within": asked.within,
        "runs_compared": runs,
        "different": 0,
        "seconds": round(time.perf_counter() - begun, 1),
    }
    text = json.dumps(told, indent=2)
    if asked.out:
        asked.out.write_text(text + "\n")
    return text


def check(folder: Path) -> int:
    assert rows(folder / "cut") == rows(folder / "whole"), (folder / "cut.log").read_text()
    shutil.rmtree(folder / "cut")
    # Jobs that notice the end a little later write into their own folder once more.
    shutil.rmtree(folder / "cut.slurm", ignore_errors=True)
    return 1


if __name__ == "__main__":
    main()
