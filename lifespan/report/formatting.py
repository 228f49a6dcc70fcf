"""Numbers, p values, intervals and lists as sentences and tables show them."""

from __future__ import annotations

import math

import pandas as pd

from lifespan.stats.intervals import FEWEST

MINUS = "\N{MINUS SIGN}"
TOO_FEW = f"no interval: it needs at least {FEWEST} individuals"


def number(value: float, digits: int = 3) -> str:
    """A number as a sentence shows it.

    >>> number(0.25), number(-0.0001), number(float("nan"))
    ('0.250', '0.000', 'not measured')
    """
    if value is None or not math.isfinite(value):
        return "not measured"
    text = f"{value:.{digits}f}"
    if float(text) == 0:
        text = text.lstrip("-")
    return text.replace("-", MINUS)


def probability(value: float) -> str:
    """A p value to three digits, never "0".

    >>> probability(0.0625), probability(0.00001)
    ('0.0625', '< 0.001')
    """
    if value is None or not math.isfinite(value):
        return "not computable"
    return "< 0.001" if value < 0.001 else f"{value:.3g}"


def equals(value: float) -> str:
    """A p value after its sign.

    >>> equals(0.25), equals(0.0)
    ('= 0.25', '< 0.001')
    """
    text = probability(value)
    return text if text.startswith("<") else f"= {text}"


def interval(row: pd.Series) -> str:
    """The 95% interval of a row with `low`, `high` and `note`, or why there is none (of too few: once, elsewhere)."""
    if math.isfinite(row["low"]) and math.isfinite(row["high"]):
        return f"95% interval {number(row['low'])} to {number(row['high'])}"
    note = str(row["note"])
    if note.endswith("same value"):
        return "all equal"
    return "no interval" if note == TOO_FEW else note or "no interval"


def bounds(row: pd.Series, pattern: str) -> str:
    """The two ends of a row's interval in a pattern, or "none".

    >>> bounds(pd.Series({"low": 0.25, "high": 0.5}), "{} to {}")
    '0.250 to 0.500'
    """
    known = pd.notna(row["low"]) and pd.notna(row["high"])
    return pattern.format(number(row["low"]), number(row["high"])) if known else "none"


def listed(parts: list[str]) -> str:
    """Words as one enumeration.

    >>> listed(["a", "b", "c"])
    'a, b and c'
    """
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)


def counted(count: int, word: str) -> str:
    """A count with its noun.

    >>> counted(1, "group"), counted(3, "group")
    ('1 group', '3 groups')
    """
    return f"{count:,} {word}{'' if count == 1 else 's'}"
