"""What a record was made of, and what of it has changed since.

`study.json` lists under `inputs` what the study's steps read (kind, fingerprint, path, time), and under `nodes`, for every
step, the names of those that it and its evaluations read. Records of before it did so have neither.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from lifespan.contracts import Task
from lifespan.contracts.spec import Spec, digest_of
from lifespan.record.record import is_lived, read_study
from lifespan.study.identity import MISSING, Fingerprints, Input
from lifespan.study.plan import Plan, Step


def inputs_of(plan: Plan) -> dict[str, Input]:
    """All that a plan reads, by name."""
    found = [one for step in plan.nodes.values() for one in _all_reads(step)]
    return {one.name: one for one in [*found, *(one for pair in plan.pairs for one in pair.reads)]}


def described(plan: Plan) -> dict[str, Any]:
    """The entries `inputs` and `nodes` of `study.json`."""
    return {
        "inputs": {
            name: {"kind": one.kind, "fingerprint": one.fingerprint, "path": one.path, "modified": one.modified}
            for name, one in inputs_of(plan).items()
        },
        "nodes": {
            digest: {
                "inputs": [one.name for one in step.reads],
                "looks": {each.digest: [one.name for one in each.reads] for each in step.evaluations},
            }
            for digest, step in plan.nodes.items()
        },
        "pairs": {pair.digest: {"at": pair.one.digest, "inputs": [one.name for one in pair.reads]} for pair in plan.pairs},
    }


def _all_reads(step: Step) -> Iterable[Input]:
    yield from step.reads
    for evaluation in step.evaluations:
        yield from evaluation.reads


@dataclass(frozen=True)
class Change:
    """One input that is not what the record was made of, and how many of the plan's events that affects."""

    name: str
    kind: str
    path: str
    before: str
    modified: str
    affected: int

    @property
    def what(self) -> str:
        """Such as "dev.csv (task reviews, dev) changed on 2026-11-30 14:02"."""
        shown = f"{Path(self.path).name} ({self.name})" if self.path else self.name
        if self.before and self.path and self.before != self.path:
            shown = f"{self.path} ({self.name}) is read in the place of {self.before}, and differs"
            return shown
        return f"{shown} changed{_on(self.modified)}"


@dataclass(frozen=True)
class Changes:
    """What has changed since a record was made, for how many events: `affected` of `events`.

    `anew` of them have to be lived again; `again`, whose own learning reads nothing that changed, are only evaluated again;
    what is left, others have lived in a store that is shared. `unknown` tells that the record was made before it
    kept what it had read.
    """

    changes: tuple[Change, ...]
    affected: int
    events: int
    anew: int
    again: int
    unknown: bool = False

    @property
    def text(self) -> str:
        """All of it in one sentence or two."""
        ends = f"{self.affected} of {self.events} events are affected; {self.anew} are lived anew"
        stored = self.affected - self.anew - self.again
        ends += f", {self.again} evaluated again" if self.again else ""
        ends += f", {stored} in the store already." if stored else "."
        if self.unknown:
            return f"the record was made before what is read was part of a step's identity. {ends}"
        named = [f"{change.what}: {change.affected} of {self.events} events are affected" for change in self.changes]
        return f"{named[0]}; {ends.partition('; ')[2]}" if len(named) == 1 else f"{'; '.join(named)}. In all, {ends}"


def changes_since(before: Mapping[str, Any], plan: Plan, directory: Path) -> Changes | None:
    """What in a run directory's record, as its `study.json` tells, is not of what the plan reads now; None where nothing is.

    Only what was lived counts: events that failed, or were not reached, may change as they like.
    """
    lived = _lived_before(before, directory)
    if not lived:
        return None
    kept = _kept_positions(before, plan, lived)
    events = [step for step in plan.nodes.values() if step.parent is not None]
    known = before.get("inputs")
    if not isinstance(known, Mapping):
        return _of_an_old_record(before, plan, lived, len(events))
    now = inputs_of(plan)
    other = [name for name, one in now.items() if _differs(known, one)]
    places: dict[str, list[str]] = {}
    for name in other:
        places.setdefault(now[name].path or name, []).append(name)
    changes = []
    for names in places.values():
        one, old, affected = now[names[0]], known[names[0]], _affected(plan, set(names))[0]
        if affected & kept:
            changes.append(Change(names[0], one.kind, one.path, str(old.get("path", "")), one.modified, len(affected)))
    if not changes:
        return None
    affected_by_all, moved = _affected(plan, set(other))
    anew = [digest for digest in moved if plan.nodes[digest].parent is not None and not is_lived(directory, digest)]
    return Changes(tuple(changes), len(affected_by_all), len(events), len(anew), len(affected_by_all - moved))


def others_of_a_store(directories: Iterable[Path], plan: Plan) -> list[str]:
    """What the plan reads and other studies of a shared store read with another content, said for each of them."""
    now = inputs_of(plan)
    said = []
    for directory in directories:
        known = read_study(directory).get("inputs") or {}
        apart = [one for one in now.values() if _differs(known, one)]
        if apart:
            files = ", ".join(dict.fromkeys(Path(one.path).name if one.path else one.name for one in apart))
            said.append(f"{directory} was lived with another content of {files}: what follows from it is not shared.")
    return said


def _kept_positions(before: Mapping[str, Any], plan: Plan, lived: set[str]) -> set[str]:
    """Steps of the plan in whose place, in whatever life, the record has one that was lived."""
    old = before.get("lives", {})
    found = set()
    for life in plan.lives:
        known = old.get(life.name, {}).get("steps", [])
        found |= {step.digest for step, digest in zip(life.steps, known, strict=False) if digest in lived}
    return found


def _lived_before(before: Mapping[str, Any], directory: Path) -> set[str]:
    steps = {digest for life in before.get("lives", {}).values() for digest in life.get("steps", [])[1:]}
    return {digest for digest in steps if is_lived(directory, digest)}


def _affected(plan: Plan, names: set[str]) -> tuple[set[str], set[str]]:
    """(events that read one of these inputs, or follow from one that did, or are evaluated with it; those but the last)."""
    moved: set[str] = set()
    found: set[str] = set()
    for digest, step in plan.nodes.items():
        if step.parent in moved or any(one.name in names for one in step.reads):
            moved.add(digest)
        if digest in moved or any(one.name in names for each in step.evaluations for one in each.reads):
            found.add(digest)
    return {digest for digest in found if plan.nodes[digest].parent is not None}, moved


def _of_an_old_record(before: Mapping[str, Any], plan: Plan, lived: set[str], events: int) -> Changes | None:
    reading = _affected(plan, set(inputs_of(plan)))
    lost = {digest for digest in lived if digest not in plan.nodes}
    if not reading[0] & _kept_positions(before, plan, lived) or not (lost or reading[0] - reading[1]):
        return None
    anew = [digest for digest in reading[1] if plan.nodes[digest].parent is not None]
    return Changes((), len(reading[0]), events, len(anew), len(reading[0] - reading[1]), unknown=True)


def missing_in(plan: Plan) -> list[Input]:
    """Inputs without which some event cannot be lived, or some corpus not be evaluated on, and that cannot be read now."""
    evaluated = [one for step in plan.nodes.values() for each in step.evaluations for one in each.reads]
    needed = [one for step in plan.nodes.values() for one in step.reads]
    needed += [one for one in evaluated if one.name.startswith("corpus ")]
    return [one for one in needed if one.wrong is not None]


def changed_since(study: Mapping[str, Any], spec: Spec) -> str:
    """What a task or a subject of a record would read now that is not what the record was made of; empty where nothing is."""
    known, found = study.get("inputs"), Fingerprints()
    if isinstance(known, Mapping):
        now = found.of_measure(spec)
        apart = [one for one in now if one.wrong is None and _differs(known, one)]
        return ", ".join(dict.fromkeys(one.path or one.name for one in apart))
    recorded = (study.get("data") or {}).get(spec.title) if isinstance(spec, Task) else None
    if not isinstance(spec, Task) or not isinstance(recorded, str) or recorded == content_of_task(spec):
        return ""
    return f"task {spec.title}"


def _differs(known: Mapping[str, Any], one: Input) -> bool:
    return known.get(one.name, {}).get("fingerprint", one.fingerprint) not in (MISSING, one.fingerprint)


def content_of_task(task: Task) -> str:
    """ "<digest of the task>/<digest of its learned and scored rows>", as `data` in `study.json` has it."""
    content = digest_of([rows.fingerprint for rows in (task.population(), task.examples(task.splits[1]))])
    return f"{task.digest()[:16]}/{content}"


def differing_tasks(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """What two records both name and read with another content: "task reviews, dev", or "task reviews" of old records.

    Training rows may differ where the studies say so: where the task is written differently.
    """
    known, theirs = one.get("inputs"), other.get("inputs")
    if isinstance(known, Mapping) and isinstance(theirs, Mapping):
        shared = [name for name in known if name.startswith("task ") and name in theirs]
        apart = [name for name in shared if known[name].get("fingerprint") != theirs[name].get("fingerprint")]
        return [name for name in apart if ", train" not in name or _written_alike(name, one, other)]
    first, second = one.get("data") or {}, other.get("data") or {}
    alike = [title for title in first if title in second and _part(first, title, 0) == _part(second, title, 0)]
    return [f"task {title}" for title in alike if _part(first, title, 2) != _part(second, title, 2)]


def _written_alike(name: str, one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    title = name.removeprefix("task ").rpartition(", train")[0]
    first, second = (study.get("tasks", {}).get(title, {}).get("spec") for study in (one, other))
    return bool(first == second)


def _part(data: Mapping[str, Any], title: str, place: int) -> str:
    """Of "<task>/<content>", the task (0) or the content (2)."""
    return str(data[title]).partition("/")[place]


def _on(modified: str) -> str:
    if not modified:
        return ""
    return f" on {datetime.fromisoformat(modified).astimezone():%Y-%m-%d %H:%M}"
