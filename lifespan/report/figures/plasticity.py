"""Signs of lost plasticity against age, side by side."""

from __future__ import annotations

import pandas as pd

from lifespan.analysis.analysis import Analysis
from lifespan.analysis.cohort import INDIVIDUAL
from lifespan.report.figures.canvas import AGE, Drawing, Drawn, keys, legend, small_panels, style, titled
from lifespan.report.figures.lines import developments, stages, start_at_first, with_status

SIGNS: dict[tuple[str, str], str] = {
    ("FreshTask", "learning_curve_area"): "learning a fresh task",
    ("DormantUnits", "dormant"): "dormant units",
    ("EffectiveRank", "effective_rank"): "effective rank",
    ("WeightNorm", "rms"): "size of weights",
    ("FisherTrace", "fisher_trace"): "Fisher trace",
    ("Sharpness", "hessian_trace"): "Hessian trace",
    ("Perplexity", "perplexity"): "perplexity",
}
"""(probe's first word, metric) and what the panel is called."""

OF_SCORES = ("FreshTask", "learning_curve_area")
"""The sign that is in a score's unit, which tasks do not share: a panel for each of several tasks."""


def draw(analysis: Analysis) -> Drawn:
    """Every sign that was measured, a panel each, the mean over tasks where it is asked of several."""
    rows = analysis.cohort.measurements.dropna(subset=["value"])
    first = rows["probe"].map(lambda probe: probe.partition(" ")[0])
    parts = []
    for (probe, metric), name in SIGNS.items():
        own = rows[(first == probe) & (rows["metric"] == metric)]
        if own.empty:
            continue
        apart = (probe, metric) == OF_SCORES and own["task"].nunique() > 1
        for title, rows_of in own.groupby("task", sort=False) if apart else [("", own)]:
            means = rows_of.groupby([*INDIVIDUAL, "step", "age"], sort=False)["value"].mean().reset_index()
            parts.append(means.assign(sign=f"{name}: {title}" if apart else name))
    if not parts:
        return None
    table = with_status(analysis, pd.concat(parts, ignore_index=True))
    signs = list(dict.fromkeys(table["sign"]))
    with style():
        figure, panels, columns = small_panels(len(signs), 1.9, 0.5)
        for axes, sign in zip(panels, signs, strict=False):
            part = table[table["sign"] == sign]
            developments(axes, analysis, part, by="step")
            stages(axes, analysis)
            axes.set_title(titled(analysis, part, sign), fontsize=8)
            start_at_first(axes, part["age"])
            axes.tick_params(labelsize=8)
        for axes in panels[-columns:]:
            axes.set_xlabel(AGE, fontsize=8)
        legend(figure, keys(analysis, table))
    return figure, table


PLASTICITY = Drawing(
    "Plasticity",
    "Signs of the ability to learn more, against age; the mean over tasks where a sign other than a score is asked of "
    "several. Learning a fresh task is measured by the area under its learning curve, the size of weights by their root mean "
    "square.",
    "level lines: few dormant units, a rank that does not fall, weights that do not grow, and a fresh task that is learned as "
    "fast late in life as early.",
    draw,
    lines=True,
)
