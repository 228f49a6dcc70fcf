"""What ageing takes, what recovery gives back, and how long a task is remembered."""

from __future__ import annotations

from typing import Any

import pandas as pd
from matplotlib.axes import Axes

from lifespan.analysis.analysis import Analysis
from lifespan.analysis.cohort import INDIVIDUAL
from lifespan.report.figures.canvas import (
    INK,
    RESAMPLES,
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
from lifespan.report.figures.lines import moment
from lifespan.report.figures.marks import described, mean_text, means, of_group
from lifespan.report.formatting import number
from lifespan.report.labels import primary_label
from lifespan.stats import inference


def recovery(analysis: Analysis) -> Drawn:
    """Each loss of synapses that a recovery followed: scores before, right after, and recovered, a panel per task."""
    table = analysis.recoveries
    table = table[table["group"].isin(analysis.highlighted)].reset_index(drop=True)
    tasks = [task for task in analysis.cohort.tasks if task in set(table["task"])]
    if not tasks:
        return None
    groups = [group for group in analysis.highlighted if group in set(table["group"])]
    with style():
        figure, panels = canvas(2.2 * len(tasks) + 0.4, len(tasks), sharex=True)
        cycles = sorted(table["to"].unique())
        for axes, task in zip(panels, tasks, strict=True):
            part = table[table["task"] == task]
            for place, group in enumerate(groups):
                shift = (place - (len(groups) - 1) / 2) * min(0.16, 0.7 / len(groups))
                with of_group(axes, group):
                    _arrows(axes, analysis, part[part["group"] == group], group, cycles, shift)
            axes.set_title(titled(analysis, part, task))
            axes.set_ylabel(primary_label(analysis.cohort, task))
        panels[-1].set_xticks(range(len(cycles)), [f"{to:.0%}" for to in cycles])
        panels[-1].set_xlabel("aged to a sparsity of")
        legend(figure, keys(analysis, table, markers=True))
    return figure, table


def decay(analysis: Analysis) -> Drawn:
    """Share of a task's score above chance that is left, against steps since it was learned; half-lives in the table."""
    table = _kept(analysis)
    table = table[table["group"].isin(analysis.highlighted)].reset_index(drop=True)
    tasks = [task for task in analysis.cohort.tasks if task in set(table["task"])]
    if not tasks:
        return None
    with style():
        figure, panels = canvas(2.1 * len(tasks) + 0.4, len(tasks), sharex=True)
        for axes, task in zip(panels, tasks, strict=True):
            part = table[table["task"] == task]
            axes.axhline(0.5, color=INK, linewidth=0.9, linestyle=":")
            for name, rows in part.groupby("group", sort=False):
                group, shown = str(name), line_style(analysis, str(name))
                shares = rows.assign(age=rows["since"], value=rows["kept"])
                bold = pd.DataFrame([moment(own) for _, own in shares.groupby("step", sort=True)])
                with of_group(axes, group):
                    axes.fill_between(bold["age"], bold["low"], bold["high"], color=shown["color"], alpha=0.18, linewidth=0)
                    look: dict[str, Any] = {"linewidth": 1.7, "marker": marker(analysis, group), "markersize": 3.5, **shown}
                    means(axes.plot(bold["age"], bold["mean"], **look), bold)
            axes.set_title(titled(analysis, part, task))
            axes.set_ylabel("kept (share)")
        panels[-1].set_xlabel("optimizer steps since the task was learned")
        legend(figure, keys(analysis, table, markers=True))
    return figure, table


def _arrows(axes: Axes, analysis: Analysis, rows: pd.DataFrame, group: str, cycles: list[float], shift: float) -> None:
    color = line_style(analysis, group)["color"]
    for to, own in rows.groupby("to", sort=True):
        at = cycles.index(float(to)) + shift  # type: ignore[arg-type]
        before, after, again = (own[name].mean() for name in ("before", "after", "recovered"))
        axes.plot([at - 0.05, at + 0.05], [before, before], color=color, linewidth=1.5)
        axes.plot([at, at], [after, again], color=color, linewidth=1.2)
        mean = inference.mean_interval(own["recovered"].to_numpy(), resamples=RESAMPLES)
        if mean.known:
            axes.plot([at, at], [mean.low, mean.high], color=color, linewidth=4, alpha=0.25, solid_capstyle="butt")
        regained = mean_text({"mean": mean.estimate, "low": mean.low, "high": mean.high, "n": mean.n})
        said = f"{to:.0%}: {number(before)} before, {number(after)} right after, recovered {regained}"
        described(axes.plot([at], [after], marker(analysis, group), color=color, markerfacecolor="none", markersize=5), said)
        described(axes.plot([at], [again], marker(analysis, group), color=color, markersize=5), said)


def _kept(analysis: Analysis) -> pd.DataFrame:
    """Shares kept with half-lives, of tasks that were evaluated three times or more since they were learned."""
    table = analysis.shares_kept
    table = table[table.groupby([*INDIVIDUAL, "task"])["step"].transform("size") >= 3] if len(table) else table
    return table.merge(analysis.half_lives, how="left", on=[*INDIVIDUAL, "task"])


RECOVERY = Drawing(
    "Loss and recovery",
    "Each loss of synapses that a recovery followed: the tick is the mean score before, the open marker right after the "
    "loss, the filled one after recovery, with its 95% interval as a broad bar.",
    "filled markers at the height of their ticks, however low the open ones lie: a quick recovery restores the function.",
    recovery,
)
DECAY = Drawing(
    "Forgetting curves",
    "Share of a task's score above chance that is left, against the optimizer steps since it was learned. Lines are "
    "means, bands 95% intervals; the dotted line is one half. Half-lives of exponential decay are in the data, for "
    "every individual; those beyond the last evaluation are extrapolations.",
    "level lines near 1. A line that crosses one half does so at the half-life of the group's mean.",
    decay,
)
