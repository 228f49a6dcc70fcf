"""Dose-response curves: how each group's scores fall under damage that is tried and undone."""

from __future__ import annotations

import numpy as np
import pandas as pd

from lifespan.analysis.analysis import Analysis
from lifespan.analysis.dose_effects import fit_entries
from lifespan.report.figures.canvas import (
    INK,
    Drawing,
    Drawn,
    brief,
    keys,
    legend,
    line_style,
    marker,
    short,
    small_panels,
    style,
)
from lifespan.report.figures.lines import moment
from lifespan.report.figures.marks import means, of_group
from lifespan.report.labels import primary_label

MOST = 16
"""Panels that one figure shows."""


def draw(analysis: Analysis) -> Drawn:
    """Primary score against dose at the last evaluation of each life, a panel per damage and task."""
    table, fitted = analysis.dose_curves, analysis.dose_fits
    table = table[table.groupby(["probe", "task"])["dose"].transform("nunique") > 1] if len(table) else table
    panels_of = list(dict.fromkeys(zip(table["probe"], table["task"], strict=True)))[:MOST]
    if not panels_of:
        return None
    groups = analysis.highlighted
    names = brief(list(analysis.cohort.tasks))
    fits = []
    with style():
        figure, panels, columns = small_panels(len(panels_of), 1.8, 0.4)
        for place, (axes, (probe, task)) in enumerate(zip(panels, panels_of, strict=False)):
            part = table[(table["probe"] == probe) & (table["task"] == task)]
            for group, rows in part[part["group"].isin(groups)].groupby("group", sort=False):
                shown = line_style(analysis, str(group))
                with of_group(axes, group):
                    axes.plot(rows["dose"], rows["value"], ".", color=shown["color"], markersize=2.5, alpha=0.35)
                bold = pd.DataFrame([moment(own.assign(age=own["dose"])) for _, own in rows.groupby("dose", sort=True)])
                mark = marker(analysis, str(group))
                with of_group(axes, group):
                    axes.errorbar(
                        bold["age"],
                        bold["mean"],
                        yerr=[(bold["mean"] - bold["low"]).fillna(0), (bold["high"] - bold["mean"]).fillna(0)],
                        **{"fmt": mark, "color": shown["color"], "markersize": 4, "elinewidth": 1.2},
                    )
                fit = fitted[probe, task, str(group)]
                fits.append({"probe": probe, "task": task, "group": group, **fit_entries(fit)})
                if not fit.fitted:
                    with of_group(axes, group):
                        means(axes.plot(bold["age"], bold["mean"], linewidth=1.2, **shown), bold)
                    continue
                doses = np.linspace(0.0, rows["dose"].max(), 101)
                with of_group(axes, group):
                    axes.plot(doses, fit.predict(doses), linewidth=1.4, **shown)
                if fit.inside:
                    axes.plot([fit.ed50], fit.predict(np.array([fit.ed50])), "|", color=INK, markersize=9, markeredgewidth=1.4)
            counts = part.groupby("group")["individual"].nunique()
            axes.set_title(f"{short(probe, 30)},\n{short(names.get(task, task), 22)} (n = {counts.max()})", fontsize=8)
            axes.tick_params(labelsize=8)
            if place % columns == 0:
                axes.set_ylabel(primary_label(analysis.cohort, task), fontsize=8.5)
        for axes in panels[max(0, len(panels_of) - columns) : len(panels_of)]:
            axes.set_xlabel("dose", fontsize=8.5)
        legend(figure, keys(analysis, table[table["group"].isin(groups)], markers=True))
    return figure, table.merge(pd.DataFrame(fits), how="left", on=["probe", "task", "group"])


DOSES = Drawing(
    "Dose-response",
    "Primary score under damage of rising dose (the severity of a disorder, or the sparsity pruned to), tried and undone "
    "at the last evaluation of each life. Dots are individuals, markers means with 95% intervals. The curve is the better "
    "of Hill's and Brain and Cousens' hormetic form by AICc, the tick its ED50; straight lines where none could be "
    "fitted, no tick where the ED50 lies outside the tested range.",
    "curves that stay high for long: a large ED50. Groups whose curves cross differ in more than strength.",
    draw,
)
