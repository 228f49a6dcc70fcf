"""Portraits of one individual and its twin, young and old: weights, units and attention side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes

from lifespan.analysis.analysis import Analysis
from lifespan.analysis.portraits import Sitting, at_ages, shown_task
from lifespan.report.figures.canvas import INK, Drawing, Drawn, canvas, short, style

GROUPS = 2
"""Groups that stand beside each other; `groups=` chooses others."""
TOKENS = 16
"""Tokens up to which they are named beside the attention."""


def draw(analysis: Analysis, ages: Sequence[float] = ()) -> Drawn:
    """A column for each group and age: weights by layer, sparsity of heads and of neurons, attention of the last layer."""
    rows = analysis.portraits
    present = [group for group in analysis.highlighted if group in set(rows["group"])]
    columns = at_ages(rows, present[:GROUPS], ages)
    if not columns:
        return None
    task, number = shown_task(rows), len(columns)
    bright = _brightest(rows, columns, task)
    parts = []
    with style():
        figure, panels = canvas(6.0, 4, number, height_ratios=[1.0, 0.7, 0.8, 1.9])
        for place, sitting in enumerate(columns):
            own = rows[(rows["group"] == sitting.group) & (rows["step"] == sitting.step)]
            weights, heads, neurons, attention = panels[place::number]
            drawn = [
                _weights(weights, own),
                _heads(heads, own, number),
                _neurons(neurons, own),
                _attention(attention, own, task, bright, room=72 // number),
            ]
            parts += [part.assign(group=sitting.group, step=sitting.step, age=sitting.age) for part in drawn]
            weights.set_title(f"{short(sitting.group, 72 // number)}\nage {sitting.age:,}", fontsize=8)
            if place == 0:
                weights.set_ylabel("share of weights", fontsize=7.5)
                heads.set_ylabel("layer", fontsize=7.5)
                neurons.set_ylabel("dead share", fontsize=7.5)
        top = max(axes.get_ylim()[1] for axes in panels[:number])
        for place, axes in enumerate(panels):
            axes.tick_params(labelsize=6)
            if place < number:
                axes.set_ylim(-0.03 * top, top)
    table = pd.concat(parts, ignore_index=True)
    table["individual"] = rows["individual"].iloc[0]
    return figure, table[["group", "individual", "step", "age", "part", "layer", "x", "y", "value"]]


def _weights(axes: Axes, own: pd.DataFrame) -> pd.DataFrame:
    """Shares of a layer's living weights by bin; those beyond the axis as a number at its edge."""
    counts = own[(own["part"] == "weights") & (own["task"] == "")]
    edges = np.sort(counts["edge"].unique())
    width = edges[2] - edges[1]
    found = counts.groupby(["layer", "edge"])["value"].sum().reset_index()
    found["value"] /= found.groupby("layer")["value"].transform("sum").replace(0, np.nan)
    for layer, part in found.groupby("layer"):
        inside = part[np.isfinite(part["edge"]) & (part["edge"] < edges[-1])]
        axes.plot(inside["edge"] + width / 2, inside["value"], color=_shade(layer, found), linewidth=1.0)
    for edge, side, ha in ((edges[0], 0.0, "left"), (edges[-1], 1.0, "right")):
        beyond = float(found[found["edge"] == edge]["value"].mean())
        if beyond >= 0.0005:
            axes.text(side, 0.97, f"{beyond:.1%}", transform=axes.transAxes, ha=ha, va="top", fontsize=6, color=INK)
    axes.set_xlabel("weight", fontsize=7)
    return pd.DataFrame({"part": "weights", "layer": found["layer"], "x": found["edge"], "value": found["value"]})


def _heads(axes: Axes, own: pd.DataFrame, columns: int) -> pd.DataFrame:
    found = own[(own["part"] == "heads") & (own["task"] == "")]
    grid = found.pivot_table(index="layer", columns="unit", values="value")
    axes.pcolormesh(grid.to_numpy(), cmap="cividis_r", vmin=0, vmax=1, edgecolors="face", linewidth=0.2)
    for row, column in np.ndindex(grid.shape):
        if grid.size <= 16 and columns <= 2:
            value = float(grid.to_numpy()[row, column])
            text: dict[str, Any] = {
                "ha": "center",
                "va": "center",
                "fontsize": 6,
                "color": "white" if value > 0.5 else "black",
            }
            axes.text(column + 0.5, row + 0.5, f"{value:.0%}", **text)
    axes.set_xticks(np.arange(grid.shape[1]) + 0.5, [f"{unit:.0f}" for unit in grid.columns])
    axes.set_yticks(np.arange(grid.shape[0]) + 0.5, [f"{layer:.0f}" for layer in grid.index])
    axes.set_xlabel("head", fontsize=7)
    axes.grid(False)
    return pd.DataFrame({"part": "heads", "layer": found["layer"], "x": found["unit"], "value": found["value"]})


def _neurons(axes: Axes, own: pd.DataFrame) -> pd.DataFrame:
    """Sparsity of a layer's neurons in rising order."""
    found = own[(own["part"] == "neurons") & (own["task"] == "")].sort_values(["layer", "value"], kind="stable")
    for layer, part in found.groupby("layer"):
        axes.plot(np.linspace(0, 1, len(part)), part["value"], color=_shade(layer, found), linewidth=1.0)
    axes.set(ylim=(-0.04, 1.04))
    axes.set_xlabel("neurons, sorted", fontsize=7)
    return pd.DataFrame({"part": "neurons", "layer": found["layer"], "x": found["unit"], "value": found["value"]})


def _of_last_layer(own: pd.DataFrame, task: str) -> pd.DataFrame:
    """Attention in the first sentence, the mean over the last layer's heads: layer, row, column, value."""
    maps = own[(own["part"] == "attention") & (own["task"] == task) & (own["name"] == "0")]
    last = maps[maps["layer"] == maps["layer"].max()]
    means: pd.DataFrame = last.groupby(["layer", "row", "column"])["value"].mean().reset_index()
    return means


def _brightest(rows: pd.DataFrame, columns: Sequence[Sitting], task: str) -> float:
    """The highest attention of all columns, which share one scale."""
    chosen = [rows[(rows["group"] == one.group) & (rows["step"] == one.step)] for one in columns]
    return float(np.nanmax([_of_last_layer(own, task)["value"].max() for own in chosen] + [0.01]))


def _attention(axes: Axes, own: pd.DataFrame, task: str, bright: float, room: int) -> pd.DataFrame:
    """Mean over heads of the last layer's attention in the first sentence, from rows to columns."""
    long = _of_last_layer(own, task)
    axes.grid(False)
    if long.empty:
        axes.set_axis_off()
        axes.text(0.5, 0.5, "no task\nlearned yet", ha="center", va="center", fontsize=7, transform=axes.transAxes)
        return pd.DataFrame({"part": [], "layer": [], "x": [], "y": [], "value": []})
    grid = long.pivot_table(index="row", columns="column", values="value")
    axes.pcolormesh(grid.to_numpy(), cmap="cividis", vmin=0, vmax=bright, edgecolors="face", linewidth=0.2)
    axes.invert_yaxis()
    words = own[(own["part"] == "tokens") & (own["task"] == task) & (own["unit"] == 0)].sort_values("row")["name"]
    named = [short(word, 8) for word in words] if len(words) <= TOKENS else []
    at = np.arange(len(named)) + 0.5
    axes.set_yticks(at, named)
    if room > 20:
        axes.set_xticks(at, named, rotation=90)
    else:
        axes.set_xticks([])
    axes.set_title(f"layer {long['layer'].iloc[0]:.0f}, 0 to {bright:.2f}", fontsize=7, fontweight="normal")
    axes.set_xlabel(short(task, room), fontsize=6.5)
    return long.rename(columns={"column": "x", "row": "y"}).assign(part="attention")


def _shade(layer: Any, table: pd.DataFrame) -> Any:
    """Darker for layers near the input."""
    return colormaps["cividis"](0.05 + 0.75 * float(layer) / max(1.0, float(table["layer"].max())))


PORTRAIT = Drawing(
    "Portraits",
    "One individual at its first and last portrait, beside its twin. From above: how the living weights of each layer are "
    "distributed (dark: near the input; a number at the edge is the mean share beyond it); the dead share of each head "
    "(yellow: none, dark: all) and of each neuron; and what the tokens of a sentence (rows) attend to (columns): the mean "
    "over the last layer's heads, on one scale for all columns. The explorer below shows every age, head and matrix.",
    "twins that look alike until their lives part. Units that die whole say that structure was lost in blocks.",
    draw,
)
