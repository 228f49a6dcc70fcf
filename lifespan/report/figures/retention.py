"""Which task is still known when."""

from __future__ import annotations

import seaborn

from lifespan.analysis.analysis import Analysis
from lifespan.analysis.timelines import first_learned
from lifespan.report.figures.canvas import Drawing, Drawn, canvas, short, shorts, span, style


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
    low, high = float(table["mean"].min()), float(table["mean"].max())
    height = sum(0.34 * table.loc[table["group"] == group, "row"].nunique() + 0.8 for group in groups) + 0.3
    with style():
        figure, panels = canvas(height, len(groups))
        for axes, group in zip(panels, groups, strict=True):
            cells = table[table["group"] == group]
            tasks = [task for task in first_learned(analysis.cohort, group) if task in set(cells["task"])]
            cells = cells.sort_values("row")
            matrix = cells.pivot_table(index="learned", columns="task", values="mean", sort=False)[tasks]
            room = max(6, 44 // len(tasks))
            labels = {"yticklabels": shorts(matrix.index, 16)}
            labels["xticklabels"] = shorts(tasks, room)
            seaborn.heatmap(
                matrix,
                **{"ax": axes, "vmin": low, "vmax": high, "cmap": "cividis", "annot": len(tasks) <= 9, "fmt": ".2f"},
                **{"linewidths": 1.5, "linecolor": "none", "cbar": len(tasks) > 9, **labels},
            )
            axes.set(xlabel="", ylabel="after learning")
            axes.set_title(f"{short(group, 30)} (n = {span(cells['n'])})")
            axes.grid(False)
            axes.tick_params(length=0, axis="both", labelrotation=0)
        panels[-1].set_xlabel("score on")
    return figure, table


RETENTION = Drawing(
    "Retention",
    "Mean score on each task (columns) once each task was learned (rows, from the top) and at the end of life, "
    "on one colour scale for all groups. Empty cells were not measured.",
    "columns keep their colour from the row where the task was learned down to the end of life.",
    draw,
)
