"""How long the report of a large study takes, and how large its page is.

    python benchmarks/report.py reports/severity_map reports/instruments_micro:10 --out benchmarks/results/report.json

Each record is copied to a new directory first. `:10` copies every group ten times under new names, with values that differ a
little (seeded noise of 1%), so that a record of 20 lives with every kind of row becomes one of 200. Time is that of the
command, start of Python included.
"""

from __future__ import annotations

import argparse
import copy
import json
import random
import subprocess
import tempfile
import time
from pathlib import Path

from common import LIFESPAN

import lifespan
from lifespan.record.record import PARTICIPANT_COLUMNS, as_table

TABLES = ("measurements", "steps", "contrasts")


def multiplied(source: Path, times: int, target: Path) -> None:
    """A copy of a record in which every group is there `times` times."""
    target.mkdir()
    found, dice = lifespan.read(source), random.Random(0)
    study = copy.deepcopy(dict(found.study))
    names = {group: [group, *(f"{group} {number}" for number in range(1, times))] for group in study["groups"]}
    study["groups"] = {name: study["groups"][group] for group, copies in names.items() for name in copies}
    (target / "study.json").write_text(json.dumps(study))
    (target / "environment.json").write_text(json.dumps(dict(found.environment)))
    for table in TABLES:
        rows = json.loads(getattr(found, table)().to_json(orient="records"))
        lines = []
        for row in rows:
            for place, name in enumerate(names[row["group"]]):
                made = {**row, "group": name}
                if "other_group" in row:
                    made["other_group"] = names[row["other_group"]][place]
                if place and isinstance(row.get("value"), float) and row.get("probe") != "Sparsity":
                    made["value"] = row["value"] * (1 + dice.gauss(0, 0.01))
                lines.append(json.dumps(made))
        (target / f"{table}.jsonl").write_text("".join(f"{line}\n" for line in lines))
    people = found.participants().to_dict("records")
    made = [{**row, "group": name} for row in people for name in names[row["group"]]]
    (target / "participants.tsv").write_bytes(as_table(made, PARTICIPANT_COLUMNS))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("records", nargs="+")
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    told = []
    with tempfile.TemporaryDirectory() as folder:
        for text in asked.records:
            source, _, times = text.partition(":")
            target = Path(folder) / Path(source).name
            multiplied(Path(source), int(times or 1), target)
            begun = time.perf_counter()
            subprocess.run([*LIFESPAN, "report", str(target)], check=True, stdout=subprocess.DEVNULL)
            seconds = time.perf_counter() - begun
            read = lifespan.read(target)
            told.append(
                {
                    "record": text,
                    "lives": len(read.participants()),
                    "groups": len(read.study["groups"]),
                    "rows": len(read.measurements()) + len(read.contrasts()),
                    "figures": len(list((target / "figures").glob("*.svg"))),
                    "seconds": round(seconds, 1),
                    "megabytes": round((target / "report.html").stat().st_size / 1e6, 2),
                }
            )
    text = json.dumps(told, indent=2)
    print(text)
    if asked.out:
        asked.out.write_text(text + "\n")


if __name__ == "__main__":
    main()
