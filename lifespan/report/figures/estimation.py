"""Paired estimation plots: every individual, every pair of twins, and the mean difference with its interval."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from lifespan.analysis.analysis import Analysis
from lifespan.report.figures.canvas import INK, Drawing, Drawn, canvas, line_style, marker, short, style
from lifespan.report.figures.marks import described, mean_text, of_group
from lifespan.report.formatting import number
from lifespan.report.labels import primary_label
from lifespan.stats import inference

JOINED_UP_TO = 40
"""Individuals up to which twins are joined by a line."""


def draw(analysis: Analysis) -> Drawn:
    """Above: final scores, twins joined. Below: differences of the pairs. A column of both for each task."""
    final = analysis.final_scores
    tasks = [task for task in analysis.cohort.tasks if task in set(final["task"]) & set(analysis.task_controls)]
    rows = []
    for task in tasks:
        values = final[final["task"] == task].pivot_table(index="seed", columns="group", values="value")
        control = analysis.task_controls[task]
        for group in (group for group in analysis.highlighted if group in values and control in values and group != control):
            pairs = values[[group, control]].dropna()
            columns = {"treated": pairs[group], "control": pairs[control], "difference": pairs[group] - pairs[control]}
            rows.append(pd.DataFrame({"task": task, "group": group, "seed": pairs.index, **columns}))
    if not rows or all(part.empty for part in rows):
        return None
    table = pd.concat(rows, ignore_index=True)
    tasks = [task for task in tasks if task in set(table["task"])]
    with style():
        figure, panels = canvas(3.4 * len(tasks), 2 * len(tasks), height_ratios=[1.15, 1.0] * len(tasks))
        for place, task in enumerate(tasks):
            part = table[table["task"] == task]
            groups = [group for group in analysis.highlighted if group in set(part["group"])]
            _scores(panels[2 * place], analysis, part, groups)
            panels[2 * place].set_title(f"{task}: {primary_label(analysis.cohort, task)}")
            _differences(panels[2 * place + 1], analysis, part, groups)
    return figure, table


def _scores(axes: Axes, analysis: Analysis, part: pd.DataFrame, groups: list[str]) -> None:
    for place, group in enumerate(groups):
        pairs = part[part["group"] == group]
        if not pairs.empty:
            with of_group(axes, group):
                _pairs(axes, analysis, pairs, place, group)
    axes.set_xticks([])
    axes.set_xlim(-0.6, len(groups) - 0.4)
    axes.set_ylabel("final score")


def _pairs(axes: Axes, analysis: Analysis, pairs: pd.DataFrame, place: int, group: str) -> None:
    """The scores of a group's pairs of twins, joined."""
    control, shown = analysis.task_controls[str(pairs["task"].iloc[0])], line_style(analysis, group)
    ends = (place - 0.22, place + 0.22)
    said = [
        f"seed {pair['seed']}: {number(pair['treated'])}, twin in {control} {number(pair['control'])}"
        for _, pair in pairs.iterrows()
    ]
    for text, (_, pair) in zip(said, pairs.iterrows(), strict=True) if len(pairs) <= JOINED_UP_TO else ():
        described(axes.plot(ends, [pair["control"], pair["treated"]], color=INK, alpha=0.25, linewidth=0.7), text)
    color = line_style(analysis, control)["color"]
    described(axes.plot([ends[0]] * len(pairs), pairs["control"], ".", color=color, markersize=5, alpha=0.8), *said)
    look: dict[str, Any] = {"marker": marker(analysis, group), "color": shown["color"], "linestyle": ""}
    described(axes.plot([ends[1]] * len(pairs), pairs["treated"], markersize=3.5, alpha=0.8, **look), *said)


def _differences(axes: Axes, analysis: Analysis, part: pd.DataFrame, groups: list[str]) -> None:
    axes.axhline(0, color=INK, linewidth=0.9)
    for place, group in enumerate(groups):
        values, shown = part[part["group"] == group]["difference"].to_numpy(), line_style(analysis, group)
        spread = np.array([0.0, 0.07, -0.07, 0.14, -0.14])[np.argsort(np.argsort(values, kind="stable")) % 5]
        seeds, color = part[part["group"] == group]["seed"], shown["color"]
        mean = inference.mean_interval(values)
        said = f"mean difference {mean_text({'mean': mean.estimate, 'low': mean.low, 'high': mean.high, 'n': mean.n})}"
        with of_group(axes, group):
            dots = axes.plot(place - 0.12 + spread, values, ".", color=color, alpha=0.6, markersize=4.5)
            described(dots, *(f"seed {seed}: {number(value)}" for seed, value in zip(seeds, values, strict=True)))
            if mean.known:
                described(axes.plot([place + 0.2] * 2, [mean.low, mean.high], color=color, linewidth=1.8), said)
            described(axes.plot([place + 0.2], [mean.estimate], marker(analysis, group), color=color, markersize=5), said)
    slanted = len(groups) > 4 or max(map(len, groups)) > 14
    names = [f"{short(group, 26)}\n(n = {(part['group'] == group).sum()})" for group in groups]
    axes.set_xticks(
        range(len(groups)), names, fontsize=7.5, rotation=35 if slanted else 0, ha="right" if slanted else "center"
    )
    axes.set_xlim(-0.6, len(groups) - 0.4)
    axes.set_ylabel("difference")
    axes.grid(False, axis="x")


ESTIMATION = Drawing(
    "Paired estimation",
    "Above, final scores of the control twins (left of each pair of columns) and of the group (right), twins joined. "
    "Below, the difference of every pair, and their mean with its 95% interval. Only pairs in which both lived to the "
    "end.",
    "pairs that all move the same way: then the mean stands for its individuals.",
    draw,
)
