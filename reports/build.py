"""Write `answers.md`, `answers.svg` and `index.html` from the kept records: `python reports/build.py`."""

from __future__ import annotations

import html
import math
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

from markdown_it import MarkdownIt

sys.path.insert(0, str(Path(__file__).parent))

from claims import CLAIMS, FEWEST, HERE, MARGIN, Claim, Found, bits, by_task, found, known, verdict

from lifespan import read

INTRODUCTION = f"""# The essay, claim by claim

What the essay [The Curious Case of Developmental BERTology](https://arxiv.org/abs/2007.03774) (Wang 2020) claims, and what
lives said of it. Every line is a difference
between twins of one seed, with its 95% interval (BCa bootstrap), n pairs and effect size (Hedges' g_av), computed from the
rows of a kept record by `python reports/build.py`; tests and rule stand in `reports/claims.py`.

The rule: a predicted difference is supported where its interval lies above 0 and its sign-flip p is below .05, and refuted
where all of it lies below the least difference that counts (.02 unless the line says otherwise). "At least -.03" asks that no
more than that is lost, "within .03" that nothing more is lost or won. Where fewer than {FEWEST} individuals lived, nothing is
decided; a claim whose positive control (*control*) is not seen is undecided. What nobody had predicted and was looked for
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


@cache
def lived(claim: Claim) -> list[tuple[str, str, list[Found]]]:
    """The results of a claim by record, of those that were kept."""
    return [
        (world, folder, [found(folder, test) for test in claim.tests if known(folder, test)])
        for world, folder in claim.records
        if (HERE / folder / "study.json").is_file()
    ]


def predicted(result: Found) -> str:
    """What was predicted of a difference, in signs."""
    test = result.test
    if test.predicted == "below":
        return f"below {number(test.margin)}"
    if test.predicted == "alike":
        return f"within {number(test.margin).lstrip('+')}"
    if test.predicted == "no less":
        return f"at least {number(-test.margin)}"
    return "above 0" if test.margin == MARGIN else f"above 0 (least that counts: {test.margin:g})"


def lost(folder: str) -> str:
    """How many individuals did not come to the end, if any."""
    people = read(HERE / folder).participants()
    missing = int((people["status"] != "done").sum())
    return f" {missing} of {len(people)} individuals did not come to the end." if missing else ""


def cells(folder: str, result: Found) -> list[str]:
    """A result as the cells of its line."""
    test = result.test
    what = f"*control*: {test.what}" if test.control else f"*afterwards*: {test.what}" if test.afterwards else test.what
    effect = "-" if not math.isfinite(result.effect) else f"{result.effect:+.2f}"
    p = (
        "-"
        if result.n < FEWEST or test.predicted != "more"
        else "< .001"
        if result.p < 0.001
        else f"{result.p:.3f}".lstrip("0")
    )
    apart = ", ".join(f"{task.removeprefix('micro-')} {number(value)}" for task, value in by_task(folder, test).items())
    says = f"({result.verdict})" if test.afterwards else result.verdict
    told = interval(result.estimate, result.low, result.high)
    return [what, predicted(result), str(result.n), told, effect, p, says, apart]


def section(claim: Claim) -> tuple[list[str], list[str]]:
    """A claim's lines of the page, and its lines of the table at its head."""
    records = lived(claim)
    lines = [f"## {claim.number}. {claim.title}", "", f"*{claim.claim}* Study: `scenarios/{claim.study}.py`.", ""]
    short = []
    for world, folder, results in records:
        says = verdict(results)
        main = next((result for result in results if not result.test.control and not result.test.afterwards), results[0])
        told = interval(main.estimate, main.low, main.high)
        short.append(f"| {claim.number}. {claim.title} | {world} | {main.test.what} | {main.n} | {told} | {says} |")
        lines += [
            f"**{world}: {says}.** [Report]({folder}/report.html); record: `reports/{folder}`.{lost(folder)}",
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
            lines += [f"| {what} | {n} | {interval(*needed, write='{:.2f}'.format)} |" for what, n, *needed in bits(folder)]
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


def gallery(page: str) -> str:
    """All kept reports as one HTML page."""
    cards = []
    for folder in sorted(path.parent for path in HERE.rglob("report.html")):
        record, place = read(folder), folder.relative_to(HERE).as_posix()
        people, study = record.participants(), record.study
        asked = html.escape(str(study.get("about", "")).split("\n\n")[0].strip()) or html.escape(str(study["name"]))
        groups = people["group"].nunique()
        cards.append(
            f'<li><a href="{place}/report.html">{html.escape(place.replace("_", " ").replace("/", ", "))}</a> '
            f"<small>{groups} groups, {len(people)} individuals</small><p>{asked}</p></li>"
        )
    return PAGE.format(answers=MarkdownIt("commonmark").enable("table").render(page), cards="\n".join(cards))


PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Lifespan: answers and reports</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 2rem auto; padding: 0 1rem; color: #222; }}
h1, h2 {{ line-height: 1.2; }} h2 {{ margin-top: 2.5rem; }}
table {{ border-collapse: collapse; font-size: .9rem; display: block; overflow-x: auto; }}
img {{ max-width: 100%; }}
th, td {{ text-align: left; padding: .3rem .6rem; border-bottom: 1px solid #ddd; vertical-align: top; }}
td:nth-child(n+3) {{ font-variant-numeric: tabular-nums; }}
code {{ background: #f3f3f3; padding: 0 .2em; }}
ul.gallery {{ list-style: none; padding: 0; display: grid; gap: 1rem; }}
ul.gallery {{ grid-template-columns: repeat(auto-fill, minmax(min(20rem, 100%), 1fr)); }}
ul.gallery li {{ border: 1px solid #ddd; border-radius: .4rem; padding: .8rem 1rem; }}
ul.gallery p {{ margin: .4rem 0 0; font-size: .9rem; }}
small {{ color: #666; display: block; }}
</style></head><body>
<main>{answers}</main>
<h2 id="gallery">All reports</h2>
<ul class="gallery">
{cards}
</ul>
</body></html>
"""


COLOURS = {"supports": "#1b7837", "refutes": "#b2182b", "undecided": "#777777"}


def drawn(result: Found) -> bool:
    """Whether a difference has its place in the figure: one of scores, and no control."""
    told = result.test.scores and not result.test.control and not result.test.afterwards
    return told and result.test.predicted != "below"


def figure() -> None:
    """The differences of scores in the first record of each claim that has enough twins, as `answers.svg`."""
    import matplotlib

    matplotlib.use("Agg")
    matplotlib.rcParams["svg.hashsalt"] = "answers"
    from matplotlib import pyplot

    rows: list[tuple[str, Found | None]] = []
    for claim in CLAIMS:
        enough = [[result for result in results if result.n >= FEWEST and drawn(result)] for _, _, results in lived(claim)]
        shown = next(filter(None, enough), [])
        if shown:
            rows.append((f"{claim.number}. {claim.title}", None))
            rows += [(result.test.what, result) for result in shown]
    canvas, axes = pyplot.subplots(figsize=(8, 0.22 * len(rows) + 0.8), layout="constrained")
    for place, (_, result) in enumerate(rows):
        if result is None:
            continue
        colour = COLOURS[result.verdict]
        axes.plot([result.low, result.high], [place, place], color=colour, linewidth=2)
        axes.plot(result.estimate, place, "o", color=colour, markersize=5)
        if result.test.predicted in ("no less", "alike"):
            axes.plot(-result.test.margin, place, "|", color="#222222", markersize=9)
    axes.set_yticks(range(len(rows)), [text for text, _ in rows])
    for label, (_, result) in zip(axes.get_yticklabels(), rows, strict=True):
        label.set(fontweight="bold" if result is None else "normal", fontsize=9)
    axes.axvline(0, color="#222222", linewidth=0.8)
    axes.set_ylim(len(rows) - 0.5, -0.7)
    axes.set_xlabel("difference of scores (95% interval)\ngreen supports, red refutes,\ngrey undecided; bar: what may be lost")
    axes.grid(axis="x", color="#dddddd")
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(axis="y", length=0)
    canvas.savefig(HERE / "answers.svg", metadata={"Date": None})
    pyplot.close(canvas)


def main() -> None:
    figure()
    page = answers()
    (HERE / "answers.md").write_text(page, encoding="utf-8")
    (HERE / "index.html").write_text(gallery(page), encoding="utf-8")


if __name__ == "__main__":
    main()
