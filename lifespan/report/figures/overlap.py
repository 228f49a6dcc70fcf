"""Overlap of masks against chance, and whether those that share structure also share function."""

from __future__ import annotations

from typing import Any

import pandas as pd
from matplotlib.axes import Axes

from lifespan.analysis.analysis import Analysis
from lifespan.analysis.summaries import ANATOMY, TASK_MASKS
from lifespan.report.figures.canvas import AGE, INK, Drawing, Drawn, canvas, keys, legend, line_style, marker, style
from lifespan.report.figures.lines import moment
from lifespan.report.figures.marks import means, of_group
from lifespan.report.labels import PAIRS


def draw(analysis: Analysis) -> Drawn:
    """Jaccard overlap corrected for chance against age, a panel per kind of pair; a last one against common errors."""
    table = analysis.mask_overlaps
    if table.empty:
        return None
    table = table[table["group"].isin(analysis.highlighted)].reset_index(drop=True)
    known = set(zip(table["pairs"], table["masks"], strict=True))
    kinds = [(kind, masks) for kind in PAIRS for masks in (TASK_MASKS, ANATOMY) if (kind, masks) in known]
    both = table.dropna(subset=["kappa"])
    with style():
        figure, panels = canvas(2.1 * (len(kinds) + (not both.empty)) + 0.4, len(kinds) + (not both.empty))
        for axes, (kind, masks) in zip(panels, kinds, strict=False):
            part = table[(table["pairs"] == kind) & (table["masks"] == masks)]
            _against_age(axes, analysis, part)
            pairs = len(part.drop_duplicates(["group", "individual", "other"]))
            axes.set_title(f"{masks}, {PAIRS[kind]} (pairs: {pairs})")
        panels[len(kinds) - 1].set_xlabel(AGE)
        if not both.empty:
            for group, part in both.groupby("group", sort=False):
                color = line_style(analysis, str(group))["color"]
                with of_group(panels[-1], group):
                    panels[-1].plot(
                        part["corrected"], part["kappa"], marker(analysis, str(group)), color=color, alpha=0.6, markersize=4
                    )
            panels[-1].axvline(0, color=INK, linewidth=0.9, linestyle=":")
            panels[-1].axhline(0, color=INK, linewidth=0.9, linestyle=":")
            panels[-1].set(xlabel="overlap of masks above chance", ylabel="kappa of errors")
            panels[-1].set_title(f"structure and function (pairs: {len(both)})")
        legend(figure, keys(analysis, table, markers=True))
    return figure, table


def _against_age(axes: Axes, analysis: Analysis, part: pd.DataFrame) -> None:
    axes.axhline(0, color=INK, linewidth=0.9, linestyle=":")
    for name, rows in part.groupby("group", sort=False):
        shown, group = line_style(analysis, str(name)), str(name)
        with of_group(axes, group):
            axes.plot(rows["age"], rows["corrected"], ".", color=shown["color"], alpha=0.35, markersize=3.5)
        # A pair that shares several masks counts once.
        pairs = rows.groupby(["individual", "other", "step"], sort=False)[["age", "corrected"]].mean().reset_index()
        pairs = pairs.rename(columns={"corrected": "value"})
        bold = pd.DataFrame([moment(own) for _, own in pairs.groupby("step", sort=True)])
        with of_group(axes, group):
            axes.fill_between(bold["age"], bold["low"], bold["high"], color=shown["color"], alpha=0.18, linewidth=0)
            look: dict[str, Any] = {"linewidth": 1.8, "marker": marker(analysis, group), "markersize": 4.5, **shown}
            means(axes.plot(bold["age"], bold["mean"], **look), bold)
    axes.set_ylabel("overlap above chance")


OVERLAP = Drawing(
    "Mask overlap against chance",
    "Jaccard overlap of two masks, corrected for the overlap of independent masks of the same densities: 0 (dotted) is "
    "chance, 1 the same subnetwork. Anatomy and task masks stand apart; a mask that is still full, which overlaps any other "
    "by chance exactly, and a task without a mask of its own are left out. Dots are pairs, lines means with 95% intervals "
    "over pairs (pairs that share an individual are not independent, so these intervals are too narrow). Below, where errors "
    "were compared too: do pairs that share structure err on the same examples?",
    "many good subnetworks: overlap near chance in lives of equal score, and no slope against common errors.",
    draw,
)
