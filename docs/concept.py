"""The concept figure, events, twins and the prefix tree, from a study's own plan: `python docs/concept.py docs/pictures`."""

from __future__ import annotations

import sys
from pathlib import Path

import panels
from matplotlib.axes import Axes
from matplotlib.patches import FancyBboxPatch

from lifespan import (
    Age,
    Develop,
    Learn,
    Magnitude,
    Masks,
    Micro,
    MicroTask,
    MicroText,
    Probe,
    Recover,
    Scenario,
    Score,
    Study,
    Suffer,
    UnstableOptimizer,
)
from lifespan.study.events import colors
from lifespan.study.plan import Plan, compile_study

SEEDS = 3
WIDE, HIGH = 0.84, 0.62
"""Width and height of an event's block, where events are 1 apart."""


def study() -> Study:
    """Two groups that differ by one disorder, and a third that differs from the first only in old age."""
    score = Probe(Score())
    healthy = Scenario(
        name="healthy",
        subject=Micro(),
        events=(
            *(Develop(MicroText(), steps=1_000), Learn(MicroTask("acceptability"), by=Masks(steps=100)), score),
            *(Age(to=0.5, by=Magnitude()), Recover(steps=30), score),
        ),
    )
    old = (*healthy.events[:3], Age(to=0.8, by=Magnitude()), *healthy.events[4:])
    groups = {
        "healthy": healthy,
        "older": Scenario(name="older", subject=healthy.subject, events=old),
        "unstable": healthy.with_events(after=1, add=Suffer(UnstableOptimizer(severity=0.5))),
    }
    return Study(name="concept", groups=groups, individuals=SEEDS)


def concept() -> str:
    """The tree of one seed, the others behind it, as an SVG document."""
    plan = compile_study(study(), precision="fp32")
    figure, (axes,) = panels.sheet(8.6, 3.4)
    places, lines = _places(plan)
    for seed in reversed(range(SEEDS)):
        _tree(axes, plan, places, shift=seed)
    for group, (end, line) in lines.items():
        axes.text(end + 0.75, line, group, va="center", weight="bold")
    _notes(axes, plan)
    axes.set_xlim(-0.5, 8.3)
    axes.set_ylim(2.75, -0.95)
    axes.axis("off")
    return panels.svg(figure)


def _places(plan: Plan) -> tuple[dict[str, tuple[float, float]], dict[str, tuple[float, float]]]:
    """Where each step of the first seed stands, (position, line), and where the life of each group ends."""
    lives = [life for life in plan.lives if life.individual == 0]
    places: dict[str, tuple[float, float]] = {}
    for line, life in enumerate(lives):
        for step in life.steps:
            places.setdefault(step.digest, (float(step.index), float(line)))
    return places, {life.group: (float(life.steps[-1].index), float(line)) for line, life in enumerate(lives)}


def _tree(axes: Axes, plan: Plan, places: dict[str, tuple[float, float]], *, shift: int) -> None:
    """One seed's blocks and the lines between them; those of later seeds are pale and shifted."""
    away, alpha = 0.09 * shift, 1.0 if shift == 0 else 0.35
    for digest, (x, y) in places.items():
        step = plan.nodes[digest]
        corner = (x - WIDE / 2 + away, y - HIGH / 2 - away)
        look = {"boxstyle": "round,pad=0,rounding_size=0.1", "linewidth": 0.8, "edgecolor": "white", "alpha": alpha}
        axes.add_patch(
            FancyBboxPatch(corner, WIDE, HIGH, facecolor=colors()[type(step.event).__name__], zorder=3 - shift, **look)
        )
        if shift:
            continue
        kind = type(step.event).__name__
        paint = "white" if kind in panels.DARK else "black"
        axes.text(x, y, kind.lower(), ha="center", va="center", fontsize=9, color=paint, zorder=4)
        if step.parent in places:
            (left, above), middle = places[step.parent], x - 0.5
            axes.plot([left, middle, middle, x], [above, above, y, y], color=panels.INK, linewidth=1.4, zorder=0.5)


def _notes(axes: Axes, plan: Plan) -> None:
    note = {"color": panels.SOFT, "fontsize": 9, "va": "center"}
    line = {"color": panels.SOFT, "linewidth": 1}
    axes.annotate("", (5.4, -0.75), (-0.42, -0.75), arrowprops={"arrowstyle": "->", **line})
    axes.text(-0.42, -0.88, "events of a life", ha="left", **note)
    axes.plot([-0.42, -0.42, 1.42, 1.42], [0.4, 0.47, 0.47, 0.4], **line)
    axes.text(0.5, 0.66, "lived once, for all groups", ha="center", **note)
    axes.plot([6.7, 6.8, 6.8, 6.7], [0, 0, 2, 2], **line)
    axes.text(6.92, 1.0, "twins: one seed,\nthe same draws,\nidentical until\nthey part", ha="left", **note)
    axes.text(-0.42, 2.0, f"{SEEDS} seeds, one behind\nthe other: the individuals", ha="left", **note)
    counted = f"{len(plan.lives)} lives: {plan.shared} events to live, {plan.separate} if nothing were shared"
    axes.text(-0.42, 2.6, counted, ha="left", **note)


if __name__ == "__main__":
    target = Path(sys.argv[1] if len(sys.argv) > 1 else "docs/pictures")
    (target / "concept.svg").write_text(concept(), encoding="utf-8")
