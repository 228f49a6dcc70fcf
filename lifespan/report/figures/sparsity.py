"""Synapses: how many are dead, and what the score is at each number."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from lifespan.analysis.analysis import Analysis
from lifespan.analysis.cohort import INDIVIDUAL
from lifespan.report.figures.canvas import (
    AGE,
    INK,
    THIN_UP_TO,
    Drawing,
    Drawn,
    canvas,
    keys,
    legend,
    line_style,
    marker,
    style,
    titled,
)
from lifespan.report.figures.lines import developments, moment, stage_legend, stages, with_status
from lifespan.report.figures.marks import means, of_group
from lifespan.report.labels import primary_label


def curve(analysis: Analysis) -> Drawn:
    """Fraction of dead prunable synapses against age."""
    table = analysis.sparsities[[*INDIVIDUAL, "step", "stage", "age", "value", "n"]]
    if table.empty or not table["value"].any():
        return None
    table = with_status(analysis, table)
    with style():
        figure, (axes,) = canvas(2.7)
        developments(axes, analysis, table, by="step")
        stages(axes, analysis)
        axes.set_title(titled(analysis, table, "all prunable synapses"))
        axes.set(xlabel=AGE, ylabel="sparsity", ylim=(-0.03, min(1.03, table["value"].max() + 0.1)))
        legend(figure, keys(analysis, table))
        stage_legend(figure, analysis)
    return figure, table


def performance(analysis: Analysis) -> Drawn:
    """Primary score against sparsity, a panel per task. Open markers: just pruned; filled: the last score there."""
    dead = analysis.sparsities[["group", "individual", "step", "value"]].rename(columns={"value": "sparsity"})
    scores = analysis.primary_scores[[*INDIVIDUAL, "status", "task", "metric", "step", "stage", "value"]]
    table = scores.merge(dead, on=["group", "individual", "step"])
    if table["sparsity"].nunique() < 2:
        return None
    kinds = {
        (group, step["step"]): step.get("kind") for group in analysis.cohort.groups for step in analysis.cohort.timeline(group)
    }
    level = [*INDIVIDUAL, "task", "sparsity"]
    last = ~table.duplicated(level, keep="last")
    pruned = [kinds.get(key) == "Age" for key in zip(table["group"], table["step"], strict=True)]
    table["drawn"] = np.where(last, "last", np.where(pruned, "just pruned", "no"))
    table = table[table["drawn"] != "no"].reset_index(drop=True)
    tasks = [task for task in analysis.cohort.tasks if task in set(table["task"])]
    with style():
        figure, panels = canvas(2.0 * len(tasks) + 0.5, len(tasks), sharex=True)
        for axes, task in zip(panels, tasks, strict=True):
            _settled_and_pruned(axes, analysis, table[table["task"] == task])
            axes.set_title(titled(analysis, table[table["task"] == task], task))
            axes.set_ylabel(primary_label(analysis.cohort, task))
        panels[-1].set_xlabel("sparsity (fraction of prunable synapses that are dead)")
        hollow = Line2D([], [], color=INK, marker="o", markerfacecolor="none", linestyle="", label="just pruned")
        legend(figure, [*keys(analysis, table, markers=True), hollow])
    return figure, table


def _settled_and_pruned(axes: Axes, analysis: Analysis, table: pd.DataFrame) -> None:
    highlighted = analysis.highlighted
    for name, rows in table.groupby("group", sort=False):
        group, shown = str(name), line_style(analysis, str(name))
        settled, pruned = rows[rows["drawn"] == "last"], rows[rows["drawn"] == "just pruned"]
        settled = settled.assign(age=settled["sparsity"])
        bold = pd.DataFrame([moment(level) for _, level in settled.groupby(settled["age"].round(4), sort=True)])
        if group not in highlighted:
            with of_group(axes, group):
                axes.plot(bold["age"], bold["mean"], linewidth=0.8, alpha=0.7, zorder=1.5, **shown)
            continue
        if rows["individual"].nunique() <= THIN_UP_TO and len(highlighted) == len(analysis.cohort.groups):
            for _, life in settled.groupby("individual", sort=False):
                with of_group(axes, group):
                    axes.plot(life["sparsity"], life["value"], color=shown["color"], linewidth=0.6, alpha=0.45)
        with of_group(axes, group):
            axes.fill_between(bold["age"], bold["low"], bold["high"], color=shown["color"], alpha=0.18, linewidth=0)
            look: dict[str, Any] = {"linewidth": 1.8, "marker": marker(analysis, group), "markersize": 4.5, **shown}
            means(axes.plot(bold["age"], bold["mean"], **look), bold)
            fresh = pruned.groupby(pruned["sparsity"].round(4))[["sparsity", "value"]].mean()
            hollow: dict[str, Any] = {"marker": marker(analysis, group), "markerfacecolor": "none", "markersize": 5.5}
            axes.plot(fresh["sparsity"], fresh["value"], color=shown["color"], linestyle="", **hollow)


CURVE = Drawing(
    "Synapse curve",
    "Fraction of prunable synapses that are dead, against age.",
    "a staircase that only rises, equal in all individuals of a group; a fall where synapses grow.",
    curve,
    lines=True,
)
PERFORMANCE = Drawing(
    "Score against sparsity",
    "Primary score at each sparsity lived through: filled markers the last score there, open ones the mean right "
    "after pruning.",
    "a flat line, and filled markers well above the open ones: function survives the loss of synapses.",
    performance,
    lines=True,
)
