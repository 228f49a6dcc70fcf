"""Synapses: how many are dead, and what the score is at each number."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from lifespan.analysis import scores as outcomes
from lifespan.analysis.cohort import WHO, Evidence
from lifespan.report.figures.canvas import (
    AGE,
    INK,
    THIN_UP_TO,
    Drawing,
    Drawn,
    canvas,
    keys,
    legend,
    look,
    marker,
    style,
    titled,
)
from lifespan.report.figures.lines import developments, moment, stage_legend, stages, with_status


def curve(evidence: Evidence) -> Drawn:
    """Fraction of dead prunable synapses against age."""
    table = outcomes.sparsities(evidence)[[*WHO, "step", "stage", "age", "value", "n"]]
    if table.empty or not table["value"].any():
        return None
    table = with_status(evidence, table)
    with style():
        figure, (axes,) = canvas(2.7)
        developments(axes, evidence, table, by="step")
        stages(axes, evidence)
        axes.set_title(titled(evidence, table, "all prunable synapses"))
        axes.set(xlabel=AGE, ylabel="sparsity", ylim=(-0.03, min(1.03, table["value"].max() + 0.1)))
        legend(figure, keys(evidence, table))
        stage_legend(figure, evidence)
    return figure, table


def performance(evidence: Evidence) -> Drawn:
    """Primary score against sparsity, a panel per task. Open markers: just pruned; filled: the last score there."""
    dead = outcomes.sparsities(evidence)[["group", "individual", "step", "value"]].rename(columns={"value": "sparsity"})
    scores = outcomes.primary_scores(evidence)[[*WHO, "status", "task", "metric", "step", "stage", "value"]]
    table = scores.merge(dead, on=["group", "individual", "step"])
    if table["sparsity"].nunique() < 2:
        return None
    kinds = {(group, step["step"]): step.get("kind") for group in evidence.groups for step in evidence.timeline(group)}
    level = [*WHO, "task", "sparsity"]
    last = ~table.duplicated(level, keep="last")
    pruned = [kinds.get(key) == "Age" for key in zip(table["group"], table["step"], strict=True)]
    table["drawn"] = np.where(last, "last", np.where(pruned, "just pruned", "no"))
    table = table[table["drawn"] != "no"].reset_index(drop=True)
    tasks = [task for task in evidence.tasks if task in set(table["task"])]
    with style():
        figure, panels = canvas(2.0 * len(tasks) + 0.5, len(tasks), sharex=True)
        for axes, task in zip(panels, tasks, strict=True):
            _settled_and_pruned(axes, evidence, table[table["task"] == task])
            axes.set_title(titled(evidence, table[table["task"] == task], task))
            axes.set_ylabel(evidence.primary(task))
        panels[-1].set_xlabel("sparsity (fraction of prunable synapses that are dead)")
        hollow = Line2D([], [], color=INK, marker="o", markerfacecolor="none", linestyle="", label="just pruned")
        legend(figure, [*keys(evidence, table, markers=True), hollow])
    return figure, table


def _settled_and_pruned(axes: Axes, evidence: Evidence, table: pd.DataFrame) -> None:
    told = outcomes.telling(evidence)
    for name, rows in table.groupby("group", sort=False):
        group, shown = str(name), look(evidence, str(name))
        settled, pruned = rows[rows["drawn"] == "last"], rows[rows["drawn"] == "just pruned"]
        settled = settled.assign(age=settled["sparsity"])
        bold = pd.DataFrame([moment(level) for _, level in settled.groupby(settled["age"].round(4), sort=True)])
        if group not in told:
            axes.plot(bold["age"], bold["mean"], linewidth=0.8, alpha=0.7, zorder=1.5, **shown)
            continue
        if rows["individual"].nunique() <= THIN_UP_TO and len(told) == len(evidence.groups):
            for _, life in settled.groupby("individual", sort=False):
                axes.plot(life["sparsity"], life["value"], color=shown["color"], linewidth=0.6, alpha=0.45)
        axes.fill_between(bold["age"], bold["low"], bold["high"], color=shown["color"], alpha=0.18, linewidth=0)
        axes.plot(bold["age"], bold["mean"], linewidth=1.8, marker=marker(evidence, group), markersize=4.5, **shown)
        fresh = pruned.groupby(pruned["sparsity"].round(4))[["sparsity", "value"]].mean()
        hollow: dict[str, Any] = {"marker": marker(evidence, group), "markerfacecolor": "none", "markersize": 5.5}
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
