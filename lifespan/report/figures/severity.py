"""What a disorder costs, by its severity and by its onset: groups of one study as doses."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from lifespan.analysis.analysis import Analysis
from lifespan.analysis.dose_effects import fit_entries
from lifespan.report.figures.canvas import AGE, INK, RESAMPLES, Drawing, Drawn, brief, legend, short, small_panels, style
from lifespan.report.labels import primary_label
from lifespan.stats import inference
from lifespan.stats.dose_response import DoseFit

COLORS = ("#0173b2", "#de8f05", "#029e73", "#cc78bc", "#d55e00")
MOST = 18
"""Panels that one figure shows."""


def response(analysis: Analysis) -> Drawn:
    """Final score against severity, a panel per disorder and task, a line per onset; health is dose 0."""
    lived, fits = analysis.severity_rows, analysis.severity_fits
    panels_of = list(dict.fromkeys((disorder, task) for disorder, task, _ in lived))[:MOST]
    if not panels_of:
        return None
    names = brief(list(analysis.cohort.tasks))
    with style():
        sharing = "row" if len(panels_of) > 1 else False
        figure, panels, columns = small_panels(len(panels_of), 1.75, 0.5, across=3, sharey=sharing)
        parts = []
        for place, (axes, (disorder, task)) in enumerate(zip(panels, panels_of, strict=False)):
            onsets = sorted(step for one, other, step in lived if (one, other) == (disorder, task))
            for number, step in enumerate(onsets):
                key = (disorder, task, step)
                _dose_line(axes, lived[key], fits[key], COLORS[number % len(COLORS)], number)
                parts.append(lived[key].assign(**fit_entries(fits[key])))
            axes.set_title(short(disorder, 52 // columns) + (f"\n{names[task]}" if len(names) > 1 else ""), fontsize=8)
            axes.set_xlim(-0.05, 1.05)
            axes.tick_params(labelsize=8)
            if place % columns == 0:
                axes.set_ylabel(primary_label(analysis.cohort, task), fontsize=8.5)
        for axes in panels[max(0, len(panels_of) - columns) : len(panels_of)]:
            axes.set_xlabel("severity", fontsize=8.5)
        most = max(len({step for one, other, step in lived if (one, other) == key}) for key in panels_of)
        if most > 1:
            handles = [
                Line2D([], [], color=COLORS[n % len(COLORS)], marker="os^Dv"[n % 5], linestyle="", label=f"onset {n + 1}")
                for n in range(most)
            ]
            legend(figure, handles)
    return figure, pd.concat(parts, ignore_index=True)


def onset_map(analysis: Analysis) -> Drawn:
    """Mean paired difference by onset and severity (or by onset and length, where only that varies), a map per disorder."""
    table = analysis.exposed_scores
    panels_of = []
    for (disorder, task), part in table.groupby(["disorder", "task"], sort=False):
        for other in ("severity", "lasting"):
            if part["step"].nunique() > 1 and part[other].nunique() > 1:
                panels_of.append((str(disorder), str(task), other))
                break
    if not panels_of:
        return None
    panels_of = panels_of[:MOST]
    cells = []
    for disorder, task, other in panels_of:
        part = table[(table["disorder"] == disorder) & (table["task"] == task)]
        for (step, dose), own in part.groupby(["step", other], sort=True):
            mean = inference.mean_interval(own["difference"].to_numpy(), resamples=RESAMPLES)
            named = {"disorder": disorder, "task": task, "step": step, "onset": own["onset"].mean(), "against": other}
            interval = {"difference": mean.estimate, "low": mean.low, "high": mean.high, "n": mean.n}
            cells.append({**named, "dose": dose, **interval})
    drawn = pd.DataFrame(cells)
    reach = float(drawn["difference"].abs().max()) or 1.0
    names = brief(list(analysis.cohort.tasks))
    with style():
        figure, panels, columns = small_panels(len(panels_of), 0.26 * drawn["dose"].nunique() + 0.75, 0.5)
        image = None
        for axes, (disorder, task, other) in zip(panels, panels_of, strict=False):
            part = drawn[(drawn["disorder"] == disorder) & (drawn["task"] == task)]
            grid = part.pivot_table(index="dose", columns="step", values="difference", sort=True)
            image = axes.pcolormesh(grid.to_numpy(), cmap="RdBu", vmin=-reach, vmax=reach, edgecolors="none")
            _cells(axes, part, grid, reach)
            ages = part.groupby("step")["onset"].mean()
            axes.set_xticks(np.arange(len(ages)) + 0.5, [f"{age:,.0f}" for age in ages], fontsize=7.5)
            unit = {"severity": "{:g}", "lasting": "{:.0f}"}[other]
            axes.set_yticks(np.arange(len(grid)) + 0.5, [unit.format(dose) for dose in grid.index], fontsize=7.5)
            axes.set_title(short(disorder, 26) + (f", {names[task]}" if len(names) > 1 else ""), fontsize=8)
            axes.set_ylabel("severity" if other == "severity" else "events it lasts", fontsize=8)
            axes.grid(False)
        for axes in panels[max(0, len(panels_of) - columns) : len(panels_of)]:
            axes.set_xlabel(f"onset: {AGE}", fontsize=7.5)
        if image is not None:
            bar = figure.colorbar(image, ax=list(panels[: len(panels_of)]), location="bottom", aspect=45, shrink=0.8)
            bar.set_label("difference from the control twins")
    return figure, drawn


def _dose_line(axes: Axes, rows: pd.DataFrame, fit: DoseFit, color: str, number: int) -> None:
    """Points of individuals, means with intervals, and the fitted curve of one onset."""
    spread = 0.012 * (2 * number + 1)
    axes.plot(rows["severity"] + spread, rows["value"], ".", color=color, markersize=3, alpha=0.5)
    for severity, own in rows.groupby("severity", sort=True):
        mean = inference.mean_interval(own["value"].to_numpy(), resamples=RESAMPLES)
        at = float(severity)  # type: ignore[arg-type]
        if mean.known:
            axes.plot([at, at], [mean.low, mean.high], color=color, linewidth=1.5)
        axes.plot([at], [mean.estimate], "os^Dv"[number % 5], color=color, markersize=4)
    if fit.fitted:
        doses = np.linspace(0, 1, 101)
        axes.plot(doses, fit.predict(doses), color=color, linewidth=1.3)
    else:
        means = rows.groupby("severity")["value"].mean()
        axes.plot(means.index, means, color=color, linewidth=1.0, linestyle=":")
    if fit.inside:
        axes.plot([fit.ed50], fit.predict(np.array([fit.ed50])), "|", color=INK, markersize=10, markeredgewidth=1.5)


def _cells(axes: Axes, part: pd.DataFrame, grid: pd.DataFrame, reach: float) -> None:
    """The number in every cell, with a star where its interval excludes zero."""
    for _, cell in part.iterrows():
        column, row = list(grid.columns).index(cell["step"]), list(grid.index).index(cell["dose"])
        clear = np.isfinite(cell["low"]) and (cell["low"] > 0 or cell["high"] < 0)
        ink = "white" if abs(cell["difference"]) > 0.6 * reach else "black"
        text = f"{cell['difference']:.2f}{'*' if clear else ''}"
        axes.text(column + 0.5, row + 0.5, text, ha="center", va="center", fontsize=7, color=ink)


RESPONSE = Drawing(
    "Severity of disorders",
    "Final score against the severity of a disorder: dots are individuals, markers means with 95% intervals, severity "
    "0 the healthy control. Colours are onsets, from the first on. The curve is the better of Hill's and Brain and "
    "Cousens' hormetic form by AICc, where five doses or more were lived (else dotted straight lines); the tick is its "
    "ED50, the dose that costs half of the fitted range. No tick: outside the tested range, or no fit; the data says "
    "which, with the interval.",
    "harm that grows with severity, and an ED50 with points on both of its sides.",
    response,
)
ONSET = Drawing(
    "Onset and severity",
    "Mean paired difference of the final score from the control twins by the age of onset and the severity, or the "
    "length, of a disorder; red is harm. A star: the 95% interval excludes zero.",
    "for a critical period, red that pales with later onset. Red that grows with onset is forgetting of what was known.",
    onset_map,
)
