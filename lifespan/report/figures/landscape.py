"""Loss landscapes: slices through a subject, and barriers between two."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from lifespan.analysis import scores as outcomes
from lifespan.analysis.cohort import WHO, Evidence
from lifespan.report.figures.canvas import Drawing, Drawn, keys, legend, look, marker, short, small_panels, span, style
from lifespan.report.figures.lines import moment

MOST = 9
"""Panels that one figure shows."""


def slices(evidence: Evidence) -> Drawn:
    """Mean loss along random directions through each subject, a panel per task and look."""
    rows = evidence.measurements
    rows = rows[(rows["probe"] == "LossSlice") & rows["metric"].str.startswith("loss@")].dropna(subset=["value"])
    if rows.empty:
        return None
    place = pd.to_numeric(rows["metric"].map(lambda metric: metric.partition("@")[2]), errors="coerce")
    table = rows.assign(place=place).dropna(subset=["place"])[[*WHO, "task", "step", "stage", "age", "place", "value"]]
    table = table[table["group"].isin(outcomes.telling(evidence))].reset_index(drop=True)
    panels_of = list(dict.fromkeys(zip(table["task"], table["step"], strict=True)))[:MOST]
    if not panels_of:
        return None
    with style():
        figure, panels, columns = small_panels(len(panels_of), 1.9, 0.4, sharex=True)
        for axes, (task, step) in zip(panels, panels_of, strict=False):
            part = table[(table["task"] == task) & (table["step"] == step)]
            for group, met in part.groupby("group", sort=False):
                _profile(axes, evidence, str(group), met)
            counts = part.groupby("group")["individual"].nunique()
            axes.set_title(f"{short(task, 18)}, age {part['age'].mean():,.0f} (n = {span(counts)})", fontsize=8)
            axes.set_ylabel("loss")
        for axes in panels[-columns:]:
            axes.set_xlabel("distance along the direction")
        legend(figure, keys(evidence, table))
    return figure, table


def barriers(evidence: Evidence) -> Drawn:
    """Mean loss on the straight line between two subjects, a panel per kind of pair and task."""
    table = _paths(evidence)
    if table.empty:
        return None
    table = table[table["group"].isin(outcomes.telling(evidence))].reset_index(drop=True)
    panels_of = list(dict.fromkeys(zip(table["pairs"], table["task"], strict=True)))[:MOST]
    if not panels_of:
        return None
    with style():
        figure, panels, columns = small_panels(len(panels_of), 2.0, 0.4)
        for axes, (pairs, task) in zip(panels, panels_of, strict=False):
            part = table[(table["pairs"] == pairs) & (table["task"] == task)]
            # The last look of each life at each pair: paths from several ages would hide each other.
            part = part[part["step"] == part.groupby(["group", "individual", "other"])["step"].transform("max")]
            for group, met in part.groupby("group", sort=False):
                _profile(axes, evidence, str(group), met)
            count = len(part.drop_duplicates(["group", "individual", "other"]))
            axes.set_title(f"{short(pairs, 26)},\n{short(task, 24)} (pairs: {count})", fontsize=8)
            axes.set_ylabel("loss")
        for axes in panels[-columns:]:
            axes.set_xlabel("place between the two")
        legend(figure, keys(evidence, table))
    return figure, table


def _profile(axes: Axes, evidence: Evidence, group: str, rows: pd.DataFrame) -> None:
    """Thin lines of single subjects or pairs, and their mean with its band."""
    shown = look(evidence, group)
    single = ["individual", "other"] if "other" in rows else ["individual"]
    for _, own in rows.groupby(single, sort=False):
        line = own.groupby("place")["value"].mean()
        axes.plot(line.index, line, color=shown["color"], linewidth=0.5, alpha=0.35)
    bold = pd.DataFrame([moment(met.assign(age=met["place"])) for _, met in rows.groupby("place", sort=True)])
    axes.fill_between(bold["age"], bold["low"], bold["high"], color=shown["color"], alpha=0.15, linewidth=0)
    axes.plot(bold["age"], bold["mean"], linewidth=1.7, marker=marker(evidence, group), markersize=3, **shown)


def _paths(evidence: Evidence) -> pd.DataFrame:
    """group, individual, other, pairs, task, step, place, value: the loss at each place of each path."""
    between = evidence.contrasts
    between = between[between["probe"] == "Barrier"]
    between = between.assign(
        other=between["other_group"] + " " + between["other_individual"].astype(str),
        pairs=np.where(between["pairs"] == "twins", "between twins of groups", "between individuals"),
    )
    within = evidence.measurements
    within = within[within["probe"].str.startswith("Barrier since")]
    within = within.assign(other="self", pairs=within["probe"].str.replace("Barrier since", "with the self at", regex=False))
    columns = ["group", "individual", "other", "pairs", "task", "step", "metric", "value"]
    parts = [part.reindex(columns=columns) for part in (between, within) if len(part)]
    rows = pd.concat(parts) if parts else within.reindex(columns=columns)
    place = pd.to_numeric(rows["metric"].str.extract(r"^loss@(.+)$")[0], errors="coerce")
    return rows.assign(place=place).dropna(subset=["place", "value"]).drop(columns="metric").reset_index(drop=True)


SLICES = Drawing(
    "Loss slices",
    "Loss along random directions, scaled as the weights, through each subject (0 is the subject itself). Thin lines are "
    "individuals, bold lines means with 95% BCa intervals.",
    "a wide flat floor around 0: a place that noise and pruning do not leave.",
    slices,
)
BARRIERS = Drawing(
    "Loss barriers",
    "Loss on the straight line between two subjects, at the last look at each pair. Thin lines are pairs, bold lines "
    "means with 95% BCa intervals over pairs.",
    "no hill between the ends: the two lie in one basin. A hill says that they do not, by this line.",
    barriers,
)
