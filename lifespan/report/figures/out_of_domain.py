"""Scores on data from elsewhere beside those in domain, by group."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes

from lifespan.analysis.analysis import Analysis
from lifespan.analysis.out_of_domain import CONSISTENCY
from lifespan.analysis.scores import mean_entries
from lifespan.report.figures.canvas import Drawing, Drawn, keys, legend, line_style, marker, short, shorts, small_panels, style
from lifespan.report.figures.marks import described, mean_text, of_group
from lifespan.report.labels import metric_label

PARTS = 12
"""Parts of the data that are drawn; the table has all."""

ROW = 0.26
"""Height of a row in inches."""


def draw(analysis: Analysis) -> Drawn:
    """A panel for each skill and data: in domain, out of domain, each part of the data, and edited pairs."""
    means = analysis.out_of_domain_means
    means = means[means["group"].isin(analysis.highlighted)]
    if means.empty:
        return None
    drawn = {}
    for (task, data), rows in means.groupby(["task", "data"], sort=False):
        drawn[str(task), str(data)] = _rows(rows, analysis).assign(task=str(task), data=str(data))
    table = pd.concat(drawn.values(), ignore_index=True)
    tallest = max(rows["row"].nunique() for rows in drawn.values())
    with style():
        across = 2 if len(drawn) > 1 else 1
        figure, panels, _ = small_panels(len(drawn), ROW * tallest + 0.8, across=across)
        for axes, ((task, data), rows) in zip(panels, drawn.items(), strict=False):
            _panel(axes, analysis, rows)
            axes.set_title(short(f"{task} on {data}", 52 // across), fontsize=9)
            axes.set_xlabel(short(metric_label(rows["metric"].iloc[0]), 40 // across), fontsize=8)
        legend(figure, keys(analysis, table, markers=True))
    columns = ["task", "data", "row", "metric", "group", "mean", "low", "high", "n", "note"]
    return figure, table[columns]


def _rows(means: pd.DataFrame, analysis: Analysis) -> pd.DataFrame:
    """What one panel shows, as rows named by `row`: the data's first metric, its parts, and the consistency of pairs."""
    plain = means[(means["part"] == "") & (means["metric"] != CONSISTENCY)]
    metric = plain["metric"].iloc[0] if len(plain) else means["metric"].iloc[0]
    scores = analysis.out_of_domain_scores
    own = scores[(scores["task"] == means["task"].iloc[0]) & (scores["data"] == means["data"].iloc[0])]
    own = own[(own["metric"] == metric) & (own["part"] == "") & own["group"].isin(set(means["group"]))]
    parts = [_in_domain(own, metric), plain[plain["metric"] == metric].assign(row="out of domain")]
    names = list(dict.fromkeys(means[means["part"] != ""]["part"]))[:PARTS]
    parts += [means[means["part"] == name].assign(row=name) for name in names]
    parts.append(means[(means["metric"] == CONSISTENCY) & (means["part"] == "")].assign(row="edited pairs, all right"))
    table: pd.DataFrame = pd.concat([part for part in parts if len(part)], ignore_index=True)
    return table


def _in_domain(own: pd.DataFrame, metric: str) -> pd.DataFrame:
    known = own.dropna(subset=["in_domain"])
    rows = [{"group": group, **mean_entries(rows["in_domain"])} for group, rows in known.groupby("group", sort=False)]
    return pd.DataFrame(rows).assign(row="in domain", metric=metric)


def _panel(axes: Axes, analysis: Analysis, rows: pd.DataFrame) -> None:
    names = list(dict.fromkeys(rows["row"]))
    groups = [group for group in analysis.highlighted if group in set(rows["group"])]
    for place, group in enumerate(groups):
        own = rows[rows["group"] == group].set_index("row").reindex(names)
        at = [y + (place - (len(groups) - 1) / 2) * min(0.8 / len(groups), 0.25) for y in range(len(names))]
        color = line_style(analysis, group)["color"]
        with of_group(axes, group):
            axes.hlines(at, own["low"], own["high"], color=color, linewidth=1.5)
            dots = axes.plot(own["mean"], at, marker(analysis, group).replace(".", "o"), color=color, markersize=4.5)
            described(dots, *(mean_text(row) for _, row in own.dropna(subset=["mean"]).iterrows()))
    axes.set_yticks(range(len(names)), shorts(names, 26), fontsize=8)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.grid(False, axis="y")
    axes.tick_params(axis="x", labelsize=8)


OUT_OF_DOMAIN = Drawing(
    "In domain and out of domain",
    "Last score of each learned skill on held-out examples of its own task (in domain) and on data from elsewhere, by the "
    "data's first metric; then accuracy on each part that the data tell apart, and the share of edited pairs of which every "
    "row is answered rightly, where there are such. Mean over individuals that lived to the end, with its 95% interval; "
    f"of many parts the first {PARTS}, the table has all.",
    "marks out of domain near those in domain, the same on all parts: no shallow rule.",
    draw,
)
