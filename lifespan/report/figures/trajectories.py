"""Scores and losses against age."""

from __future__ import annotations

import pandas as pd

from lifespan.analysis.analysis import Analysis
from lifespan.analysis.cohort import INDIVIDUAL
from lifespan.report.figures.canvas import AGE, Drawing, Drawn, canvas, keys, legend, style, titled
from lifespan.report.figures.lines import developments, stage_legend, stages, start_at_first, with_status
from lifespan.report.labels import primary_label

EVENT = "event of life (lives differ much in length)"
LONGER = 2
"""How much longer than the median one life is evaluated, where lives are drawn by events rather than by age."""

BINS = 80
"""Bins of age that a training curve is averaged in."""


def trajectories(analysis: Analysis) -> Drawn:
    """Primary score on held-out examples against age, a panel per task."""
    table = analysis.primary_scores
    table = table[[*INDIVIDUAL, "status", "task", "metric", "step", "stage", "age", "value", "n"]]
    tasks = [task for task in analysis.cohort.tasks if task in set(table["task"])]
    if not tasks or not table.duplicated([*INDIVIDUAL, "task"]).any():
        return None
    by_event = lengths_differ(table)
    drawn = table.assign(age=table["step"]) if by_event else table
    with style():
        figure, panels = canvas(2.0 * len(tasks) + 0.5, len(tasks), sharex=True)
        for axes, task in zip(panels, tasks, strict=True):
            developments(axes, analysis, drawn[drawn["task"] == task], by="step")
            stages(axes, analysis, by_event=by_event)
            axes.set_title(titled(analysis, table[table["task"] == task], task))
            axes.set_ylabel(primary_label(analysis.cohort, task))
        start_at_first(panels[-1], drawn["age"])
        panels[-1].set_xlabel(EVENT if by_event else AGE)
        legend(figure, keys(analysis, table))
        stage_legend(figure, analysis)
    return figure, table.reset_index(drop=True)


def lengths_differ(table: pd.DataFrame) -> bool:
    """Whether one group is evaluated over more than twice the time of half of the groups.

    >>> lengths_differ(pd.DataFrame({"group": ["a", "b", "c"] * 2, "age": [1000, 1000, 1000, 1100, 1110, 1300]}))
    True
    """
    spans = table.groupby("group")["age"].max() - table["age"].min()
    return bool(spans.max() > LONGER * spans.median())


def coinciding(analysis: Analysis) -> list[list[str]]:
    """Groups whose individuals have the same scores at the same ages throughout, so that their lines hide one another."""
    alike: dict[tuple[tuple[object, ...], ...], list[str]] = {}
    for group, rows in analysis.primary_scores.groupby("group", sort=False):
        values = rows[["seed", "task", "step", "age", "value"]].itertuples(index=False, name=None)
        alike.setdefault(tuple(values), []).append(str(group))
    return [groups for groups in alike.values() if len(groups) > 1]


def training(analysis: Analysis) -> Drawn:
    """Training loss, and the fraction of mask bits flipped where structure learns, against age in bins."""
    rows = analysis.cohort.measurements
    rows = rows[(rows["probe"] == "Training") & rows["metric"].isin(["loss", "flips"])].dropna(subset=["value", "age"])
    if rows.empty:
        return None
    width = max(1.0, float(rows["age"].max()) / BINS)
    rows = rows.assign(bin=(rows["age"] // width).astype(int))
    named = [*INDIVIDUAL, "step", "stage", "task", "metric", "bin"]
    table = rows.groupby(named, sort=False).agg(age=("age", "mean"), value=("value", "mean"), rows=("value", "size"))
    table = with_status(analysis, table.reset_index())
    drawn = [metric for metric in ("loss", "flips") if metric in set(table["metric"])]
    with style():
        figure, panels = canvas(1.9 * len(drawn) + 0.5, len(drawn), sharex=True)
        for axes, metric in zip(panels, drawn, strict=True):
            part = table[table["metric"] == metric]
            developments(axes, analysis, part, by="bin", breaks=True)
            stages(axes, analysis)
            axes.set_title(titled(analysis, part, metric))
            axes.set_ylabel({"loss": "training loss", "flips": "mask bits flipped"}[metric])
            if metric == "loss" and part["value"].min() > 0 and part["value"].max() > 20 * part["value"].median():
                axes.set_yscale("log")
        panels[-1].set_xlabel(AGE)
        legend(figure, keys(analysis, table))
        stage_legend(figure, analysis)
    return figure, table


TRAJECTORIES = Drawing(
    "Developmental trajectories",
    "Primary score on held-out examples against age, or against the events of life where one life is more than twice as "
    "long as most. Shading and dotted lines mark the control group's steps.",
    "high after learning, a small drop at each loss of synapses, and a return to the old level after recovery.",
    trajectories,
    lines=True,
)
TRAINING = Drawing(
    "Training curves",
    "Training loss and, where structure was learned, the fraction of mask bits that differ from the start, in "
    f"{BINS} bins of age.",
    "loss that falls and settles in each step. Flips that stay at zero mean that structure could not learn.",
    training,
    lines=True,
)
