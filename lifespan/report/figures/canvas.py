"""What all figures have in common: their form, style, colours, names and legends.

Colours are safe for colour-blind readers, and each group has its own line style and marker too, for print. Of
many groups only the highlighted ones have a colour (see `Analysis.highlighted`); the others are thin grey lines.
"""

from __future__ import annotations

import io
import math
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import matplotlib
import pandas as pd
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D

from lifespan.analysis.analysis import Analysis
from lifespan.names import neutral_xml
from lifespan.report.figures import surface
from lifespan.report.figures.fonts import give_fonts, without_glyph_warnings
from lifespan.report.figures.marks import Mark, described, numbered, titled_marks

Drawn = tuple[Figure, pd.DataFrame] | None
"""A figure and a table of exactly what is drawn in it; None where the record holds nothing to draw."""


@dataclass(frozen=True)
class Drawing:
    """One kind of figure: its caption, what health would be, and the function that draws it.

    `lines`: the conventions of lines and crosses apply, and the caption explains them.
    """

    title: str
    drawn: str
    good: str
    draw: Callable[[Analysis], Drawn]
    lines: bool = False


INK = "#24292f"
FAINT = "#8c959f"
PAGE = "#fefefe"
"""Inside of hollow marks: white in the files, the page's own colour in the report."""
WIDTH = 5.0
AGE = "age (optimizer steps lived)"
PALETTE = ("#0173b2", "#de8f05", "#029e73", "#cc3311", "#aa3377", "#ca9161", "#ee6677", "#8a6d3b")
"""Colours of the highlighted groups: apart from each other and from grey under protan-, deuteran- and tritanopia, too."""
LINES = (
    *("-", (0, (5, 1.5)), (0, (1.5, 1.5)), (0, (6, 1.5, 1.5, 1.5)), (0, (3, 1, 1, 1, 1, 1))),
    *((0, (9, 2)), (0, (2, 3)), (0, (9, 1.5, 3, 1.5))),
)
"""Line styles of the highlighted groups, none twice."""
MARKERS = "osD^vPXd"
THIN_UP_TO = 30
"""Individuals per group up to which each gets a thin line; larger groups show mean and band only."""

RESAMPLES = 2000
"""Bootstrap resamples of the intervals in figures."""

_STYLE: Any = {
    **{"font.size": 10, "font.family": "sans-serif", "axes.spines.top": False, "axes.spines.right": False},
    **dict.fromkeys(("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color"), INK),
    **{"axes.grid": True, "grid.color": INK, "grid.alpha": 0.12, "grid.linewidth": 0.6, "axes.axisbelow": True},
    **{"axes.facecolor": "none", "figure.facecolor": "none", "savefig.facecolor": "none", "legend.frameon": False},
    **{"axes.titlesize": 10, "axes.titlelocation": "left", "axes.titleweight": "bold", "axes.linewidth": 0.8},
    **{"svg.fonttype": "none", "svg.hashsalt": "lifespan", "font.sans-serif": ["DejaVu Sans"], "text.usetex": False},
    **{"text.parse_math": False, "pdf.fonttype": 42},
}


def svg(figure: Figure) -> str:
    """The figure as an SVG document that is the same for the same data."""
    with style():
        give_fonts(figure)
        _settle(figure)
        buffer = io.StringIO()
        # `savefig` draws all of it once more beforehand.
        drawing: Any = FigureCanvasSVG(figure)
        with numbered(figure) as known:
            drawing.print_svg(buffer, metadata={"Date": None, "Creator": None})
    return titled_marks(neutral_xml(buffer.getvalue()), known)


def pdf(figure: Figure) -> bytes:
    """The figure as a PDF document that is the same for the same data."""
    from matplotlib.backends.backend_pdf import FigureCanvasPdf

    with style():
        give_fonts(figure)
        _settle(figure)
        page = io.BytesIO()
        drawing: Any = FigureCanvasPdf(figure)
        drawing.print_pdf(page, metadata={"CreationDate": None, "Creator": None, "Producer": None})
    return page.getvalue()


def _settle(figure: Figure) -> None:
    """Lay the panels out once and round where they stand: the solver's last digits differ from one process to the next."""
    engine = figure.get_layout_engine()
    if not isinstance(engine, ConstrainedLayoutEngine):
        return
    engine.execute(figure)
    figure.set_layout_engine("none")
    for axes in figure.axes:
        left, bottom, width, height = (round(edge, 4) for edge in axes.get_position(original=True).bounds)
        axes.set_position((left, bottom, width, height))


@contextmanager
def style() -> Iterator[None]:
    """The style of all figures; its own block, so that nobody's settings change."""
    with matplotlib.rc_context(_STYLE), without_glyph_warnings():
        yield


def canvas(height: float, rows: int = 1, columns: int = 1, *, count: int | None = None, **options: Any) -> tuple[Figure, Any]:
    """A figure where `surface` says, and its axes, (rows x columns) of them in one flat array; those beyond `count` hidden."""
    count = rows * columns if count is None else count
    return surface.current().panels((WIDTH, height), (rows, columns), count, options)


def small_panels(
    count: int, height: float, margin: float = 0.0, *, across: int = 2, **options: Any
) -> tuple[Figure, Any, int]:
    """(figure, axes, columns) of small panels, `across` of them in a row of this height; those beyond `count` are hidden."""
    columns = min(across, count)
    rows = -(-count // columns)
    figure, panels = canvas(height * rows + margin, rows, columns, count=count, **options)
    return figure, panels, columns


def short(text: object, room: int) -> str:
    """A name cut to so many characters.

    >>> short("acceptability", 8)
    'accepta…'
    """
    name = str(text)
    return name if len(name) <= room else name[: room - 1] + "\N{HORIZONTAL ELLIPSIS}"


def shorts(texts: Iterable[object], room: int) -> list[str]:
    """Names cut to so many characters, at their end or, where that makes two equal, in their middle, or numbered.

    >>> shorts(["noise of strength 1", "noise of strength 2"], 9)
    ['nois…th 1', 'nois…th 2']
    """
    names = [str(text) for text in texts]
    half = (room - 1) // 2
    middle = [
        name if len(name) <= room else f"{name[:half]}\N{HORIZONTAL ELLIPSIS}{name[half + 1 - room :]}" for name in names
    ]
    numbered = [short(name, room - 4) + f" ({number})" for number, name in enumerate(names, 1)]
    ways = ([short(name, room) for name in names], middle, numbered)
    return next(way for way in ways if len(set(way)) == len(set(names)) or way is numbered)


def brief(tasks: list[str]) -> dict[str, str]:
    """Task names without a first word that all of them share.

    >>> brief(["micro-sentiment", "micro-entailment"])
    {'micro-sentiment': 'sentiment', 'micro-entailment': 'entailment'}
    """
    words = {re.split("(?<=[-_/.])", task, maxsplit=1)[0] for task in tasks}
    shared = words.pop() if len(tasks) > 1 and len(words) == 1 else ""
    return {task: task.removeprefix(shared) or task for task in tasks}


def span(counts: pd.Series) -> str:
    """The least and the greatest count, or the one.

    >>> span(pd.Series([3, 10, 7])), span(pd.Series([4]))
    ('3 to 10', '4')
    """
    return " to ".join(str(count) for count in sorted({counts.min(), counts.max()}))


def line_style(analysis: Analysis, group: str) -> dict[str, Any]:
    """Colour and line style of a group; grey for those not highlighted."""
    highlighted = analysis.highlighted
    if group not in highlighted:
        return {"color": FAINT, "linestyle": "-"}
    place = highlighted.index(group)
    return {"color": PALETTE[place % len(PALETTE)], "linestyle": LINES[place % len(LINES)]}


def marker(analysis: Analysis, group: str) -> str:
    """A group's marker."""
    highlighted = analysis.highlighted
    return MARKERS[highlighted.index(group) % len(MARKERS)] if group in highlighted else "."


def keys(analysis: Analysis, table: pd.DataFrame, *, markers: bool = False) -> list[Line2D]:
    """Legend entries of the groups in a table: one for each highlighted one, one for all others."""
    present = set(table["group"])
    handles = []
    shown = [group for group in analysis.highlighted if group in present]
    for group, label in zip(shown, shorts(shown, 52), strict=True):
        mark = marker(analysis, group) if markers else ""
        look = line_style(analysis, group)
        handles.append(Line2D([], [], linewidth=1.8, marker=mark, label=label, gid=Mark(group), **look))
    others = len(present - set(analysis.highlighted))
    if others:
        handles.append(Line2D([], [], linewidth=0.8, color=FAINT, label=f"{others} other groups"))
    return handles


def legend(figure: Figure, handles: Sequence[Any]) -> None:
    """A legend above the panels, for which the figure grows."""
    longest = max((len(str(handle.get_label())) for handle in handles), default=0)
    columns = 1 if longest > 24 else 2 if longest > 11 else 3
    figure.set_figheight(figure.get_figheight() + 0.2 * math.ceil(len(handles) / columns))
    made = figure.legend(handles=list(handles), loc="outside upper left", ncols=columns, handlelength=2.6, columnspacing=1.2)
    if made is None:
        return
    for handle, key, text in zip(handles, made.legend_handles, made.get_texts(), strict=True):
        if isinstance(known := handle.get_gid(), Mark):
            described([part for part in (key, text) if part is not None], group=known.group)


def titled(analysis: Analysis, table: pd.DataFrame, name: str) -> str:
    """A panel's name with the individuals drawn in it: one number where groups agree, else in their order, else a range.

    Groups lose individuals at different times, so that one n for a whole figure would be wrong.
    """
    counts = table.groupby("group")["individual"].nunique()
    highlighted = analysis.highlighted
    counts = counts.reindex(
        list(highlighted if counts.index.isin(highlighted).all() else analysis.cohort.groups), fill_value=0
    )
    if counts.nunique() == 1:
        return f"{name} (n = {counts.iloc[0]}{' each' if len(counts) > 1 else ''})"
    shown = span(counts) if len(counts) > 6 else ", ".join(str(count) for count in counts)
    return f"{name} (n = {shown})"
