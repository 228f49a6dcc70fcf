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
import re
import resource
import shutil
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
        for megabytes in (300, 500, 700, 900, 1100, 1500, 2500):
            yield (
                f"{megabytes} MB of addresses, {workers} workers",
                {"more": way, "preexec_fn": limited(resource.RLIMIT_AS, megabytes * 2**20)},
            )
        yield f"files of 4 kB, {workers} workers", {"more": way, "preexec_fn": limited(resource.RLIMIT_FSIZE, 4096)}
        yield f"40 open files, {workers} workers", {"more": way, "preexec_fn": limited(resource.RLIMIT_NOFILE, 40)}
    yield from on_small_disks()
    yield "no home", {"env": {"HOME": "/nowhere"}}
    yield "no temporary folder", {"env": {"TMPDIR": "/nowhere"}}
    yield "99,999 threads", {"more": ("--threads", "99999")}
    for name in ("out", "out/store", "out/study.json"):
        for kind in ("file", "loop", "pipe"):
            yield f"{name} is a {kind}", {"stands": (name, kind)}


def on_small_disks() -> Iterator[tuple[str, dict[str, Any]]]:
    """Environments that root alone can make: full and read-only disks, files that may not be read or written."""
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        print("not root, or without unshare: no small disks and no files that may not be read", flush=True)
        return
    for size in ("16k", "64k", "160k", "320k"):
        yield f"a disk of {size}", {"disk": f"size={size}", "more": ("--engine", "local", "--workers", "1")}
    yield "a disk of 40 files", {"disk": "size=9M,nr_inodes=40"}
    yield "a disk that is read-only", {"disk": "ro"}
    for name, mode in (
        *(("out", 0), ("out", 0o555), ("study.py", 0), ("neighbour.py", 0), (".", 0o555)),
        *(("out/store", 0), ("out/store", 0o555), ("out/store/blobs", 0), ("out/study.json", 0), ("out/environment.json", 0)),
    ):
        yield f"{name} of mode {mode:03o}", {"forbidden": (name, mode)}


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
    if "disk" in how:
        quoted = " ".join(f"'{part}'" for part in program)
        mounted = f"mkdir out kept; mount -t tmpfs -o {how['disk']} none out; {quoted}; code=$?; cp -a out/. kept; exit $code"
        program = ["unshare", "-m", "sh", "-c", mounted]
    if "shell" in how:
        quoted = " ".join(f"'{part}'" for part in program)
        program = ["bash", "-c", f"set -o pipefail; {quoted} {how['shell']}"]
    if "forbidden" in how:
        forbid(folder, *how["forbidden"])
        program = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search", *program]
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


def forbid(folder: Path, name: str, mode: int) -> None:
    """Take rights to one path away; where it lies in a record, there is one."""
    path = folder / name
    if name.startswith("out/") or name == "out":
        code, said = lived(folder, {}, 300)
        assert code == 0, said
    path.chmod(mode)


def allow(folder: Path, name: str) -> None:
    (folder / name).chmod(0o755 if (folder / name).is_dir() or name == "." else 0o644)


def rows(folder: Path, out: str = "out") -> list[bytes]:
    return [(folder / out / name).read_bytes() for name in TABLES]


def judge(folder: Path, code: int | None, said: str, whole: list[bytes], how: dict[str, Any], patience: float) -> list[str]:
    """What was wrong."""
    wrong = []
    if code is None:
        wrong.append("hangs")
    if "Traceback" in said or "unexpected" in said or "foreign code ran" in said:
        wrong.append("unexpected")
    if list((folder / "out").glob("store/*/ended.json")) if (folder / "out").is_dir() else False:
        wrong.append("outcomes of no life")
    # On a disk of its own the rows went with it, but for a copy.
    if code == 0 and rows(folder, "kept" if "disk" in how else "out") != whole:
        wrong.append("silently wrong")
    if re.search(r"memory|killed", said) and code not in (0, None) and "ower" not in said:
        wrong.append("does not say what to lower")
    if "stands" in how or wrong:
        return wrong
    if "shadow" in how:
        (folder / f"{how['shadow']}.py").unlink()
    if "disk" in how:
        (folder / "out").rmdir()
        (folder / "kept").rename(folder / "out")
    if "forbidden" in how:
        allow(folder, how["forbidden"][0])
    again, _ = lived(folder, {}, 4 * patience)
    if again != 0 or rows(folder) != whole:
        wrong.append("not healed")
    return wrong


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--patience", type=float, default=120.0)
    parser.add_argument("--begin", type=int, default=0, help="Number of the environment to go on with.")
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
            if number < asked.begin or asked.only not in title:
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
