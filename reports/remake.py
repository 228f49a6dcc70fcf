"""Make `report.html` and `summary.md` of kept records again, and remove what else lies beside them.

    python reports/remake.py             all of them, some minutes to half an hour
    python reports/remake.py lesions     these folders of `reports/` alone

A kept study is its record with these two files; `lifespan report reports/STUDY` makes figures, tables and texts as files.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path

from lifespan.report.html import write_report

ROOT = Path(__file__).resolve().parent
KEPT = ("report.html", "summary.md")
BY_PRODUCTS = ("figures", "tables", "methods.md", "references.bib")


def kept_reports() -> list[Path]:
    """The folders that keep a report, relative to the folder above `reports/`."""
    return sorted(page.parent.relative_to(ROOT.parent) for page in ROOT.rglob("report.html"))


def remake(folder: Path) -> None:
    """Make the kept files of one record again; on an error they stay as they were."""
    with tempfile.TemporaryDirectory() as made:
        # Elsewhere, and by this path: the report tells it in the command that makes it again.
        write_report([folder], made, pdf=False)
        for name in KEPT:
            shutil.copyfile(Path(made) / name, folder / name)


def remove_by_products(folder: Path) -> None:
    """Remove what `lifespan report` wrote beside a record."""
    for name in BY_PRODUCTS:
        path = folder / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def main(names: list[str]) -> None:
    os.chdir(ROOT.parent)
    for folder in [Path("reports") / name for name in names] or kept_reports():
        print(folder, flush=True)
        remake(folder)
    for study in sorted(path.parent for path in ROOT.rglob("study.json")):
        remove_by_products(study)


if __name__ == "__main__":
    main(sys.argv[1:])
