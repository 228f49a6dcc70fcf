"""The record's own list of its files with their checksums, `checksums.json`, and what differs from it.

Rows are written from the store, whose files are sealed one by one. Whether the tables are still as they were written is seen
here without the store, and without living or reading a row. Records of before there was such a list have none.

What was declared, and what each look of a sequential design decided, cannot be written anew. A changed file of these stays
listed as it was, so that it is said for good.
"""

from __future__ import annotations

import gzip
import hashlib
import zlib
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lifespan.errors import RecordError
from lifespan.record.files import read_sealed, write_bytes, write_sealed
from lifespan.record.record import Record
from lifespan.record.untrusted import is_checksum

NAME = "checksums.json"
KEPT = ("hypotheses.jsonl", "looks.jsonl")
"""Files that say what was the case at a time: nothing could write them anew."""
ABOUT = ("study.json", "environment.json", "dictionary.json", *KEPT)
TABLES = ("measurements.jsonl", "steps.jsonl", "participants.tsv", "contrasts.jsonl")
REMEDY = "`lifespan simulate --resume` writes it anew from the store."
RESTORE = "it cannot be written anew; restore it from where the record was kept."


@dataclass(frozen=True)
class Altered:
    """A file of a record that is not as the record lists it, and how."""

    directory: Path
    file: str
    how: str

    @property
    def text(self) -> str:
        """In one sentence."""
        return f"{self.directory / self.file} {self.how}: {RESTORE if self.file in KEPT else REMEDY}"


def seal(directory: Path) -> None:
    """List all files of a record as they are now; for when its tables have just been written from the store."""
    _write(directory, _sums(directory, [*ABOUT, *_tables(directory)]) | _kept(directory))


def seal_begun(directory: Path, *, adopt: bool) -> None:
    """List the files that say what a record is about, and leave its tables as they were listed before.

    With `adopt`, tables that are there and have no list, those of an earlier version, are listed as they are.
    """
    before = _listed(directory)
    kept = {name: sha for name, sha in (before or {}).items() if name not in ABOUT}
    if before is None and adopt:
        kept = _sums(directory, _tables(directory))
    _write(directory, _sums(directory, ABOUT) | kept | _kept(directory))


def write_kept(directory: Path, name: str, data: bytes) -> None:
    """Write one of the files that cannot be written anew, and list it, unless it had been changed before."""
    listed = _listed(directory)
    changed = listed is not None and name in listed and _how(directory, name, listed[name])
    write_bytes(directory / name, data, within=directory)
    if listed is not None and not changed:
        _write(directory, listed | _sums(directory, [name]))


def _kept(directory: Path) -> dict[str, str]:
    """What the list says of files that cannot be written anew."""
    return {name: sha for name, sha in (_listed(directory) or {}).items() if name in KEPT}


def altered(record: Record) -> list[Altered]:
    """What of a record's files is missing, was changed or was added since they were listed; nothing where there is no list."""
    directory = record.directory
    listed = _listed(directory)
    if listed is None:
        promised = record.study.get("checksums") is not None
        how = "is damaged" if (directory / NAME).exists() else "is missing, so that nothing tells whether tables were changed"
        return [Altered(directory, NAME, how)] if promised or (directory / NAME).exists() else []
    names = [*dict.fromkeys([*listed, *_tables(directory)])]
    return [Altered(directory, name, how) for name in names if (how := _how(directory, name, listed.get(name)))]


def require_tables(record: Record) -> None:
    """Raise `RecordError` where a table that the record lists is missing: what it says would be taken for nothing measured."""
    for name in _listed(record.directory) or {}:
        path = record.directory / name
        if name in TABLES and not path.exists() and not path.with_name(f"{name}.gz").exists():
            raise RecordError(str(path), "is missing from the record.", REMEDY)


def _how(directory: Path, name: str, sha: str | None) -> str:
    if sha is None:
        return "was not written with the record"
    found = _sum(directory / name)
    if found is None:
        return "is missing"
    return "" if found == sha else "is not as it was written (its checksum differs)"


def _tables(directory: Path) -> list[str]:
    """The tables that are there, packed or not."""
    plain = [name for name in TABLES if (directory / name).exists() or (directory / f"{name}.gz").exists()]
    return [*plain, *(f"examples/{path.name}" for path in sorted((directory / "examples").glob("[!.]*.parquet")))]


def _sums(directory: Path, names: Iterable[str]) -> dict[str, str]:
    found = {name: _sum(directory / name) for name in names}
    return {name: sha for name, sha in found.items() if sha is not None}


def _sum(path: Path) -> str | None:
    """The checksum of a file's content, of a packed table unpacked; None where there is none that can be read."""
    with suppress(OSError, EOFError, zlib.error):
        packed = path.with_name(f"{path.name}.gz")
        if path.is_file():
            with path.open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest()
        if packed.is_file():
            with gzip.open(packed) as file:
                return hashlib.file_digest(file, "sha256").hexdigest()
    return None


def _write(directory: Path, sums: Mapping[str, str]) -> None:
    write_sealed(directory / NAME, {"files": dict(sums)}, within=directory)


def _listed(directory: Path) -> dict[str, str] | None:
    """Checksums by name; None where there is no list, or a damaged one."""
    with suppress(OSError, ValueError):
        files: Any = read_sealed(directory / NAME).get("files")
        if isinstance(files, dict) and all(_is_of_a_record(name) and is_checksum(sha) for name, sha in files.items()):
            return files
    return None


def _is_of_a_record(name: str) -> bool:
    folder, _, file = name.rpartition("/")
    return name in (*ABOUT, *TABLES) or (folder == "examples" and not file.startswith("."))
