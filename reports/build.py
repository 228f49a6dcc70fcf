"""Write `answers.md`, `answers.svg` and `index.html` from the kept records: `python reports/build.py`."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from functools import cache, lru_cache
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).parent))

from claims import CLAIMS, EssayClaim, of
from gallery import gallery

from lifespan import read
from lifespan.analysis.examples import bits_needed
from lifespan.analysis.hypotheses import (
    MIN_PAIRS,
    CompletedLives,
    HypothesisResult,
    claim_verdict,
    completed_lives,
    difference_by_task,
    evaluate,
    is_measured,
    values,
)
from lifespan.study.hypotheses import LEAST_EFFECT

ROOT = Path(__file__).parent

INTRODUCTION = f"""# The essay, claim by claim

What the essay [The Curious Case of Developmental BERTology](https://arxiv.org/abs/2007.03774) (Wang 2020) claims, and what
lives said of it. Every line is a difference
between twins of one seed, with its 95% interval, n pairs and effect size (Hedges' g_av), computed from the
rows of a kept record by `python reports/build.py`; the tests stand in `reports/claims.py`, the rule in
`lifespan/analysis/hypotheses.py`.

The rule: a predicted difference is supported where its interval lies above 0 and its sign-flip p is below .05, and refuted
where all of it lies below the least difference that counts (.02 unless the line says otherwise). "At least -.03" asks that no
more than that is lost, "within .03" that nothing more is lost or won. Where fewer than {MIN_PAIRS} individuals lived, nothing
is decided; a claim whose positive control (*control*) is not seen is undecided. What nobody had predicted and was looked for
when the rows had been seen (*afterwards*) is a lead: it decides nothing. A claim is supported or refuted where all its tests
agree; "in part" says that some support and some refute it, "supports in part" that some support it and the rest are
undecided. Scores are each task's primary metric, averaged over the tasks, so that a Matthews correlation, whose range is
twice an accuracy's, weighs most: the column `by task` tells them apart. Each interval stands for itself: none is corrected
for the number of tests, so about one in forty tests of no effect will look like support. Verdicts hold for these subjects
and recipes, no further.
"""
FIGURE = "![Differences of scores with their intervals, claim by claim](answers.svg)"


def number(value: float) -> str:
    """Three decimals, signed."""
    return "-" if math.isnan(value) else f"{value:+.3f}".replace("+0.", "+.").replace("-0.", "-.")


def interval(estimate: float, low: float, high: float, write: Callable[[float], str] = number) -> str:
    """An estimate with its interval, where there are enough for one."""
    told = "no interval" if math.isnan(low) else "all equal" if low == high else f"{write(low)} to {write(high)}"
    return f"{write(estimate)} ({told})"


@lru_cache(maxsize=2)
def lives_of(folder: str) -> CompletedLives:
    """The lives of a kept record that came to their end."""
    return completed_lives(read(ROOT / folder))


@cache
def evaluated(claim: EssayClaim) -> list[tuple[str, str, list[HypothesisResult]]]:
    """The results of a claim by record, of those that were kept."""
    kept = [(world, folder) for world, folder in claim.records if (ROOT / folder / "study.json").is_file()]
    return [(world, folder, results_of(claim, lives_of(folder))) for world, folder in kept]


def results_of(claim: EssayClaim, lives: CompletedLives) -> list[HypothesisResult]:
    """The results of those hypotheses whose groups and metrics a record has."""
    return [evaluate(lives, each) for each in claim.hypotheses if is_measured(lives, each)]


def prediction(result: HypothesisResult) -> str:
    """What was predicted of a difference, in signs."""
    margin = result.hypothesis.margin
    if result.hypothesis.prediction == "below":
        return f"below {number(margin)}"
    if result.hypothesis.prediction == "equivalent":
        return f"within {number(margin).lstrip('+')}"
    if result.hypothesis.prediction == "non-inferior":
        return f"at least {number(-margin)}"
    return "above 0" if margin == LEAST_EFFECT else f"above 0 (least that counts: {margin:g})"


def lost(folder: str) -> str:
    """How many individuals did not come to the end, if any."""
    people = read(ROOT / folder).participants()
    missing = int((people["status"] != "done").sum())
    return f" {missing} of {len(people)} individuals did not come to the end." if missing else ""


def cells(folder: str, result: HypothesisResult) -> list[str]:
    """A result as the cells of its line."""
    tested = result.hypothesis
    mark = "*control*: " if tested.positive_control else "*afterwards*: " if tested.post_hoc else ""
    effect = "-" if not math.isfinite(result.effect) else f"{result.effect:+.2f}"
    by_task = difference_by_task(lives_of(folder), tested)
    apart = ", ".join(f"{task.removeprefix('micro-')} {number(value)}" for task, value in by_task.items())
    verdict = f"({result.verdict})" if tested.post_hoc else result.verdict
    estimate = interval(result.estimate, result.low, result.high)
    return [mark + tested.description, prediction(result), str(result.n), estimate, effect, p_value(result), verdict, apart]


def p_value(result: HypothesisResult) -> str:
    """The p of a result that the rule asks it of."""
    if result.n < MIN_PAIRS or result.hypothesis.prediction != "greater":
        return "-"
    return "< .001" if result.p < 0.001 else f"{result.p:.3f}".lstrip("0")


GRIDS = {
    "drugged before learning, largest-weight grid": "{} bits before",
    "drugged before learning, sigma grid": "{} bits before, sigma",
    "drugged after learning, largest-weight grid": "{} bits after",
    "drugged after learning, sigma grid": "{} bits after, sigma",
}


def bits(lives: CompletedLives) -> list[tuple[str, int, float, float, float]]:
    """Bits per synapse at which the mean score keeps 95% of what it is above chance: by order and grid, n, bits, low, high.

    The crossing is that of the mean curve, for a subject that learns anew at each dose scatters more than 5%; the interval is
    the percentile bootstrap over individuals.
    """
    (task,) = lives.tasks.values()
    floor = float(task["chance"][task["metrics"][0]])
    whole = values(lives, of("undrugged"))
    rows = []
    for grid, pattern in GRIDS.items():
        doses = {number: values(lives, of(pattern.format(number))) for number in (8, 4, 3, 2, 1)}
        curves = pd.DataFrame({32: whole, **{number: scores for number, scores in doses.items() if len(scores)}}).dropna()
        if len(curves.columns) < 2:
            continue
        chosen = np.random.default_rng(0).integers(len(curves), size=(2_000, len(curves)))
        needed = [bits_needed(list(curves), mean, floor=floor) for mean in curves.to_numpy()[chosen].mean(axis=1)]
        low, high = np.quantile(needed, [0.025, 0.975]) if len(curves) >= MIN_PAIRS else (math.nan, math.nan)
        rows.append((grid, len(curves), bits_needed(list(curves), curves.mean(), floor=floor), low, high))
    return rows


def decides(result: HypothesisResult) -> bool:
    """Whether a result has a voice in the verdict on its claim."""
    return not result.hypothesis.positive_control and not result.hypothesis.post_hoc


def section(claim: EssayClaim) -> tuple[list[str], list[str]]:
    """A claim's lines of the page, and its lines of the table at its head."""
    records = evaluated(claim)
    lines = [f"## {claim.number}. {claim.title}", "", f"*{claim.statement}* Study: `scenarios/{claim.study}.py`.", ""]
    short = []
    for world, folder, results in records:
        verdict = claim_verdict(results)
        main = next((result for result in results if decides(result)), results[0])
        told = interval(main.estimate, main.low, main.high)
        short.append(
            f"| {claim.number}. {claim.title} | {world} | {main.hypothesis.description} | {main.n} | {told} | {verdict} |"
        )
        lines += [
            f"**{world}: {verdict}.** [Report]({folder}/report.html); record: `reports/{folder}`.{lost(folder)}",
            "",
            "| difference | predicted | n | estimate (95% interval) | g_av | p | verdict | by task |",
            "|---|---|---|---|---|---|---|---|",
        ]
        for result in results:
            lines.append(f"| {' | '.join(cells(folder, result))} |")
        lines.append("")
        if claim.study == "drug_for_every_synapse":
            lines += [
                "| bits at which the mean keeps 95% of its score above chance | n | estimate (95% interval) |",
                "|---|---|---|",
            ]
            lines += [
                f"| {what} | {n} | {interval(*needed, write='{:.2f}'.format)} |" for what, n, *needed in bits(lives_of(folder))
            ]
            lines.append("")
    if not records:
        lines += ["Not lived yet.", ""]
        short.append(f"| {claim.number}. {claim.title} | - | - | 0 | - | not lived yet |")
    return lines, short


def answers() -> str:
    """The page of answers as Markdown."""
    sections, table = [], []
    for claim in CLAIMS:
        lines, short = section(claim)
        sections += lines
        table += short
    head = ["| claim | lived by | first test | n | estimate (95% interval) | verdict |", "|---|---|---|---|---|---|"]
    return "\n".join([INTRODUCTION, *head, *table, "", FIGURE, "", *sections]).rstrip() + "\n"


SHAPES = {"supports": "^", "refutes": "X", "undecided": "o"}
"""Told apart without colour, too."""
COLOURS = {"supports": "#1b7837", "refutes": "#b2182b", "undecided": "#777777"}


def drawn(result: HypothesisResult) -> bool:
    """Whether a difference has its place in the figure: one of scores, and no control."""
    return result.hypothesis.of_scores and decides(result) and result.hypothesis.prediction != "below"


def figure() -> None:
    """The differences of scores in the first record of each claim that has enough twins, as `answers.svg`."""
    import matplotlib

    matplotlib.use("Agg")
    matplotlib.rcParams["svg.hashsalt"] = "answers"
    from matplotlib import pyplot

    rows: list[tuple[str, HypothesisResult | None]] = []
    for claim in CLAIMS:
        enough = [
            [result for result in results if result.n >= MIN_PAIRS and drawn(result)] for _, _, results in evaluated(claim)
        ]
        shown = next(filter(None, enough), [])
        if shown:
            rows.append((f"{claim.number}. {claim.title}", None))
            rows += [(result.hypothesis.description, result) for result in shown]
    canvas, axes = pyplot.subplots(figsize=(8, 0.22 * len(rows) + 0.8), layout="constrained")
    for place, (_, result) in enumerate(rows):
        if result is None:
            continue
        colour = COLOURS[result.verdict]
        axes.plot([result.low, result.high], [place, place], color=colour, linewidth=2)
        axes.plot(result.estimate, place, SHAPES[result.verdict], color=colour, markersize=6)
        if result.hypothesis.prediction in ("non-inferior", "equivalent"):
            axes.plot(-result.hypothesis.margin, place, "|", color="#222222", markersize=9)
    axes.set_yticks(range(len(rows)), [text for text, _ in rows])
    for label, (_, result) in zip(axes.get_yticklabels(), rows, strict=True):
        label.set(fontweight="bold" if result is None else "normal", fontsize=9)
    axes.axvline(0, color="#222222", linewidth=0.8)
    axes.set_ylim(len(rows) - 0.5, -0.7)
    axes.set_xlabel(
        "difference of scores (95% interval)\ngreen triangle: supports, red cross: refutes,\n"
        "grey dot: undecided; bar: what may be lost"
    )
    axes.grid(axis="x", color="#dddddd")
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(axis="y", length=0)
    canvas.savefig(ROOT / "answers.svg", metadata={"Date": None})
    pyplot.close(canvas)


def main() -> None:
    figure()
    page = answers()
    (ROOT / "answers.md").write_text(page, encoding="utf-8")
    (ROOT / "index.html").write_text(gallery(page), encoding="utf-8")


if __name__ == "__main__":
    main()
