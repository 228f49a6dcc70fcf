"""Writing files that are whole or not there, and JSON whose checksum shows whether it is as it was written."""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

from lifespan.errors import RecordError
from lifespan.reading import plain_bytes, why
from lifespan.record.untrusted import no_link


def write_json(path: Path, content: Mapping[str, Any], *, within: Path | None = None) -> None:
    """Write JSON under a temporary name and rename it. Numbers that are not finite become text: JSON has none."""
    write_bytes(path, json.dumps(_finite(content), ensure_ascii=False, allow_nan=False).encode(), within=within)


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _finite(entry) for name, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(entry) for entry in value]
    return value if not isinstance(value, float) or math.isfinite(value) else str(value)


def write_sealed(path: Path, content: Mapping[str, Any], *, within: Path | None = None) -> None:
    """Write a JSON object whose last entry, `seal`, is the SHA-256 of all bytes before it."""
    body = json.dumps({"sealed": 1, **content}, ensure_ascii=False, allow_nan=False)[:-1].encode()
    write_bytes(path, body + f', "seal": "{hashlib.sha256(body).hexdigest()}"}}'.encode(), within=within)


def read_sealed(path: Path) -> dict[str, Any]:
    """The object that `write_sealed` wrote, or one of before there were seals. Raises `ValueError` where it is damaged."""
    data = plain_bytes(path)
    seal = _SEAL.search(data)
    sealed = seal is not None or data.startswith(_SEALED)
    if sealed and (seal is None or hashlib.sha256(data[: seal.start()]).hexdigest() != seal[1].decode()):
        raise ValueError("the seal is broken")
    try:
        found = json.loads(data)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if sealed and isinstance(found, dict):
        found.pop("sealed", None), found.pop("seal", None)
    if not isinstance(found, dict):
        raise ValueError("no object")
    return found


# Of a sealed file, one damaged byte can hide the beginning or the end, never both.
_SEALED = b'{"sealed": 1'
_SEAL = re.compile(rb', "seal": "([0-9a-f]{64})"}\Z')


def sha_of(path: Path) -> str | None:
    """The checksum of a file, or None where there is none."""
    try:
        return hashlib.sha256(plain_bytes(path)).hexdigest()
    except FileNotFoundError:
        return None


def write_bytes(path: Path, data: bytes, *, within: Path | None = None) -> None:
    """Write and rename, with one clear message where the disk refuses.

    Nothing is written through a link below `within`, where it is given.
    """
    with writing(path, within=within) as file:
        file.write(data)


@contextmanager
def writing(path: Path, *, within: Path | None = None) -> Iterator[BinaryIO]:
    """A file that appears as a whole under its name when the block ends, or not at all.

    It is written under a random name that did not exist: neither a link that lies in wait nor a process of equal number on
    another machine meets it. Raises `RecordError` where the disk refuses.
    """
    temporary = temporary_beside(path)
    try:
        if within is not None:
            no_link(path.parent, within)
        path.parent.mkdir(parents=True, exist_ok=True)
        with created(temporary) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        raise RecordError(
            str(path), f"cannot be written ({why(error)}{_free(path)}).", "Choose another --out, or free some space."
        ) from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def temporary_beside(path: Path) -> Path:
    """A hidden name beside a file that nobody can guess."""
    return path.with_name(f".{path.name[:100]}.{secrets.token_hex(8)}")


def created(path: Path) -> BinaryIO:
    """A new file, open for writing. Raises `FileExistsError` where anything has its name, be it a link that leads nowhere."""
    return os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | getattr(os, "O_BINARY", 0), 0o666), "wb")


def _free(path: Path) -> str:
    """The space that is left where a file should be, in words; nothing where that cannot be known."""
    for folder in path.parents:
        with suppress(OSError):
            return f"; {shutil.disk_usage(folder).free // 2**20} MiB free"
    return ""
