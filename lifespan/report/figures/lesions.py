"""Lesion maps: what each head or layer is worth to each task."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.lines import Line2D

from lifespan.analysis.analysis import Analysis
from lifespan.analysis.cohort import INDIVIDUAL
from lifespan.analysis.scores import last_rows
from lifespan.report.figures.canvas import (
    INK,
    Drawing,
    Drawn,
    brief,
    canvas,
    keys,
    legend,
    line_style,
    marker,
    short,
    small_panels,
    span,
    style,
)
from lifespan.report.figures.lines import moment
from lifespan.report.figures.marks import means, of_group
from lifespan.report.labels import primary_label

MOST = 12
"""Maps that one figure shows."""

WHOLE_LAYER = -1
"""The unit that stands for a layer with all of its heads, in the data; drawn as "all", in a column of its own."""


def maps(analysis: Analysis) -> Drawn:
    """Mean change of the score with a unit silenced: layers down, heads and the whole layer across; by group, task, age."""
    rows = _changes(analysis)
    if rows.empty:
        return None
    named = ["group", "task", "step", "layer", "unit"]
    # An individual that was evaluated twice at one step counts once.
    rows = rows.groupby([*named, "individual"], sort=False).agg(value=("value", "mean"), age=("age", "mean")).reset_index()
    table = rows.groupby(named, sort=False)["value"].agg(change="mean", n="count").reset_index()
    ages = rows.groupby(["group", "step"])["age"].mean()
    shown = table[table["group"].isin(analysis.highlighted)]
    chosen = list(dict.fromkeys(zip(shown["group"], shown["task"], shown["step"], strict=True)))[:MOST]
    reach = float(np.nanmax(np.abs(shown["change"]))) or 1.0
    layers, names = table["layer"].nunique(), brief(list(analysis.cohort.tasks))
    with style():
        figure, panels, _ = small_panels(len(chosen), 0.2 * layers + 0.75, 0.5)
        image = None
        for axes, (group, task, step) in zip(panels, chosen, strict=False):
            part = shown[(shown["group"] == group) & (shown["task"] == task) & (shown["step"] == step)]
            grid = part.pivot_table(index="layer", columns="unit", values="change", sort=True)
            grid = grid[sorted(grid.columns, key=lambda unit: (unit == WHOLE_LAYER, unit))]
            options = {"cmap": "RdBu", "vmin": -reach, "vmax": reach, "shading": "flat", "rasterized": False}
            image = axes.pcolormesh(grid.to_numpy(), **options, edgecolors="face", linewidth=0.2)
            axes.set_title(
                f"{short(group, 16)}, {short(names.get(task, task), 20)},\n"
                f"age {ages[group, step]:,.0f} (n = {part['n'].max()})",
                fontsize=8,
            )
            axes.set_yticks(np.arange(len(grid)) + 0.5, [str(layer) for layer in grid.index], fontsize=7)
            units = ["all" if unit == WHOLE_LAYER else str(unit) for unit in grid.columns]
            axes.set_xticks(np.arange(len(units)) + 0.5, units, fontsize=7)
            if len(units) > 1 and units[-1] == "all":
                axes.axvline(len(units) - 1, color=INK, linewidth=1.2)
            axes.set(xlabel="whole layer" if units == ["all"] else "head, and the whole layer" if "all" in units else "head")
            axes.set_ylabel("layer")
            axes.invert_yaxis()
            axes.grid(False)
        if image is not None:
            bar = figure.colorbar(image, ax=list(panels[: len(chosen)]), location="bottom", aspect=45, shrink=0.8)
            bar.set_label("change of the score without this unit")
    return figure, table


def targeted(analysis: Analysis) -> Drawn:
    """Score against the share of units lesioned: those that matter most, random ones, and those that matter least."""
    rows = last_rows(analysis.cohort, "TargetedLesions")
    parsed = rows["metric"].str.extract(r"^(?P<metric>[^@]+)@(?P<share>[\d.]+)/(?P<kind>targeted|random|harmless)$")
    table = rows[[*INDIVIDUAL, "task", "age", "value"]].join(parsed).dropna(subset=["kind"])
    table = table[table["metric"] == table["task"].map(analysis.cohort.primary)] if len(table) else table
    if table.empty:
        return None
    table["share"] = table["share"].astype(float)
    table = table[table["group"].isin(analysis.highlighted)].reset_index(drop=True)
    tasks = [task for task in analysis.cohort.tasks if task in set(table["task"])]
    styles: dict[str, Any] = {"targeted": "-", "random": "--", "harmless": ":"}
    with style():
        figure, panels = canvas(2.1 * len(tasks) + 0.4, len(tasks), sharex=True)
        for axes, task in zip(panels, tasks, strict=True):
            part = table[table["task"] == task]
            for (group, kind), own in part.groupby(["group", "kind"], sort=False):
                bold = pd.DataFrame(
                    [moment(at_share.assign(age=at_share["share"])) for _, at_share in own.groupby("share", sort=True)]
                )
                color = line_style(analysis, str(group))["color"]
                with of_group(axes, group):
                    axes.fill_between(bold["age"], bold["low"], bold["high"], color=color, alpha=0.1, linewidth=0)
                    mark = marker(analysis, str(group))
                    look: dict[str, Any] = {"color": color, "linestyle": styles[str(kind)], "marker": mark, "markersize": 4}
                    means(axes.plot(bold["age"], bold["mean"], **look), bold)
            counts = part.groupby("group")["individual"].nunique()
            axes.set_title(f"{task} (n = {span(counts)})")
            axes.set_ylabel(primary_label(analysis.cohort, task))
        panels[-1].set_xlabel("share of units lesioned")
        kinds = {"targeted": "most important", "random": "random", "harmless": "least important"}
        drawn = [Line2D([], [], color=INK, linestyle=styles[kind], label=name) for kind, name in kinds.items()]
        legend(figure, [*keys(analysis, table, markers=True), *drawn])
    return figure, table


def _changes(analysis: Analysis) -> pd.DataFrame:
    """Score with a unit silenced minus score without a lesion, one row per individual, evaluation and unit."""
    rows = analysis.cohort.measurements
    rows = rows[rows["probe"] == "LesionMap"].dropna(subset=["value"])
    if rows.empty:
        return rows
    names = rows["metric"].map(lambda metric: metric.partition("@")[2])
    whole = rows[names == "none"][[*INDIVIDUAL, "task", "step", "value"]].rename(columns={"value": "whole"})
    # Heads and layers may be asked by two probes at one step, each with a score without a lesion.
    whole = whole.groupby([*INDIVIDUAL, "task", "step"])[["whole"]].mean().reset_index()
    cut = rows[names != "none"].assign(name=names[names != "none"])
    table = cut.merge(whole, on=[*INDIVIDUAL, "task", "step"])
    layer = table["name"].map(lambda name: int((re.findall(r"\.(\d+)", name) or ["0"])[-1]))
    unit = table["name"].map(lambda name: int((re.findall(r"head (\d+)", name) or [WHOLE_LAYER])[0]))
    return table.assign(layer=layer, unit=unit, value=table["value"] - table["whole"])


MAPS = Drawing(
    "Lesion map",
    'Mean change of the score when one head is silenced, by layer and head; the column "all" is the whole layer silenced at '
    "once. Red is a loss. n counts individuals. Ages at which several "
    f"maps were made stand one after the other; at most {MOST} maps, the data has all.",
    "pale everywhere: no single unit carries the task. Compare young and aged, and the random lesions below.",
    maps,
)
TARGETED = Drawing(
    "Targeted lesions against random ones",
    "Score without the share of units that matters most, without as many random ones, and without those that matter least, at "
    "the last evaluation of each life. Lines are means, bands 95% intervals.",
    "the solid line falls below the dashed: function is localised. Where they agree it is spread.",
    targeted,
)
