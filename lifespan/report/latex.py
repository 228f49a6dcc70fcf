"""Tables of a report as LaTeX, for papers: booktabs, everything escaped, the 95% interval and n in columns of their own.

The document needs `\\usepackage{booktabs}`. Letters beyond Latin stay as they are, and need LuaLaTeX or XeLaTeX.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from typing import Any

import pandas as pd

from lifespan.errors import ScenarioError
from lifespan.names import neutral
from lifespan.report.formatting import MINUS, number, probability
from lifespan.report.labels import metric_label

MARK = "% Written by lifespan table --latex."
"""First line of every table, by which a file is known as one."""

_ESCAPED = {
    **{character: f"\\{character}" for character in "&%$#_{}"},
    **{"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"},
    **{"<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}", '"': r"\textquotedbl{}"},
    # After a line end a bracket would be its argument; two hyphens would become a dash.
    **{"[": "{[}", "]": "{]}", "`": r"\textasciigrave{}"},
    **{MINUS: "$-$", "\N{HORIZONTAL ELLIPSIS}": r"\ldots{}", "\N{MULTIPLICATION SIGN}": r"$\times$"},
    **{"\N{DOWNWARDS ARROW}": r"$\downarrow$", "\N{LEFT RIGHT ARROW}": r"$\leftrightarrow$"},
    **{"\N{LESS-THAN OR EQUAL TO}": r"$\leq$", "\N{GREATER-THAN OR EQUAL TO}": r"$\geq$", "\N{PLUS-MINUS SIGN}": r"$\pm$"},
}
_LABEL = re.compile(r"[A-Za-z0-9:._+-]+")
_BOUNDS = {"low": "high", "g_low": "g_high"}
"""Columns that become one of intervals with their partner."""
_P = ("p", "p_holm", "p_bh")
_HEADS = {
    "p_holm": "$p$ (Holm)",
    "p_bh": "$p$ (BH)",
    "p": "$p$",
    "n": "$n$",
    "low": r"95\% interval",
    "g_low": r"95\% interval",
}
_LEFT_OUT = ("exact", "stage", "warning")


def escaped(text: object) -> str:
    """A text as LaTeX shows it, letter by letter.

    >>> print(escaped("50% & a_b"))
    50\\% \\& a\\_b
    """
    one_line = " ".join(neutral(str(text)).split())
    letters = "".join(_ESCAPED.get(character, character) for character in one_line)
    return re.sub("(?<=-)-", "{-}", letters)


def latex(table: pd.DataFrame, *, caption: str = "", label: str = "") -> str:
    """A table as LaTeX: one row for each of its rows, texts on the left, numbers on the right.

    `low` and `high` become one column after the value that they are of, p values are never 0, and columns that are empty in
    every row, or of the record's housekeeping, are left out. With a `caption` or `label` (letters, digits and :._+-) the
    tabular stands in a table environment. Raises `ScenarioError` for another label.
    """
    if label and not _LABEL.fullmatch(label):
        raise ScenarioError(f"label {label!r}", "must be letters, digits and :._+- alone.", "For example: tab:final-scores.")
    columns = [name for name in table.columns if _is_shown(table, name)]
    records: Any = table.to_dict("records")
    cells = [[_shown(table, name)(row) for name in columns] for row in records]
    sides = "".join("r" if table[name].dtype.kind in "iuf" else "l" for name in columns)
    heads = [_HEADS.get(name, escaped(_words(name))) for name in columns]
    lines = [f"\\begin{{tabular}}{{{sides}}}", r"\toprule", _row(heads), r"\midrule", *map(_row, cells)]
    lines += [r"\bottomrule", r"\end{tabular}"]
    if caption or label:
        under = [f"\\caption{{{escaped(caption)}}}"] if caption else []
        under += [f"\\label{{{label}}}"] if label else []
        lines = [r"\begin{table}", r"\centering", *under, *lines, r"\end{table}"]
    return "\n".join([MARK, *lines]) + "\n"


def _row(cells: Iterable[str]) -> str:
    return " & ".join(cells) + r" \\"


def _is_shown(table: pd.DataFrame, name: str) -> bool:
    """Whether a column says something here."""
    if name in _LEFT_OUT or name in _BOUNDS.values():
        return False
    values = table[name]
    empty = ["", 0] if name == "items" else [""]
    return bool(values.notna().any() and not values.isin(empty).all()) if len(values) else True


def _shown(table: pd.DataFrame, name: str) -> Callable[[dict[str, Any]], str]:
    """How a column's cells are written."""
    if name in _BOUNDS:
        return lambda row: _interval(row[name], row[_BOUNDS[name]])
    if name in _P:
        return lambda row: _math(probability(row[name])) if _is_number(row[name]) else "--"
    if table[name].dtype.kind == "f":
        return lambda row: _math(number(row[name])) if _is_number(row[name]) else "--"
    if name == "metric":
        return lambda row: escaped(metric_label(str(row[name])))
    return lambda row: escaped("" if row[name] is None or row[name] != row[name] else row[name])


def _interval(low: float, high: float) -> str:
    known = _is_number(low) and _is_number(high)
    return f"{{[}}{_math(number(low))}, {_math(number(high))}{{]}}" if known else "--"


def _math(text: str) -> str:
    return f"${text.replace(MINUS, '-')}$"


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def _words(name: str) -> str:
    return name.replace("hedges_g_av", "Hedges' g_av").replace("cliffs_delta", "Cliff's delta").replace("_", " ")
