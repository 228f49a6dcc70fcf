"""The section that compares several runs: the settings that differ between them, and their scores side by side."""

from __future__ import annotations

import pandas as pd

from lifespan.analysis.analysis import Analysis
from lifespan.analysis.cohort import run_names
from lifespan.report.formatting import bounds, number
from lifespan.report.labels import primary_label
from lifespan.report.matrices import Cell, Matrix
from lifespan.report.section import Section
from lifespan.report.templates import inlined, render

SHOWN = 40
"""Settings that are open; of more, the others unfold."""


def comparison(analysis: Analysis) -> Section | None:
    """What differs between the runs and what each scored; None for a single run."""
    cohort = analysis.cohort
    if len(cohort.directories) < 2:
        return None
    settings = analysis.run_settings
    runs = run_names(cohort.studies, cohort.directories)
    page = render(
        "page/comparison.html.j2",
        runs=list(zip(runs, [str(directory) for directory in cohort.directories], strict=True)),
        settings=[list(row) for row in settings.itertuples(index=False)],
        shown=SHOWN,
        scores=score_matrix(analysis),
    )
    return Section("runs", "Runs compared", page, css=str(inlined("page/comparison.css")))


def score_matrix(analysis: Analysis) -> Matrix:
    """Mean final primary scores: a row for each task and group by its own name, a column for each run."""
    table = analysis.run_scores
    runs = run_names(analysis.cohort.studies, analysis.cohort.directories)
    keys = list(dict.fromkeys(zip(table["task"], table["group"], strict=True)))
    cells = {(row["task"], row["group"], row["run"]): _cell(row) for _, row in table.iterrows()}
    label = {task: f"{task}, {primary_label(analysis.cohort, task)}" for task, _ in keys}
    rows = tuple((f"{group} on {label[task]}", tuple(cells.get((task, group, run)) for run in runs)) for task, group in keys)
    counts = {cell.n for cell in cells.values()}
    return Matrix(tuple((run, "") for run in runs), rows, counts.pop() if len(counts) == 1 else "")


def _cell(row: pd.Series) -> Cell:
    return Cell(number(row["mean"]), bounds(row, "[{}, {}]"), str(row["n"]), "")
