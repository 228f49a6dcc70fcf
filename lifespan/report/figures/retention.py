"""Which task is still known when."""

from __future__ import annotations

import pandas as pd
import seaborn

from lifespan.analysis.analysis import Analysis
from lifespan.analysis.scores import chance_normalised
from lifespan.analysis.timelines import first_learned
from lifespan.report.figures.canvas import Drawing, Drawn, brief, canvas, short, shorts, span, style
from lifespan.report.figures.marks import described
from lifespan.report.formatting import number


def draw(analysis: Analysis) -> Drawn:
    """R[i, j]: mean score on task j (column) once task i (row) was learned, a heatmap for each highlighted group."""
    rows = analysis.retention
    if rows["task"].nunique() < 2:
        return None
    named = ["group", "row", "learned", "task"]
    table = rows.groupby(named, sort=False)["value"].agg(mean="mean", n="count").reset_index()
    table["n"] = table["n"].astype(int)
    table = table[table["group"].isin(analysis.highlighted)].reset_index(drop=True)
    groups = [group for group in analysis.cohort.groups if group in set(table["group"])]
    table = table.assign(share=chance_normalised(analysis.cohort, table["task"], table["mean"]))
    low, high = float(table["share"].min()), float(table["share"].max())
    height = sum(0.34 * table.loc[table["group"] == group, "row"].nunique() + 0.8 for group in groups) + 0.3
    with style():
        figure, panels = canvas(height, len(groups))
        for axes, group in zip(panels, groups, strict=True):
            cells = table[table["group"] == group]
            tasks = [task for task in first_learned(analysis.cohort, group) if task in set(cells["task"])]
            cells = cells.sort_values("row")
            matrix, shares = (
                cells.pivot_table(index="learned", columns="task", values=name, sort=False)[tasks]
                for name in ("mean", "share")
            )
            room, names = max(6, 44 // len(tasks)), brief(tasks)
            labels = {"yticklabels": shorts([_without_prefix(str(row), names) for row in matrix.index], 16)}
            labels["xticklabels"] = shorts([names[task] for task in tasks], room)
            seaborn.heatmap(
                shares,
                **{
                    "ax": axes,
                    "vmin": low,
                    "vmax": high,
                    "cmap": "cividis",
                    "annot": matrix if len(tasks) <= 9 else False,
                    "fmt": ".2f",
                },
                **{"linewidths": 1.5, "linecolor": "none", "cbar": len(tasks) > 9, **labels},
            )
            axes.set(xlabel="", ylabel="after learning")
            axes.set_title(f"{short(group, 30)} (n = {span(cells['n'])})")
            described(axes, group=group)
            counts = cells.set_index(["learned", "task"])["n"]
            shown = [(row, task) for row in shares.index for task in tasks if pd.notna(shares.loc[row, task])]
            for text, (row, task) in zip(axes.texts, shown, strict=False):
                described(text, f"{task} after {row}: {number(matrix.loc[row, task])} (n = {counts[row, task]})", group=group)
            axes.grid(False)
            axes.tick_params(length=0, axis="both", labelrotation=0)
        panels[-1].set_xlabel("score on")
    return figure, table


def _without_prefix(moment: str, names: dict[str, str]) -> str:
    """A moment of learning ("micro-inference (2)") with the task's short name."""
    task = next((task for task in names if moment == task or moment.startswith(f"{task} (")), "")
    return names[task] + moment.removeprefix(task) if task else moment


RETENTION = Drawing(
    "Retention",
    "Mean score on each task (columns) once each task was learned (rows, from the top) and at the end of life, "
    "as numbers. Colours are chance-normalised, on one scale for all tasks and groups. Empty cells were not measured.",
    "columns keep their colour from the row where the task was learned down to the end of life.",
    draw,
)
