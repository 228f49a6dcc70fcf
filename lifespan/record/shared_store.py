"""Stores that several studies share, and garbage collection: what in a store no study needs any more.

A run directory with a shared store holds a symbolic link `store`, which readers follow without noticing. The store lists its
run directories in `runs/`; from them follows what is still needed.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lifespan.errors import RecordError
from lifespan.reading import why
from lifespan.record.files import read_sealed, write_sealed
from lifespan.record.ownership import is_store
from lifespan.record.record import read_study
from lifespan.record.sessions import FOLDER, collecting_in, ended_sessions, require_unused


def attach(directory: Path, store: Path | None) -> None:
    """Make the store of a run directory: one of its own, or a link to a shared one.

    Without `store`, a link that is there stays.
    """
    link = directory / "store"
    if link.is_symlink() and not link.exists():
        raise RecordError(str(link), f"the shared store {link.readlink()} is not there.", "Mount it, or restore it.")
    if store is not None:
        _link(link, store)


def enter(directory: Path, study: str) -> None:
    """Enter a run directory into the list of its store, where it is a shared one."""
    link = directory / "store"
    if link.is_symlink():
        place = str(directory.resolve())
        name = hashlib.sha256(place.encode()).hexdigest()[:16]
        write_sealed(link.resolve() / "runs" / f"{name}.json", {"directory": place, "study": study})


def _link(link: Path, store: Path) -> None:
    if store.exists() and not store.is_dir():
        raise RecordError(f"--store {store}", "is a file, not a folder.", "Choose another --store.")
    if store.resolve() == link.parent.resolve():
        raise RecordError(f"--store {store}", "is the run directory itself.", "Leave out --store, or choose another folder.")
    if (store / "study.json").exists():
        raise RecordError(f"--store {store}", "is a run directory.", f"Use --store {store / 'store'}, or another folder.")
    if store.is_dir() and any(store.iterdir()) and not is_store(store):
        raise RecordError(f"--store {store}", "holds other files and is no store.", "Choose a new or empty folder.")
    if link.exists():
        if link.resolve() == store.resolve():
            return
        kind = f"already uses the store {link.resolve()}" if link.is_symlink() else "already has a store of its own"
        raise RecordError(str(link.parent), f"{kind}.", "Leave out --store, or choose another --out.")
    try:
        store.mkdir(parents=True, exist_ok=True)
        link.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileExistsError):  # Another command begins at the same moment.
            link.symlink_to(store.resolve(), target_is_directory=True)
    except OSError as error:
        raise RecordError(str(link), f"cannot be made ({error.strerror}).", "Choose another --out or --store.") from error


@dataclass(frozen=True)
class Garbage:
    """What no study needs: folders of steps, blobs, and files of interrupted writes. `studies` are those that were read.

    `place` is the run directory or store that was looked at.
    """

    place: Path
    store: Path
    steps: list[Path]
    files: list[Path]
    bytes: int
    studies: list[str]
    missing: list[str]


def find_garbage(place: Path) -> Garbage:
    """What in a store, or in a run directory's store, no study needs. Raises `RecordError` while anybody uses the store.

    `missing` are run directories that the store lists and that do not exist any more: nothing is kept for them. What lies
    behind links is not the store's.
    """
    store, directories = _studies_of(place)
    require_unused(store)
    return _garbage(place, store, directories)


def _garbage(place: Path, store: Path, directories: list[Path]) -> Garbage:
    present = [directory for directory in directories if (directory / "study.json").is_file()]
    studies = [_with_lives(directory) for directory in present]
    needed = {digest for study in studies for life in study["lives"].values() for digest in life["steps"]}
    steps = [path for path in _steps(store) if path.name not in needed]
    blobs = {name for digest in needed for name in _blobs(store / digest)}
    files = [path for path in _inside(store / "blobs", "*.safetensors") if path.stem not in blobs]
    needed_steps = [path for path in _steps(store) if path.name in needed]
    files += _old_evaluations(needed_steps, studies) + ended_sessions(store)
    # Only finished steps: an unfinished one goes on from there.
    finished = [step for step in needed_steps if (step / "node.json").is_file() or (step / "ended.json").is_file()]
    files += [path for step in finished for path in _inside(step, "partial.*")]
    # Other folders were not made by Lifespan.
    for folder in (store / "blobs", store / "claims", store / "runs", store / FOLDER, *needed_steps):
        files += [path for path in _inside(folder, ".*.*") if path.is_file()]
    weight = sum(path.lstat().st_size for path in files)
    weight += sum(path.lstat().st_size for step in steps for path in step.rglob("*") if path.is_file())
    gone = [str(directory) for directory in directories if directory not in present]
    return Garbage(place, store, sorted(steps), sorted(files), weight, [str(study["name"]) for study in studies], gone)


def _with_lives(directory: Path) -> dict[str, Any]:
    study = read_study(directory)
    lives = study.get("lives")
    if not isinstance(lives, dict) or not all(isinstance(life, dict) and "steps" in life for life in lives.values()):
        remedy = "`lifespan simulate` writes it anew; until then nothing is removed."
        raise RecordError(str(directory / "study.json"), "does not name its lives.", remedy)
    return study


def _inside(folder: Path, pattern: str) -> list[Path]:
    """What a folder of the store holds; nothing where it is a link, behind which lies what is not the store's."""
    return [] if folder.is_symlink() else list(folder.glob(pattern))


def _old_evaluations(needed_steps: list[Path], studies: list[dict[str, Any]]) -> list[Path]:
    """Evaluations of needed steps that no study asks for any more, such as those at data that changed since.

    Nothing is known of the evaluations of a study that was recorded before `study.json` named them: then all of them stay.
    """
    if not studies or any("nodes" not in study for study in studies):
        return []
    asked = {look for study in studies for node in study["nodes"].values() for look in node["looks"]}
    asked |= {pair for study in studies for pair in study.get("pairs", {})}
    found = [path for step in needed_steps for path in _inside(step / "looks", "*.*") if not path.name.startswith(".")]
    return [path for path in found if path.stem not in asked]


def remove(shown: Garbage) -> int:
    """Delete what is garbage still, and was when it was shown. Returns the bytes freed.

    Steps go before the blobs that they name, so that no step is ever left without its blobs. Raises `RecordError` where
    anybody uses the store by now.
    """
    with collecting_in(shown.store):
        now = _garbage(shown.place, *_studies_of(shown.place))
        steps = [step for step in now.steps if step in set(shown.steps)]
        files = [path for path in now.files if path in set(shown.files)]
        freed = sum(_remove(path) for path in [*steps, *files])
        for path in _inside(shown.store / "runs", "*.json"):
            if _entry(path).get("directory") in {*shown.missing} & {*now.missing}:
                path.unlink(missing_ok=True)
    return freed


def _remove(path: Path) -> int:
    """Delete a file or a step's folder. Returns its bytes."""
    try:
        if path.is_symlink() or not path.is_dir():
            size = path.lstat().st_size
            path.unlink()
            return size
        (path / "node.json").unlink(missing_ok=True)
        size = sum(inner.lstat().st_size for inner in path.rglob("*") if inner.is_file())
        shutil.rmtree(path)
        return size
    except FileNotFoundError:
        return 0
    except OSError as error:
        raise RecordError(str(path), f"cannot be removed ({why(error)}).", "Change its permissions.") from error


def studies_of(place: Path) -> list[Path]:
    """The run directories that use a store, or of a run directory's store, those that are still there."""
    return [directory for directory in _studies_of(place)[1] if (directory / "study.json").is_file()]


def _studies_of(place: Path) -> tuple[Path, list[Path]]:
    """(store, the run directories that use it)."""
    if (place / "study.json").is_file():
        store = place / "store"
        if not store.is_symlink():
            return store, [place]
        if not store.exists():
            raise RecordError(str(store), f"the shared store {store.readlink()} is not there.", "Mount it, or restore it.")
        if (store / "study.json").is_file():
            raise RecordError(str(store), "is a link to a run directory, which is no store.", "Remove the link.")
        return _studies_of(store.resolve())
    files = sorted((place / "runs").glob("*.json"))
    if not files:
        inside = [str(path.parent) for path in sorted(place.glob("runs/*/study.json"))]
        hint = f"Do you mean {' or '.join(inside[:3])}?" if inside else "`lifespan simulate --store DIR` makes one."
        raise RecordError(str(place), "is neither a run directory nor a shared store.", hint)
    entries = [_entry(path) for path in files]
    unread = sum("directory" not in entry for entry in entries)
    if unread:
        raise RecordError(
            str(place / "runs"), f"{unread} of its files cannot be read.", "Simulate those studies again: it writes them anew."
        )
    return place, [Path(entry["directory"]) for entry in entries]


def _steps(store: Path) -> Iterator[Path]:
    return (path for path in store.iterdir() if len(path.name) == 64 and path.is_dir() and not path.is_symlink())


def _blobs(step: Path) -> list[str]:
    blobs = _entry(step / "node.json").get("blobs", {})
    return list(blobs.values()) if isinstance(blobs, dict) else []


def _entry(path: Path) -> dict[str, Any]:
    with suppress(OSError, ValueError):
        return read_sealed(path)
    return {}
