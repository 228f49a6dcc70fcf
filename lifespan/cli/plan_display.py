"""A plan, printed: the tree of events and what it costs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from rich.markup import escape
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from lifespan.execution.durations import duration

if TYPE_CHECKING:
    from lifespan.execution.estimate import Estimate
    from lifespan.study.plan import Plan

from lifespan.cli.display import console, counted, size

NAMED = 3
"""Groups that are named where a plan's lives part alike."""


def show_plan(plan: Plan, found: Estimate) -> None:
    """The tree of steps and what it will take."""
    study = plan.study
    people = f"{counted(len(study.groups), 'group')} x {counted(study.individuals, 'individual')}"
    title = f"[bold]{escape(study.name)}[/]: {people}, {plan.precision}"
    tree = Tree(title, guide_style="dim")
    _grow(tree, [life for life in plan.lives if life.individual == 0], 0, plan, found)
    console.print(tree)
    console.print(_totals(plan, found))
    others = " Trees of other individuals have the same shape." if study.individuals > 1 else ""
    console.print(f"[dim]Times: {found.basis}.{others}[/]")


def _grow(tree: Tree, lives: Sequence[Any], depth: int, plan: Plan, found: Estimate) -> None:
    """Hang the steps that all these lives share, then one branch for every way in which they part."""
    while all(depth < len(life.steps) for life in lives) and len({life.steps[depth].digest for life in lives}) == 1:
        step = lives[0].steps[depth]
        tree.add(_step_text(plan.nodes[step.digest], found))
        depth += 1
    branches: dict[str, list[Any]] = {}
    for life in lives:
        branches.setdefault(life.steps[depth].digest if depth < len(life.steps) else "", []).append(life)
    alike: dict[Any, list[list[Any]]] = {}
    for those in branches.values():
        alike.setdefault(_shape(those, depth, plan), []).append(those)
    for folded in alike.values():
        first, names = folded[0], [", ".join(_few(life.group for life in those)) for those in folded]
        title = "; ".join(_few(names)) + (" (a branch each)" if len(folded) > 1 else "")
        if depth < len(first[0].steps) and len(branches) > 1:
            _grow(tree.add(Text(title, "bold cyan")), first, depth, plan, found)
        elif len(lives) > 1:
            tree.add(Text(f"{title}: ends here", "cyan"))


def _shape(lives: Sequence[Any], depth: int, plan: Plan) -> tuple[Any, ...]:
    """What a branch looks like: of each of its lives the events to come and their evaluations."""
    paths = [[plan.nodes[step.digest] for step in life.steps[depth:]] for life in lives]
    return tuple(tuple((s.event.label, tuple(e.title for e in s.evaluations)) for s in path) for path in paths)


def _few(names: Iterable[str]) -> list[str]:
    """The first names, and how many there are beside them.

    >>> _few("abcdef")
    ['a', 'b', 'c', '3 more']
    """
    every = list(names)
    return every if len(every) <= NAMED + 1 else [*every[:NAMED], f"{len(every) - NAMED} more"]


def _step_text(step: Any, found: Estimate) -> Text:
    cost = found.nodes[step.digest]
    measures = [evaluation.title for evaluation in step.evaluations]
    text = Text(step.event.label)
    if cost.optimizer_steps:
        text.append(f"  {counted(cost.optimizer_steps, 'step')}, {duration(cost.seconds)}", "dim")
    if measures:
        text.append(f"  ({', '.join(measures)})", "dim italic")
    return text


def _totals(plan: Plan, found: Estimate) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("", "separate lives", "shared tree", "not lived yet"):
        table.add_column(name, justify="left" if not name else "right")
    columns = (found.separate, found.shared, found.remaining)
    events = (plan.separate, plan.shared, plan.shared - found.lived)
    table.add_row("events", *[f"{count:,}" for count in events])
    table.add_row("optimizer steps", *[f"{cost.optimizer_steps:,}" for cost in columns])
    table.add_row("examples", *[f"{cost.examples:,}" for cost in columns])
    table.add_row("time, about", *[duration(cost.total_seconds) for cost in columns])
    if found.workers > 1:
        table.add_row(f"  with {found.workers} workers", "", "", duration(found.wall))
    table.add_row("  of it probes", *[duration(cost.evaluation_seconds) for cost in columns])
    table.add_row("disk, about", *[size(cost.bytes) for cost in columns])
    return table
