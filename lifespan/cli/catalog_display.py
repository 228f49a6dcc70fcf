"""Families, classes and scenarios, printed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Group
from rich.markup import escape
from rich.padding import Padding
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

from lifespan.cli.hooks import contract_of, hooks, overridden

if TYPE_CHECKING:
    from lifespan.cli.catalog import Entry
    from lifespan.study.scenario import Scenario, Study

from lifespan.cli.display import console, reflowed


def show_families(families: Mapping[str, Sequence[Entry]]) -> None:
    """The catalogue: a table for each family."""
    width = max((len(entry.name) for entries in families.values() for entry in entries), default=8)
    for family, entries in families.items():
        kinds: dict[str, list[Entry]] = {}
        for entry in entries:
            kinds.setdefault(entry.kind_of_method, []).append(entry)
        for name, those in kinds.items():
            console.print(f"[bold]{family}[/]" + (f" [dim]{escape(name)}[/]" if name and len(kinds) > 1 else ""))
            console.print(Padding(_entry_table(those, width), (0, 0, 1, 2)))
    console.print("[dim]`lifespan show NAME` tells more about any of them.[/]")


def _entry_table(entries: Sequence[Entry], width: int) -> Table:
    table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(style="cyan", min_width=width, no_wrap=True)
    table.add_column(overflow="fold")
    for entry in entries:
        cited = f" [dim]({escape(entry.citation)})[/]" if entry.citation else ""
        table.add_row(entry.name, f"{escape(entry.summary)}{cited}")
    return table


def show_class(entry: Entry, signature: str, source: str = "") -> None:
    """One class: how to import and write it, what it does, its methods, whom to cite, where it is written."""
    importing = f"from {entry.module} import {entry.name}"
    written = "" if entry.family == "contracts" and signature.endswith("()") else f"\n\n{signature}"
    code = Syntax(importing + written, "python", background_color="default")
    parts: list[Any] = [f"[bold]{entry.name}[/] [dim]({entry.family})[/]", "", Padding(code, (0, 0, 0, 2)), ""]
    parts.append(Text(reflowed(entry.doc)))
    parts += _meanings(entry.kind)
    parts += _methods(entry)
    if entry.citation:
        parts += ["", f"[dim]Cite: {escape(entry.citation)}.[/]"]
    if source:
        parts += ["", Text(f"Written in {source}.", "dim")]
    console.print(Group(*parts))


def _methods(entry: Entry) -> list[Any]:
    """What a contract asks for, one method a row, or what a class overrides of its contract; nothing for functions."""
    if not isinstance(entry.kind, type):
        return []
    is_contract = entry.family == "contracts"
    found = hooks(entry.kind) if is_contract else overridden(entry.kind)
    if not found:
        return []
    contract = contract_of(entry.kind)
    title = "Methods and properties" if is_contract else f"Overrides of {contract.__name__ if contract else ''}"
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column(title, overflow="fold", ratio=3)
    table.add_column("", overflow="fold", ratio=3)
    for hook in found:
        table.add_row(Text(hook.written), Text(("To be written. " if hook.abstract else "") + hook.summary))
    return ["", table]


def _meanings(kind: type | None) -> list[Any]:
    """What a probe's metrics mean, one a row; nothing for other classes."""
    meanings = getattr(kind, "meanings", ())
    if not isinstance(meanings, tuple) or not meanings:
        return []
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name, ratio in (("metric", None), ("meaning", 3), ("range", 2), ("good", 2)):
        table.add_column(name, overflow="fold", ratio=ratio)
    for meaning in meanings:
        unit = f", in {meaning.unit}" if meaning.unit else ""
        table.add_row(Text(meaning.metric, "bold"), Text(meaning.meaning + unit), Text(meaning.range), Text(meaning.good))
    return ["", table]


def show_scenario(doc: str, constants: Mapping[str, Any], study: Study) -> None:
    """One built-in scenario: what it is about, what can be set, and what its groups live."""
    console.print(Text(reflowed(doc)))
    if constants:
        console.print("\n[bold]--set[/] " + escape("  ".join(f"{name}={value!r}" for name, value in constants.items())))
    groups_of: dict[Scenario, list[str]] = {}
    for group, scenario in study.groups.items():
        groups_of.setdefault(scenario, []).append(group)
    for scenario, groups in groups_of.items():
        console.print(f"\n[bold cyan]{escape(', '.join(groups))}[/]: {escape(scenario.subject.describe())}")
        table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 1, 0, 0))
        table.add_column(style="dim", justify="right", min_width=4)
        table.add_column(overflow="fold")
        for number, event in enumerate(scenario.events, 1):
            table.add_row(str(number), Text(event.describe()))
        console.print(table)
