"""Which share of a life its probes take: MiniLM on real GLUE with the usual set of probes after every event.

    LIFESPAN_GLUE_DIR=... python benchmarks/probes.py --out benchmarks/results/probes.json

Adaptation to task text, MRPC by weights and RTE by masks for three epochs each on all their rows, ageing to 50%, recovery, and
`Probe(*usual())` after each event that leaves something to ask. The figures are the record's own seconds, by probe.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

from lifespan import (
    Age,
    Develop,
    Glue,
    Learn,
    Magnitude,
    Masks,
    MiniLM,
    Probe,
    Recover,
    Scenario,
    Study,
    TaskText,
    Weights,
    hardware,
    read,
    simulate,
    usual,
)

EVENTS = (
    Develop(TaskText("mrpc", "rte"), steps=200),
    Learn(Glue("mrpc"), by=Weights(epochs=3.0)),
    Probe(*usual()),
    Learn(Glue("rte"), by=Masks(epochs=3.0)),
    Probe(*usual()),
    Age(to=0.5, by=Magnitude()),
    Recover(steps=100),
    Probe(*usual()),
)
STUDY = Study(name="probes", individuals=1, groups={"life": Scenario(name="life", subject=MiniLM(), events=EVENTS)})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        simulate(STUDY, Path(folder) / "run", threads=asked.threads)
        steps = read(Path(folder) / "run").steps()
    living, looking = float(steps["seconds"].sum()), float(steps["look_seconds"].sum())
    told = {
        "machine": hardware.environment(threads=asked.threads, device="cpu"),
        "living_seconds": round(living, 1),
        "looking_seconds": round(looking, 1),
        "share": round(looking / (living + looking), 3),
        "events": [
            {"event": row["stage"], "seconds": round(row["seconds"], 1), "look_seconds": round(row["look_seconds"], 1)}
            for _, row in steps.iterrows()
        ],
    }
    for event in told["events"]:
        print(f"{event['event']:40} {event['seconds']:8.1f} s lived {event['look_seconds']:8.1f} s looked")
    print(f"probes take {told['share']:.1%} of {living + looking:.0f} s")
    if asked.out:
        asked.out.write_text(json.dumps(told, indent=1) + "\n")


if __name__ == "__main__":
    main()
