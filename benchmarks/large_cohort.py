"""A cohort of 10,000 lives: seconds and memory of `plan`, `status`, `report`, `gc`, and of writing its tables, at three sizes.

    python benchmarks/large_cohort.py --out benchmarks/results/large_cohort.json
    python benchmarks/large_cohort.py --sizes 2 20 --commands plan status

50 groups, doses of weight noise of one childhood, of 2, 20 and 200 individuals. One individual of each group is lived; the
store of all others is filled with its rows, their values moved by seeded noise, so that every command reads a record as
large as a real one. Each command is a process of its own; seconds include the start of Python, memory is the largest
resident set.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import random
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

from common import LIFESPAN

from lifespan import simulate
from lifespan.execution.frontier import SWEEP, Frontier
from lifespan.record.assembly import assemble
from lifespan.record.manifest import describe_study, fingerprints
from lifespan.record.store import Store
from lifespan.study.loading import load
from lifespan.study.plan import Plan, compile_study

GROUPS = 50
STUDY = """
from lifespan import *

task = MicroTask("sentiment", train_examples=48, eval_examples=40)
events = (Learn(task, by=Masks(steps=3)), Probe(Score()), Age(to=0.3, by=Magnitude()), Probe(Score(), Sparsity()))
life = Scenario(name="life", subject=Micro(layers=1, width=16, heads=2, feed_forward=32), events=events)
groups = {f"dose-{n:02}": life.with_events(after=2, add=Suffer(WeightNoise(severity=n / GROUPS))) for n in range(GROUPS)}
study = Study(name="large", groups=groups, individuals=INDIVIDUALS)
"""
COMMANDS = {
    "plan": ("plan", "study.py", "--out", "large"),
    "status": ("status", "large"),
    "table": ("table", "large", "--out", "all.csv"),
    "gc": ("gc", "large", "--yes"),
    "report": ("report", "large"),
}


def written(folder: Path, individuals: int) -> Path:
    text = STUDY.replace("INDIVIDUALS", str(individuals)).replace("GROUPS", str(GROUPS))
    (folder / "study.py").write_text(text)
    return folder / "study.py"


def sealed(content: dict[str, Any]) -> bytes:
    """As `write_sealed` writes it; without waiting for the disk 30,000 times."""
    body = json.dumps({"sealed": 1, **content}, ensure_ascii=False, allow_nan=False)[:-1].encode()
    return body + f', "seal": "{hashlib.sha256(body).hexdigest()}"}}'.encode()


def fill(plan: Plan, one: Plan, lived: Store, root: Path) -> None:
    """Give every step of a plan what the same step of its group's lived individual left."""
    dice = random.Random(0)
    sources = {life.group: life.steps for life in one.lives}
    done: set[str] = set()
    for life in plan.lives:
        for step, source in zip(life.steps, sources[life.group], strict=True):
            if step.digest in done:
                continue
            done.add(step.digest)
            node = lived.node(source.digest)
            assert node is not None
            own = {name: value for name, value in node.items() if name not in ("sealed", "seal")}
            own |= {"digest": step.digest, "parent": step.parent, "blobs": {}}
            folder = root / step.digest
            (folder / "looks").mkdir(parents=True)
            (folder / "node.json").write_bytes(sealed(own))
            for mine, theirs in zip(step.evaluations, source.evaluations, strict=True):
                rows = [_moved(row, dice) for row in lived.evaluation(source.digest, theirs.digest) or []]
                content = {"digest": step.digest, "evaluation": mine.digest, "rows": rows, "seconds": 0.1}
                (folder / "looks" / f"{mine.digest}.json").write_bytes(sealed(content))


def _moved(row: dict[str, Any], dice: random.Random) -> dict[str, Any]:
    moved = isinstance(row.get("value"), float) and row.get("probe") == "Score"
    return {**row, "value": row["value"] + dice.gauss(0, 0.02)} if moved else row


PEAK = "import atexit; atexit.register(lambda: open('peak', 'w').write(open('/proc/self/status').read())); "
"""The largest resident set of the process itself: that which the system tells its parent is at least the parent's."""


def measured(folder: Path, words: tuple[str, ...]) -> dict[str, float]:
    """Seconds, seconds of processor time and MB of a command."""
    begun, before = time.perf_counter(), os.times()
    python, flag, code = LIFESPAN
    subprocess.run([python, flag, PEAK + code, *words], cwd=folder, stdout=subprocess.DEVNULL, check=True)
    seconds, after = time.perf_counter() - begun, os.times()
    spent = after.children_user + after.children_system - before.children_user - before.children_system
    most = next(line.split()[1] for line in (folder / "peak").read_text().splitlines() if line.startswith("VmHWM"))
    return {"seconds": round(seconds, 2), "processor_seconds": round(spent, 2), "megabytes": int(most) // 1024}


def frontier(plan: Plan, store: Store) -> dict[str, float]:
    """What a worker's look at the store costs before each step, in a cohort that others live meanwhile."""
    begun = time.process_time()
    found = Frontier(plan, store)
    built = time.process_time() - begun
    begun = time.process_time()
    rounds = 200
    for _ in range(rounds):
        list(found.refresh(sweep=SWEEP))
    return {"built_seconds": round(built, 3), "milliseconds_a_step": round((time.process_time() - begun) / rounds * 1000, 3)}


def cohort(folder: Path, individuals: int, commands: list[str]) -> dict[str, Any]:
    """All figures of one size."""
    folder.mkdir()
    one = compile_study(load(str(written(folder, 1))), precision="fp32")
    simulate(one, folder / "one", threads=1)
    plan = compile_study(load(str(written(folder, individuals))), precision="fp32")
    out = folder / "large"
    fill(plan, one, Store(folder / "one" / "store"), out / "store")
    described = describe_study(plan, [], 1, fingerprints(plan))
    (out / "study.json").write_text(json.dumps(described))
    (out / "environment.json").write_bytes((folder / "one" / "environment.json").read_bytes())
    begun = time.process_time()
    statuses = assemble(plan, out)
    told: dict[str, Any] = {"lives": len(plan.lives), "steps": len(plan.nodes)}
    told["rows"] = sum(1 for _ in (out / "measurements.jsonl").open())
    told["tables_written"] = {"processor_seconds": round(time.process_time() - begun, 2)}
    assert set(statuses.values()) == {"done"}
    told["frontier"] = frontier(plan, Store(out / "store"))
    for name in commands:
        told[name] = measured(folder, COMMANDS[name])
        print(f"{told['lives']} lives, {name}: {told[name]}", flush=True)
    return told


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[2, 20, 200], help="Individuals a group.")
    parser.add_argument("--commands", nargs="+", default=list(COMMANDS), choices=list(COMMANDS))
    parser.add_argument("--keep", type=Path, help="Work here, and leave the records.")
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    found: dict[str, Any] = {
        "machine": platform.platform(),
        "python": platform.python_version(),
        "groups": GROUPS,
        "sizes": [],
    }
    with tempfile.TemporaryDirectory() as name:
        place = asked.keep or Path(name)
        for individuals in asked.sizes:
            found["sizes"].append(cohort(place / str(individuals), individuals, asked.commands))
            if asked.out:
                asked.out.write_text(json.dumps(found, indent=2) + "\n")
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
