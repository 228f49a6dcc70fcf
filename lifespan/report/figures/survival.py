"""Survival of functions: how long each task's score stays above half of what was learned."""

from __future__ import annotations

from typing import Any

import pandas as pd

from lifespan.analysis.analysis import Analysis
from lifespan.report.figures.canvas import Drawing, Drawn, brief, canvas, keys, legend, line_style, shorts, style
from lifespan.report.figures.marks import described, of_group
from lifespan.stats import survival


def draw(analysis: Analysis) -> Drawn:
    """Kaplan-Meier curves by task, a line per group, with numbers at risk below."""
    table = analysis.lifetimes
    table = table[table["group"].isin(analysis.highlighted)].reset_index(drop=True)
    tasks = [task for task in analysis.cohort.tasks if task in set(table["task"])]
    if not tasks:
        return None
    groups = [group for group in analysis.highlighted if group in set(table["group"])]
    names = brief(list(analysis.cohort.tasks))
    ratios = [value for _ in tasks for value in (1.9, 0.16 * len(groups) + 0.25)]
    with style():
        figure, panels = canvas(sum(ratios) + 0.5, 2 * len(tasks), height_ratios=ratios, sharex=True)
        ends = float(table["time"].max()) or 1.0
        ticks = [round(ends * share) for share in (0, 0.25, 0.5, 0.75, 1)]
        for place, task in enumerate(tasks):
            upper, lower = panels[2 * place : 2 * place + 2]
            part = table[table["task"] == task]
            for row, group in enumerate(groups):
                own = part[part["group"] == group]
                if own.empty:
                    continue
                curve = survival.kaplan_meier(own["time"].to_numpy(), own["lost"].to_numpy())
                with of_group(upper, group):
                    _curve(upper, curve, line_style(analysis, group))
                lost, of = int(own["lost"].sum()), own["individual"].nunique()
                for tick in ticks:
                    at_risk = int((own["time"] >= tick).sum())
                    color = line_style(analysis, group)["color"]
                    text = lower.text(tick, row, str(at_risk), ha="center", va="center", fontsize=7, color=color)
                    described(text, f"{at_risk} at risk after {tick:,} steps; lost by {lost} of {of}", group=group)
            upper.set(ylim=(-0.04, 1.06), ylabel="kept by")
            upper.set_title(f"{names[task]} (lost: {int(part['lost'].sum())} of {len(part)})")
            lower.set(ylim=(len(groups) - 0.4, -0.6), yticks=range(len(groups)))
            lower.set_yticklabels(shorts(groups, 14), fontsize=6.5)
            lower.set_title("at risk", fontsize=7.5, fontweight="normal", pad=1)
            lower.grid(False)
            for side in ("left", "bottom"):
                lower.spines[side].set_visible(False)
            lower.tick_params(length=0)
        panels[-1].set_xticks(ticks)
        panels[-1].set_xlabel("optimizer steps since the task was learned")
        legend(figure, keys(analysis, table))
    return figure, table


def _curve(axes: Any, curve: pd.DataFrame, shown: dict[str, Any]) -> None:
    times = [0.0, *curve["time"]]
    kept = [1.0, *curve["survival"]]
    axes.step(times, kept, where="post", linewidth=1.7, **shown)
    low, high = [1.0, *curve["low"]], [1.0, *curve["high"]]
    axes.fill_between(times, low, high, step="post", color=shown["color"], alpha=0.12, linewidth=0)
    censored = curve[curve["censored"] > 0]
    axes.plot(censored["time"], censored["survival"], "|", color=shown["color"], markersize=6)


SURVIVAL = Drawing(
    "Survival of functions",
    "Share of individuals that still keep a task: a function is lost at the first of two evaluations in a row at which less "
    "than half of what was learned, above chance, is left. Kaplan-Meier curves with 95% intervals; ticks are individuals "
    "that still had the function at their last evaluation, at the end of life or where they failed or diverged. Below, "
    "individuals at risk.",
    "lines that stay at 1. A step late in life, where few are at risk, says little.",
    draw,
)
