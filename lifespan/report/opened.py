"""A run directory as users hold it in Python: its tables, and the figures and tables that a report makes of them.

`lifespan.record` knows rows alone and may not import what is made of them; so what `lifespan.read` returns, which has both,
stands here. Whatever needs pandas or matplotlib is imported when it is first asked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from lifespan.errors import RecordError, did_you_mean
from lifespan.record import record

if TYPE_CHECKING:
    import pandas

    from lifespan.analysis.analysis import Analysis
    from lifespan.report.plots import Plots


@dataclass(frozen=True)
class OpenRecord(record.Record):
    """A run directory, read. Tables are pandas DataFrames, figures matplotlib Axes.

    `record.plot.trajectories()` draws a figure of the report, as do all methods of `Plots`.
    """

    @cached_property
    def plot(self) -> Plots:
        """The figures of a report, one by one: `record.plot.trajectories(ax=, groups=, tasks=)`."""
        from lifespan.report.plots import Plots

        return Plots(self)

    @cached_property
    def analysis(self) -> Analysis:
        """Every table that a report is made of, each computed when it is first asked for."""
        from lifespan.analysis.analysis import Analysis

        return Analysis(self)

    def table(self, name: str) -> pandas.DataFrame:
        """A table of the report, such as "final_scores" or "comparisons": what `tables/<name>.csv` holds beside a report.

        Raises `RecordError` for a name that no table has; it names them.
        """
        tables = self.analysis.tables()
        if name not in tables:
            raise RecordError(f"table {name!r}", "is none of the report's.", did_you_mean(name, list(tables)))
        return tables[name]

    def latex(self, name: str, *, caption: str = "", label: str = "") -> str:
        """The same as LaTeX with booktabs, n and 95% intervals, as `lifespan table --latex` prints it."""
        from lifespan.report.latex import latex

        return latex(self.table(name), caption=caption, label=label)


def read(directory: str | Path) -> OpenRecord:
    """Open a run directory. Raises `RecordError` where it is none."""
    found = record.read(directory)
    return OpenRecord(found.directory, found.study, found.environment)
