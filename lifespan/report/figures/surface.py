"""Where a figure is drawn: on a canvas of its own beside pyplot, in pyplot, or in axes that the caller gives.

Drawings ask `canvas` for their panels and need not know which of the three it is. A report draws beside pyplot, so that it
leaves nothing behind; in a notebook a figure shows itself where pyplot knows it; and axes may belong to somebody's figure.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from types import SimpleNamespace
from typing import Any, TypeAlias

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from lifespan.errors import RecordError

Size: TypeAlias = "tuple[float, float]"
Shape: TypeAlias = "tuple[int, int]"


class Beside:
    """Figures beside pyplot's global state."""

    def panels(self, size: Size, shape: Shape, count: int, options: dict[str, Any]) -> tuple[Any, Any]:
        """(figure, flat array of rows x columns axes); those beyond `count` are hidden."""
        figure = self.figure(size)
        axes = figure.subplots(*shape, squeeze=False, **options).ravel()
        for panel in axes[count:]:
            panel.set_visible(False)
        return figure, axes

    def figure(self, size: Size) -> Figure:
        """An empty figure of this size in inches."""
        figure = Figure(figsize=size, layout="constrained")
        FigureCanvasAgg(figure)
        return figure


class InPyplot(Beside):
    """Figures that pyplot knows, on white: notebooks show them, elsewhere `pyplot.show()`. `drawn` are the last's panels."""

    def __init__(self) -> None:
        self.drawn: list[Axes] = []

    def panels(self, size: Size, shape: Shape, count: int, options: dict[str, Any]) -> tuple[Any, Any]:
        figure, axes = super().panels(size, shape, count, options)
        self.drawn = list(axes[:count])
        return figure, axes

    def figure(self, size: Size) -> Figure:
        from matplotlib import pyplot

        return pyplot.figure(figsize=size, layout="constrained", facecolor="white")


class Given:
    """Axes of the caller's, as many as the drawing has panels; their figure keeps its size, and what it holds besides.

    What a figure of its own shows above or below the panels, the legends, stands inside the first of these axes; nowhere
    without `legends`.
    """

    def __init__(self, axes: Sequence[Axes], name: str, *, legends: bool = True) -> None:
        self.drawn, self.name, self.legends = list(axes), name, legends

    def panels(self, size: Size, shape: Shape, count: int, options: dict[str, Any]) -> tuple[Any, Any]:
        """(what stands for the figure, the axes). Raises `RecordError` where the drawing has more panels, or fewer."""
        import numpy as np

        if count != len(self.drawn):
            given = f"{len(self.drawn)} axes were given" if len(self.drawn) != 1 else "one Axes was given"
            what = f"has {count} panel{'s' if count != 1 else ''}, and {given}."
            remedy = f"Give ax=None, or as many axes: pyplot.subplots({count})[1]; tasks=... and groups=... leave panels out."
            raise RecordError(f"plot.{self.name}(ax=...)", what, remedy)
        flat = np.empty(count, dtype=object)
        flat[:] = self.drawn
        return _Host(self.drawn, self.legends), flat


class _Host:
    """Stands for the figure of given axes: it neither grows nor has legends outside of them."""

    def __init__(self, axes: list[Axes], legends: bool) -> None:
        self.axes, self.legends = axes, legends
        self._handles: list[Any] = []

    def get_figheight(self) -> float:
        figure: Any = self.axes[0].figure
        return float(figure.get_figheight())

    def set_figheight(self, height: float) -> None: ...

    def legend(self, *, handles: Sequence[Any], **options: Any) -> Any:
        """What stands for the legend of these handles: their entries and texts."""
        self._handles += handles
        if self.legends:
            made = self.axes[0].legend(handles=self._handles, fontsize="small")
            entries: list[Any] = made.legend_handles[-len(handles) :]
            texts: list[Any] = made.get_texts()[-len(handles) :]
        else:
            entries = texts = list(handles)
        return SimpleNamespace(legend_handles=entries, get_texts=lambda: texts)

    def colorbar(self, image: Any, **options: Any) -> Any:
        figure: Any = self.axes[0].figure
        return figure.colorbar(image, **options)


Surface = Beside | Given

_CURRENT: ContextVar[Surface] = ContextVar("surface", default=Beside())  # noqa: B039  it holds nothing


def current() -> Surface:
    """Where figures are drawn now."""
    return _CURRENT.get()


@contextmanager
def drawn_on(surface: Surface) -> Iterator[None]:
    """Inside this block drawings go there."""
    token = _CURRENT.set(surface)
    try:
        yield
    finally:
        _CURRENT.reset(token)
