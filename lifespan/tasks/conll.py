"""CoNLL-style text: a word a line, columns beside it, an empty line behind each sentence."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from lifespan.errors import DataError
from lifespan.tasks.reading import Table, read_text

NAMED = re.compile(r"#\s*global\.columns\s*=\s*(.+)")
COMPOUND = re.compile(r"\d+[-.]\d+")
"""The number of a line of CoNLL-U that is no word of its own: several words written as one, or one left unsaid."""
UNIVERSAL = 10
"""Columns of CoNLL-U."""


def read_conll(path: Path, columns: tuple[str, ...] | None = None) -> Table:
    """Columns as lists, a row for each sentence, which errors name by the line where it begins.

    Columns are parted by tabs, or by blanks where a line has no tab, and named by `columns`, by a line "# global.columns =
    ..." or else by their position. Lines of -DOCSTART- and comments before a sentence are skipped, as are lines of CoNLL-U
    that are no words. Every line of words must have as many columns as the first.
    """
    names = columns
    starts: list[int] = []
    sentences: list[list[list[str]]] = []
    for start, lines, named in _sentences(path):
        names = names or named
        for number, cells in lines:
            expected = len(names) if names is not None else len(lines[0][1]) if not sentences else len(sentences[0][0])
            if len(cells) != expected:
                what = f"has {len(cells)} columns where {expected} are expected."
                raise DataError(f"{path}, line {number}", what, "Look for a stray blank or tab, or a missing empty line.")
        starts.append(start)
        sentences.append([cells for _, cells in lines])
    if not sentences:
        raise DataError(str(path), "holds no sentence.", "Write a word a line and an empty line behind each sentence.")
    names = names or tuple(str(i) for i in range(len(sentences[0][0])))
    found = {name: [[cells[i] for cells in rows] for rows in sentences] for i, name in enumerate(names)}
    return Table(str(path), found, starts, unit="line")


def _sentences(path: Path) -> Iterator[tuple[int, list[tuple[int, list[str]]], tuple[str, ...] | None]]:
    """(first line, its lines as (number, cells), names of columns known so far) of every sentence."""
    lines: list[tuple[int, list[str]]] = []
    names: tuple[str, ...] | None = None
    text = [line.rstrip("\r") for line in read_text(path).split("\n")]
    first = next((line for line in text if line.strip() and not line.startswith(("#", "-DOCSTART-"))), "")
    tabs, width = "\t" in first, len(_cells(first))
    for number, line in enumerate([*text, ""], start=1):
        if not line.strip():
            if lines:
                yield lines[0][0], lines, names
            lines = []
            continue
        cells = _cells(line)
        named = NAMED.match(line)
        names = tuple(named[1].split()) if named else names
        # A word may be "#", too: it has a word's columns.
        comment = line.startswith("#") and not lines and (len(cells) != width or tabs != ("\t" in line))
        if named or comment or line.startswith("-DOCSTART-") or (len(cells) == UNIVERSAL and COMPOUND.fullmatch(cells[0])):
            continue
        lines.append((number, cells))


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.split("\t")] if "\t" in line else line.split()
