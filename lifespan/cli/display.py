"""The only printer: errors, tables and closing words. Progress is in `progress.py`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Group
from rich.markup import escape
from rich.padding import Padding
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from lifespan.cli.hooks import contract_of, hooks, overridden
from lifespan.cli.printer import Printer
from lifespan.errors import UserError
from lifespan.execution.consoles import NeutralConsole
from lifespan.execution.durations import duration
from lifespan.names import neutral

if TYPE_CHECKING:
    from lifespan.cli.catalog import Entry
    from lifespan.execution.estimate import Estimate
    from lifespan.execution.status import Status
    from lifespan.execution.verification import Verification
    from lifespan.packs.pack import Agreement, PackReport, Part
    from lifespan.record.record import Record
    from lifespan.record.shared_store import Garbage
    from lifespan.study.plan import Plan
    from lifespan.study.scenario import Scenario, Study

MARKS = {"ok": "[green]ok[/]", "warn": "[yellow]warn[/]", "fail": "[red]fail[/]"}
COLOURS = {"done": "green", "living": "cyan", "pending": "yellow", "diverged": "magenta", "failed": "red"}
NAMED = 3
"""Groups that are named where a plan's lives part alike."""

console = Printer()
errors = Printer(stderr=True)


def say(text: str) -> None:
    """One line, wrapped at the terminal's width."""
    console.print(text, soft_wrap=not console.is_terminal, markup=False)


def complain(error: UserError) -> None:
    """A user's error as one message: where, what rule, and the way out."""
    where, _, code = error.where.partition("\n")
    place = (where, "bold"), f"\n{code}: " if code else ": "
    _tell(Text.assemble(("Error: ", "bold red"), *place, (error.what, "red")))
    if error.remedy:
        _tell(Text(error.remedy))


def _tell(text: Text) -> None:
    """Print to standard error. In a terminal lines end between words, but what is to be copied whole is left whole.

    That are indented lines, which are commands, and those with a word, such as a path, that fills more than a line.
    """
    for line in text.split("\n", allow_blank=True):
        longest = max(map(len, line.plain.split()), default=0)
        whole = line.plain.startswith(" ") or longest > errors.width
        errors.print(line, soft_wrap=whole or not errors.is_terminal)


def complain_plainly(text: str, remedy: str = "") -> None:
    """One line of error, and how to go on."""
    _tell(Text.assemble(("Error: ", "bold red"), (text, "red")))
    if remedy:
        _tell(Text(remedy))


def notice(text: str) -> None:
    """A remark beside the results, on standard error."""
    _tell(Text(text, "yellow"))


def show_json(data: Any) -> None:
    """Data for other programs: plain JSON on standard output."""
    console.file.write(neutral(json.dumps(data, indent=2, ensure_ascii=False)) + "\n")


def size(count: float) -> str:
    """Bytes as people say them.

    >>> size(2_000_000)
    '1.9 MiB'
    """
    for unit in ("B", "KiB", "MiB"):
        if count < 1024:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.1f} GiB"


def counted(count: int, noun: str) -> str:
    """A count with its noun.

    >>> counted(1, "step"), counted(2000, "life")
    ('1 step', '2,000 lives')
    """
    plural = {"life": "lives", "individual": "individuals"}.get(noun, f"{noun}s")
    return f"{count:,} {noun if count == 1 else plural}"


def reflowed(doc: str) -> str:
    """A docstring whose paragraphs fill the terminal; lists, tables and code keep their lines.

    >>> print(reflowed("One\\ntwo.\\n\\n- a\\n- b"))
    One two.
    <BLANKLINE>
    - a
    - b
    """
    kept = (" ", "-", "|", ">>>")
    paragraphs = [paragraph.split("\n") for paragraph in doc.split("\n\n")]
    return "\n\n".join(("\n" if any(line.startswith(kept) for line in p) else " ").join(p) for p in paragraphs)


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


def show_checks(checks: Iterable[tuple[str, str, str, str]]) -> bool:
    """Doctor's findings: (name, level, text, remedy) one a line, printed as they come. True where one failed."""
    failed = False
    for name, level, text, remedy in checks:
        line = f"{MARKS[level]}{' ' * (5 - len(level))} [bold]{escape(name)}[/]: {escape(text)}"
        console.print(line + (f" {escape(remedy)}" if remedy else ""), soft_wrap=True)
        failed = failed or level == "fail"
    return failed


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


def show_markdown(text: str) -> None:
    """A Markdown document: drawn in a terminal, as it is elsewhere."""
    if console.is_terminal:
        from rich.markdown import Markdown

        console.print(Markdown(text))
    else:
        console.file.write(neutral(text))


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
