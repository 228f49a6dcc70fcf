"""Ours beside Avalanche's, from a record of `scenarios/beside_avalanche.py`, as Markdown.

    python benchmarks/beside_avalanche.py reports/beside_avalanche

For each strategy ACC and forgetting_max of both, with 95% BCa intervals over individuals, and the paired difference of twins
(ours - theirs) with interval and exact sign-flip p, uncorrected.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from strategy_table import spread

from lifespan import read
from lifespan.analysis.continual import memories
from lifespan.stats import inference as stats

PAIRS = {"plain": "Naive, Avalanche"}
PAIRS |= {name: f"{name}, Avalanche" for name in ("EWC", "SI", "LwF", "rehearsal", "A-GEM")}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    rows = memories(read(folder))
    table = rows[rows["task"] == ""].pivot_table(index=["group", "seed"], columns="metric", values="value", sort=False)
    lines = ["| | metric | ours | Avalanche's | ours - Avalanche's | p |", "|---|---|---|---|---|---|"]
    for ours, theirs in PAIRS.items():
        for metric in ("acc", "forgetting_max"):
            mine, other = (table.loc[group][metric].to_numpy() for group in (ours, theirs))
            gap = stats.paired_difference(mine, other)
            both = [spread(stats.mean_interval(values)) for values in (mine, other)]
            lines.append(f"| {ours} | {metric} | {both[0]} | {both[1]} | {spread(gap.difference, '+')} | {gap.p:.3f} |")
    (folder / "pairs.md").write_text("\n".join(lines) + "\n")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
