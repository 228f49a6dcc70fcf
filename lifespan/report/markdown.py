"""The report's words and tables as Markdown, for a terminal or a message."""

from __future__ import annotations

import re

import pandas as pd

from lifespan.analysis import scores as outcomes
from lifespan.analysis.cohort import Evidence
from lifespan.report import findings
from lifespan.report import sentences as summary


def brief(evidence: Evidence) -> str:
    """What was asked and what came out, with the final scores and the comparisons, as a Markdown document."""
    parts = [f"# {escaped(evidence.title)}", "## What was asked", *(escaped(text) for text in summary.asked(evidence))]
    parts.append("## What came out")
    for heading, sentences in [*summary.found(evidence), *findings.more(evidence)]:
        parts += [f"### {escaped(heading)}"] if heading else []
        parts.append("\n".join(f"- {escaped(text)}" for text in sentences) if heading else f"**{escaped(sentences[0])}**")
    parts += [f"> {escaped(text)}" for text in [*summary.cautions(evidence), *findings.reach(evidence)]]
    for title, rows in (("Final scores", _final(evidence)), ("Against the control group", _comparisons(evidence))):
        if len(rows):
            parts += [f"## {title}", _table(rows)]
    return "\n\n".join(parts) + "\n"


def escaped(text: object) -> str:
    """Text that Markdown shows as it is.

    >>> escaped("a <b> group_1 | *")
    'a &lt;b> group\\\\_1 \\\\| \\\\*'
    """
    return re.sub(r"([\\`*_|\[\]#])", r"\\\1", str(text)).replace("<", "&lt;")


def _final(evidence: Evidence) -> pd.DataFrame:
    table = outcomes.final_table(evidence)
    rows = [
        [row["task"], row["group"], row["metric"], summary.number(row["mean"]), _bounds(row), row["n"]]
        for _, row in table.iterrows()
    ]
    return pd.DataFrame(rows, columns=["task", "group", "metric", "mean", "95% interval", "n"])


def _comparisons(evidence: Evidence) -> pd.DataFrame:
    rows = []
    for _, row in outcomes.comparisons(evidence).iterrows():
        numbers = [summary.number(row["difference"]), _bounds(row), row["n"], summary.number(row["hedges_g_av"], 2)]
        rows.append([row["task"], row["group"], *numbers, summary.probability(row["p_holm"])])
    return pd.DataFrame(rows, columns=["task", "group", "difference", "95% interval", "pairs", "g_av", "p (Holm)"])


def _bounds(row: pd.Series) -> str:
    known = pd.notna(row["low"]) and pd.notna(row["high"])
    return f"{summary.number(row['low'])} to {summary.number(row['high'])}" if known else "none"


def _table(rows: pd.DataFrame) -> str:
    lines = [list(rows.columns), ["---"] * len(rows.columns), *rows.to_numpy().tolist()]
    return "\n".join(f"| {' | '.join(cell if cell == '---' else escaped(cell) for cell in line)} |" for line in lines)
