"""A film of the lives of a study: what was lived, scores and sparsity, advancing with age, as an animated GIF.

It is the report's own figures with the time to come covered, so that every mark of it is one of theirs.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from lifespan.analysis.analysis import Analysis
from lifespan.analysis.some_tasks import some_tasks
from lifespan.errors import RecordError
from lifespan.report.figures import FIGURES
from lifespan.report.figures.canvas import keys, short, style
from lifespan.report.figures.fonts import give_fonts
from lifespan.report.figures.surface import Given, drawn_on
from lifespan.report.figures.trajectories import lengths_differ

MOST = 1_500_000
"""Bytes of the file; frames are left out, then pixels, until it is smaller."""
FRAMES = 40
PAUSE, END = 120, 3000
"""Milliseconds that a frame is shown, and the last one."""
DPI = 90
COLOURS = 96
NOW = (36, 41, 47)
PALE = 0.2
"""How much is seen of what is still to come."""
TASKS = 2
"""Tasks whose scores are shown."""

Places: TypeAlias = "tuple[list[float], list[float]]"
"""Ages of a group's steps, and the steps."""


def gif(analysis: Analysis) -> bytes:
    """The film, at most `MOST` bytes, the same for the same rows. Raises `RecordError` where no task was scored twice."""
    with style():
        tasks, by_event = _tasks(analysis)
        figure, timeline, courses = _drawn(analysis, tasks, by_event)
        reached = _places(analysis, by_event)
        for frames, dpi in ((FRAMES, DPI), (FRAMES // 2, DPI), (FRAMES // 2, DPI // 2), (6, DPI // 2)):
            stage = _staged(figure, timeline, courses, dpi)
            data = _film([_frame(stage, reached, age) for age in _moments(reached, courses[0].get_xlim()[0], frames)])
            if len(data) <= MOST:
                break
    return data


def _moments(reached: Mapping[int, Places], low: float, frames: int) -> list[float]:
    """Ages of the frames: those of steps before the panels begin, and evenly spaced ones from there to the end."""
    every = sorted({age for ages, _ in reached.values() for age in ages})
    return [age for age in every if age < low] + [float(age) for age in np.linspace(max(low, 0.0), every[-1], frames)]


def _tasks(analysis: Analysis) -> tuple[list[str], bool]:
    """Tasks that are shown, and whether their scores are drawn against events of life rather than age: one way for all."""
    scores = dict(iter(analysis.primary_scores.groupby("task")))
    # Only tasks with several scores have a course.
    ways = {
        task: lengths_differ(scores[task])
        for task in analysis.cohort.tasks
        if task in scores and scores[task]["step"].nunique() > 1
    }
    if not ways:
        what = "holds no task that was scored at two ages, so that there is nothing to animate."
        raise RecordError(str(analysis.cohort.directories[0]), what, "Leave out --animate, or add Probe(Score()) to the life.")
    first = next(iter(ways.values()))
    return [task for task, way in ways.items() if way == first][:TASKS], first


def _drawn(analysis: Analysis, tasks: Sequence[str], by_event: bool) -> tuple[Figure, Axes, list[Axes]]:
    """The figure of the whole lives, its timeline, and the panels whose x axis is age, or event of life."""
    # Sparsity is drawn against age alone.
    dead = not by_event and FIGURES["sparsity"].draw(analysis) is not None
    rows = 1 + len(tasks) + dead
    first = min(4.0, 0.5 * len(analysis.cohort.groups) + 0.5)
    figure = Figure(figsize=(6.4, first + 1.7 * (rows - 1) + 0.4), layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    panels = figure.subplots(rows, 1, height_ratios=[first, *[1.7] * (rows - 1)])
    _into(panels[0], "timeline", analysis)
    for axes, task in zip(panels[1:], tasks, strict=False):
        _into(axes, "trajectories", some_tasks(analysis, [task]))
    if dead:
        _into(panels[-1], "sparsity", analysis)
    for axes in panels[1:-1]:
        axes.set_xlabel("")
    limits = [axes.get_xlim() for axes in panels[1:]]
    for axes in panels[1:]:
        axes.set_xlim(min(low for low, _ in limits), max(high for _, high in limits))
    figure.suptitle(short(analysis.cohort.title, 60), fontsize=11, x=0.01, ha="left")
    figure.legend(handles=keys(analysis, analysis.primary_scores), loc="outside upper right", ncols=3, fontsize=8)
    give_fonts(figure)
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    return figure, panels[0], list(panels[1:])


def _into(axes: Axes, name: str, analysis: Analysis) -> None:
    with drawn_on(Given([axes], name, legends=False)):
        FIGURES[name].draw(analysis)


def _places(analysis: Analysis, by_event: bool) -> Mapping[int, Places]:
    """By the group's row in the timeline: mean ages of its steps, and the steps; those without duration share an age.

    With `by_event` a step's number stands for its age.
    """
    lived = analysis.cohort.steps.dropna(subset=["age"])
    found = {}
    for row, group in enumerate(analysis.cohort.groups):
        ages = lived[lived["group"] == group].groupby("step")["age"].mean()
        steps = [float(step) for step in ages.index]
        found[row] = (steps if by_event else [float(age) for age in ages], steps)
    return {row: places for row, places in found.items() if places[0]}


@dataclass(frozen=True)
class _Stage:
    """The figure as pictures (height, width, 3), of all that was lived and of empty panels, and where things stand in them.

    `courses` are (top, bottom, column of an age) of the panels over age, `block` the rows and the column of a step in the
    timeline.
    """

    full: np.ndarray
    empty: np.ndarray
    courses: list[tuple[int, int, Callable[[float], int]]]
    block: Callable[[int, float], tuple[int, int, int]]


def _staged(figure: Figure, timeline: Axes, courses: Sequence[Axes], dpi: int) -> _Stage:
    figure.set_dpi(dpi)
    full = _picture(figure)
    marks = [artist for axes in courses for artist in (*axes.lines, *axes.collections)]
    for artist in marks:
        artist.set_visible(False)
    empty = _picture(figure)
    for artist in marks:
        artist.set_visible(True)
    height = len(full)

    def panel(axes: Axes) -> tuple[int, int, Callable[[float], int]]:
        box = axes.get_window_extent()
        place: Any = axes.transData.frozen()
        return height - round(box.y1), height - round(box.y0), lambda age: round(place.transform((age, 0))[0])

    blocks: Any = timeline.transData.frozen()

    def block(row: int, step: float) -> tuple[int, int, int]:
        (left, top), (_, bottom) = blocks.transform([(step, row - 0.4), (step, row + 0.4)])
        return height - round(top), height - round(bottom), round(left)

    return _Stage(full, empty, [panel(axes) for axes in courses], block)


def _picture(figure: Figure) -> np.ndarray:
    canvas: Any = figure.canvas
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[:, :, :3].copy()


def _frame(stage: _Stage, reached: Mapping[int, Places], age: float) -> Image.Image:
    """The lives until an age; of what comes later the panels are empty and the timeline is pale."""
    picture = stage.full.copy()
    for top, bottom, column in stage.courses:
        at = max(0, column(age))
        picture[top:bottom, at + 1 :] = stage.empty[top:bottom, at + 1 :]
        picture[top:bottom, at : at + 1] = NOW
    for row, (ages, steps) in reached.items():
        done = steps[int(np.searchsorted(ages, age, side="right")) - 1] if age >= ages[0] else steps[0] - 1
        top, bottom, left = stage.block(row, done + 0.5)
        later = picture[top:bottom, left:].astype(float)
        picture[top:bottom, left:] = np.rint(255 - PALE * (255 - later)).astype(np.uint8)
    return Image.fromarray(picture)


def _film(pictures: Sequence[Image.Image]) -> bytes:
    """Pictures as an endless GIF, in the colours of the last, which has them all."""
    palette = pictures[-1].quantize(COLOURS, dither=Image.Dither.NONE)
    frames = [picture.quantize(palette=palette, dither=Image.Dither.NONE) for picture in pictures]
    film = io.BytesIO()
    pauses = [PAUSE] * (len(frames) - 1) + [END]
    frames[0].save(film, "GIF", save_all=True, append_images=frames[1:], duration=pauses, loop=0, optimize=True)
    return film.getvalue()
