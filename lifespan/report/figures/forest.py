"""Differences from the control twins: of the final scores for every group, and of all outcomes for the highlighted ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from lifespan.analysis.analysis import Analysis
from lifespan.report.figures.canvas import (
    INK,
    PAGE,
    Drawing,
    Drawn,
    brief,
    canvas,
    legend,
    line_style,
    marker,
    short,
    shorts,
    small_panels,
    style,
)
from lifespan.report.figures.marks import Mark, described, mean_text, of_group
from lifespan.report.formatting import MINUS, number
from lifespan.report.labels import outcome_label, primary_label

ROW = 0.2
"""Height of a row in inches."""

FARTHEST = 6.0
"""Standardised difference beyond which a mark is drawn at the edge as an arrow with its value."""


def scores(analysis: Analysis) -> Drawn:
    """Paired difference in the final score of every group, a panel per task."""
    table = analysis.comparisons
    table = table[["task", "group", "control", "difference", "low", "high", "n", "hedges_g_av", "p", "p_holm"]]
    tasks = [task for task in analysis.cohort.tasks if task in set(table["task"])]
    if not tasks:
        return None
    # Of groups that live one life on different tasks, one row each: the arm.
    arm = {group: name for name, groups in analysis.arms.items() for group in groups}
    table = table.assign(row=[arm.get(group, group) for group in table["group"]])
    rows = list(dict.fromkeys(arm.get(group, group) for group in analysis.cohort.groups if group in set(table["group"])))
    names = brief(tasks)
    with style():
        figure, panels, columns = small_panels(len(tasks), ROW * len(rows) + 0.75, across=3, sharey=True)
        for place, (axes, task) in enumerate(zip(panels, tasks, strict=False)):
            part = table[table["task"] == task].set_index("row").reindex(rows)
            groups, said = list(part["group"].fillna("")), [_difference(row) for _, row in part.iterrows()]
            _rows(axes, analysis, groups, part["difference"], part["low"], part["high"], texts=said)
            axes.set_title(short(names[task], 40 // columns + 4))
            axes.locator_params(axis="x", nbins=6 // columns)
            if place % columns == 0:
                _names(axes, shorts(rows, 30))
            axes.set_xlabel("difference" if columns > 1 else f"difference in {primary_label(analysis.cohort, task)}")
    return figure, table.drop(columns="row")


def everything(analysis: Analysis) -> Drawn:
    """Standardised difference in every outcome, a row per outcome, groups side by side."""
    table = analysis.outcome_comparisons
    table = table[table["group"].isin(analysis.highlighted)].reset_index(drop=True)
    names = list(dict.fromkeys(table["outcome"]))
    if len(names) < 2:
        return None
    groups = [group for group in analysis.highlighted if group in set(table["group"])]
    reach = _reach(table)
    with style():
        figure, (axes,) = canvas(len(names) * max(ROW, 0.09 * len(groups) + 0.08) + 0.7)
        for place, group in enumerate(groups):
            part = table[table["group"] == group].set_index("outcome").reindex(names)
            shift = (place - (len(groups) - 1) / 2) * min(0.8 / len(groups), 0.3)
            good = part["direction"].fillna(0).replace(0, 1)
            ends = (part[["g_low", "g_high"]].mul(good, axis=0)).agg(["min", "max"], axis=1)
            _rows(
                axes,
                analysis,
                [group] * len(names),
                part["hedges_g_av"] * good,
                ends["min"],
                ends["max"],
                texts=[_standardised(name, row) for name, (_, row) in zip(names, part.iterrows(), strict=True)],
                shift=shift,
                reach=reach,
            )
        ways = table.drop_duplicates("outcome").set_index("outcome")
        tasks = brief(list(analysis.cohort.tasks))
        labels = [outcome_label(name).removesuffix(ways["task"][name]) + tasks.get(ways["task"][name], "") for name in names]
        arrows = {1: "", -1: " \N{DOWNWARDS ARROW}", 0: " \N{LEFT RIGHT ARROW}"}
        _names(
            axes, [short(label, 36) + arrows[int(ways["direction"][name])] for label, name in zip(labels, names, strict=True)]
        )
        axes.tick_params(axis="y", labelsize=7)
        axes.set_xlim(-1.1 * reach, 1.1 * reach)
        axes.set_xlabel("Hedges' g_av, right is better", fontsize=9)
        handles = [
            Line2D(
                [],
                [],
                marker=marker(analysis, g),
                linestyle="",
                color=line_style(analysis, g)["color"],
                label=short(g, 52),
                gid=Mark(g),
            )
            for g in groups
        ]
        if len(groups) > 1:
            legend(figure, handles)
    return figure, table


def _rows(
    axes: Axes,
    analysis: Analysis,
    groups: Sequence[str],
    middle: pd.Series,
    low: pd.Series,
    high: pd.Series,
    *,
    texts: Sequence[str],
    shift: float = 0.0,
    reach: float = np.inf,
) -> None:
    """A mark and its interval in every row, filled where that excludes zero; beyond `reach` an arrow with the value."""
    axes.axvline(0, color=INK, linewidth=0.9, zorder=1)
    for place, group in enumerate(groups):
        value, start, end = middle.iloc[place], low.iloc[place], high.iloc[place]
        if not np.isfinite(value):
            continue
        shown, clear = line_style(analysis, group), np.isfinite(start) and (start > 0 or end < 0)
        at = place + shift
        fill, color = shown["color"] if clear else PAGE, shown["color"]
        with of_group(axes, group):
            if np.isfinite(start):
                described(axes.plot([start, end], [at, at], color=color, linewidth=1.5, solid_capstyle="butt"), texts[place])
            if abs(value) > reach:
                _beyond(axes, value, at, reach, {"color": color, "markerfacecolor": fill}, texts[place])
                continue
            mark = marker(analysis, group).replace(".", "o")
            described(axes.plot([value], [at], mark, color=color, markerfacecolor=fill, markersize=4.5), texts[place])


def _difference(row: pd.Series) -> str:
    """A difference from the control twins with its interval and n; empty where there is none."""
    if not np.isfinite(row["difference"]):
        return ""
    shown = {"mean": row["difference"], "low": row["low"], "high": row["high"], "n": row["n"]}
    return f"difference from {row['control']}: {mean_text(shown)}, g_av {number(row['hedges_g_av'], 2)}"


def _standardised(name: str, row: pd.Series) -> str:
    """A standardised difference with its interval and n; empty where there is none."""
    if not np.isfinite(row["hedges_g_av"]):
        return ""
    shown = {"mean": row["hedges_g_av"], "low": row["g_low"], "high": row["g_high"], "n": row["n"]}
    return f"{outcome_label(name)}: difference from {row['control']} {number(row['difference'])}, g_av {mean_text(shown)}"


def _beyond(axes: Axes, value: float, at: float, reach: float, look: dict[str, Any], said: str) -> None:
    """An arrow at the edge that points to where the mark lies, and the number that it stands for."""
    side = np.sign(value)
    described(axes.plot([side * 1.05 * reach], [at], ">" if side > 0 else "<", markersize=6, zorder=3, **look), said)
    text = f"{value:.1f}".replace("-", MINUS)
    place: dict[str, Any] = {"ha": "right" if side > 0 else "left", "va": "center", "fontsize": 7, "zorder": 3}
    axes.text(
        side * 0.99 * reach, at, text, color=look["color"], **place, bbox={"facecolor": PAGE, "linewidth": 0, "pad": 0.8}
    )


def _reach(table: pd.DataFrame) -> float:
    """How far the axis goes to either side: to the farthest end of an interval, but not beyond `FARTHEST`."""
    ends = table[["hedges_g_av", "g_low", "g_high"]].abs().to_numpy(dtype=float)
    return float(min(FARTHEST, max(1.0, np.nanmax(ends, initial=1.0))))


def _names(axes: Axes, names: list[str]) -> None:
    axes.set_yticks(range(len(names)), names, fontsize=8)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.grid(False, axis="y")


SCORES = Drawing(
    "Differences from the control twins",
    "Mean paired difference (group minus control) in each task's final score, with its 95% interval; filled where the "
    "interval excludes zero.",
    "for a treatment or a recovery, intervals that cover zero or lie to its right; for a disorder that harms, to its left. "
    "Wide intervals say that n is too small.",
    scores,
)
EVERYTHING = Drawing(
    "All outcomes",
    "Standardised mean paired difference in every outcome of the record, its last value in life, turned so that right is "
    "better where one way is (\N{DOWNWARDS ARROW}: less of it is better; \N{LEFT RIGHT ARROW}: neither way). The line is "
    "the interval of the difference in the same unit, the standard deviation taken as known; filled where it excludes zero. "
    "An arrow at the edge stands for a mark beyond the axis and says its value. Exploratory: the "
    "Benjamini-Hochberg-adjusted p values are in the data.",
    "no mark far to the left; outcomes of one kind that agree.",
    everything,
)
