"""What ageing takes, what recovery gives back, and how long a task is remembered."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes

from lifespan.analysis import continual as recall
from lifespan.analysis import scores as outcomes
from lifespan.analysis.cohort import WHO, Evidence
from lifespan.analysis.retention import kept
from lifespan.report.figures.canvas import INK, RESAMPLES, Drawing, Drawn, canvas, keys, legend, look, marker, style, titled
from lifespan.report.figures.lines import moment
from lifespan.stats import inference as stats


def recovery(evidence: Evidence) -> Drawn:
    """Each loss of synapses that a recovery followed: scores before, right after, and recovered, a panel per task."""
    table = outcomes.recoveries(evidence)
    table = table[table["group"].isin(outcomes.telling(evidence))].reset_index(drop=True)
    tasks = [task for task in evidence.tasks if task in set(table["task"])]
    if not tasks:
        return None
    groups = [group for group in outcomes.telling(evidence) if group in set(table["group"])]
    with style():
        figure, panels = canvas(2.2 * len(tasks) + 0.4, len(tasks), sharex=True)
        cycles = sorted(table["to"].unique())
        for axes, task in zip(panels, tasks, strict=True):
            part = table[table["task"] == task]
            for place, group in enumerate(groups):
                shift = (place - (len(groups) - 1) / 2) * min(0.16, 0.7 / len(groups))
                _arrows(axes, evidence, part[part["group"] == group], group, cycles, shift)
            axes.set_title(titled(evidence, part, task))
            axes.set_ylabel(evidence.primary(task))
        panels[-1].set_xticks(range(len(cycles)), [f"{to:.0%}" for to in cycles])
        panels[-1].set_xlabel("aged to a sparsity of")
        legend(figure, keys(evidence, table, markers=True))
    return figure, table


def decay(evidence: Evidence) -> Drawn:
    """Share of a task's score above chance that is left, against steps since it was learned; half-lives in the table."""
    table = _kept(evidence)
    table = table[table["group"].isin(outcomes.telling(evidence))].reset_index(drop=True)
    tasks = [task for task in evidence.tasks if task in set(table["task"])]
    if not tasks:
        return None
    with style():
        figure, panels = canvas(2.1 * len(tasks) + 0.4, len(tasks), sharex=True)
        for axes, task in zip(panels, tasks, strict=True):
            part = table[table["task"] == task]
            axes.axhline(0.5, color=INK, linewidth=0.9, linestyle=":")
            for name, rows in part.groupby("group", sort=False):
                group, shown = str(name), look(evidence, str(name))
                met = rows.assign(age=rows["since"], value=rows["kept"])
                bold = pd.DataFrame([moment(each) for _, each in met.groupby("step", sort=True)])
                axes.fill_between(bold["age"], bold["low"], bold["high"], color=shown["color"], alpha=0.18, linewidth=0)
                axes.plot(bold["age"], bold["mean"], linewidth=1.7, marker=marker(evidence, group), markersize=3.5, **shown)
            axes.set_title(titled(evidence, part, task))
            axes.set_ylabel("kept (share)")
        panels[-1].set_xlabel("optimizer steps since the task was learned")
        legend(figure, keys(evidence, table, markers=True))
    return figure, table


def _arrows(axes: Axes, evidence: Evidence, rows: pd.DataFrame, group: str, cycles: list[float], shift: float) -> None:
    color = look(evidence, group)["color"]
    for to, met in rows.groupby("to", sort=True):
        at = cycles.index(float(to)) + shift  # type: ignore[arg-type]
        before, after, again = (met[name].mean() for name in ("before", "after", "recovered"))
        axes.plot([at - 0.05, at + 0.05], [before, before], color=color, linewidth=1.5)
        axes.plot([at, at], [after, again], color=color, linewidth=1.2)
        found = stats.mean_interval(met["recovered"].to_numpy(), resamples=RESAMPLES)
        if found.known:
            axes.plot([at, at], [found.low, found.high], color=color, linewidth=4, alpha=0.25, solid_capstyle="butt")
        axes.plot([at], [after], marker(evidence, group), color=color, markerfacecolor="none", markersize=5)
        axes.plot([at], [again], marker(evidence, group), color=color, markersize=5)


def _kept(evidence: Evidence) -> pd.DataFrame:
    """`lifetimes.kept` with half-lives, of tasks that were looked at three times or more since they were learned."""
    table = kept(evidence)
    table = table[table.groupby([*WHO, "task"])["step"].transform("size") >= 3] if len(table) else table
    return table.merge(recall.half_lives(evidence), how="left", on=[*WHO, "task"])


RECOVERY = Drawing(
    "Loss and recovery",
    "Each loss of synapses that a recovery followed: the tick is the mean score before, the open marker right after the "
    "loss, the filled one after recovery, with its 95% BCa interval as a broad bar.",
    "filled markers at the height of their ticks, however low the open ones lie: a quick recovery restores the function.",
    recovery,
)
DECAY = Drawing(
    "Forgetting curves",
    "Share of a task's score above chance that is left, against the optimizer steps since it was learned. Lines are "
    "means, bands 95% BCa intervals; the dotted line is one half. Half-lives of exponential decay are in the data, for "
    "every individual; those beyond the last look are extrapolations.",
    "level lines near 1. A line that crosses one half does so at the half-life of the group's mean.",
    decay,
)
