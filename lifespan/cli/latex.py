"""`lifespan table --latex`: a table of the report as LaTeX, printed or written to a file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from lifespan.cli import display
from lifespan.cli.record_display import say_altered
from lifespan.errors import RecordError, ScenarioError, did_you_mean
from lifespan.record import record
from lifespan.record.files import write_bytes


def latex_table(places: Sequence[Path], name: str, out: Path | None, caption: str, label: str, *, force: bool = False) -> None:
    """Print a table of these run directories' report, or write it to a file that ends in .tex.

    Raises `ScenarioError` for a name or label that is none, `RecordError` for another ending and a file of somebody else's.
    """
    if out is not None and out.suffix.lower() != ".tex":
        raise RecordError(f"--out {out}", "is no file for LaTeX.", "Let it end in .tex.")
    from lifespan.analysis.analysis import Analysis
    from lifespan.report.latex import MARK, latex

    for place in places:
        say_altered(record.read(place))
    tables = Analysis(list(places)).tables()
    if name not in tables:
        raise ScenarioError(f"--latex {name}", "is no table of the report.", did_you_mean(name, list(tables)))
    text = latex(tables[name], caption=caption, label=label)
    if out is None:
        display.console.print(text, end="", markup=False, soft_wrap=True)
        return
    if not force and out.exists() and not out.read_bytes().startswith(MARK.encode()):
        remedy = "Choose another --out, or add --force to replace it."
        raise RecordError(f"--out {out}", "is there already, and is no table that Lifespan wrote.", remedy)
    write_bytes(out, text.encode())
    display.say(f"{len(tables[name]):,} rows: {out}")
