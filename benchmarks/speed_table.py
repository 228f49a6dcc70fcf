"""The table of measured speeds in docs/speed.md, from the results of the other benchmarks.

python benchmarks/speed_table.py            # writes docs/speed.md; a test keeps the two equal
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"
PAGE = Path(__file__).parent.parent / "docs" / "speed.md"
HEAD = """# How fast it is

Most figures are ratios of things measured side by side, in turns, on one machine; the numbers in brackets are the lowest
and the highest of the rounds. The scripts are in `benchmarks/`, their results in `benchmarks/results/` as JSON with the
machine and the versions. This page is written by `python benchmarks/speed_table.py`. What was tried and did not pay is in
`reports/LOG.md`.

"""


def result(name: str) -> dict[str, Any]:
    return json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))


def ratio(values: list[float], unit: str = "x") -> str:
    """The median with lowest and highest."""
    low, middle, high = values
    return f"**{middle:.2f}{unit}** ({low:.2f} to {high:.2f})"


def rows() -> list[tuple[str, str, str]]:
    """(what, measured, script)."""
    trainer, scores, mask = result("trainer"), result("trainer_scores"), result("mask_step")
    probes, removal, stacked = result("probes"), result("removal"), result("stacked")
    found = []
    for kind, name in (
        ("weights", "Fine-tuning by weights"),
        ("language", "Masked-language modelling"),
        ("predicted", "Prediction"),
    ):
        for peer in ("Trainer, fp32", "Trainer, bf16"):
            speed = f"{trainer[kind]['ours']['examples_per_second']:.0f} examples/s: "
            found.append((f"{name} over {peer}", speed + ratio(trainer[kind][peer]["ours_over_it"]), "trainer.py"))
    for name, whose in (("of_trainers_products", "Trainer's step"), ("of_our_products", "our step, which does fewer of them")):
        what = f"Fine-tuning, share of the bf16 limit of the matrix products of {whose}"
        found.append((what, ratio(trainer[name]["of_limit"], ""), "trainer.py"))
    low, high = scores["interval"]
    count = len(scores["accuracies"]["ours"])
    difference = f"{scores['difference']:+.3f} accuracy ({low:+.3f} to {high:+.3f}), {count} seeds each"
    found.append(("Fine-tuning, our scores less those of Trainer", difference, "trainer.py --scores"))
    masks = mask["learners"]["masks"]
    cost = ratio([masks["wall"][part] for part in ("low", "median", "high")])
    found.append(("A step of masks over a step of weights", cost, "mask_step.py"))
    weights = mask["learners"]["weights"]["mebibytes"]
    found.append(("Memory of learning masks, of weights", f"{masks['mebibytes']:.0f} MiB, {weights:.0f} MiB", "mask_step.py"))
    share = f"{probes['share']:.1%} of {probes['living_seconds'] + probes['looking_seconds']:.0f} s"
    found.append(("The usual probes after every event, share of a life", share, "probes.py"))
    for row in removal["rows"]:
        if row["shape"] == "removed" and row["precision"] != "fp32":
            name = f"Half of the units removed and {row['precision']}, over dense fp32 inference"
            found.append((name, ratio([row["low"], row["speedup"], row["high"]]), "removal.py"))
    for way, figures in stacked["ways"].items():
        if way != next(iter(stacked["ways"])):
            found.append((f"Micro cohort, {way}, over one by one", ratio(figures["over_one_by_one"]), "stacked.py"))
    cohort = result("cohort")["saving"]
    saved = f"{cohort['separate_seconds'] / cohort['tree_seconds']:.1f}x the lives an hour"
    found.append((f"{cohort['variants']} variants of one childhood lived as a tree, over separate lives", saved, "cohort.py"))
    return found


def page() -> str:
    """The page's text."""
    lines = ["| what | measured | script |", "|---|---|---|"]
    lines += [f"| {what} | {measured} | `{script}` |" for what, measured, script in rows()]
    lines += ["", "## A study against individuals and workers, and what `lifespan plan` said before", ""]
    lines += ["| study | individuals | workers | seconds | time, planned / measured | MB | disk, planned / measured | basis |"]
    lines += ["|---|---|---|---|---|---|---|---|"]
    for row in result("scaling")["rows"]:
        where = f"| {row['study']} | {row['individuals']} | {row['workers']} | {row['seconds']:.0f} | "
        figures = (
            f"{row['planned_over_measured']:.2f} | {row['bytes'] / 1e6:.0f} | {row['planned_bytes_over_measured']:.2f} | "
        )
        lines.append(where + figures + row["basis"].partition(",")[0] + " |")
    lines += ["", 'Rows with the basis "measured here" are the second half of a study whose first half was lived before.', ""]
    return HEAD + "\n".join(lines)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
