"""Environments that fail, at full size: what `lifespan simulate` does in each, and whether the rows are right afterwards.

    python benchmarks/hostile_environments.py --out benchmarks/results/hostile_environments.json

Each environment runs `simulate` on a small study in a process of its own. What counts: unexpected errors (a traceback, or the
word "unexpected"), hangs (no end within `--patience` seconds), outcomes that are no life's (an `ended.json`), exit code 0
with lives missing, and rows that differ from an undisturbed run's after the command was given again where all is well.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import signal
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from common import LIFESPAN

STUDY = """
from lifespan import *
import neighbour

subject = Micro(layers=1, width=16, heads=2, feed_forward=32)
task = MicroTask("sentiment", train_examples=48, eval_examples=40)
life = Scenario(name="life", subject=subject, events=(Learn(task, by=Weights(steps=neighbour.STEPS)), Probe(Score())))
study = Study(name="hostile", groups={"caf\\u00e9": life, "b": life}, individuals=2)
"""
TABLES = ("measurements.jsonl", "participants.tsv")
SHADOWS = ("random", "json", "types", "torch", "cloudpickle", "psutil", "lifespan_engines", "numpy", "typing", "secrets")

STREAMS = (">/dev/full", "2>/dev/full", ">/dev/full 2>&1", ">&-", "2>&-", ">&- 2>&-", "<&-", "| head -1", "| true")


def command(*more: str) -> list[str]:
    # The driver imports nothing from here, so that a shadow that is imported was imported by a worker.
    return [LIFESPAN[0], "-P", *LIFESPAN[1:], "simulate", "study.py", "--no-report", "--threads", "1", *more]


def prepare(folder: Path) -> None:
    folder.mkdir()
    (folder / "study.py").write_text(STUDY, encoding="utf-8")
    (folder / "neighbour.py").write_text("STEPS = 3\n")


def limited(kind: int, most: int) -> Callable[[], None]:
    return lambda: resource.setrlimit(kind, (most, most))


def environments() -> Iterator[tuple[str, dict[str, Any]]]:
    """(name, how the process is started) of every environment; `shell` stands for the whole command."""
    for workers in ("1", "2"):
        way = ("--engine", "local", "--workers", workers)
        for encoding in ("ascii", "ascii:strict", "latin-1", "utf-16"):
            yield f"{encoding}, {workers} workers", {"more": way, "env": {"PYTHONIOENCODING": encoding}}
        yield f"C locale, {workers} workers", {"more": way, "env": {"LC_ALL": "C", "PYTHONUTF8": "0"}}
        for stream in (
            ">/dev/full",
            "2>/dev/full",
            ">/dev/full 2>&1",
            ">&-",
            "2>&-",
            ">&- 2>&-",
            "<&-",
            "| head -1",
            "| true",
        ):
            yield f"{stream}, {workers} workers", {"more": way, "shell": stream}
        for name in SHADOWS:
            yield f"{name}.py here, {workers} workers", {"more": way, "shadow": name}
        for megabytes in (1500, 2500):
            yield (
                f"{megabytes} MB of addresses, {workers} workers",
                {"more": way, "preexec_fn": limited(resource.RLIMIT_AS, megabytes * 2**20)},
            )
        yield f"files of 4 kB, {workers} workers", {"more": way, "preexec_fn": limited(resource.RLIMIT_FSIZE, 4096)}
        yield f"40 open files, {workers} workers", {"more": way, "preexec_fn": limited(resource.RLIMIT_NOFILE, 40)}
    yield "no home", {"env": {"HOME": "/nowhere"}}
    yield "no temporary folder", {"env": {"TMPDIR": "/nowhere"}}
    yield "99,999 threads", {"more": ("--threads", "99999")}
    for name in ("out", "out/store", "out/study.json"):
        for kind in ("file", "loop", "pipe"):
            yield f"{name} is a {kind}", {"stands": (name, kind)}


def place(folder: Path, name: str, kind: str) -> None:
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    {"file": lambda: path.write_text("mine"), "loop": lambda: path.symlink_to(path), "pipe": lambda: os.mkfifo(path)}[kind]()


def lived(folder: Path, how: dict[str, Any], patience: float) -> tuple[int | None, str]:
    """(exit code, output) of the command in an environment; no code where it did not end."""
    if "shadow" in how:
        (folder / f"{how['shadow']}.py").write_text("raise SystemExit('foreign code ran')\n")
    if "stands" in how:
        place(folder, *how["stands"])
    program: Any = command("--out", "out", *how.get("more", ()))
    if "shell" in how:
        quoted = " ".join(f"'{part}'" for part in program)
        program = ["bash", "-c", f"set -o pipefail; {quoted} {how['shell']}"]
    env = {**os.environ, **how.get("env", {})}
    process = subprocess.Popen(
        program,
        cwd=folder,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        preexec_fn=how.get("preexec_fn"),
        start_new_session=True,
    )
    try:
        said, _ = process.communicate(timeout=patience)
        return process.returncode, said.decode(errors="replace")
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        said, _ = process.communicate()
        return None, said.decode(errors="replace")


def rows(folder: Path) -> list[bytes]:
    return [(folder / "out" / name).read_bytes() for name in TABLES]


def judge(folder: Path, code: int | None, said: str, whole: list[bytes], how: dict[str, Any], patience: float) -> list[str]:
    """What was wrong."""
    wrong = []
    if code is None:
        wrong.append("hangs")
    if "Traceback" in said or "unexpected" in said or "foreign code ran" in said:
        wrong.append("unexpected")
    if list((folder / "out").glob("store/*/ended.json")) if (folder / "out").is_dir() else False:
        wrong.append("outcomes of no life")
    if code == 0 and rows(folder) != whole:
        wrong.append("silently wrong")
    if "stands" in how or wrong:
        return wrong
    if "shadow" in how:
        (folder / f"{how['shadow']}.py").unlink()
    again, _ = lived(folder, {}, 4 * patience)
    if again != 0 or rows(folder) != whole:
        wrong.append("not healed")
    return wrong


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--patience", type=float, default=120.0)
    parser.add_argument("--only", default="", help="Environments whose name holds this text.")
    asked = parser.parse_args()
    found: dict[str, list[str]] = {}
    codes, begun = Counter[str](), time.perf_counter()
    with tempfile.TemporaryDirectory() as name:
        prepare(Path(name) / "whole")
        code, said = lived(Path(name) / "whole", {}, 4 * asked.patience)
        assert code == 0, said
        whole = rows(Path(name) / "whole")
        for number, (title, how) in enumerate(environments()):
            if asked.only not in title:
                continue
            folder = Path(name) / str(number)
            prepare(folder)
            code, said = lived(folder, how, asked.patience)
            codes[str(code)] += 1
            found[title] = judge(folder, code, said, whole, how, asked.patience)
            last = said.strip().splitlines()[-2:] if found[title] else ""
            print(f"{title}: exit {code}{', ' + ', '.join(found[title]) if found[title] else ''} {last}", flush=True)
    told = {
        "environments": len(found),
        "exit_codes": dict(codes),
        "wrong": dict(Counter(each for wrong in found.values() for each in wrong)),
        "which": {title: wrong for title, wrong in found.items() if wrong},
        "seconds": round(time.perf_counter() - begun, 1),
    }
    text = json.dumps(told, indent=2, ensure_ascii=False)
    print(text)
    if asked.out:
        asked.out.write_text(text + "\n")


if __name__ == "__main__":
    main()
