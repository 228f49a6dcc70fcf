"""What the marks of a figure stand for: their group, and words that a reader gets by pointing at them.

A drawing says so where it draws; the SVG then holds `data-group` and `<title>` for each, which browsers show, and by which a
page can switch groups off. Elsewhere (PDF, notebooks) nothing changes.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pandas as pd
from markupsafe import escape
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lifespan.report.formatting import number


class Mark(str):
    """Of one artist: its group, and a text for all of it or one for each of its points. To matplotlib it is an empty gid."""

    group: str
    texts: tuple[str, ...]

    def __new__(cls, group: str = "", texts: Sequence[str] = ()) -> Mark:
        made = super().__new__(cls, "")
        made.group, made.texts = group, tuple(texts)
        return made


def described(artists: Artist | Iterable[Artist], *texts: str, group: str = "") -> None:
    """Say what artists stand for: one text, or one for each point of a line with markers."""
    for artist in [artists] if isinstance(artists, Artist) else artists:
        artist.set_gid(Mark(group, texts))


def means(lines: Iterable[Artist], table: pd.DataFrame) -> None:
    """Describe the points of a line of means by the columns `age` (its place on the x axis), `mean`, `low`, `high`, `n`."""
    described(lines, *(mean_text(row) + f", at {row['age']:,.5g}" for _, row in table.dropna(subset=["mean"]).iterrows()))


def mean_text(row: Any) -> str:
    """A mean with its interval and n, from anything that has `mean`, `low`, `high` and `n`.

    >>> mean_text({"mean": 0.5, "low": 0.25, "high": 0.75, "n": 5})
    '0.500 (95% interval 0.250 to 0.750, n = 5)'
    """
    known = math.isfinite(row["low"]) and math.isfinite(row["high"])
    interval = f"95% interval {number(row['low'])} to {number(row['high'])}" if known else "no interval"
    return f"{number(row['mean'])} ({interval}, n = {row['n']:.0f})"


@contextmanager
def of_group(axes: Axes, group: object) -> Iterator[None]:
    """Whatever is drawn into the axes meanwhile belongs to the group."""
    before = {id(child) for child in axes.get_children()}
    yield
    for child in axes.get_children():
        if id(child) not in before:
            known = child.get_gid()
            described(child, *(known.texts if isinstance(known, Mark) else ()), group=str(group))


@contextmanager
def numbered(figure: Figure) -> Iterator[dict[str, list[str]]]:
    """Give every marked artist a unique gid meanwhile; yields {gid: [group, text, ...]}, texts with group and panel."""
    marked = [artist for artist in figure.findobj() if isinstance(artist.get_gid(), Mark)]
    known: dict[str, list[str]] = {}
    marks = [(artist, artist.get_gid()) for artist in marked]
    for place, (artist, mark) in enumerate(marks):
        assert isinstance(mark, Mark)
        panel = re.sub(r"\s*\((n =|pairs:).*\)$", "", _title(artist)).replace("\n", " ")
        head = " \N{MIDDLE DOT} ".join(dict.fromkeys(filter(None, (mark.group, panel))))
        known[f"mark-{place}"] = [mark.group, *("\n".join(filter(None, (head, text))) for text in mark.texts or ("",))]
        artist.set_gid(f"mark-{place}")
    yield known
    for artist, mark in marks:
        artist.set_gid(mark)


def titled_marks(vector: str, known: dict[str, list[str]]) -> str:
    """The SVG document with the group and the texts of every mark in it."""
    changes: list[tuple[int, int, str]] = []
    for found in re.finditer(r'<g id="(mark-\d+)">', vector):
        group, *texts = known[found[1]]
        start = found.end()
        changes.append((start - 1, start, f' data-group="{escape(group)}">' if group else ">"))
        points = [point.end() for point in re.finditer("<use [^>]*/>", vector[start : _close(vector, start)])]
        if len(texts) > 1 and len(texts) == len(points):
            ends = zip(points, texts, strict=True)
            changes += [(start + end - 2, start + end, f">{_titled(text)}</use>") for end, text in ends]
        elif texts[-1]:
            changes.append((start, start, _titled(texts[-1])))
    return _changed(vector, sorted(changes))


def _changed(text: str, changes: Sequence[tuple[int, int, str]]) -> str:
    """The text with other words at some places, (start, end, words)."""
    parts, last = [], 0
    for start, end, words in changes:
        parts += [text[last:start], words]
        last = end
    return "".join(parts) + text[last:]


def _titled(text: str) -> str:
    return f"<title>{escape(text)}</title>"


def _close(vector: str, start: int) -> int:
    """Where the group that was opened before `start` ends."""
    depth = 1
    for tag in re.finditer(r"<g[ >]|</g>", vector[start:]):
        depth += -1 if tag[0] == "</g>" else 1
        if not depth:
            return start + tag.start()
    return len(vector)


def _title(artist: Artist) -> str:
    axes = artist if isinstance(artist, Axes) else getattr(artist, "axes", None)
    return str(axes.get_title(loc="left")) if isinstance(axes, Axes) else ""
