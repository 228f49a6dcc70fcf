"""The table of all mechanisms from records of `scenarios/every_mechanism.py`, as Markdown and CSV.

    python benchmarks/mechanism_table.py RUN... --out FOLDER

One row per group and task: the primary score at the end of life with its interval over individuals, the paired difference
to the control with interval and effect size, the sparsity of the task's effective weights, flips while learning,
optimizer steps and seconds of the last `Learn`, and the bytes that the task adds to a shared base. A figure shows the scores,
every individual a dot.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from lifespan import read
from lifespan.analysis.analysis import Analysis
from lifespan.stats import inference as stats

COLUMNS = ["score", "low", "high", "n", "difference", "d_low", "d_high", "g", "p_holm"]
COLUMNS += ["sparsity", "flips", "steps", "seconds", "kilobytes"]


def rows_of(analysis: Analysis) -> pd.DataFrame:
    """The table of one study, groups in their order."""
    scores = analysis.final_scores
    task = scores["task"].iloc[0]
    control = scores[scores["group"] == analysis.cohort.control].set_index("individual")["value"]
    rows = []
    for group in analysis.cohort.groups:
        mine = scores[scores["group"] == group].set_index("individual")["value"]
        interval = stats.mean_interval(mine.to_numpy())
        paired = stats.paired_difference(mine.reindex(control.index).to_numpy(), control.to_numpy())
        learned = last_learning(analysis, group)
        rows.append(
            {
                "task": task,
                "group": group,
                "score": interval.estimate,
                "low": interval.low,
                "high": interval.high,
                "n": interval.n,
                "difference": paired.difference.estimate,
                "d_low": paired.difference.low,
                "d_high": paired.difference.high,
                "g": paired.hedges_g_av,
                "p": paired.p,
                "sparsity": last(analysis, group, "Sparsity", "sparsity", task),
                "flips": last(analysis, group, "Training", "flips", task),
                "steps": learned["optimizer_steps"].mean(),
                "seconds": learned["seconds"].mean(),
                "kilobytes": last(analysis, group, "Footprint", "bytes", task) / 1000,
            }
        )
    table = pd.DataFrame(rows)
    others = table["group"] != analysis.cohort.control
    table.loc[others, "p_holm"] = stats.holm(table.loc[others, "p"].to_numpy())
    return table.drop(columns="p")


def last(analysis: Analysis, group: str, probe: str, metric: str, task: str) -> float:
    """Mean over individuals of the latest value of a metric."""
    rows = analysis.cohort.measurements
    rows = rows[(rows["group"] == group) & (rows["probe"] == probe) & (rows["metric"] == metric) & (rows["task"] == task)]
    return rows.sort_values(["step", "age"]).groupby("individual")["value"].last().mean()


def last_learning(analysis: Analysis, group: str) -> pd.DataFrame:
    """The row of every individual's latest `Learn`."""
    steps = analysis.cohort.steps
    return steps[(steps["group"] == group) & (steps["kind"] == "Learn")].sort_values("step").groupby("individual").last()


def markdown(table: pd.DataFrame) -> str:
    """The table as people read it."""
    lines = ["| mechanism | score (95% interval) | minus control | g | sparsity | flips | steps | s | kB a task |"]
    lines.append("|---|---|---|---|---|---|---|---|---|")
    for row in table.itertuples():
        lines.append(
            f"| {row.group} | {row.score:.3f} ({row.low:.3f} to {row.high:.3f}) "
            f"| {row.difference:+.3f} ({row.d_low:+.3f} to {row.d_high:+.3f}) | {row.g:+.1f} | {row.sparsity:.2f} "
            f"| {row.flips:.3f} | {row.steps:.0f} | {row.seconds:.1f} | {row.kilobytes:,.0f} |"
        )
    return "\n".join(lines).replace("(nan to nan)", "").replace("+nan", "").replace("nan", "")


def figure(analysis: Analysis, table: pd.DataFrame, path: Path) -> None:
    """Scores by mechanism: dots are individuals, bars the 95% interval of the mean, the line the control's mean."""
    task, groups = str(table["task"].iloc[0]), list(table["group"])
    canvas = Figure(figsize=(7.2, 0.19 * len(groups) + 0.9), layout="constrained")
    axes = canvas.subplots()
    scores = analysis.final_scores
    for place, row in enumerate(table.itertuples()):
        mine = scores.loc[scores["group"] == row.group, "value"]
        axes.plot(mine, [place] * len(mine), "o", color="#56B4E9", alpha=0.5, markersize=3, markeredgewidth=0)
        axes.plot([row.low, row.high], [place, place], color="#0072B2", linewidth=2)
        axes.plot(row.score, place, "o", color="#0072B2", markersize=4.5)
    control = float(table.loc[table["group"] == analysis.cohort.control, "score"].iloc[0])
    axes.axvline(control, color="#D55E00", linewidth=1, label=f"{analysis.cohort.control} (control)")
    axes.set(yticks=range(len(groups)), yticklabels=groups, ylim=(len(groups) - 0.4, -0.6))
    axes.set_xlabel(f"{analysis.cohort.primary(task)} on {task} (n = {int(table['n'].max())} a row)")
    axes.tick_params(labelsize=7.5)
    axes.grid(axis="x", alpha=0.3)
    axes.legend(loc="lower right", fontsize=7.5)
    canvas.savefig(path, metadata={"Date": None})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    tables, texts = [], []
    for run in arguments.runs:
        analysis = Analysis(read(run))
        table = rows_of(analysis)
        tables.append(table)
        figure(analysis, table, arguments.out / f"{table['task'].iloc[0]}.svg")
        n = int(table["n"].max())
        texts.append(
            f"## {table['task'].iloc[0]}\n\nn = {n} individuals a row; control: {analysis.cohort.control}.\n\n"
            f"{markdown(table)}\n"
        )
    pd.concat(tables).to_csv(arguments.out / "mechanisms.csv", index=False)
    (arguments.out / "mechanisms.md").write_text("\n".join(texts))
    print("\n".join(texts))


if __name__ == "__main__":
    main()
