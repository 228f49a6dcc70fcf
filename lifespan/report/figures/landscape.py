"""Loss landscapes: slices through a subject, and barriers between two."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from lifespan.analysis.analysis import Analysis
from lifespan.analysis.cohort import INDIVIDUAL
from lifespan.report.figures.canvas import Drawing, Drawn, keys, legend, line_style, marker, short, small_panels, span, style
from lifespan.report.figures.lines import moment
from lifespan.report.figures.marks import means, of_group
from lifespan.report.labels import checkpoint_label

MOST = 9
"""Panels that one figure shows."""


def slices(analysis: Analysis) -> Drawn:
    """Mean loss along random directions through each subject, a panel per task and moment."""
    rows = analysis.cohort.measurements
    rows = rows[(rows["probe"] == "LossSlice") & rows["metric"].str.startswith("loss@")].dropna(subset=["value"])
    if rows.empty:
        return None
    place = pd.to_numeric(rows["metric"].map(lambda metric: metric.partition("@")[2]), errors="coerce")
    table = rows.assign(place=place).dropna(subset=["place"])[[*INDIVIDUAL, "task", "step", "stage", "age", "place", "value"]]
    table = table[table["group"].isin(analysis.highlighted)].reset_index(drop=True)
    panels_of = list(dict.fromkeys(zip(table["task"], table["step"], strict=True)))[:MOST]
    if not panels_of:
        return None
    with style():
        figure, panels, columns = small_panels(len(panels_of), 1.9, 0.4, sharex=True)
        for axes, (task, step) in zip(panels, panels_of, strict=False):
            part = table[(table["task"] == task) & (table["step"] == step)]
            for group, own in part.groupby("group", sort=False):
                with of_group(axes, group):
                    _profile(axes, analysis, str(group), own)
            counts = part.groupby("group")["individual"].nunique()
            axes.set_title(f"{short(task, 30)}\nage {part['age'].mean():,.0f} (n = {span(counts)})", fontsize=8)
            axes.set_ylabel("loss")
        for axes in panels[-columns:]:
            axes.set_xlabel("distance along the direction")
        legend(figure, keys(analysis, table))
    return figure, table


def barriers(analysis: Analysis) -> Drawn:
    """Mean loss on the straight line between two subjects, a panel per kind of pair and task."""
    table = _paths(analysis)
    if table.empty:
        return None
    table = table[table["group"].isin(analysis.highlighted)].reset_index(drop=True)
    panels_of = list(dict.fromkeys(zip(table["pairs"], table["task"], strict=True)))[:MOST]
    if not panels_of:
        return None
    with style():
        figure, panels, columns = small_panels(len(panels_of), 2.0, 0.4)
        for axes, (pairs, task) in zip(panels, panels_of, strict=False):
            part = table[(table["pairs"] == pairs) & (table["task"] == task)]
            # The last comparison of each pair: paths from several ages would hide each other.
            part = part[part["step"] == part.groupby(["group", "individual", "other"])["step"].transform("max")]
            for group, own in part.groupby("group", sort=False):
                with of_group(axes, group):
                    _profile(axes, analysis, str(group), own)
            count = len(part.drop_duplicates(["group", "individual", "other"]))
            axes.set_title(f"{short(pairs, 30)},\n{short(task, 24)} (pairs: {count})", fontsize=8)
            axes.set_ylabel("loss")
        for axes in panels[-columns:]:
            axes.set_xlabel("place between the two")
        legend(figure, keys(analysis, table))
    return figure, table


def _profile(axes: Axes, analysis: Analysis, group: str, rows: pd.DataFrame) -> None:
    """Thin lines of single subjects or pairs, and their mean with its band."""
    shown = line_style(analysis, group)
    single = ["individual", "other"] if "other" in rows else ["individual"]
    for _, own in rows.groupby(single, sort=False):
        line = own.groupby("place")["value"].mean()
        axes.plot(line.index, line, color=shown["color"], linewidth=0.5, alpha=0.35)
    bold = pd.DataFrame([moment(own.assign(age=own["place"])) for _, own in rows.groupby("place", sort=True)])
    axes.fill_between(bold["age"], bold["low"], bold["high"], color=shown["color"], alpha=0.15, linewidth=0)
    means(axes.plot(bold["age"], bold["mean"], linewidth=1.7, marker=marker(analysis, group), markersize=3, **shown), bold)


def _paths(analysis: Analysis) -> pd.DataFrame:
    """group, individual, other, pairs, task, step, place, value: the loss at each place of each path."""
    between = analysis.cohort.contrasts
    between = between[between["probe"] == "Barrier"]
    between = between.assign(
        other=between["other_group"] + " " + between["other_individual"].astype(str),
        pairs=np.where(between["pairs"] == "twins", "between twins of groups", "between individuals"),
    )
    within = analysis.cohort.measurements
    within = within[within["probe"].str.startswith("Barrier since")]
    since = within["probe"].str.removeprefix("Barrier since ")
    within = within.assign(other="self", pairs="with itself " + since.map(checkpoint_label))
    columns = ["group", "individual", "other", "pairs", "task", "step", "metric", "value"]
    parts = [part.reindex(columns=columns) for part in (between, within) if len(part)]
    rows = pd.concat(parts) if parts else within.reindex(columns=columns)
    place = pd.to_numeric(rows["metric"].str.extract(r"^loss@(.+)$")[0], errors="coerce")
    return rows.assign(place=place).dropna(subset=["place", "value"]).drop(columns="metric").reset_index(drop=True)


SLICES = Drawing(
    "Loss slices",
    "Loss along random directions, scaled as the weights, through each subject (0 is the subject itself). Thin lines are "
    "individuals, bold lines means with 95% intervals.",
    "a wide flat floor around 0: a place that noise and pruning do not leave.",
    slices,
)
BARRIERS = Drawing(
    "Loss barriers",
    "Loss on the straight line between two subjects, at the last comparison of each pair. Thin lines are pairs, bold lines "
    "means with 95% intervals over pairs.",
    "no hill between the ends: the two lie in one basin. A hill says that they do not, by this line.",
    barriers,
)
