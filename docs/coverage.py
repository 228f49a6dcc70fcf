"""The page on intervals and how often they cover, from `benchmarks/results/coverage.json`: `python docs/coverage.py docs`."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parents[1] / "benchmarks" / "results" / "coverage.json"
SIZES = (3, 5, 10, 20)


def page(result: Mapping[str, Any]) -> str:
    """The page as Markdown."""
    cells = {(row["what"], row["law"], row["n"]): row for row in result["rows"]}
    kinds: dict[str, list[str]] = {}
    for what, law, _ in cells:
        kinds.setdefault(what, [])
        if law not in kinds[what]:
            kinds[what].append(law)
    parts = [PAGE, MEASURED.format(**result)]
    for title, chosen in (("How often intervals cover", _is_interval), ("How often a true null is rejected", _is_test)):
        rows = [_line(cells, what, law) for what, laws in kinds.items() if chosen(what) for law in laws]
        parts.append(f"## {title}\n\n{_table(rows)}")
    return "\n\n".join(parts) + "\n"


def _is_test(what: str) -> bool:
    return "<=" in what or "one-sided" in what


def _is_interval(what: str) -> bool:
    return not _is_test(what)


def _line(cells: Mapping[tuple[str, str, int], Mapping[str, Any]], what: str, law: str) -> list[str]:
    return [what, law, *(_cell(cells.get((what, law, n))) for n in SIZES)]


def _cell(row: Mapping[str, Any] | None) -> str:
    """The share, and the share of studies that had an interval where that is not all; "-" where none had."""
    if row is None or row["share"] is None:
        return "-"
    share = f"{row['share']:.3f}".removeprefix("0")
    return share if row["printed"] >= 0.995 else f"{share} (of {row['printed']:.0%})"


def _table(rows: Iterable[list[str]]) -> str:
    head = ["| what | law | n = 3 | 5 | 10 | 20 |", "|---|---|---|---|---|---|"]
    return "\n".join([*head, *(f"| {' | '.join(cell.replace('<', '&lt;') for cell in row)} |" for row in rows)])


PAGE = """# Intervals, and how often they cover

A 95% interval is one that holds the true value in 95 of 100 studies. Whether it does with 5 individuals depends on how their
scores are distributed, so it was measured: thousands of studies were drawn whose truth is known, and the functions that a
report asks were asked. This page is written from `benchmarks/results/coverage.json`.

**A mean over individuals, or over differences of twins.** Each end is the further one of two: Student's t, which is too
short on the long side of skewed values, and the bootstrap-t, which follows the skew but scatters at small n (up to 2.5 times
as far as Student's). It needs 4 individuals; of 3, no method covers skewed values, and nothing is printed. The same ends are
the one-sided bounds behind "no less" and "alike", at 97.5% each: Student's own at 95% are wrong up to 11% of the time where
the treated twin's scores are skewed.

**Collapses.** Where 1 individual in 20 ends at chance, no interval of the mean covers: most studies hold no collapse and
cannot know of them. An individual collapsed where it ended nearer to chance than a quarter of the way to its group's median
and lies more than 4 robust standard deviations below it. Reports then print the share that collapsed, with its exact
interval, beside the mean of the others with theirs, and no interval of the mean over all. An interval of a group without a
collapse speaks of individuals that do not collapse. A verdict on a declared hypothesis must stand with and without the pairs
in which one collapsed.

**Without declared hypotheses** a report begins with differences that are clear: their interval excludes 0, and the p of the
same method, adjusted over all comparisons of the study (Holm), is below .05. So a study of groups that differ in nothing
begins with a wrong difference at most as often as the row "any of 8 called clear" says.

**Test items.** All individuals answer the same test items. Where `Probe(Outputs())` kept the answers, the interval of a
final score and of a difference counts them too, as if another test set of this size had been drawn: the items' own variance,
from the metric on resampled items (accuracy, Matthews, F1, precision, recall and correlations), is added to both ends in
squares. Where they were not kept, the interval speaks of this test set only, and the report says so. It does so too for the
area under the ROC curve and for tagged words, which are not resampled; and p values, here and everywhere, count individuals
alone.

**Other numbers.** The interquartile mean over tasks and the probability of improvement have Student's interval with the
bootstrap's standard error (the latter on its log-odds); an ED50 that of the jackknife on its logarithm; a difference in
slope that of the mixed model, no shorter than that of the lives' own slopes; survival curves Greenwood's. The log-rank test
swaps twins, which is exact. Sign-flip tests are exact where a group makes no difference to its twins; with 5 pairs they
cannot reach .05.

**What is not printed.** No interval of fewer than 4 individuals, of equal values, of a group in which somebody collapsed, or
of a median survival. The lines of the figure of all outcomes are intervals of the difference, drawn in units of the observed
standard deviation: they say whether it excludes zero, and are no intervals of the standardised effect (row "effect
size")."""

MEASURED = """Below, `skewed` is exponential, `bounded` a beta distribution near its ceiling, `tied` the share right of
16 rows,
`collapsing` has 5% of individuals at chance; "unlike" twins differ in law, the treated being skewed and twice as spread
(or collapsing in 10%) and the control normal. "(of 80%)": in so many studies there was an interval; "-": in none.
"Former" are the methods of earlier versions. Intervals are meant to hold the truth in .95, one-sided bounds at .975 to
be wrong in .025 and tests to reject in at most .05. Each cell has 125 (test items), 200 (slopes), 500 (effect sizes,
survival) or 1,000 studies. Measured in {seconds:,} s of a busy machine with Python {python}, numpy {numpy} and scipy
{scipy}: `python benchmarks/coverage.py benchmarks/results/coverage.json --studies 1000`."""


def write(folder: Path) -> Path:
    """Write the page into a folder. Returns its path."""
    path = folder / "coverage.md"
    path.write_text(page(json.loads(RESULTS.read_text(encoding="utf-8"))), encoding="utf-8")
    return path


if __name__ == "__main__":
    write(Path(sys.argv[1] if len(sys.argv) > 1 else "docs"))
