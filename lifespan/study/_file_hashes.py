"""SHA-256 of files, each large one hashed once: a small cache in the user's cache folder."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import stat
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from lifespan.reading import plain_bytes

LARGE = 2**20
"""Bytes from which on a hash is kept: a smaller file is hashed sooner than looked up."""
YOUNG = 2.0
"""Seconds within which a file might be written again without a change of its times: such a hash is not kept."""
MOST = 4000
"""Files in the cache; the oldest entries go first."""


class FileHashes:
    """Hashes by path, size, both times and number of a file. A cache that is lost, old or unwritable costs time alone."""

    def __init__(self, cache: Path | None = None) -> None:
        self.path = cache if cache is not None else _usual()
        self._kept: dict[str, str] | None = None
        self._new: dict[str, str] = {}

    def of(self, path: Path) -> str:
        """The SHA-256 of a file's content. Raises `OSError` where it cannot be read."""
        status = path.stat()
        if not stat.S_ISREG(status.st_mode) or status.st_size < LARGE:
            return hashlib.sha256(plain_bytes(path)).hexdigest()
        key = _key(path, status)
        found = self._read().get(key)
        if found is None:
            with open(path, "rb") as file:
                found = hashlib.file_digest(file, "sha256").hexdigest()
            same = _key(path, path.stat()) == key
            if same and time.time() - max(status.st_mtime, status.st_ctime) > YOUNG:
                self._new[key] = self._read()[key] = found
        return found

    def save(self) -> None:
        """Keep what was hashed anew, beside what others kept meanwhile."""
        if not self._new:
            return
        entries = {**_load(self.path), **self._new}
        kept = dict(list(entries.items())[-MOST:])
        temporary = self.path.with_name(f".{self.path.name}.{secrets.token_hex(8)}")
        with suppress(OSError):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with temporary.open("x", encoding="utf-8") as file:
                file.write(json.dumps(kept))
            os.replace(temporary, self.path)
            self._new = {}
        with suppress(OSError):
            temporary.unlink(missing_ok=True)

    def _read(self) -> dict[str, str]:
        if self._kept is None:
            self._kept = dict(_load(self.path))
        return self._kept


def _key(path: Path, status: os.stat_result) -> str:
    times = f"{status.st_mtime_ns} {status.st_ctime_ns}"
    return f"{status.st_size} {times} {status.st_dev} {status.st_ino} {path.absolute()}"


def _load(path: Path) -> Mapping[str, str]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    if not isinstance(found, dict):
        return {}
    return {key: sha for key, sha in found.items() if isinstance(sha, str) and len(sha) == 64}


def _usual() -> Path:
    with suppress(RuntimeError):
        base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
        return Path(base) / "lifespan" / "file-hashes.json"
    return Path("/nonexistent") / "file-hashes.json"
