"""Run the tutorial and write what it prints, and its pictures, into the page: `python docs/tutorial_run.py FOLDER`.

With `--check` nothing is written; the exit code is 1 where the page says something else than the run. Times are left out of
the comparison. It takes about two minutes.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import subprocess
import sys
from pathlib import Path

import panels

from lifespan.analysis.analysis import Analysis
from lifespan.report.figures import FIGURES

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs/tutorial.md"
BLOCK = re.compile(
    r"^```(?P<kind>python|sh)(?: title=\"(?P<title>[^\"]+)\")?\n(?P<code>.*?)^```\n(?P<said>\n```text\n.*?^```\n)?",
    re.DOTALL | re.MULTILINE,
)
PICTURES = ("timeline", "estimation")
LONGEST = 34
"""Lines of an output that the page shows; of a longer one its middle is left out."""
TIMES = re.compile(r"(about )?\d[\d.,:]*( (to|min|s|h|ms|GB|MB|KB|kB)\b)*( \d+ s)?|\s+")


def told(folder: Path) -> str:
    """The page with what its blocks print when they are run in a folder, in order."""
    names: dict[str, object] = {"__name__": "tutorial"}

    def run(found: re.Match[str]) -> str:
        kind, title, code = found["kind"], found["title"], found["code"]
        head = f"```{kind}{' title=' + chr(34) + title + chr(34) if title else ''}\n{code}```\n"
        if title:
            (folder / title).write_text(code, encoding="utf-8")
            return head
        said = _python(code, names) if kind == "python" else "\n".join(map(_command, _lines(code)))
        return head + (f"\n```text\n{_cut(said)}\n```\n" if said.strip() else "")

    with contextlib.chdir(folder):
        return BLOCK.sub(run, PAGE.read_text(encoding="utf-8"))


def _lines(code: str) -> list[str]:
    return code.replace("\\\n", "").strip().splitlines()


def _command(line: str) -> str:
    environment = {**os.environ, "COLUMNS": "100", "PYTHONPATH": str(ROOT)}
    command = f"{sys.executable} -m {line}"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, env=environment, check=True)
    return done.stdout.rstrip()


def _python(code: str, names: dict[str, object]) -> str:
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        exec(compile(code, "tutorial.md", "exec"), names)
    return said.getvalue().rstrip()


def _cut(said: str) -> str:
    lines = [line.rstrip() for line in said.splitlines()]
    if len(lines) <= LONGEST:
        return "\n".join(lines)
    half = LONGEST // 2
    return "\n".join([*lines[:half], f"... {len(lines) - 2 * half} lines more ...", *lines[-half:]])


def pictures(run: Path) -> None:
    """Draw the tutorial's pictures from its run."""
    analysis = Analysis(run)
    for name in PICTURES:
        drawn = FIGURES[name].draw(analysis)
        assert drawn is not None
        (ROOT / f"docs/pictures/tutorial-{name}.svg").write_text(panels.on_paper(drawn[0]), encoding="utf-8")


def main(folder: Path, *, check: bool) -> int:
    """Write the page anew, or say where it is stale."""
    folder.mkdir(parents=True, exist_ok=True)
    page = told(folder)
    if check:
        same = TIMES.sub(" ", page) == TIMES.sub(" ", PAGE.read_text(encoding="utf-8"))
        print(
            "docs/tutorial.md is as the run says" if same else "docs/tutorial.md is stale: python docs/tutorial_run.py FOLDER"
        )
        return 0 if same else 1
    PAGE.write_text(page, encoding="utf-8")
    pictures(folder / "runs/a-look")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).absolute(), check="--check" in sys.argv))
