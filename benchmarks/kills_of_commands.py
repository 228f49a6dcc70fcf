"""Fault injection: `lifespan gc` and `lifespan report` are killed (signal 9) at random moments; nothing needed is lost.

    python benchmarks/kills_of_commands.py --kills 40 --command gc --out benchmarks/results/kills_gc.json
    python benchmarks/kills_of_commands.py --kills 30 --command report --out benchmarks/results/kills_report.json

A record whose store holds what an earlier edition of its study left is copied, and the command is killed on the copy:
`gc` at most `--within` seconds after it has announced itself in the store, `report` at any moment of its usual length. After
each kill the rows must be those of before, to be lived again from what is left without one step, and the same command again
must come to the same end: no garbage, the same page.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import subprocess
import tempfile
import time
from collections import Counter
from pathlib import Path

from common import LIFESPAN

from lifespan import simulate
from lifespan.execution.observer import Observer
from lifespan.record.shared_store import find_garbage
from lifespan.study.loading import load

STUDY = """
from lifespan import *

subject = Micro(layers=1, width=16, heads=2, feed_forward=32)
task = MicroTask("sentiment", train_examples=48, eval_examples=40)
steps = 4
events = (
    Learn(task, by=Masks(steps=steps, rate=5e-3)), Probe(Score(), Outputs()),
    Age(to=0.3, by=Magnitude()), Recover(steps=3), Probe(Score(), Outputs()),
)
life = Scenario(name="life", subject=subject, events=events)
ill = life.with_events(after=2, add=Suffer(WeightNoise(severity=0.4)))
study = Study(name="kills", groups={"life": life, "ill": ill}, individuals=3)
"""
TABLES = ("measurements.jsonl", "participants.tsv", "examples/Outputs.parquet")


class Steps(Observer):
    """Counts the steps that are lived."""

    lived = 0

    def step_begins(self, life: object, step: object) -> None:
        self.lived += 1


def start(folder: Path, *words: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([*LIFESPAN, *words], cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def rows(directory: Path) -> list[bytes]:
    return [(directory / name).read_bytes() for name in TABLES]


def prepare(folder: Path) -> None:
    """A record with garbage in its store, and its report."""
    for steps in (2, 3, 4):
        (folder / "study.py").write_text(STUDY.replace("steps = 4", f"steps = {steps}"))
        simulate(load(str(folder / "study.py")), folder / "whole", threads=1)
    assert find_garbage(folder / "whole").steps, "there is no garbage to collect"
    assert start(folder, "report", "whole").wait() == 0


def await_a_collection(process: subprocess.Popen[bytes], store: Path) -> None:
    """Wait until a collection has announced itself."""
    while process.poll() is None and not list((store / "sessions").glob("*.json")):
        time.sleep(0.001)


def kill_gc(folder: Path, dice: random.Random, within: float, length: float) -> bool:
    process = start(folder, "gc", "cut", "--yes")
    await_a_collection(process, folder / "cut" / "store")
    time.sleep(dice.uniform(0, within))
    return ended_by_kill(process)


def kill_report(folder: Path, dice: random.Random, within: float, length: float) -> bool:
    process = start(folder, "report", "cut")
    time.sleep(dice.uniform(0, length))
    return ended_by_kill(process)


def ended_by_kill(process: subprocess.Popen[bytes]) -> bool:
    process.kill()
    return process.wait() == -9


def check(folder: Path, command: str, wrong: Counter[str]) -> None:
    """Compare what is left with the whole record, and let the command come to its end."""
    cut, whole, count = folder / "cut", folder / "whole", Steps()
    wrong["rows differ"] += rows(cut) != rows(whole)
    simulate(load(str(folder / "study.py")), cut, threads=1, observer=count)
    wrong["lived again"] += count.lived > 0
    wrong["rows differ afterwards"] += rows(cut) != rows(whole)
    if command == "gc":
        wrong["second collection fails"] += start(folder, "gc", "cut", "--yes").wait() != 0
        left = find_garbage(cut)
        wrong["garbage is left"] += bool(left.steps or left.files)
        wrong["rows differ after all"] += rows(cut) != rows(whole)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--command", choices=("gc", "report"), required=True)
    parser.add_argument("--kills", type=int, default=40)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--within", type=float, default=0.06)
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    dice, wrong, begun, kills = random.Random(asked.seed), Counter[str](), time.perf_counter(), 0
    kill = {"gc": kill_gc, "report": kill_report}[asked.command]
    removed = Counter[str]()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prepare(folder)
        whole = find_garbage(folder / "whole")
        single = time.perf_counter()
        assert start(folder, "report", "whole").wait() == 0
        length = time.perf_counter() - single
        while kills < asked.kills:
            shutil.copytree(folder / "whole", folder / "cut", symlinks=True)
            if kill(folder, dice, asked.within, length):
                kills += 1
                left = len(list((folder / "cut" / "store").iterdir()))
                removed["some of it" if left < len(list((folder / "whole" / "store").iterdir())) else "nothing yet"] += 1
                check(folder, asked.command, wrong)
                if asked.command == "report" and kills % 5 == 0:
                    wrong["second report fails"] += start(folder, "report", "cut").wait() != 0
                    pages = [(folder / each / "summary.md").read_bytes() for each in ("cut", "whole")]
                    wrong["another report"] += pages[0].replace(b"cut", b"whole") != pages[1]
                print(f"{kills} kills: {dict(+wrong) or 'nothing wrong'}", flush=True)
            shutil.rmtree(folder / "cut")
    told = {
        "command": asked.command,
        "kills": kills,
        "seed": asked.seed,
        **({"steps_of_garbage": len(whole.steps), "killed_when_removed": dict(removed)} if asked.command == "gc" else {}),
        "wrong": dict(+wrong),
        "seconds": round(time.perf_counter() - begun, 1),
    }
    print(json.dumps(told, indent=2))
    if asked.out:
        asked.out.write_text(json.dumps(told, indent=2) + "\n")


if __name__ == "__main__":
    main()
