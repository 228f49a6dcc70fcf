"""Lines of separated text as cells, with quotes that belong to the format or to the text."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager

CELL = r'"[^"]*+(?:""[^"]*+)*+"'
"""A cell in quotes; a quote inside is doubled."""
LONGEST = 2**31 - 1
"""Characters of a cell; the csv module allows 131,072 by itself."""


def quoted_cells(text: str, separator: str) -> tuple[list[str], bool]:
    """The cells that begin and end with a quote as CSV writes them, and whether no quote stands anywhere else."""
    edge = re.escape(separator)
    pattern = re.compile(rf"(?:(?<=[{edge}\r\n])|\A){CELL}(?=[{edge}\r\n]|\Z)")
    found: list[str] = pattern.findall(text)
    return found, sum(cell.count('"') for cell in found) == text.count('"')


def looks_quoted(text: str, separator: str) -> bool:
    """Whether quotes are the format's, not the text's.

    They are where every quote of the file belongs to a cell in quotes, and where either a cell holds a doubled quote, a
    separator or a line break, or a column's name is in quotes. A file in which some cells merely begin and end with a quote
    may be one of quotations, whose quotes are text.
    """
    if '"' not in text:
        return False
    cells, alone = quoted_cells(text, separator)
    if not alone or not cells:
        return False
    header = text.lstrip("\r\n").partition("\n")[0].rstrip("\r")
    named = any(re.fullmatch(CELL, name) for name in header.split(separator))
    return named or any('""' in cell[1:-1] or separator in cell or "\n" in cell for cell in cells)


def plain_lines(text: str, separator: str) -> Iterator[tuple[int, list[str]]]:
    """(line, cells) of text that is split at separators and line breaks only."""
    lines = text.split("\n") if "\n" in text else text.split("\r")
    while lines and not lines[-1].strip("\r"):
        lines.pop()
    for number, line in enumerate(lines, start=1):
        yield number, line.rstrip("\r").split(separator)


def quoted_lines(text: str, separator: str) -> Iterator[tuple[int, list[str]]]:
    """(first line, cells) of text with quotes as in CSV. Raises `csv.Error` with the line as second argument."""
    # Not splitlines(): it also splits on separators, such as U+2028, that are text to CSV.
    start = 1
    with _long_cells():
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
        try:
            for cells in reader:
                if cells:
                    yield start, cells
                start = reader.line_num + 1
        except csv.Error as error:
            raise csv.Error(str(error), start) from None


@contextmanager
def _long_cells() -> Iterator[None]:
    before = csv.field_size_limit(LONGEST)
    try:
        yield
    finally:
        csv.field_size_limit(before)
