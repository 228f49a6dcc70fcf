"""Figures: evidence to matplotlib and seaborn axes.

Every function takes an `Evidence` and returns the figure and a table of exactly what is drawn in it, or None where the
record holds nothing to draw. Thin lines are individuals, bold lines the mean over those measured, bands its 95% BCa
bootstrap interval; a cross ends the line of an individual that failed or diverged. Colours are safe for colour-blind
readers, and each group has its own line style too, for print without colour.
"""

from __future__ import annotations

import io
import math
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
import seaborn
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle

from lifespan import outcomes, stats
from lifespan.outcomes import WHO, Evidence

Drawn = tuple[Figure, pd.DataFrame] | None

INK = "#24292f"
WIDTH = 5.0
AGE = "age (optimizer steps lived)"
KINDS = {
    **{"Birth": "#949494", "Develop": "#0173b2", "Learn": "#029e73", "Age": "#de8f05"},
    **{"Recover": "#56b4e9", "Suffer": "#d55e00", "Treat": "#cc78bc"},
}
LINES = ("-", (0, (5, 1.5)), (0, (1.5, 1.5)), (0, (6, 1.5, 1.5, 1.5)), (0, (3, 1, 1, 1, 1, 1)))
MARKERS = "osD^vPX"
THIN_UP_TO = 30
"""Individuals per group up to which each gets a thin line; larger groups show mean and band only."""

RESAMPLES = 2000
BINS = 80
_STYLE: Any = {
    **{"font.size": 10, "font.family": "sans-serif", "axes.spines.top": False, "axes.spines.right": False},
    **dict.fromkeys(("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color"), INK),
    **{"axes.grid": True, "grid.color": INK, "grid.alpha": 0.12, "grid.linewidth": 0.6, "axes.axisbelow": True},
    **{"axes.facecolor": "none", "figure.facecolor": "none", "savefig.facecolor": "none", "legend.frameon": False},
    **{"axes.titlesize": 10, "axes.titlelocation": "left", "axes.titleweight": "bold", "axes.linewidth": 0.8},
    **{"svg.fonttype": "none", "svg.hashsalt": "lifespan", "font.sans-serif": ["DejaVu Sans"], "text.usetex": False},
    "text.parse_math": False,
}


def timeline(evidence: Evidence) -> Drawn:
    """What each group lives, step by step; a line marks where a group parts from its control twins."""
    rows = [
        {"group": group, **{key: step.get(key) for key in ("step", "kind", "stage", "task", "to")}}
        for group in evidence.groups
        for step in evidence.timeline(group)
    ]
    if not rows:
        return None
    table = pd.DataFrame(rows)
    parted = outcomes.parting(evidence)
    table["parted"] = table["step"] >= table["group"].map(parted).fillna(np.inf)
    with _style():
        figure, axes = _canvas(0.7 * table["group"].nunique() + 0.6)
        names = _brief(list(evidence.tasks))
        for position, group in enumerate(evidence.groups):
            life = table[table["group"] == group]
            _track(axes, life, position, parted.get(group), names, int(table["step"].max()))
        axes.set_xlim(-0.6, table["step"].max() + 0.6)
        axes.set_ylim(len(evidence.groups) - 0.4, -0.75)
        axes.set_yticks([])
        axes.grid(False)
        axes.spines["left"].set_visible(False)
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.set_xlabel("step of life")
        present = [kind for kind in KINDS if kind in set(table["kind"])]
        _legend(figure, [Patch(color=KINDS[kind], label=kind.lower()) for kind in present])
    return figure, table


def trajectories(evidence: Evidence) -> Drawn:
    """Primary score on held-out examples against age, a panel per task."""
    table = outcomes.primary_scores(evidence)
    table = table[[*WHO, "status", "task", "metric", "step", "stage", "age", "value", "n"]]
    tasks = [task for task in evidence.tasks if task in set(table["task"])]
    if not tasks:
        return None
    with _style():
        figure, panels = _canvas(2.0 * len(tasks) + 0.5, len(tasks), sharex=True)
        for axes, task in zip(panels, tasks, strict=True):
            _developments(axes, evidence, table[table["task"] == task], by="step")
            _stages(axes, evidence)
            axes.set_title(_title(evidence, table[table["task"] == task], task))
            axes.set_ylabel(evidence.primary(task))
        _start_at_first(panels[-1], table["age"])
        panels[-1].set_xlabel(AGE)
        _legend(figure, _keys(evidence, table))
        _stage_legend(figure, evidence)
    return figure, table.reset_index(drop=True)


def retention(evidence: Evidence) -> Drawn:
    """R[i, j]: mean score on task j (column) once task i (row) was learned, a heatmap per group."""
    rows = outcomes.retention(evidence)
    if rows.empty:
        return None
    keys = ["group", "row", "learned", "task"]
    table = rows.groupby(keys, sort=False)["value"].agg(mean="mean", n="count").reset_index()
    table["n"] = table["n"].astype(int)
    groups = [group for group in evidence.groups if group in set(table["group"])]
    low, high = float(table["mean"].min()), float(table["mean"].max())
    height = sum(0.34 * table.loc[table["group"] == group, "row"].nunique() + 0.8 for group in groups) + 0.3
    with _style():
        figure, panels = _canvas(height, len(groups))
        for axes, group in zip(panels, groups, strict=True):
            cells = table[table["group"] == group]
            tasks = [task for task in outcomes.first_learned(evidence, group) if task in set(cells["task"])]
            cells = cells.sort_values("row")
            matrix = cells.pivot_table(index="learned", columns="task", values="mean", sort=False)[tasks]
            room = max(6, 44 // len(tasks))
            labels = {"yticklabels": [_short(name, 16) for name in matrix.index]}
            labels["xticklabels"] = [_short(name, room) for name in tasks]
            seaborn.heatmap(
                matrix,
                **{"ax": axes, "vmin": low, "vmax": high, "cmap": "cividis", "annot": len(tasks) <= 9, "fmt": ".2f"},
                **{"linewidths": 1.5, "linecolor": "none", "cbar": len(tasks) > 9, **labels},
            )
            axes.set(xlabel="", ylabel="after learning")
            axes.set_title(f"{_short(group, 30)} (n = {_range(cells['n'])})")
            axes.grid(False)
            axes.tick_params(length=0, axis="both", labelrotation=0)
        panels[-1].set_xlabel("score on")
    return figure, table


def sparsity(evidence: Evidence) -> Drawn:
    """Fraction of dead prunable synapses against age."""
    table = outcomes.sparsities(evidence)[[*WHO, "step", "stage", "age", "value", "n"]]
    if table.empty:
        return None
    table = _with_status(evidence, table)
    with _style():
        figure, (axes,) = _canvas(2.7, 1)
        _developments(axes, evidence, table, by="step")
        _stages(axes, evidence)
        axes.set_title(_title(evidence, table, "all prunable synapses"))
        axes.set(xlabel=AGE, ylabel="sparsity", ylim=(-0.03, min(1.03, table["value"].max() + 0.1)))
        _legend(figure, _keys(evidence, table))
        _stage_legend(figure, evidence)
    return figure, table


def sparsity_performance(evidence: Evidence) -> Drawn:
    """Primary score against sparsity, a panel per task. Open markers: just pruned; filled: the last score there."""
    dead = outcomes.sparsities(evidence)[["group", "individual", "step", "value"]].rename(columns={"value": "sparsity"})
    scores = outcomes.primary_scores(evidence)[[*WHO, "status", "task", "metric", "step", "stage", "value"]]
    table = scores.merge(dead, on=["group", "individual", "step"])
    if table.empty:
        return None
    kinds = {(group, step["step"]): step.get("kind") for group in evidence.groups for step in evidence.timeline(group)}
    level = [*WHO, "task", "sparsity"]
    last = ~table.duplicated(level, keep="last")
    pruned = [kinds.get(key) == "Age" for key in zip(table["group"], table["step"], strict=True)]
    table["drawn"] = np.where(last, "last", np.where(pruned, "just pruned", "no"))
    table = table[table["drawn"] != "no"].reset_index(drop=True)
    tasks = [task for task in evidence.tasks if task in set(table["task"])]
    with _style():
        figure, panels = _canvas(2.0 * len(tasks) + 0.5, len(tasks), sharex=True)
        for axes, task in zip(panels, tasks, strict=True):
            _settled_and_pruned(axes, evidence, table[table["task"] == task])
            axes.set_title(_title(evidence, table[table["task"] == task], task))
            axes.set_ylabel(evidence.primary(task))
        panels[-1].set_xlabel("sparsity (fraction of prunable synapses that are dead)")
        hollow = Line2D([], [], color=INK, marker="o", markerfacecolor="none", linestyle="", label="just pruned")
        _legend(figure, [*_keys(evidence, table, markers=True), hollow])
    return figure, table


def training(evidence: Evidence) -> Drawn:
    """Training loss, and the fraction of mask bits flipped where structure learns, against age in bins."""
    rows = evidence.measurements
    rows = rows[(rows["probe"] == "Training") & rows["metric"].isin(["loss", "flips"])].dropna(subset=["value", "age"])
    if rows.empty:
        return None
    width = max(1.0, float(rows["age"].max()) / BINS)
    rows = rows.assign(bin=(rows["age"] // width).astype(int))
    keys = [*WHO, "step", "stage", "task", "metric", "bin"]
    table = rows.groupby(keys, sort=False).agg(age=("age", "mean"), value=("value", "mean"), rows=("value", "size"))
    table = _with_status(evidence, table.reset_index())
    drawn = [metric for metric in ("loss", "flips") if metric in set(table["metric"])]
    with _style():
        figure, panels = _canvas(1.9 * len(drawn) + 0.5, len(drawn), sharex=True)
        for axes, metric in zip(panels, drawn, strict=True):
            part = table[table["metric"] == metric]
            _developments(axes, evidence, part, by="bin", breaks=True)
            _stages(axes, evidence)
            axes.set_title(_title(evidence, part, metric))
            axes.set_ylabel({"loss": "training loss", "flips": "mask bits flipped"}[metric])
            if metric == "loss" and part["value"].min() > 0 and part["value"].max() > 20 * part["value"].median():
                axes.set_yscale("log")
        panels[-1].set_xlabel(AGE)
        _legend(figure, _keys(evidence, table))
        _stage_legend(figure, evidence)
    return figure, table


FIGURES = {
    **{"timeline": timeline, "trajectories": trajectories, "retention": retention, "sparsity": sparsity},
    **{"sparsity_performance": sparsity_performance, "training": training},
}


def svg(figure: Figure) -> str:
    """The figure as an SVG document that is the same for the same data."""
    with _style():
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    return buffer.getvalue()


@contextmanager
def _style() -> Iterator[None]:
    with matplotlib.rc_context(_STYLE):
        yield


def _canvas(height: float, panels: int | None = None, **options: Any) -> tuple[Figure, Any]:
    """A figure beside pyplot's global state: one axes, or with `panels` a column of them."""
    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(panels or 1, 1, squeeze=False, **options)[:, 0]
    return figure, axes if panels else axes[0]


def _short(text: object, room: int) -> str:
    """A name cut to so many characters."""
    name = str(text)
    return name if len(name) <= room else name[: room - 1] + "\N{HORIZONTAL ELLIPSIS}"


def _brief(tasks: list[str]) -> dict[str, str]:
    """Task names without a first word that all of them share.

    >>> _brief(["micro-sentiment", "micro-entailment"])
    {'micro-sentiment': 'sentiment', 'micro-entailment': 'entailment'}
    """
    words = {re.split("(?<=[-_/.])", task, maxsplit=1)[0] for task in tasks}
    shared = words.pop() if len(tasks) > 1 and len(words) == 1 else ""
    return {task: task.removeprefix(shared) or task for task in tasks}


def _range(counts: pd.Series) -> str:
    return " to ".join(str(count) for count in sorted({counts.min(), counts.max()}))


def _look(evidence: Evidence, group: str) -> dict[str, Any]:
    position = list(evidence.groups).index(group)
    palette = seaborn.color_palette("colorblind")
    return {"color": palette[position % len(palette)], "linestyle": LINES[position % len(LINES)]}


def _developments(axes: Axes, evidence: Evidence, table: pd.DataFrame, *, by: str, breaks: bool = False) -> None:
    """Thin individuals, bold mean and band of each group, over moments named by the column `by`.

    Moments are averaged by name, not by age, so that the score before and after an event without duration stay apart.
    `breaks` interrupts the lines between steps of life.
    """
    for group, rows in table.groupby("group", sort=False):
        look = _look(evidence, str(group))
        parts = [part for _, part in rows.groupby("step", sort=True)] if breaks else [rows]
        for part in parts:
            lives = list(part.groupby("individual", sort=False))
            if rows["individual"].nunique() <= THIN_UP_TO:
                for _, life in lives:
                    axes.plot(life["age"], life["value"], color=look["color"], linewidth=0.6, alpha=0.45)
            bold = pd.DataFrame([_moment(met) for _, met in part.groupby(by, sort=True)])
            axes.fill_between(bold["age"], bold["low"], bold["high"], color=look["color"], alpha=0.18, linewidth=0)
            dots = "." if len(bold) == 1 or (not breaks and len(bold) <= 40) else ""
            axes.plot(bold["age"], bold["mean"], linewidth=1.8, marker=dots, markersize=6, **look)
        broken = rows[rows["status"].isin(["failed", "diverged"])].groupby("individual").tail(1)
        axes.plot(broken["age"], broken["value"], "x", color=look["color"], markersize=6, markeredgewidth=1.8)


def _moment(rows: pd.DataFrame) -> dict[str, float]:
    found = stats.mean_interval(rows["value"].to_numpy(), resamples=RESAMPLES)
    return {"age": rows["age"].mean(), "mean": found.estimate, "low": found.low, "high": found.high}


def _settled_and_pruned(axes: Axes, evidence: Evidence, table: pd.DataFrame) -> None:
    for group, rows in table.groupby("group", sort=False):
        look = _look(evidence, str(group))
        marker = MARKERS[list(evidence.groups).index(str(group)) % len(MARKERS)]
        settled, pruned = rows[rows["drawn"] == "last"], rows[rows["drawn"] == "just pruned"]
        if rows["individual"].nunique() <= THIN_UP_TO:
            for _, life in settled.groupby("individual", sort=False):
                axes.plot(life["sparsity"], life["value"], color=look["color"], linewidth=0.6, alpha=0.45)
        settled = settled.assign(age=settled["sparsity"])
        bold = pd.DataFrame([_moment(level) for _, level in settled.groupby(settled["age"].round(4), sort=True)])
        axes.fill_between(bold["age"], bold["low"], bold["high"], color=look["color"], alpha=0.18, linewidth=0)
        axes.plot(bold["age"], bold["mean"], linewidth=1.8, marker=marker, markersize=4.5, **look)
        fresh = pruned.groupby(pruned["sparsity"].round(4))[["sparsity", "value"]].mean()
        open_marker: dict[str, Any] = {"marker": marker, "markerfacecolor": "none", "markersize": 5.5, "linestyle": ""}
        axes.plot(fresh["sparsity"], fresh["value"], color=look["color"], **open_marker)


def _stages(axes: Axes, evidence: Evidence) -> None:
    """Shade the control group's steps by kind; an event without duration is a line."""
    for kind, start, end in _spans(evidence):
        if end > start:
            axes.axvspan(start, end, color=KINDS.get(kind, INK), alpha=0.08, linewidth=0, zorder=0)
        else:
            axes.axvline(end, color=KINDS.get(kind, INK), linewidth=0.9, alpha=0.7, linestyle=":", zorder=0)


def _spans(evidence: Evidence) -> list[tuple[str, float, float]]:
    rows = evidence.steps[evidence.steps["group"] == evidence.control].dropna(subset=["age"])
    lived = rows.groupby("step").agg(kind=("kind", "first"), age=("age", "mean"))
    starts = [0.0, *lived["age"][:-1]]
    spans = zip(lived["kind"], starts, lived["age"], strict=True) if len(lived) else ()
    return [(str(kind), float(start), float(end)) for kind, start, end in spans if kind != "Birth"]


def _stage_legend(figure: Figure, evidence: Evidence) -> None:
    kinds = dict.fromkeys(kind for kind, _, _ in _spans(evidence))
    handles = [Patch(color=KINDS.get(kind, INK), alpha=0.35, label=kind.lower()) for kind in kinds]
    if handles:
        spacing = {"handlelength": 1.2, "columnspacing": 1.0, "fontsize": 8.5}
        figure.legend(handles=handles, loc="outside lower left", ncols=5, **spacing)


def _keys(evidence: Evidence, table: pd.DataFrame, *, markers: bool = False) -> list[Line2D]:
    shown = [group for group in evidence.groups if group in set(table["group"])]
    marks = {group: MARKERS[i % len(MARKERS)] for i, group in enumerate(evidence.groups)} if markers else {}
    return [
        Line2D([], [], linewidth=1.8, marker=marks.get(group, ""), label=_short(group, 52), **_look(evidence, group))
        for group in shown
    ]


def _title(evidence: Evidence, table: pd.DataFrame, name: str) -> str:
    """A panel's name with the individuals drawn in it, in the order of the groups.

    Groups lose individuals at different times, so that one n for a whole figure would be wrong.
    """
    counts = table.groupby("group")["individual"].nunique().reindex(list(evidence.groups), fill_value=0)
    shown = counts[:1] if counts.nunique() == 1 else counts
    each = " each" if len(counts) > 1 and len(shown) == 1 else ""
    return f"{name} (n = {', '.join(str(count) for count in shown)}{each})"


def _start_at_first(axes: Axes, ages: pd.Series) -> None:
    """Leave out the time before the first measurement where it would take more than a fifth of the width."""
    first, last = float(ages.min()), float(ages.max())
    if last > first > 0.2 * last:
        axes.set_xlim(first - 0.06 * (last - first), last + 0.06 * (last - first))


def _with_status(evidence: Evidence, table: pd.DataFrame) -> pd.DataFrame:
    people = evidence.participants[["group", "individual", "status"]]
    return table.merge(people, on=["group", "individual"], how="left")


def _legend(figure: Figure, handles: Sequence[Any]) -> None:
    """A legend above the panels, for which the figure grows."""
    longest = max((len(str(handle.get_label())) for handle in handles), default=0)
    columns = 1 if longest > 24 else 2 if longest > 11 else 3
    figure.set_figheight(figure.get_figheight() + 0.2 * math.ceil(len(handles) / columns))
    figure.legend(handles=list(handles), loc="outside upper left", ncols=columns, handlelength=2.6, columnspacing=1.2)


def _track(axes: Axes, life: pd.DataFrame, position: int, parted: int | None, names: dict[str, str], length: int) -> None:
    """One group's life as a row of blocks."""
    for _, step in life.iterrows():
        corner, color = (step["step"] - 0.46, position - 0.24), KINDS.get(step["kind"], INK)
        axes.add_patch(Rectangle(corner, 0.92, 0.48, color=color, linewidth=0))
        text = f"{step['to']:.0%}" if pd.notna(step["to"]) else names.get(step["task"], "")
        room = 80 // (length + 1)
        upright = len(text) > room and room < 6
        axes.text(
            *(step["step"], position, _short(text, 6 if upright else room)),
            ha="center",
            va="center",
            color="black",
            rotation=90 if upright else 0,
            fontsize=7,
        )
    for group in life["group"].head(1):
        axes.text(-0.46, position - 0.32, _short(group, 48), ha="left", va="bottom", fontweight="bold")
    if parted is not None:
        axes.plot([parted - 0.5] * 2, [position - 0.32, position + 0.32], color=INK, linewidth=1.6)
