"""`lifespan.report(...)`: the Python counterpart of the command."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any, TypeAlias

from lifespan.errors import ScenarioError
from lifespan.record.record import Record

INLINE_UP_TO = 6_000_000
"""Bytes up to which a notebook carries the page itself; a larger one is linked."""

Runs: TypeAlias = "str | Path | Record | Any"
"""A run directory: its path, its record, or the outcome of `simulate`."""


@dataclass(frozen=True)
class WrittenReport:
    """A report that was written: `path` is its HTML file. A notebook shows the page; `str` and `open` take the path."""

    path: Path

    def __fspath__(self) -> str:
        return str(self.path)

    def __str__(self) -> str:
        return str(self.path)

    def _repr_html_(self) -> str:
        """The page in a frame, which needs no file beside the notebook, and a link to it."""
        link = f'<a href="{escape(Path(os.path.relpath(self.path)).as_posix())}">{escape(str(self.path))}</a>'
        if not self.path.is_file() or self.path.stat().st_size > INLINE_UP_TO:
            return f"<div>Report: {link}</div>"
        page = escape(self.path.read_text(encoding="utf-8"))
        # Without `allow-same-origin` scripts of the page cannot reach the notebook.
        frame = f'<iframe srcdoc="{page}" sandbox="allow-scripts allow-downloads allow-popups" width="100%" height="720"'
        return f'<div>Report: {link}</div>{frame} style="border:1px solid #8c959f;background:#fff"></iframe>'


def report(
    runs: Runs | Iterable[Runs],
    out: str | Path | None = None,
    *,
    groups: str | Sequence[str] = (),
    control: str | None = None,
    pdf: bool = False,
    animate: bool = False,
    force: bool = False,
) -> WrittenReport:
    """Write the report of one or several run directories, as `lifespan report` does; a notebook shows it.

    `runs` are paths, records (`read`) or outcomes (`simulate`); several are compared. `out` is a folder or an .html file, by
    default in the first run directory. `groups` leaves out all others but the control, for which `control` names another;
    `pdf` writes the figures as PDF, `animate` a film of the lives, too. Raises `RecordError` where a directory cannot be read,
    a group is not in it, or files would be replaced that Lifespan did not write, which only `force` replaces.
    """
    directories = [_directory(one) for one in _listed(runs)]
    from lifespan.report.html import write_report

    named = (groups,) if isinstance(groups, str) else tuple(groups)
    return WrittenReport(write_report(directories, out, groups=named, control=control, pdf=pdf, animate=animate, force=force))


def _listed(runs: Any) -> list[Any]:
    one = isinstance(runs, str | os.PathLike) or hasattr(runs, "directory") or not isinstance(runs, Iterable)
    return [runs] if one else list(runs)


def _directory(run: Any) -> Path:
    found = getattr(run, "directory", run)
    if not isinstance(found, str | os.PathLike):
        remedy = 'For example: lifespan.report("runs/first-life").'
        raise ScenarioError(f"report({type(run).__name__})", "is neither a path, nor a record, nor an outcome.", remedy)
    return Path(found)
