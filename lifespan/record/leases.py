"""Leases on steps: files that say which worker lives which step at this moment.

    store/claims/<digest>.json   the holder of the step; each heartbeat renews the file's modification time

A lease is a complete file that is linked under its final name, which only one worker can do; where the file system has no hard
links, the name is created exclusively and then written, and a lease that is still empty counts as held. It expires where its
holder is known to be dead (a process of this machine that is gone), or where no heartbeat was seen for `patience` seconds. An
observer counts those seconds by its own monotonic clock, from the first time that it saw the latest heartbeat: no two clocks
are ever compared, so neither jumps of a clock nor machines that disagree matter.

Leases save work and are not needed for correctness. A step lived twice leaves the same bits under the same name.
"""

from __future__ import annotations

import errno
import json
import os
import platform
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from lifespan.errors import RecordError
from lifespan.reading import kind_of, plain_bytes, why
from lifespan.record.untrusted import is_part, no_link

HEARTBEAT = 2.0
"""Seconds between two heartbeats."""
PATIENCE = 60.0
"""Seconds without a heartbeat after which a lease of another machine expires."""


@dataclass
class Lease:
    """One worker's hold on a step; `lost` once another worker has taken it over."""

    path: Path
    token: str
    lost: bool = False

    def release(self) -> None:
        """Remove the file, unless another worker holds the step by now."""
        if (_read(self.path) or {}).get("token") == self.token:
            with suppress(OSError):
                self.path.unlink()


@dataclass
class Leases:
    """The leases of one store, as one worker sees them; `name` is that of their folder."""

    root: Path
    name: str = "claims"
    patience: float = PATIENCE
    heartbeat: float = HEARTBEAT
    _held: list[Lease] = field(default_factory=list)
    _seen: dict[str, tuple[tuple[str, int], float]] = field(default_factory=dict)
    _renewer: threading.Thread | None = None
    _closed: threading.Event = field(default_factory=threading.Event)

    @property
    def folder(self) -> Path:
        """Folder of the files."""
        return self.root / self.name

    def take(self, digest: str, **about: Any) -> Lease | None:
        """A lease on a step, or None where another worker holds it. `about` is stored with it, for `lifespan status`."""
        path = no_link(self.folder / f"{digest}.json", self.root)
        if path.exists():
            _require_a_file(path)
            if not self._abandoned(path):
                return None
        token = uuid.uuid4().hex
        if not _link(path, {"digest": digest, "token": token, **identity(), "since": time.time(), **about}):
            return None
        lease = Lease(path, token)
        self._held.append(lease)
        if self._renewer is None:
            self._renewer = threading.Thread(target=self._renew, daemon=True)
            self._renewer.start()
        return lease

    def release(self, lease: Lease) -> None:
        """Release the lease on a step."""
        if lease in self._held:
            self._held.remove(lease)
        lease.release()

    def close(self) -> None:
        """Release all leases and end the heartbeats."""
        self._closed.set()
        for lease in list(self._held):
            self.release(lease)

    def _renew(self) -> None:
        """Send heartbeats for all leases that are held, until `close`."""
        while not self._closed.wait(self.heartbeat):
            for lease in list(self._held):
                lease.lost = (_read(lease.path) or {}).get("token") != lease.token
                if not lease.lost:
                    with suppress(OSError):
                        os.utime(lease.path)

    def _abandoned(self, path: Path) -> bool:
        """Whether a lease has expired; if so, its file is removed."""
        content = _read(path)
        try:
            mark = (str((content or {}).get("token")), path.stat().st_mtime_ns)
        except FileNotFoundError:
            return True
        now = time.monotonic()
        before, since = self._seen.setdefault(path.name, (mark, now))
        if before != mark:
            self._seen[path.name] = (mark, now)
            since = now
        if now - since < self.patience and is_alive(content or {}) is not False:
            return False
        self._seen.pop(path.name, None)
        aside = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
        with suppress(FileNotFoundError):
            os.rename(path, aside)
            if (_read(aside) or {}).get("token") not in (None, (content or {}).get("token")):
                # Another worker took it over between the check and the rename: its file goes back.
                _place(aside, path)
            aside.unlink()
        return True


def _require_a_file(path: Path) -> None:
    """Raise `RecordError` where something stands in the place of a lease that no worker wrote and that never expires."""
    with suppress(FileNotFoundError):
        kind = kind_of(path)
        if kind:
            raise RecordError(str(path), f"{kind}.", "Remove it: a worker's lease belongs there.")


def holders(root: Path, name: str = "claims") -> Iterator[dict[str, Any]]:
    """The leases of a store as they are now: holder, place, start, `silent` seconds since the last heartbeat, `alive`.

    `alive` is None where it cannot be known: the holder works on another machine. A file that is no lease of the step that it
    is named after counts as none.
    """
    for path in sorted((root / name).glob("*.json")):
        content = _read(path)
        with suppress(OSError):
            if content is not None and _is_lease(content, path.stem):
                yield {**content, "silent": max(0.0, time.time() - path.stat().st_mtime), "alive": is_alive(content)}


def _is_lease(content: dict[str, Any], digest: str) -> bool:
    """Whether a lease is of this step, and has what is read of one."""
    pid = content.get("pid")
    numbered = isinstance(pid, int) and 0 <= pid < 2**31
    return content.get("digest") == digest and is_part(digest) and numbered and isinstance(content.get("host"), str)


def at_work(holder: dict[str, Any], patience: float = PATIENCE) -> bool:
    """Whether a holder is known to be alive, or is on another machine and sent a heartbeat in the last `patience` seconds."""
    return bool(holder["alive"]) or (holder["alive"] is None and holder["silent"] < patience)


def is_alive(lease: dict[str, Any]) -> bool | None:
    """Whether the process that holds a lease runs; None for a process of another machine."""
    if lease.get("machine") != identity()["machine"]:
        return None
    return _started(int(lease.get("pid", 0))) == lease.get("born")


def identity() -> dict[str, Any]:
    """What identifies this process among all that ever ran: machine, host name, process number and time of its start."""
    return {"machine": _machine(), "host": platform.node(), "pid": os.getpid(), "born": _started(os.getpid())}


@cache
def _machine() -> str:
    """A name of this running system and its process namespace: containers of one host differ."""
    parts = [platform.node()]
    with suppress(OSError):
        parts.append(Path("/proc/sys/kernel/random/boot_id").read_text().strip())
    with suppress(OSError):
        parts.append(os.readlink("/proc/self/ns/pid"))
    return "/".join(parts)


def _started(pid: int) -> str | None:
    """When a process of this machine started, in the kernel's ticks; None where it does not run (a zombie does not)."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return None if fields[0] in "ZX" else fields[19]
    except FileNotFoundError:
        if Path("/proc/self").exists() or pid <= 0:
            return None
    except (OSError, IndexError):
        return None
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return None
    except PermissionError:
        pass
    return "unknown"


def _link(path: Path, content: dict[str, Any]) -> bool:
    """Create a file as a whole under its final name; False where the name is taken."""
    temporary = path.with_name(f".{path.name}.{content['token']}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("x", encoding="utf-8") as file:
            file.write(json.dumps(content))
        try:
            return _place(temporary, path)
        finally:
            temporary.unlink()
    except OSError as error:
        with suppress(OSError):
            temporary.unlink()
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        remedy = "Free some space, or choose another --out." if full else "Choose an --out that you may write."
        raise RecordError(str(path), f"cannot be written ({why(error)}).", remedy) from error


def _place(whole: Path, path: Path) -> bool:
    """Give a complete file a second name that nobody else has; False where somebody has."""
    try:
        os.link(whole, path)
    except FileExistsError:
        return False
    except OSError:
        # File systems without hard links give many different reasons; whether the folder can be written, creation tells.
        return _create(path, whole.read_bytes())
    return True


def _create(path: Path, content: bytes) -> bool:
    """Write a file under a name that nobody else has, without a hard link; False where somebody has."""
    try:
        handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666)
    except FileExistsError:
        return False
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
    except OSError:
        with suppress(OSError):
            path.unlink()
        raise
    return True


def _read(path: Path) -> dict[str, Any] | None:
    """What a lease says; None where it is missing, still empty, or says something else than a lease does."""
    try:
        content = json.loads(plain_bytes(path))
    except (OSError, ValueError, RecursionError):
        return None
    if not isinstance(content, dict) or not all(isinstance(content.get(key), kind) for key, kind in _LEASE.items()):
        return None
    return content


_LEASE = {"digest": str, "token": str, "host": str, "pid": int}
