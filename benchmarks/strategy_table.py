"""The table of strategies against forgetting, from a record of `scenarios/against_forgetting_on_glue.py`, as Markdown and CSV.

    python benchmarks/strategy_table.py reports/against_forgetting_on_glue

One row per group: ACC, forgetting_max, BWT, FWT (linear readouts) and intransigence (against the cumulative twin) with 95%
intervals over individuals, the paired difference in ACC to plain fine-tuning of the same age, kilobytes per task (head, mask
at its entropy floor or adapter, and what the strategy remembers, shared out; not the one body that all tasks share), and the
training time of a life relative to plain's (no timing where other work ran beside it: see `strategy_step.py`). For aged groups
too, intransigence compares with the first cumulative group. Also the mean score of each task at the end.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas as pd

from lifespan import read
from lifespan.analysis.analysis import Analysis
from lifespan.analysis.continual import memories
from lifespan.stats import inference as stats

METRICS = ("acc", "forgetting_max", "bwt", "fwt", "intransigence")


def told(values: np.ndarray) -> str:
    """Mean and 95% interval."""
    values = values[~np.isnan(values)]
    if len(values) < 2:
        return f"{values.mean():.3f}" if len(values) else "-"
    return spread(stats.mean_interval(values))


def spread(found: stats.Interval, sign: str = "") -> str:
    """An estimate and its interval; no interval where none can be had."""
    interval = "" if np.isnan(found.low) else f" ({found.low:{sign}.3f} to {found.high:{sign}.3f})"
    return f"{found.estimate:{sign}.3f}{interval}"


def kilobytes(rows: pd.DataFrame, group: str, tasks: int) -> float:
    """What is kept for a task beside the body, in kB."""
    prints = rows[(rows["probe"] == "Footprint") & (rows["metric"] == "bytes")]
    mean = prints.groupby("group")["value"].mean()
    body = mean["plain"] - mean["frozen"]
    own = mean[group] - (body if mean[group] > body else 0.0)
    kept = rows[(rows["group"] == group) & rows["probe"].str.startswith("Strategy/") & (rows["metric"] == "bytes")]
    last = kept[kept["step"] == kept["step"].max()]["value"].mean() if len(kept) else 0.0
    return float(own + last / tasks) / 1000


def table(folder: Path) -> pd.DataFrame:
    """One row per group, in the record's order."""
    record = read(folder)
    memory, rows, steps = memories(record), record.measurements(), record.steps()
    overall = memory[memory["task"] == ""].pivot_table(index=["group", "seed"], columns="metric", values="value", sort=False)
    scores = Analysis(record).primary_scores
    last = scores.sort_values("step", kind="stable").groupby(["group", "seed", "task"], sort=False)["value"].last()
    tasks = list(dict.fromkeys(scores["task"]))
    seconds = steps[steps["stage"].str.startswith("learn")].groupby(["group", "seed"])["seconds"].sum()
    lines = []
    for group in dict.fromkeys(scores["group"]):
        plain = "plain, aged" if group.endswith(", aged") else "plain"
        mine = overall.loc[group]
        line = {"group": group, "n": len(mine)}
        line |= {name: told(mine[name].to_numpy()) for name in METRICS if name in mine}
        if group != plain:
            both = mine["acc"].index.intersection(overall.loc[plain].index)
            gap = stats.paired_difference(mine["acc"][both].to_numpy(), overall.loc[plain]["acc"][both].to_numpy())
            line["ACC - plain"] = spread(gap.difference, "+")
        line["kB per task"] = f"{kilobytes(rows, group, len(tasks)):,.0f}"
        line["time"] = f"{seconds[group].median() / seconds[plain].median():.2f}"
        line |= {task: f"{last[group].xs(task, level='task').mean():.3f}" for task in tasks}
        lines.append(line)
    return pd.DataFrame(lines).fillna("")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    asked = parser.parse_args()
    found = table(asked.folder)
    found.to_csv(asked.folder / "strategies.csv", index=False)
    text = ["| " + " | ".join(found.columns) + " |", "|" + "---|" * len(found.columns)]
    text += ["| " + " | ".join(str(value) for value in row) + " |" for row in found.itertuples(index=False)]
    (asked.folder / "strategies.md").write_text("\n".join(text) + "\n")
    print("\n".join(text))


if __name__ == "__main__":
    main()
