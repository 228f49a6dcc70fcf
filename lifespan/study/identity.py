"""What a step reads of the outside world, and the fingerprints of it that are part of its identity.

A step's digest is made of its parent's digest, its event and the fingerprints of what it reads. What comes with this package
(the built-in world) has none: a class's `revision` stands for it. Code of other packages is in the event's data already
(`Spec.to_data`); here it is listed, so that a record can say which of its files was changed.

What is read: an event reads the training split of the tasks it names, and corpora, models and files whole. A measure may read
every split of every task learned so far, and so may a learner, pruner, strategy or chronic disorder of another package. (A
disorder that strikes, or acts on ageing, is given no task.)
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lifespan.contracts import Corpus, Disorder, Task
from lifespan.contracts.code import code_of, is_own, refresh
from lifespan.contracts.sources import Commit, Files, Rows, Source, Stamp, stamps
from lifespan.contracts.spec import Spec, digest_of
from lifespan.errors import DataError, RecordError, UserError
from lifespan.study._file_hashes import FileHashes
from lifespan.study.events import Learn, Recover, Suffer
from lifespan.tasks.reading import read_text

MISSING = "missing"
"""Fingerprint of what cannot be read now. Nothing is lived with it."""


@dataclass(frozen=True)
class Input:
    """One thing that a step reads. `name` says whose it is and is unique in a study; `path` where it lies, if in a file.

    `kind` is "file", "rows", "model" or "code"; code does not count among the fingerprints, as event data have it. `wrong`
    tells why it is missing.
    """

    name: str
    kind: str
    fingerprint: str
    path: str = ""
    stamp: tuple[Stamp, ...] = field(default=(), compare=False)
    wrong: UserError | None = field(default=None, compare=False)

    @property
    def modified(self) -> str:
        """When its file was written, as ISO 8601 in UTC to the second; empty where it is no file."""
        if not self.stamp:
            return ""
        return datetime.fromtimestamp(self.stamp[0][2] / 1e9, UTC).isoformat(timespec="seconds")


def content_of(inputs: Iterable[Input]) -> list[dict[str, list[str]]]:
    """What inputs add to the data of which a digest is made: nothing where all is of this package."""
    found = [read.fingerprint for read in inputs if read.kind != "code"]
    return [{"reads": found}] if found else []


class Fingerprints:
    """Fingerprints of all that the specs of one study read, each looked up once."""

    def __init__(self, cache: Path | None = None) -> None:
        refresh()
        self._files = FileHashes(cache)
        self._read: dict[tuple[int, str], tuple[Spec, tuple[Input, ...]]] = {}
        self._names: dict[str, list[tuple[str, str]]] = {}

    def save(self) -> None:
        """Keep the hashes of large files for the next time."""
        self._files.save()

    def of_event(self, event: Spec, active: Sequence[Disorder] = (), learned: Sequence[Task] = ()) -> tuple[Input, ...]:
        """What an event reads under the active chronic disorders, once these tasks are learned."""
        specs = [] if isinstance(event, Suffer) else [event]
        specs += active if isinstance(event, Learn | Recover) else []
        foreign = not all(map(_is_own_throughout, specs))
        found = self._of(event, "first")
        return _distinct(found, *[self._of(task, "all") for task in learned if foreign])

    def of_measure(self, measure: Spec, learned: Sequence[Task] = ()) -> tuple[Input, ...]:
        """What a measure, or a contrast, reads once these tasks are learned."""
        return _distinct(self._of(measure, "all"), *[self._of(task, "all") for task in learned])

    def _of(self, spec: Spec, splits: str) -> tuple[Input, ...]:
        key = id(spec), splits
        if key not in self._read:
            # The spec is kept, so that no other can have its number.
            self._read[key] = spec, _distinct(map(self._with_own_name, self._walk(spec, splits)))
        return self._read[key][1]

    def _with_own_name(self, read: Input) -> Input:
        """The input, with a number where two of the study have one name, such as tasks of two groups."""
        name = read.name.partition(" #")[0]
        known, this = self._names.setdefault(name, []), (read.path, read.fingerprint)
        if this not in known:
            known.append(this)
        number = known.index(this)
        return replace(read, name=f"{name} #{number + 1}") if number else read

    def _walk(self, spec: Spec, splits: str) -> Iterator[Input]:
        if not is_own(type(spec)):
            yield from _code(type(spec))
        if isinstance(spec, Task):
            for split in dict.fromkeys(spec.splits[:1] if splits == "first" else spec.splits):
                yield from self._inputs(f"task {spec.title}, {split}", _sources(spec, split))
        elif isinstance(spec, Corpus):
            yield from self._inputs(f"corpus {spec.title}", spec.sources())
        else:
            yield from self._inputs(spec.describe(), spec.sources())
            for part in parts_of(spec):
                yield from self._of(part, splits if is_own(type(spec)) else "all")

    def _inputs(self, owner: str, sources: Iterable[Source]) -> Iterator[Input]:
        for number, source in enumerate(sources):
            name = f"{owner} ({number + 1})" if number else owner
            if isinstance(source, Files):
                for path in source.paths:
                    yield self._file(f"{name}, {path.name}" if len(source.paths) > 1 else name, path)
            elif isinstance(source, Commit):
                wrong = None if source.commit else DataError(source.name, "no commit of it is at hand.")
                yield Input(name, "model", source.commit or MISSING, wrong=wrong)
            else:
                yield _rows(name, source)

    def _file(self, name: str, path: Path) -> Input:
        at, where = stamps(path), str(path.absolute())
        try:
            return Input(name, "file", self._files.of(path), where, at)
        except OSError:
            return Input(name, "file", MISSING, where, wrong=_why_unreadable(path))


def _why_unreadable(path: Path) -> UserError:
    try:
        read_text(path)
    except UserError as error:
        return error
    return DataError(str(path), "could not be read a moment ago.", "Try again.")


def _sources(task: Task, split: str) -> tuple[Source, ...]:
    """A task's sources; where they cannot be told, its rows, whose loading says what is wrong."""
    try:
        return task.sources_of(split)
    except (UserError, OSError, ValueError):
        return (Rows(task.title, lambda: task.load(split).fingerprint),)


def _rows(name: str, source: Rows) -> Input:
    try:
        return Input(name, "rows", source.fingerprint())
    except UserError as error:
        return Input(name, "rows", MISSING, wrong=error)


def _code(kind: type) -> Iterator[Input]:
    owner = f"{kind.__module__}:{kind.__qualname__}"
    for part in code_of(kind).parts:
        at = stamps(Path(part.path)) if part.path else ()
        yield Input(f"class {owner}, {part.name}", "code", part.fingerprint or digest_of(part.name), part.path or "", at)


def parts_of(spec: Spec) -> Iterator[Spec]:
    """Specs inside a spec."""
    pending: list[Any] = [getattr(spec, field.name) for field in fields(spec)]
    while pending:
        value = pending.pop(0)
        if isinstance(value, Spec):
            yield value
        elif isinstance(value, Mapping):
            pending += value.values()
        elif isinstance(value, tuple | list):
            pending += value


def _is_own_throughout(spec: Spec) -> bool:
    return is_own(type(spec)) and all(_is_own_throughout(part) for part in parts_of(spec))


def _distinct(*found: Iterable[Input]) -> tuple[Input, ...]:
    return tuple({(read.name, read.fingerprint): read for part in found for read in part}.values())


def check_unchanged(inputs: Iterable[Input]) -> None:
    """Raise `RecordError` where a file is not what it was when the study was planned."""
    for read in inputs:
        if read.kind == "model" and read.fingerprint == MISSING:
            raise RecordError(read.name, "was downloaded while the study was being lived.", "Simulate again.")
        if read.kind != "file" or not read.path or stamps(Path(read.path)) == read.stamp:
            continue
        path = Path(read.path)
        now = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else MISSING
        if now != read.fingerprint:
            raise RecordError(
                read.path,
                f"was changed while the study was being lived ({read.name}).",
                "Nothing was kept of the step that read it. Simulate again: what the change affects is lived anew.",
            )
