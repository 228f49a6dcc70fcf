"""What each group lives, step by step."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Patch, Rectangle

from lifespan.analysis.analysis import Analysis
from lifespan.report.figures.canvas import INK, WIDTH, Drawing, Drawn, brief, canvas, legend, short, shorts, style
from lifespan.report.figures.marks import described, of_group
from lifespan.study.events import colors

CHARACTER, LINE = 0.063, 0.1
"""Width of a character and height of a line of the text in blocks, in inches."""

MARGIN = 1.9
"""Inches that names beside the blocks take."""

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
            with of_group(axes, group):
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
    many = half > 0.3
    wide = 0.92 * (WIDTH - (MARGIN if many else 0.3)) / (length + 1.2)
    high = 2 * half * (0.25 if many else 0.7)
    for _, step in life.iterrows():
        corner, color = (step["step"] - 0.46, position - half), colors().get(step["kind"], INK)
        block = axes.add_patch(Rectangle(corner, 0.92, 2 * half, color=color, linewidth=0))
        described(block, f"step {step['step']}: {step['stage']}")
        share = pd.notna(step["to"])
        text, upright = fitted(f"{step['to']:.0%}" if share else names.get(step["task"], ""), wide, high, whole=share)
        if text:
            look: dict[str, Any] = {"ha": "center", "va": "center", "color": "black", "fontsize": 7}
            axes.text(step["step"], position, text, rotation=90 if upright else 0, **look)
    if parted is not None:
        axes.plot([parted - 0.5] * 2, [position - half - 0.08, position + half + 0.08], color=INK, linewidth=1.6)


def fitted(text: str, wide: float, high: float, *, whole: bool = False) -> tuple[str, bool]:
    """What of a text a block of this size (inches) has room for, and whether it stands upright; a `whole` one is never cut.

    >>> fitted("35%", 0.3, 0.3), fitted("sentiment", 0.15, 0.34), fitted("35%", 0.08, 0.3, whole=True)
    (('35%', False), ('sent…', True), ('', False))
    """
    across, upright = int(wide / CHARACTER), int(high / CHARACTER) if wide >= LINE else 0
    stands = len(text) > across < upright
    room = upright if stands else across
    if len(text) > room and (whole or room < 3):
        return "", False
    return short(text, room), stands


TIMELINE = Drawing(
    "Scenario timeline",
    "What each group lives, one block per step; percentages are sparsities to age to. A vertical bar marks where "
    "a group's lives first differ from their control twins'.",
    "groups share their life up to the bar and differ after it only in what the study manipulates.",
    draw,
)
