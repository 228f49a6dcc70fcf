"""Paths, names and numbers out of a record, a store, a pack or a lease, which may be anybody's: checked before they are used.

A name that becomes part of a path is plain, so that the path stays inside its folder; nothing is written or deleted through a
link; a number fits its column.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lifespan import names
from lifespan.errors import RecordError

if TYPE_CHECKING:
    import pandas

LARGEST = 2**63
"""Whole numbers of a record are below it, as the columns of its tables are."""
MOST_INDIVIDUALS = 10**6
"""Individuals of a group that a record may claim: a row is made for each."""

_PART = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_SHA = re.compile(r"[0-9a-f]{64}")
REMEDY = "Take a record from where it was made, or simulate anew."


def is_part(name: object) -> bool:
    """Whether a name can stand in a path: plain letters, digits, dots, dashes and underscores, no dot at its beginning."""
    return isinstance(name, str) and _PART.fullmatch(name) is not None


def part(name: object, where: object) -> str:
    """A name that becomes one part of a path, such as a digest. Raises `RecordError` for one that could lead elsewhere."""
    if not is_part(name):
        raise RecordError(str(where), f"names {shown(name)}, which is no name of anything in a record.", REMEDY)
    return str(name)


def checksum(sha: object, where: object) -> str:
    """A SHA-256 in hexadecimal digits. Raises `RecordError` for anything else."""
    if not is_checksum(sha):
        raise RecordError(str(where), f"names {shown(sha)} where a checksum must be.", REMEDY)
    return str(sha)


def is_checksum(sha: object) -> bool:
    """Whether this is a SHA-256 in hexadecimal digits."""
    return isinstance(sha, str) and _SHA.fullmatch(sha) is not None


def shown(value: object) -> str:
    """A value of a stranger for a message: short, and without anything that acts in a terminal."""
    text = names.neutral(value if isinstance(value, str) else type(value).__name__)
    return repr(text if len(text) <= 60 else f"{text[:57]}...")


def no_link(path: Path, root: Path) -> Path:
    """A path below `root` for writing or deleting: raises `RecordError` where a part of it below `root` is a link.

    What is not there yet is no link. `root` itself may be reached through links: it is the user's to say.
    """
    place = root
    for name in path.relative_to(root).parts:
        if name == "..":
            raise RecordError(str(path), f"leads out of {root}.", REMEDY)
        place = place / name
        if place.is_symlink():
            raise RecordError(
                str(place), "is a link: nothing is written or deleted through it.", "Put a folder or file there."
            )
    return path


def whole(value: object, where: object, what: str, *, most: int = LARGEST) -> int:
    """A whole number from 0 to below `most`. Raises `RecordError` for anything else."""
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < most:
        raise RecordError(str(where), f"its {what} must be a whole number from 0 to {most - 1}.", REMEDY)
    return value


def check_column(values: pandas.Series, kind: str, where: str) -> None:
    """Raise `RecordError` where a column of a table has something else than its kind: "text", "integer", ... "or null"."""
    from pandas.api import types

    there = values.dropna()
    if not len(there) or kind.startswith("boolean"):
        return
    if kind.startswith("text"):
        fine = types.is_string_dtype(there) and all(map(_is_text, there.unique() if there.dtype != object else there))
    else:
        fine = types.is_numeric_dtype(there)
    if not fine:
        wanted = "text" if kind.startswith("text") else "a number below 2**63"
        raise RecordError(where, f"has a row in which it is not {wanted}.", REMEDY)


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def check_study(study: Mapping[str, Any], path: Path) -> None:
    """Raise `RecordError` where names or numbers in `study.json` cannot be a study's. What is absent is not asked for."""
    try:
        json.dumps(study, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise RecordError(str(path), "holds a character that is none (a lone surrogate).", REMEDY) from None
    if "name" in study:
        part(study["name"], f"{path}, name")
    for key, most in (("seed", LARGEST), ("individuals", MOST_INDIVIDUALS)):
        if key in study:
            whole(study[key], path, key, most=most)
    for key in ("groups", "lives", "nodes", "pairs", "tasks", "inputs", "data"):
        if not isinstance(study.get(key, {}), Mapping | None):
            raise RecordError(str(path), f"its {key!r} must be an object.", REMEDY)
    for key, inner in INSIDE.items():
        for name, entry in (study.get(key) or {}).items():
            _check_entry(f"{key}, {shown(name)}", entry, inner, path)
    for digest, pair in (study.get("pairs") or {}).items():
        part(digest, path)
        part(pair.get("at"), path)
    for digest in study.get("nodes") or {}:
        part(digest, path)
    for name, life in (study.get("lives") or {}).items():
        _check_life(name, life, study, path)


INSIDE: Mapping[str, Mapping[str, Any]] = {
    "groups": {"timeline": list, "scenario": Mapping},
    "tasks": {"metrics": list, "labels": list, "chance": Mapping},
    "nodes": {"looks": Mapping, "inputs": list},
    "pairs": {"at": str},
    "inputs": {"fingerprint": str, "path": str, "kind": str},
}
"""Parts of `study.json` whose entries are objects, and of which kind what is read of them must be, where it is there."""


def _check_entry(where: str, entry: object, inner: Mapping[str, Any], path: Path) -> None:
    if not isinstance(entry, Mapping):
        raise RecordError(f"{path}, {where}", "must be an object.", REMEDY)
    for key, kind in inner.items():
        if not isinstance(entry.get(key), kind | None):
            raise RecordError(f"{path}, {where}", f"its {key!r} is of another kind than Lifespan writes.", REMEDY)
    if not all(
        isinstance(moment, Mapping) and isinstance(moment.get("stage", ""), str) for moment in entry.get("timeline") or ()
    ):
        raise RecordError(f"{path}, {where}", "each moment of its 'timeline' must be an object.", REMEDY)


def _check_life(name: str, life: object, study: Mapping[str, Any], path: Path) -> None:
    steps = life.get("steps") if isinstance(life, Mapping) else None
    number = name.rpartition("-")[2]
    what = f"does not name its lives: {shown(name)}"
    if not isinstance(life, Mapping) or not isinstance(steps, list) or not (number.isascii() and number.isdigit()):
        raise RecordError(str(path), f"{what} must end with a number and have a list of steps.", REMEDY)
    group = life.get("group")
    if not isinstance(group, str) or group not in study.get("groups", {}):
        raise RecordError(str(path), f"{what} is of the group {shown(group)}, which the study does not have.", REMEDY)
    timeline = study["groups"][group].get("timeline")
    if not steps or (timeline is not None and len(steps) != len(timeline)):
        raise RecordError(str(path), f"{what} has {len(steps)} steps, and its group {len(timeline or ())}.", REMEDY)
    for digest in steps:
        part(digest, f"{path}, life {shown(name)}")
