"""Lines against age: thin individuals, a bold mean with its interval, and the steps of life behind them."""

from __future__ import annotations

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from lifespan.analysis.analysis import Analysis
from lifespan.report.figures.canvas import FAINT, INK, RESAMPLES, THIN_UP_TO, line_style
from lifespan.report.figures.marks import described, means, of_group
from lifespan.stats import inference
from lifespan.study.events import colors


def developments(axes: Axes, analysis: Analysis, table: pd.DataFrame, *, by: str, breaks: bool = False) -> None:
    """Thin individuals, bold mean and band of each group, over moments named by the column `by`.

    Moments are averaged by name, not by age, so that the score before and after an event without duration stay apart.
    `breaks` interrupts the lines between steps of life. Groups that are not highlighted are a grey mean.
    """
    highlighted = analysis.highlighted
    for group, rows in table[~table["group"].isin(highlighted)].groupby("group", sort=False):
        for part in _parts(rows, breaks):
            mean = part.groupby(by, sort=True)[["age", "value"]].mean()
            with of_group(axes, group):
                described(axes.plot(mean["age"], mean["value"], color=FAINT, linewidth=0.8, alpha=0.7, zorder=1.5), "mean")
    for group, rows in table[table["group"].isin(highlighted)].groupby("group", sort=False):
        thin = rows["individual"].nunique() <= THIN_UP_TO and len(highlighted) == len(analysis.cohort.groups)
        for part in _parts(rows, breaks):
            with of_group(axes, group):
                _development(axes, part, by=by, thin=thin, dots=not breaks, shown=line_style(analysis, str(group)))
    broken = table[table["status"].isin(["failed", "diverged"])].groupby(["group", "individual"], sort=False).tail(1)
    for group, ends in broken.groupby("group", sort=False):
        color = line_style(analysis, str(group))["color"]
        with of_group(axes, group):
            crosses = axes.plot(ends["age"], ends["value"], "x", color=color, markersize=6, markeredgewidth=1.8)
            described(crosses, *(f"individual {row['individual']} {row['status']}" for _, row in ends.iterrows()))


def _development(axes: Axes, part: pd.DataFrame, *, by: str, thin: bool, dots: bool, shown: dict[str, Any]) -> None:
    """One group's individuals, mean and band; `dots` at the means where there are few."""
    for individual, life in part.groupby("individual", sort=False) if thin else ():
        dot = "." if len(life) == 1 else ""
        line = axes.plot(life["age"], life["value"], color=shown["color"], linewidth=0.6, alpha=0.45, marker=dot, markersize=3)
        described(line, f"individual {individual}")
    bold = pd.DataFrame([moment(own) for _, own in part.groupby(by, sort=True)])
    axes.fill_between(bold["age"], bold["low"], bold["high"], color=shown["color"], alpha=0.18, linewidth=0)
    if len(bold) == 1 and bold["low"].notna().all():
        axes.plot([*bold["age"]] * 2, [*bold["low"], *bold["high"]], color=shown["color"], linewidth=1.2, alpha=0.6)
    mark = "." if len(bold) == 1 or (dots and len(bold) <= 40) else ""
    means(axes.plot(bold["age"], bold["mean"], linewidth=1.8, marker=mark, markersize=6, **shown), bold)


def moment(rows: pd.DataFrame) -> dict[str, float]:
    """Mean age, and the mean value over individuals with its interval."""
    mean = inference.mean_interval(rows["value"].to_numpy(), resamples=RESAMPLES)
    return {"age": rows["age"].mean(), "mean": mean.estimate, "low": mean.low, "high": mean.high, "n": mean.n}


def stages(axes: Axes, analysis: Analysis, *, by_event: bool = False) -> None:
    """Shade the control group's steps by kind; an event without duration is a line. `by_event`: from each step to the next."""
    for kind, start, end in _events(analysis) if by_event else _spans(analysis):
        if end > start:
            axes.axvspan(start, end, color=colors().get(kind, INK), alpha=0.08, linewidth=0, zorder=0)
        else:
            axes.axvline(end, color=colors().get(kind, INK), linewidth=0.9, alpha=0.7, linestyle=":", zorder=0)


def stage_legend(figure: Figure, analysis: Analysis) -> None:
    """What the shades behind the lines mean."""
    kinds = dict.fromkeys(kind for kind, _, _ in _spans(analysis))
    handles = [Patch(color=colors().get(kind, INK), alpha=0.35, label=kind.lower()) for kind in kinds]
    if handles:
        spacing = {"handlelength": 1.2, "columnspacing": 1.0, "fontsize": 8.5}
        figure.legend(handles=handles, loc="outside lower left", ncols=5, **spacing)


def start_at_first(axes: Axes, ages: pd.Series) -> None:
    """Leave out the time before the first measurement where it would take more than a fifth of the width."""
    first, last = float(ages.min()), float(ages.max())
    if last == first > 0:
        axes.set_xlim(0.8 * first, 1.2 * first)
    elif last > first > 0.2 * last:
        axes.set_xlim(first - 0.06 * (last - first), last + 0.06 * (last - first))


def with_status(analysis: Analysis, table: pd.DataFrame) -> pd.DataFrame:
    """The table with each individual's status."""
    people = analysis.cohort.participants[["group", "individual", "status"]]
    return table.merge(people, on=["group", "individual"], how="left")


def _parts(rows: pd.DataFrame, breaks: bool) -> list[pd.DataFrame]:
    return [part for _, part in rows.groupby("step", sort=True)] if breaks else [rows]


def _events(analysis: Analysis) -> list[tuple[str, float, float]]:
    steps = analysis.cohort.timeline(analysis.cohort.control)
    return [(str(step["kind"]), step["step"] - 1.0, float(step["step"])) for step in steps if step["kind"] != "Birth"]


def _spans(analysis: Analysis) -> list[tuple[str, float, float]]:
    rows = analysis.cohort.steps[analysis.cohort.steps["group"] == analysis.cohort.control].dropna(subset=["age"])
    lived = rows.groupby("step").agg(kind=("kind", "first"), age=("age", "mean"))
    starts = [0.0, *lived["age"][:-1]]
    spans = zip(lived["kind"], starts, lived["age"], strict=True) if len(lived) else ()
    return [(str(kind), float(start), float(end)) for kind, start, end in spans if kind != "Birth"]
