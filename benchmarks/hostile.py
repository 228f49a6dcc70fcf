"""Records damaged and forged, names and packs of strangers: how often a command fails as it must not. Counts are printed.

    python benchmarks/hostile.py --out benchmarks/results/hostile.json
    python benchmarks/hostile.py --every 4 --commands report simulate

Every file of a small record is damaged in every way (`tests/harm.py`), and every record forged in every way that is
listed there; then each command meets it. Counted are unexpected errors, hangs, results that are silently other than those of
the whole record, and files of others that were changed. With `--every N` every Nth case is tried.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from functools import partial
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent.parent / "tests")]

from harm import COMMANDS, FILES, FORGERIES, WAYS, Ground, harm, verdict  # noqa: E402


def corruptions(ground: Ground, commands: list[str], every: int, files: Sequence[str] = FILES) -> Counter[str]:
    """Every file x every way x every command."""
    found: Counter[str] = Counter()
    number = 0
    for pattern in files:
        paths = sorted(path.relative_to(ground.whole) for path in ground.whole.glob(pattern))
        for index, name in enumerate(paths[:3]):
            for how in WAYS:
                for command in commands:
                    number += 1
                    if number % every:
                        continue
                    with ground.copy() as run:
                        others = [run / other for other in paths if other != name]
                        if not harm(run / name, how, others, ground.victim / "paper.md", (0.3, 0.5, 0.8)[index]):
                            continue
                        wrong = verdict(command, ground.said(command, run), ground.reference(command), run / name)
                    _count(found, wrong, f"{command}, {name}, {how}", ground)
    return found


def forgeries(ground: Ground, commands: list[str], every: int) -> Counter[str]:
    """Every forged record x every command."""
    found: Counter[str] = Counter()
    cases = [(name, command) for name in FORGERIES for command in commands]
    for name, command in cases[::every]:
        with ground.copy() as run:
            FORGERIES[name](run, ground.victim)
            said = ground.said(command, run)
        _count(found, said.fault.partition(" ")[0], f"{command}, {name}", ground)
    return found


def _count(found: Counter[str], wrong: str, case: str, ground: Ground) -> None:
    found["cases"] += 1
    if not ground.unharmed():
        found["harmed"] += 1
        sys.exit(f"files of others were changed: {case}")
    if wrong:
        found[wrong] += 1
        print(f"{wrong}: {case}", flush=True)
    if found["cases"] % 20 == 0:
        print(f"{found['cases']} cases", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--commands", nargs="+", default=list(COMMANDS), choices=list(COMMANDS))
    parser.add_argument("--files", nargs="+", default=list(FILES), help="Kinds of files, as patterns below the record.")
    parser.add_argument("--parts", nargs="+", default=["corruptions", "forgeries"])
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="lifespan-hostile-") as folder:
        ground = Ground(Path(folder))
        parts = {"corruptions": partial(corruptions, files=arguments.files), "forgeries": forgeries}
        counts = {name: dict(parts[name](ground, arguments.commands, arguments.every)) for name in arguments.parts}
    print(json.dumps(counts, indent=1))
    if arguments.out is not None:
        arguments.out.write_text(json.dumps(counts, indent=1) + "\n")


if __name__ == "__main__":
    main()
