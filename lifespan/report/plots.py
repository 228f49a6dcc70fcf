"""`record.plot`: the figures of a report, one by one, for notebooks and papers.

    record = lifespan.read("runs/first-life")
    record.plot.trajectories()                                    # a figure of its own, an Axes for each task
    record.plot.trajectories(ax=ax, tasks="micro-acceptability")  # into an axes of yours

Every method takes `ax`, `groups`, `tasks` and `control`, and returns the `matplotlib.axes.Axes` that it drew in: one, or a
flat array of them where the figure has several panels. What is drawn is what the report draws, with its colours; a table of
it is written beside every report (`tables/figure_<name>.csv`).

- `ax`: axes to draw in, one or as many as the figure has panels. None: a new figure in pyplot, which notebooks show.
- `groups`: a group or several. The control group always stays, since others are compared with it; `control` names another.
- `tasks`: a task or several; panels and rows of other tasks are left out. Nothing is computed anew without them.

Raises `RecordError` for a name that the record does not have, for axes that are too few or too many, and where the record
holds nothing to draw.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from matplotlib.axes import Axes

from lifespan.analysis.analysis import Analysis, Source
from lifespan.analysis.some_tasks import some_tasks
from lifespan.errors import RecordError, ScenarioError
from lifespan.report import figures
from lifespan.report.figures import FIGURES, portrait
from lifespan.report.figures.canvas import style
from lifespan.report.figures.fonts import give_fonts
from lifespan.report.figures.surface import Given, InPyplot, drawn_on

if TYPE_CHECKING:
    from lifespan.record.record import Record

Names: TypeAlias = "str | Sequence[str] | None"
"""A name, several, or None for all."""
Into: TypeAlias = "Axes | Sequence[Axes] | np.ndarray | None"
"""Axes of the caller's, or None for a figure in pyplot."""
Drawn: TypeAlias = "Axes | np.ndarray"
"""One Axes, or a flat array of several."""


class Plots:
    """The figures of one or several records as methods; see the module for their arguments."""

    def __init__(self, source: Source | Sequence[Record]) -> None:
        self._source = source
        self._known: dict[tuple[tuple[str, ...], str | None], Analysis] = {}

    def timeline(self, ax: Into = None, *, groups: Names = None, control: str | None = None) -> Drawn:
        """What each group lives: a row of blocks, one per step; a bar marks where its lives part from the control twins'.

        One panel. x: step of life, birth is 0. Percentages in blocks are sparsities to age to.
        """
        return self._draw("timeline", ax, groups, None, control)

    def trajectories(self, ax: Into = None, *, groups: Names = None, tasks: Names = None, control: str | None = None) -> Drawn:
        """Primary score on held-out examples against age in optimizer steps: a panel for each task.

        Thin lines are individuals, bold lines means over those measured, bands 95% bootstrap intervals; a cross ends the
        line of an individual that failed or diverged. Shades are the control's events.
        """
        return self._draw("trajectories", ax, groups, tasks, control)

    def differences(self, ax: Into = None, *, groups: Names = None, tasks: Names = None, control: str | None = None) -> Drawn:
        """Mean paired difference in the final score (group minus control twins) with its 95% interval: a panel for each task.

        A row for each group; filled where the interval excludes zero.
        """
        return self._draw("differences", ax, groups, tasks, control)

    def estimation(self, ax: Into = None, *, groups: Names = None, tasks: Names = None, control: str | None = None) -> Drawn:
        """Paired estimation plot (Ho et al. 2019): two panels for each task.

        Above, the final scores of control twins and of the group, joined; below, the difference of every pair and the mean
        with its 95% interval.
        """
        return self._draw("estimation", ax, groups, tasks, control)

    def severity(self, ax: Into = None, *, groups: Names = None, tasks: Names = None, control: str | None = None) -> Drawn:
        """Final score against the severity of a disorder in [0, 1], health at 0: a panel for each disorder and task.

        Colours are onsets; the curve is the fitted dose-response, the tick its ED50.
        """
        return self._draw("severity", ax, groups, tasks, control)

    def onset_map(self, ax: Into = None, *, groups: Names = None, tasks: Names = None, control: str | None = None) -> Drawn:
        """Difference from the control twins by onset (columns) and severity or length (rows): a map per disorder and task.

        A star where the 95% interval excludes zero.
        """
        return self._draw("onset_map", ax, groups, tasks, control)

    def retention(self, ax: Into = None, *, groups: Names = None, tasks: Names = None, control: str | None = None) -> Drawn:
        """Mean score on each task (columns) once each task was learned (rows): a map for each group.

        R[i, j] of continual learning. Needs two tasks. Colours are chance-normalised on one scale for all maps.
        """
        return self._draw("retention", ax, groups, tasks, control)

    def forgetting_curves(
        self, ax: Into = None, *, groups: Names = None, tasks: Names = None, control: str | None = None
    ) -> Drawn:
        """Share of a task's score above chance that is left, against optimizer steps since it was learned: a panel each."""
        return self._draw("forgetting_curves", ax, groups, tasks, control)

    def survival(self, ax: Into = None, *, groups: Names = None, tasks: Names = None, control: str | None = None) -> Drawn:
        """Kaplan-Meier curves of the share of individuals that keep a task, and the numbers at risk: two panels per task."""
        return self._draw("survival", ax, groups, tasks, control)

    def sparsity(self, ax: Into = None, *, groups: Names = None, control: str | None = None) -> Drawn:
        """Fraction of dead prunable synapses, in [0, 1), against age in optimizer steps. One panel."""
        return self._draw("sparsity", ax, groups, None, control)

    def sparsity_performance(
        self, ax: Into = None, *, groups: Names = None, tasks: Names = None, control: str | None = None
    ) -> Drawn:
        """Primary score at each sparsity lived through, just pruned (open) and at the last (filled): a panel for each task."""
        return self._draw("sparsity_performance", ax, groups, tasks, control)

    def recovery(self, ax: Into = None, *, groups: Names = None, tasks: Names = None, control: str | None = None) -> Drawn:
        """Scores before each loss of synapses (tick), right after it (open) and after recovery (filled): a panel per task."""
        return self._draw("recovery", ax, groups, tasks, control)

    def dose_response(
        self, ax: Into = None, *, groups: Names = None, tasks: Names = None, control: str | None = None
    ) -> Drawn:
        """Primary score under damage of rising dose, tried and undone at the last evaluation: a panel per damage and task."""
        return self._draw("dose_response", ax, groups, tasks, control)

    def mask_overlap(self, ax: Into = None, *, groups: Names = None, tasks: Names = None, control: str | None = None) -> Drawn:
        """Jaccard overlap of two masks, corrected for chance (0 chance, 1 equal), against age: a panel per kind of pair."""
        return self._draw("mask_overlap", ax, groups, tasks, control)

    def lesion_map(self, ax: Into = None, *, groups: Names = None, tasks: Names = None, control: str | None = None) -> Drawn:
        """Change of the score with one head, or a whole layer, silenced: a map of layers x heads per group, task and age."""
        return self._draw("lesion_map", ax, groups, tasks, control)

    def targeted_lesions(
        self, ax: Into = None, *, groups: Names = None, tasks: Names = None, control: str | None = None
    ) -> Drawn:
        """Score without a share of units, the most important, random or the least important ones: a panel for each task."""
        return self._draw("targeted_lesions", ax, groups, tasks, control)

    def loss_slices(self, ax: Into = None, *, groups: Names = None, tasks: Names = None, control: str | None = None) -> Drawn:
        """Loss along random directions through each subject, 0 the subject itself: a panel for each task and age."""
        return self._draw("loss_slices", ax, groups, tasks, control)

    def loss_barriers(
        self, ax: Into = None, *, groups: Names = None, tasks: Names = None, control: str | None = None
    ) -> Drawn:
        """Loss on the straight line between two subjects: a panel for each kind of pair and task."""
        return self._draw("loss_barriers", ax, groups, tasks, control)

    def plasticity(self, ax: Into = None, *, groups: Names = None, tasks: Names = None, control: str | None = None) -> Drawn:
        """Signs of the ability to learn more (dormant units, effective rank, ...) against age: a panel each."""
        return self._draw("plasticity", ax, groups, tasks, control)

    def out_of_domain(
        self, ax: Into = None, *, groups: Names = None, tasks: Names = None, control: str | None = None
    ) -> Drawn:
        """Last score of each skill in domain, on data from elsewhere and on their parts: a panel for each skill and data."""
        return self._draw("out_of_domain", ax, groups, tasks, control)

    def portrait(
        self,
        ax: Into = None,
        *,
        age: float | Sequence[float] | None = None,
        groups: Names = None,
        tasks: Names = None,
        control: str | None = None,
    ) -> Drawn:
        """What an individual and its twin look like at an age in optimizer steps: four panels for each group and age.

        Weights by layer, sparsity of heads and of neurons, attention of the last layer. At each `age` (one or several) the
        last portrait made by then; None: the first and the last. Two groups: the control and another, or `groups`. Needs the
        probe `Portrait`.
        """
        ages = () if age is None else (age,) if isinstance(age, int | float) else tuple(age)
        return self._draw("portrait", ax, groups, tasks, control, lambda analysis: portrait.draw(analysis, ages))

    def own_measures(self, ax: Into = None, *, groups: Names = None, tasks: Names = None, control: str | None = None) -> Drawn:
        """Metrics of measures of the study's own, or of other packages, against age: a panel for each metric and task."""
        return self._draw("own_measures", ax, groups, tasks, control)

    def outcomes(self, ax: Into = None, *, groups: Names = None, tasks: Names = None, control: str | None = None) -> Drawn:
        """Standardised paired difference (Hedges' g_av) in every outcome of the record, right is better. One panel."""
        return self._draw("outcomes", ax, groups, tasks, control)

    def training(self, ax: Into = None, *, groups: Names = None, tasks: Names = None, control: str | None = None) -> Drawn:
        """Training loss and, where structure was learned, the fraction of mask bits flipped, against age: a panel each."""
        return self._draw("training", ax, groups, tasks, control)

    def _draw(
        self,
        name: str,
        ax: Into,
        groups: Names,
        tasks: Names,
        control: str | None,
        draw: Callable[[Analysis], figures.Drawn] | None = None,
    ) -> Drawn:
        whole = self._analysis(_listed(groups), control)
        analysis = some_tasks(whole, _listed(tasks))
        surface = InPyplot() if ax is None else Given(_axes(ax, name), name)
        with drawn_on(surface):
            found = (draw or FIGURES[name].draw)(analysis)
        if found is None:
            narrower = " Without groups= and tasks= there may be more." if groups or tasks else ""
            shown = FIGURES[name].drawn.partition(". ")[0].removesuffix(".")
            raise RecordError(f"plot.{name}()", f"the record holds nothing to draw here.{narrower}", f"It shows: {shown}.")
        with style():
            for panel in surface.drawn:
                give_fonts(panel)
        return surface.drawn[0] if len(surface.drawn) == 1 else _flat(surface.drawn)

    def _analysis(self, groups: tuple[str, ...], control: str | None) -> Analysis:
        if (groups, control) not in self._known:
            self._known[groups, control] = Analysis(self._source, groups=groups, control=control)
        return self._known[groups, control]


def _listed(names: Names) -> tuple[str, ...]:
    return () if names is None else (names,) if isinstance(names, str) else tuple(names)


def _axes(given: Into, name: str) -> list[Axes]:
    found = [given] if isinstance(given, Axes) else list(np.asarray(given, dtype=object).ravel())
    odd = next((one for one in found if not isinstance(one, Axes)), None)
    if odd is not None or not found:
        what = f"is no matplotlib Axes but {type(odd).__name__}." if odd is not None else "is empty."
        raise ScenarioError(f"plot.{name}(ax=...)", what, "For example: ax=pyplot.subplots()[1].")
    return found


def _flat(panels: Sequence[Axes]) -> np.ndarray:
    flat = np.empty(len(panels), dtype=object)
    flat[:] = panels
    return flat
