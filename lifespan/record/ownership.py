"""Whose files are whose: commands write into folders that are empty or their own, and replace what they wrote alone.

A folder that is neither a run directory nor a store is marked by a hidden file that lists what was written there, by
checksum. A file that is not listed, or was changed since, is somebody else's work.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from lifespan.errors import RecordError
from lifespan.record.files import read_sealed, write_bytes, write_sealed

MARK = ".lifespan.json"
"""The file that lists what Lifespan wrote into a folder: checksums by name."""
SHOWN = 3
"""Files of others that a message names."""

_STEP = re.compile("[0-9a-f]{64}")
_RUN = re.compile(r"[0-9a-f]{16}\.json|\..*")
OF_A_STORE = ("blobs", "claims", "runs", ".gitignore")


def write_files(folder: Path, contents: Mapping[str, bytes], *, force: bool = False) -> None:
    """Write files by their paths below a folder. Raises `RecordError` where that would replace files of others.

    In a run directory and in a store all files are Lifespan's own. Nothing is written through links.
    """
    check_files(folder, contents, force=force)
    own = is_own(folder)
    sums = {name: hashlib.sha256(data).hexdigest() for name, data in contents.items()}
    known = {} if own else _listed(folder)
    if not own:
        # Before the files as well, so that those of an interrupted command are known to be its own.
        both = {name: sorted({*known.get(name, []), *([sums[name]] if name in sums else [])}) for name in {*known, *sums}}
        write_sealed(folder / MARK, {"files": both}, within=folder)
    for name, data in contents.items():
        write_bytes(folder / name, data, within=folder)
    if not own:
        write_sealed(folder / MARK, {"files": known | {name: [sha] for name, sha in sums.items()}}, within=folder)


def check_files(folder: Path, names: Iterable[str], *, force: bool = False) -> None:
    """Raise `RecordError` where files of these names are there that Lifespan did not write, or that were changed since."""
    if force or is_own(folder):
        return
    known = _listed(folder)
    others = [name for name in names if (folder / name).exists() and _sum(folder / name) not in known.get(name, ())]
    if others:
        more = f" and {len(others) - SHOWN} more" if len(others) > SHOWN else ""
        what = f"holds files that this would replace: {', '.join(others[:SHOWN])}{more}."
        raise RecordError(str(folder), what, "Choose another --out, or add --force to replace them.")


def is_own(folder: Path) -> bool:
    """Whether a folder is a run directory, or a store that studies share."""
    return (folder / "study.json").is_file() or is_store(folder)


def is_store(folder: Path) -> bool:
    """Whether a folder is a store: it lists run directories, or holds nothing but what a store does."""
    listed = [path for path in (folder / "runs").glob("*.json") if _RUN.fullmatch(path.name)]
    if any("directory" in _entry(path) for path in listed):
        return True
    entries = list(folder.iterdir()) if folder.is_dir() else []
    return bool(entries) and all(map(_is_of_a_store, entries))


def _is_of_a_store(entry: Path) -> bool:
    if entry.is_symlink():
        return False
    if entry.name == ".gitignore":
        return entry.is_file() and entry.read_bytes() == b"*\n"
    if entry.name == "runs":
        return entry.is_dir() and all(_RUN.fullmatch(path.name) for path in entry.iterdir())
    return entry.is_dir() and (entry.name in OF_A_STORE or _STEP.fullmatch(entry.name) is not None)


def _listed(folder: Path) -> dict[str, list[str]]:
    files = _entry(folder / MARK).get("files")
    return {str(name): list(sums) for name, sums in files.items() if isinstance(sums, list)} if isinstance(files, dict) else {}


def _sum(path: Path) -> str | None:
    """The checksum of a plain file; None for anything else."""
    with suppress(OSError):
        return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() and not path.is_symlink() else None
    return None


def _entry(path: Path) -> dict[str, Any]:
    with suppress(OSError, ValueError):
        return read_sealed(path) if path.is_file() else {}
    return {}
