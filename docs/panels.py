"""What the pictures of the documentation share: a light sheet that is legible on any page, and SVG that needs no font."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from typing import Any

import matplotlib
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

INK, SOFT, FAINT, PAPER = "#24292f", "#57606a", "#8c959f", "#ffffff"
DARK = ("Develop", "Suffer", "Learn")
"""Events whose colour takes white letters."""
STYLE: Mapping[str, Any] = {
    **{"font.size": 10, "font.family": "sans-serif", "font.sans-serif": ["DejaVu Sans"], "text.parse_math": False},
    **{"axes.spines.top": False, "axes.spines.right": False, "axes.linewidth": 0.8, "axes.axisbelow": True},
    **dict.fromkeys(("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color"), INK),
    **{"axes.titlesize": 10, "axes.titlelocation": "left", "axes.titleweight": "bold", "legend.frameon": False},
    **{"svg.fonttype": "path", "svg.hashsalt": "lifespan", "savefig.facecolor": PAPER, "figure.facecolor": PAPER},
}
matplotlib.rcParams.update(STYLE)


def sheet(width: float, height: float, rows: int = 1, columns: int = 1, **options: Any) -> tuple[Figure, Any]:
    """A figure of so many inches and its axes in one flat array."""
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure, figure.subplots(rows, columns, squeeze=False, **options).ravel()


def svg(figure: Figure) -> str:
    """The figure as SVG, the same for the same data: letters as paths, coordinates to two digits."""
    buffer = io.StringIO()
    FigureCanvasSVG(figure).print_svg(buffer, metadata={"Date": None, "Creator": None})
    text = re.sub(r"<metadata>.*?</metadata>", "", buffer.getvalue(), flags=re.DOTALL)
    text = re.sub(r"<!--.*?-->\n?", "", text, flags=re.DOTALL)
    return re.sub(r' d="[^"]*"', lambda path: re.sub(r"-?\d+\.\d{3,}", _two_digits, path[0]), text)


def _two_digits(number: re.Match[str]) -> str:
    return f"{float(number[0]):.2f}".rstrip("0").rstrip(".")


def on_paper(figure: Figure) -> str:
    """A figure of the report as a picture that is legible on any page: on a light ground, letters as paths."""
    figure.set_facecolor(PAPER)
    return svg(figure)
