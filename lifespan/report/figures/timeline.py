"""What each group lives, step by step."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Patch, Rectangle

from lifespan.analysis.analysis import Analysis
from lifespan.report.figures.canvas import INK, Drawing, Drawn, brief, canvas, legend, short, shorts, style
from lifespan.study.events import colors

MANY = 12
"""Groups beyond which their names stand beside the blocks rather than above."""


def draw(analysis: Analysis) -> Drawn:
    """A row of blocks for each group; a line marks where a group parts from its control twins."""
    rows = [
        {"group": group, **{key: step.get(key) for key in ("step", "kind", "stage", "task", "to")}}
        for group in analysis.cohort.groups
        for step in analysis.cohort.timeline(group)
    ]
    if not rows:
        return None
    table = pd.DataFrame(rows)
    parted = analysis.parting_steps
    table["parted"] = table["step"] >= table["group"].map(parted).fillna(np.inf)
    with style():
        many = len(analysis.cohort.groups) > MANY
        figure, (axes,) = canvas((0.25 if many else 0.7) * table["group"].nunique() + 0.6)
        names = brief(list(analysis.cohort.tasks))
        for position, group in enumerate(analysis.cohort.groups):
            life = table[table["group"] == group]
            _track(axes, life, position, parted.get(group), names, int(table["step"].max()), 0.36 if many else 0.24)
            if not many:
                axes.text(-0.46, position - 0.32, short(group, 48), ha="left", va="bottom", fontweight="bold", fontsize=9)
        axes.set_xlim(-0.6, table["step"].max() + 0.6)
        axes.set_ylim(len(analysis.cohort.groups) - 0.4, -0.75)
        axes.set_yticks(range(len(analysis.cohort.groups)), shorts(analysis.cohort.groups, 34), fontsize=7)
        axes.tick_params(axis="y", length=0, labelleft=many)
        axes.grid(False)
        axes.spines["left"].set_visible(False)
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.set_xlabel("step of life")
        known = {**colors(), **{kind: INK for kind in table["kind"] if kind not in colors()}}
        present = [kind for kind in known if kind in set(table["kind"])]
        legend(figure, [Patch(color=known[kind], label=kind.lower()) for kind in present])
    return figure, table


def _track(
    axes: Axes, life: pd.DataFrame, position: int, parted: int | None, names: dict[str, str], length: int, half: float
) -> None:
    """One group's life as a row of blocks, `half` as high as twice this."""
    for _, step in life.iterrows():
        corner, color = (step["step"] - 0.46, position - half), colors().get(step["kind"], INK)
        axes.add_patch(Rectangle(corner, 0.92, 2 * half, color=color, linewidth=0))
        text = f"{step['to']:.0%}" if pd.notna(step["to"]) else names.get(step["task"], "")
        room = (80 if half < 0.3 else 60) // (length + 1)
        upright = len(text) > room and room < 6
        axes.text(
            *(step["step"], position, short(text, 6 if upright else room)),
            ha="center",
            va="center",
            color="black",
            rotation=90 if upright else 0,
            fontsize=7,
        )
    if parted is not None:
        axes.plot([parted - 0.5] * 2, [position - half - 0.08, position + half + 0.08], color=INK, linewidth=1.6)


TIMELINE = Drawing(
    "Scenario timeline",
    "What each group lives, one block per step; percentages are sparsities to age to. A vertical bar marks where "
    "a group's lives first differ from their control twins'.",
    "groups share their life up to the bar and differ after it only in what the study manipulates.",
    draw,
)
