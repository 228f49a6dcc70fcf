"""What is known of a run directory, and of this machine, printed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.markup import escape
from rich.table import Table
from rich.text import Text

from lifespan.execution.consoles import NeutralConsole
from lifespan.execution.durations import duration

if TYPE_CHECKING:
    from lifespan.execution.status import Status
    from lifespan.execution.verification import Verification
    from lifespan.packs.pack import Agreement, PackReport, Part
    from lifespan.record.record import Record
    from lifespan.record.shared_store import Garbage

from lifespan.cli.display import console, counted, notice, say, size

MARKS = {"ok": "[green]ok[/]", "warn": "[yellow]warn[/]", "fail": "[red]fail[/]"}
COLOURS = {"done": "green", "living": "cyan", "pending": "yellow", "diverged": "magenta", "failed": "red"}


def show_checks(checks: Iterable[tuple[str, str, str, str]]) -> bool:
    """Doctor's findings: (name, level, text, remedy) one a line, printed as they come. True where one failed."""
    failed = False
    for name, level, text, remedy in checks:
        line = f"{MARKS[level]}{' ' * (5 - len(level))} [bold]{escape(name)}[/]: {escape(text)}"
        console.print(line + (f" {escape(remedy)}" if remedy else ""), soft_wrap=True)
        failed = failed or level == "fail"
    return failed


def say_altered(found: Record) -> None:
    """Say which files of a record are not as they were written."""
    from lifespan.record.seals import altered

    for one in altered(found):
        notice(one.text)


def show_status(found: Status) -> None:
    """How far every individual is, who lives now, and when it will end."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("individual", "status", "events", "now or why"):
        table.add_column(name, overflow="fold", justify="right" if name == "events" else "left")
    for row in found.rows:
        status = Text(row["status"], COLOURS[row["status"]])
        table.add_row(Text(row["name"]), status, f"{row['lived']}/{row['events']}", Text(row["note"]))
    counts = _status_counts([row["status"] for row in found.rows])
    console.print(f"[bold]{escape(str(found.study.get('name')))}[/]: {counts}")
    if found.events_left:
        rate = f"{counted(found.workers, 'worker')} at work" if found.workers else "nobody at work"
        alone = "" if found.workers else " for one worker"
        time = "" if found.seconds_left is None else f", about {duration(found.seconds_left)}{alone}"
        console.print(f"[dim]{rate}; {counted(found.events_left, 'event')} left{time}[/]")
    console.print(table)


def show_garbage(found: Garbage) -> None:
    """What `lifespan gc` would remove."""
    kept = ", ".join(sorted(set(found.studies))) or "no study"
    say(f"{found.store} is used by: {kept}")
    for directory in found.missing:
        notice(f"Gone: {directory}. Nothing is kept for it; if it is only not mounted, say no.")
    summary = f"{counted(len(found.steps), 'step')} and {counted(len(found.files), 'other file')}"
    say(f"Not needed by any: {summary}, {size(found.bytes)}")


MOST_DIFFERENCES = 40
"""Differences that are shown one by one."""
WIDE = 200
"""Columns of a table that goes into a file, in which no name should be broken."""


def show_verification(found: Verification) -> None:
    """The verdict on a record, what differs, and what could not be verified, with why."""
    colour = {0: "green", 1: "bold red", 2: "yellow"}[found.code]
    verdict = {0: "Verified", 1: "Differs", 2: "Nothing could be verified"}[found.code]
    console.print(Text.assemble((f"{verdict}: ", colour), found.text + "."), soft_wrap=True)
    wrong = sum("store" in one.by for one in found.differences)
    but = f", {counted(wrong, 'difference')}" if wrong else ""
    say(f"Tables: {counted(found.checked, 'row')} compared with the sealed files of the store{but}.")
    if found.apart:
        say(f"Equal bits were not asked for everywhere: here is {'; '.join(found.apart)}.")
    _show_differences(found)
    for why, count in found.unchecked.items():
        notice(f"Not compared with the store: {counted(count, 'row')}: {why}.")
    reasons: dict[str, list[str]] = {}
    for name, why in found.unverified:
        reasons.setdefault(why, []).append(name)
    for why, names in reasons.items():
        more = f" and {len(names) - 1:,} more" if len(names) > 1 else ""
        notice(f"Not verified: {names[0]}{more}: {why}")
    for note in found.notes:
        say(note)


def _show_differences(found: Verification) -> None:
    if not found.differences:
        return
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("where", "what", "recorded", "found", "by"):
        table.add_column(name, overflow="fold")
    for one in found.differences[:MOST_DIFFERENCES]:
        table.add_row(*(Text(part) for part in (one.where, one.what, one.recorded, one.found, one.by)))
    out = console if console.is_terminal else NeutralConsole(file=console.file, width=WIDE)
    out.print(table)
    if len(found.differences) > MOST_DIFFERENCES:
        say(f"... and {len(found.differences) - MOST_DIFFERENCES:,} more")


OF_SKILLS = ("head", "mask", "adapter")
"""Kinds of a pack's parts that belong to one skill."""


def show_pack(report: PackReport, found: Mapping[str, Agreement]) -> None:
    """What a pack weighs, beside full checkpoints of the same skills, and how true it is to the living subject."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("part", "bytes", "floor", "full fp32", "ratio", "agrees", "differs"):
        table.add_column(name, justify="left" if name == "part" else "right", overflow="fold")
    for part in report.parts:
        if part.kind not in OF_SKILLS or part.name not in report.full:
            table.add_row(*_pack_cells(part, f"{part.name}, {report.base}" if part.kind == "base" else part.name))
    for title, full in report.full.items():
        seen = found.get(title)
        agrees, differs = ("-", "-") if seen is None else (f"{seen.same:.1%}", f"{seen.largest:.2g}")
        table.add_row(f"[bold cyan]{escape(title)}[/]", "", "", size(full), "", agrees, differs)
        for part in report.parts:
            if part.name == title and part.kind in OF_SKILLS:
                table.add_row(*_pack_cells(part, f"  {part.kind}"))
    floor = size(report.floor) if report.floor else "-"
    table.add_row("[bold]total[/]", size(report.total), floor, size(sum(report.full.values())), f"[bold]{report.ratio:.1f}[/]")
    console.print(table)
    summary = ["Full: one fp32 checkpoint for each skill. Floor: entropy of the masks' flips, were they alike everywhere."]
    if found:
        counts = ", ".join(sorted({f"{seen.split}, n={seen.n:,}" for seen in found.values()}))
        summary.append(f"Agrees: answers equal to the living subject's ({counts}). Differs: the largest, of a head's outputs.")
    console.print(Text(" ".join(summary), "dim"))


def _pack_cells(part: Part, name: str) -> tuple[str, str, str]:
    return escape(name), size(part.bytes), "" if part.floor is None else size(part.floor)


def show_results(record: Record) -> None:
    """The closing table: how each group does on each task after learning it and at the end of life."""
    people = record.participants()
    scores, sparsities = _results(record)
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("group, task", "metric", "once learned", "at the end", "n"):
        text = name in ("group, task", "metric")
        table.add_column(name, justify="left" if text else "right", overflow="fold")
    for group in record.study["groups"]:
        statuses = _status_counts(people[people["group"] == group]["status"].tolist())
        sparse = f", {sparsities[group]:.0%} sparse" if group in sparsities else ""
        table.add_row(f"[bold cyan]{escape(group)}[/]: {statuses}{sparse}")
        for _, task, *cells in [score for score in scores if score[0] == group]:
            table.add_row(f"  {escape(task)}", *map(Text, cells))
    console.print()
    console.print(table)
    console.print("[dim]Scores are means over the n individuals that were measured.[/]")
    for _, row in people[people["status"].isin(["failed", "diverged"])].iterrows():
        console.print(Text(f"{row['individual']} {row['status']}: {row['reason']}", COLOURS[row["status"]]))


def _results(record: Record) -> tuple[list[tuple[str, ...]], dict[str, float]]:
    """(group, task, metric, mean when first scored, mean at the end, n) rows, and final sparsity by group."""
    measured = record.measurements()
    rows: list[tuple[str, ...]] = []
    keys = ["group", "task", "individual"]
    for (group, task), part in measured[measured["probe"] == "Score"].groupby(["group", "task"], sort=False):
        metric = record.study["tasks"][task]["metrics"][0]
        values = part[part["metric"] == metric].sort_values("step", kind="stable").groupby("individual")["value"]
        rows.append((str(group), str(task), metric, _mean(values.first()), _mean(values.last()), str(values.last().count())))
    anatomy = measured[(measured["metric"] == "sparsity") & (measured["task"] == "")].sort_values("step", kind="stable")
    ends = anatomy.groupby(keys, sort=False)["value"].last().groupby("group").mean()
    return rows, {str(group): float(value) for group, value in ends.items()}


def _mean(values: Any) -> str:
    return f"{values.mean():.3f}" if values.count() else "-"


def _status_counts(statuses: Sequence[str]) -> str:
    counts = {status: list(statuses).count(status) for status in COLOURS}
    return ", ".join(f"[{COLOURS[status]}]{count} {status}[/]" for status, count in counts.items() if count)
