"""The time of a study against individuals and workers, its disk, and what `lifespan plan` said of both before.

    LIFESPAN_GLUE_DIR=... python benchmarks/scaling.py --out benchmarks/results/scaling.json

Two lives: in the micro world (childhood, four tasks by weights and by masks, ageing and recovery, probes) and of MiniLM on
real GLUE (adaptation to task text, MRPC by weights, RTE by masks, ageing and recovery, probes). `lifespan plan --json` is
asked in an empty directory, then `lifespan simulate --no-report` lives it there; wall time counts the start of Python.
"measured" is the plan for twice as many individuals asked where the first half was lived, against the time that the second
half then took.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

from common import LIFESPAN

from lifespan import hardware

MICRO = """
from lifespan import *

def school(*tasks, by):
    return [event for task in tasks for event in (Learn(MicroTask(task), by=by, length=32), Probe(Score(length=32)))]

events = (
    Develop(MicroText(), steps=800, rate=3e-3, length=32),
    *school("sentiment", "inference", by=Weights(epochs=4.0, rate=1e-3)),
    *school("paraphrase", "answering", by=Masks(epochs=4.0, rate=1e-3, head_rate=1e-3)),
    *gradually(to=0.6, in_steps=3, each=lambda to: (Age(to=to, by=Magnitude()), Recover(steps=60), Probe(Score(length=32)))),
)
study = Study(name="micro", individuals=1, groups={"life": Scenario(name="life", subject=Micro(), events=events)})
"""
MINILM = """
from lifespan import *

events = (
    Develop(TaskText("mrpc", "rte"), steps=40),
    Learn(Glue("mrpc", train_examples=960), by=Weights(epochs=1.0)),
    Probe(Score()),
    Learn(Glue("rte", train_examples=480), by=Masks(epochs=1.0)),
    Probe(Score()),
    Age(to=0.5, by=Magnitude()),
    Recover(steps=20),
    Probe(Score()),
)
study = Study(name="minilm", individuals=1, groups={"life": Scenario(name="life", subject=MiniLM(), events=events)})
"""


def lifespan(*words: str) -> tuple[str, float]:
    """(standard output, wall seconds) of a command."""
    begin = time.perf_counter()
    done = subprocess.run([*LIFESPAN, *words], capture_output=True, text=True, check=True)
    return done.stdout, time.perf_counter() - begin


def disk(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def lived(scenario: Path, run: Path, individuals: int, workers: int) -> dict[str, Any]:
    """Plan, live and compare, in a directory that may hold a part of the study already."""
    which = [str(scenario), "--out", str(run), "--individuals", str(individuals), "--workers", str(workers)]
    plan = json.loads(lifespan("plan", *which, "--json")[0])
    before = disk(run) if run.is_dir() else 0
    _, seconds = lifespan("simulate", *which, "--no-report")
    return {
        "study": scenario.stem,
        "individuals": individuals,
        "workers": workers,
        "basis": plan["basis"],
        "planned_seconds": plan["wall_seconds"],
        "seconds": round(seconds, 1),
        "planned_over_measured": round(plan["wall_seconds"] / seconds, 2),
        "planned_bytes": plan["remaining"]["bytes"],
        "bytes": disk(run) - before,
        "planned_bytes_over_measured": round(plan["remaining"]["bytes"] / (disk(run) - before), 2),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--micro", type=int, nargs="*", default=[1, 2, 4, 8], help="individuals of the micro study")
    parser.add_argument("--minilm", type=int, nargs="*", default=[1, 2], help="individuals of the MiniLM study")
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        for name, text, counts in (("micro", MICRO, asked.micro), ("minilm", MINILM, asked.minilm)):
            scenario = place / f"{name}.py"
            scenario.write_text(text)
            for workers in (1, 2):
                for individuals in counts:
                    run = place / f"{name}-{individuals}-{workers}"
                    rows.append(lived(scenario, run, individuals, workers))
                    print(json.dumps(rows[-1]), flush=True)
                if counts:
                    rows.append(lived(scenario, place / f"{name}-{counts[-1]}-{workers}", 2 * counts[-1], workers))
                    print(json.dumps(rows[-1]), flush=True)
    if asked.out:
        machine = hardware.environment(threads=hardware.cores(), device="cpu")
        asked.out.write_text(json.dumps({"machine": machine, "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
