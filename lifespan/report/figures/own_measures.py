"""Measures of other packages, and of scenario files, against age."""

from __future__ import annotations

from lifespan.analysis.analysis import Analysis
from lifespan.record.declarations import DURING
from lifespan.report.figures.canvas import AGE, Drawing, Drawn, keys, legend, short, small_panels, style, titled
from lifespan.report.figures.lines import developments, stages, start_at_first, with_status

PANELS = 12
"""Metrics that get a panel; the table `own_measures` has all."""

ARROWS = {"higher": "", "lower": " \N{DOWNWARDS ARROW}", "neither": " \N{LEFT RIGHT ARROW}"}


def draw(analysis: Analysis) -> Drawn:
    """A panel for each declared metric and task, outcomes first."""
    table = analysis.own_measures
    names = list(dict.fromkeys(table["name"]))[:PANELS]
    if not names:
        return None
    table = with_status(analysis, table[table["name"].isin(names)].reset_index(drop=True))
    with style():
        figure, panels, columns = small_panels(len(names), 1.9, 0.5)
        for axes, name in zip(panels, names, strict=False):
            part = table[table["name"] == name]
            inside = part["probe"].iloc[0].endswith(DURING)
            developments(axes, analysis, part, by="age" if inside else "step")
            stages(axes, analysis)
            axes.set_title(titled(analysis, part, short(name, 20) + ARROWS[part["better"].iloc[0]]), fontsize=8)
            axes.set_ylabel(short(part["unit"].iloc[0], 24), fontsize=8)
            start_at_first(axes, part["age"])
            axes.tick_params(labelsize=8)
        for axes in panels[-columns:]:
            axes.set_xlabel(AGE, fontsize=8)
        legend(figure, keys(analysis, table))
    return figure, table


OWN_MEASURES = Drawing(
    "The study's own measures",
    "Every metric that a measure of the study's own, or of another package, declares, against age, outcomes first "
    "(\N{DOWNWARDS ARROW}: less of it is better; \N{LEFT RIGHT ARROW}: neither way). What each means, its range and its unit "
    f"are in the record's dictionary.json; of many metrics the first {PANELS}, the table has all.",
    "as the measures say; the sentences of the results repeat it.",
    draw,
    lines=True,
)
