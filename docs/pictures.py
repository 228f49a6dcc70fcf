"""The pictures of the README and the first page, from real records: `python docs/pictures.py RUN_OF_FIRST_LIFE`.

`life.svg` is drawn from a run of `lifespan simulate first_life`, the three of the cards from kept records in `reports/`.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd
import panels
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from lifespan.analysis.analysis import Analysis
from lifespan.report.figures.canvas import PALETTE
from lifespan.report.labels import primary_label
from lifespan.study.events import colors

ROOT = Path(__file__).parents[1]
CARD = (3.4, 2.3)
BESIDE = {"SI": (4, -6), "EWC": (4, 5), "rehearsal": (-2, -11)}
"""Where a name stands beside its mark, in points, where it would lie on another."""


def life(directory: Path) -> str:
    """What two groups of twins live, over what each individual scores after every event."""
    analysis = Analysis(directory)
    groups = dict(zip(analysis.cohort.groups, PALETTE, strict=False))
    figure, (above, below) = panels.sheet(9.0, 3.9, 2, sharex=True, height_ratios=(1, 2.1))
    for line, group in enumerate(groups):
        _track(above, analysis.cohort.timeline(group), line)
        above.text(-0.62, line, group, ha="right", va="center", weight="bold", color=groups[group])
    above.set_ylim(len(groups) - 0.5, -0.5)
    above.axis("off")
    task = next(iter(analysis.cohort.tasks))
    scores = analysis.primary_scores
    for group, color in groups.items():
        _lines(below, scores[(scores["group"] == group) & (scores["task"] == task)], color)
    count = scores["individual"].nunique()
    below.set_title(f"{task.removeprefix('micro-')}: each of {count} pairs of twins, and the means")
    below.set_ylabel(primary_label(analysis.cohort, task).replace(" ", "\n", 1))
    below.axhline(analysis.cohort.chance(task), color=panels.FAINT, linewidth=0.9, linestyle=":")
    below.text(0.0, analysis.cohort.chance(task), "chance", va="bottom", color=panels.SOFT, fontsize=8)
    below.set_xlabel("event of the life")
    below.xaxis.get_major_locator().set_params(integer=True)
    below.set_xlim(-0.6, max(step["step"] for step in analysis.cohort.timeline(next(iter(groups)))) + 0.6)
    return panels.svg(figure)


def _track(axes: Axes, timeline: list[dict[str, object]], line: int) -> None:
    for step in timeline:
        x, kind = float(str(step["step"])), str(step["kind"])
        axes.add_patch(Rectangle((x - 0.46, line - 0.36), 0.92, 0.72, color=colors()[kind], linewidth=0))
        what = f"to {step['to']:.0%} dead" if step.get("to") else str(step.get("task") or "").removeprefix("micro-")
        look = {"ha": "center", "va": "center", "fontsize": 8, "color": "white" if kind in panels.DARK else "black"}
        axes.text(x, line, "\n".join(filter(None, (kind.lower(), what))), **look)


def _lines(axes: Axes, rows: pd.DataFrame, color: str) -> None:
    for _, own in rows.groupby("individual"):
        axes.plot(own["step"], own["value"], color=color, linewidth=0.7, alpha=0.45)
    mean = rows.groupby("step")["value"].mean()
    axes.plot(mean.index, mean, color=color, linewidth=2.2, marker="o", markersize=4)
    axes.annotate(
        f"{mean.iloc[-1]:.2f}", (mean.index[-1], mean.iloc[-1]), (8, 0), textcoords="offset points", va="center", color=color
    )


def ageing() -> str:
    """Accuracy on one task against the share of dead synapses, with and without recovery."""
    analysis = Analysis(ROOT / "reports/graceful_ageing", groups=("none", "structural", "one-shot"))
    scores, dead = analysis.primary_scores, analysis.sparsities
    figure, (axes,) = panels.sheet(*CARD)
    labels = {"structural": "recovery after each loss", "none": "no recovery", "one-shot": "one loss, as many steps after it"}
    moments = ["group", "individual", "step"]
    final = scores[scores["task"] == "micro-inference"][[*moments, "value"]]
    share = dead.drop_duplicates(moments, keep="last").set_index(moments)["value"].rename("sparsity")
    final = final.join(share, on=moments).dropna()
    for color, (group, label) in zip(PALETTE, labels.items(), strict=False):
        own = final[(final["group"] == group) & (final["step"] >= 4)]
        mean = own.groupby("step")[["sparsity", "value"]].mean()
        axes.plot(mean["sparsity"], mean["value"], color=color, marker="o", markersize=3, linewidth=1.8, label=label)
    axes.set_xlabel("synapses lost")
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    axes.set_ylabel("accuracy on inference")
    axes.set_ylim(0.24, 0.62)
    axes.legend(fontsize=8, loc="lower left")
    return panels.svg(figure)


def disorders() -> str:
    """Final score by severity of five disorders, those of the study's shortest list."""
    analysis = Analysis(ROOT / "reports/severity_map")
    finals = analysis.final_scores
    figure, (axes,) = panels.sheet(*CARD)
    healthy = finals[finals["group"] == "healthy"]["value"].mean()
    shown = ("LabelNoise", "HighRate", "NeuronLoss", "InitialScale")
    for color, name in zip(PALETTE, shown, strict=False):
        means = [healthy] + [finals[finals["group"] == f"{name} {dose}"]["value"].mean() for dose in ("0.25", "0.75")]
        axes.plot((0, 0.25, 0.75), means, color=color, marker="o", markersize=4, linewidth=1.8, label=name)
    axes.set_xticks((0, 0.25, 0.75), ("0\nhealth", "0.25", "0.75"))
    axes.set_xlabel("severity before school")
    axes.set_ylabel("accuracy on inference")
    axes.legend(fontsize=8, loc="lower left")
    return panels.svg(figure)


BELOW = {"SI": (6, -5), "rehearsal": (4, -11)}
"""Where the names of marks stand that others would cover, in points from the mark."""


def methods() -> str:
    """Final mean score against forgetting, a mark for each way of learning six tasks in turn."""
    analysis = Analysis(ROOT / "reports/against_forgetting")
    table = analysis.memory_means
    table = table[(table["task"] == "") & ~table["group"].str.contains("aged|cumulative|frozen")]
    wide = table.pivot_table(index="group", columns="metric", values="mean", sort=False)
    figure, (axes,) = panels.sheet(*CARD)
    axes.scatter(wide["forgetting_max_normalised"], wide["acc_normalised"], color=PALETTE[0], s=22)
    for group, row in wide.iterrows():
        axes.annotate(
            str(group),
            (row["forgetting_max_normalised"], row["acc_normalised"]),
            BELOW.get(str(group), (4, 3)),
            textcoords="offset points",
            fontsize=8,
        )
    axes.set_xlabel("forgetting, chance-normalised")
    axes.set_ylabel("ACC, chance-normalised")
    axes.margins(x=0.18, y=0.12)
    return panels.svg(figure)


def write(directory: Path, folder: Path) -> None:
    """Write the four pictures into a folder."""
    for name, drawn in {"ageing": ageing(), "disorders": disorders(), "methods": methods()}.items():
        (folder / f"{name}.svg").write_text(drawn, encoding="utf-8")
    (folder / "life.svg").write_text(life(directory), encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]), ROOT / "docs/pictures")
