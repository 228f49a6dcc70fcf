"""What a spec reads from outside the package: files, a model of the hub, or rows that must be loaded to be fingerprinted."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from lifespan.errors import ScenarioError

MOST = 2000
"""Files in a folder that is hashed because an argument names it."""

Stamp = tuple[str, int, int, int, int]
"""(path, bytes, time of the content, time of the file, its number): what changes when a file does."""


@dataclass(frozen=True)
class Files:
    """The content of files, read in this order. A file that does not exist counts as missing."""

    paths: tuple[Path, ...]


@dataclass(frozen=True)
class Rows:
    """Content of no file that is known: `fingerprint()` loads it and returns a SHA-256. `name` is what messages call it."""

    name: str
    fingerprint: Callable[[], str]


@dataclass(frozen=True)
class Commit:
    """A model of the Hugging Face hub at one of its commits, or "" where neither argument nor local cache say which."""

    name: str
    commit: str


Source = Files | Rows | Commit


def files_in(place: Path) -> tuple[Path, ...]:
    """A file, or the files of a folder and of its folders, in the order of their names; hidden ones left out."""
    if not place.is_dir():
        return (place,)
    found = [path for path in place.rglob("*") if path.is_file()]
    return tuple(sorted(path for path in found if not any(part.startswith(".") for part in path.relative_to(place).parts)))


def named_files(values: Iterable[object]) -> Iterator[Files]:
    """The files and folders that arguments name: paths, and texts with a slash or an ending, where there is such a thing."""
    for value in values:
        if isinstance(value, tuple | list):
            yield from named_files(value)
        elif isinstance(value, Path) or (isinstance(value, str) and 0 < len(value) < 4096 and _may_be_a_path(value)):
            place = Path(value)
            with suppress(OSError, RuntimeError):
                place = place.expanduser()
                if place.exists():
                    yield Files(_few_files_in(place))


def _few_files_in(place: Path) -> tuple[Path, ...]:
    """The files of a folder that is small enough to be read on a guess."""
    if place.is_dir() and sum(1 for _ in itertools.islice(place.rglob("*"), MOST + 1)) > MOST:
        what = f"is named by an argument of a class that does not say what it reads, and holds more than {MOST:,} files."
        raise ScenarioError(str(place), what, "Give the class a method `sources` that names the files: see Spec.sources.")
    return files_in(place)


def _may_be_a_path(text: str) -> bool:
    return "\0" not in text and "\n" not in text and ("/" in text or "\\" in text or Path(text).suffix != "")


def stamps(*places: Path) -> tuple[Stamp, ...]:
    """What changes when any of these files, or a file in these folders, does: a key for what was read from them."""
    found = []
    for path in (path for place in places for path in files_in(place)):
        try:
            status = path.stat()
        except OSError:
            continue
        found.append((str(path), status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino))
    return tuple(found)
