"""Disks that fill up or turn read-only in the middle of a run: what is said, what is left, and whether it goes on.

    sudo python benchmarks/disks.py --out benchmarks/results/disks.json

Needs the right to mount. A small study is simulated on a file system in memory, whose size is too small at first, and which
is made read-only while the run goes on. Each time the command must end with exit code 2 and one message; then the disk is
mended, the same command goes on, and the rows are those of a run that nobody disturbed.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from kills import STUDY, rows, start


def mount(place: Path, options: str) -> None:
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place)], check=True)


def last_words(folder: Path, out: str) -> str:
    return " ".join((folder / f"{out.replace('/', '-')}.log").read_text().split("Error: ")[-1].split())


def full(folder: Path, disk: Path) -> dict[str, object]:
    """A disk of 1 MiB, and of 200 afterwards."""
    mount(disk, "size=1m")
    code = start(folder, "disk/full", workers=1).wait()
    said = last_words(folder, "disk/full")
    mount(disk, "remount,size=200m")
    again = start(folder, "disk/full", workers=1).wait()
    return {"exit": code, "said": said, "exit_after": again, "equal": rows(disk / "full") == rows(folder / "whole")}


def read_only(folder: Path, disk: Path) -> dict[str, object]:
    """A disk that can no longer be written to while a step is lived, and can be afterwards."""
    mount(disk, "remount,size=200m")
    driver = start(folder, "disk/locked", workers=1)
    while not list(disk.glob("locked/store/*/partial.json")):
        time.sleep(0.02)
    while subprocess.run(["mount", "-o", "remount,ro", str(disk)], capture_output=True).returncode:
        time.sleep(0.01)
    code = driver.wait()
    said = last_words(folder, "disk/locked")
    subprocess.run(["mount", "-o", "remount,rw", str(disk)], check=True)
    again = start(folder, "disk/locked", workers=1).wait()
    return {"exit": code, "said": said, "exit_after": again, "equal": rows(disk / "locked") == rows(folder / "whole")}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    folder = Path(tempfile.mkdtemp())
    disk = folder / "disk"
    disk.mkdir()
    try:
        (folder / "study.py").write_text(STUDY)
        assert start(folder, "whole").wait() == 0
        told = {"full": full(folder, disk), "read_only": read_only(folder, disk)}
    finally:
        subprocess.run(["umount", str(disk)], check=False)
        shutil.rmtree(folder, ignore_errors=True)
    text = json.dumps(told, indent=2).replace(f"{folder}/", "")
    print(text)
    if asked.out:
        asked.out.write_text(text + "\n")


if __name__ == "__main__":
    main()
