"""The report's words and tables as Markdown, for a terminal or a message."""

from __future__ import annotations

import re

import pandas as pd

from lifespan.analysis.analysis import Analysis
from lifespan.names import neutral
from lifespan.report import findings, sentences
from lifespan.report.formatting import bounds, number, probability
from lifespan.report.labels import metric_label
from lifespan.report.verdicts import verdict_sections


def brief(analysis: Analysis) -> str:
    """What was asked and what came out, with the final scores and the comparisons, as a Markdown document."""
    parts = [f"# {escaped(analysis.cohort.title)}", "## What was predicted", *_sections(verdict_sections(analysis))]
    parts += ["## What was asked", *(escaped(text) for text in sentences.questions(analysis))]
    parts.append("## What came out (descriptive)")
    parts += _sections([*sentences.results(analysis), *findings.further_results(analysis)])
    parts += [f"> {escaped(text)}" for text in [*sentences.cautions(analysis), *findings.sample_size_notes(analysis)]]
    for title, rows in (("Final scores", _final(analysis)), ("Against the control group", _comparisons(analysis))):
        if len(rows):
            parts += [f"## {title}", _table(rows)]
    return "\n\n".join(parts) + "\n"


def _sections(sections: list[tuple[str, list[str]]]) -> list[str]:
    parts = []
    for heading, texts in sections:
        parts += [f"### {escaped(heading)}"] if heading else []
        parts += ["\n".join(f"- {escaped(text)}" for text in texts)] if heading else [f"**{escaped(text)}**" for text in texts]
    return parts


def escaped(text: object) -> str:
    """Text that Markdown shows as it is.

    >>> escaped("a <b> group_1 | *")
    'a &lt;b> group\\\\_1 \\\\| \\\\*'
    """
    return re.sub(r"([\\`*_|\[\]#])", r"\\\1", neutral(str(text))).replace("<", "&lt;")


def _final(analysis: Analysis) -> pd.DataFrame:
    table = analysis.final_means
    rows = [
        [row["task"], row["group"], metric_label(row["metric"]), number(row["mean"]), bounds(row, "{} to {}"), row["n"]]
        for _, row in table.iterrows()
    ]
    return pd.DataFrame(rows, columns=["task", "group", "metric", "mean", "95% interval", "n"])


def _comparisons(analysis: Analysis) -> pd.DataFrame:
    rows = []
    for _, row in analysis.comparisons.iterrows():
        numbers = [number(row["difference"]), bounds(row, "{} to {}"), row["n"], number(row["hedges_g_av"], 2)]
        rows.append([row["task"], row["group"], *numbers, probability(row["p_holm"])])
    return pd.DataFrame(rows, columns=["task", "group", "difference", "95% interval", "pairs", "g_av", "p (Holm)"])


def _table(rows: pd.DataFrame) -> str:
    lines = [list(rows.columns), ["---"] * len(rows.columns), *rows.to_numpy().tolist()]
    return "\n".join(f"| {' | '.join(cell if cell == '---' else escaped(cell) for cell in line)} |" for line in lines)
