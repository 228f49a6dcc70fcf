"""Who lives what at this moment: claims on steps, as files that beat like a heart. No torch here.

    store/claims/<digest>.json   who holds the step; its modification time is renewed every few seconds

A claim is a complete file that is linked under its final name, which only one taker can do. It is taken over where its
holder is known to be dead (a process of this machine that is gone), or where nobody has seen it beat for `patience`
seconds. Those seconds are counted by the watcher's own monotonic clock, from the first time that it saw the beat that is
still the last: no two clocks are ever compared, so neither jumps of a clock nor machines that disagree matter.

Claims save work and are not needed for correctness. A step lived twice leaves the same bits under the same name.
"""

from __future__ import annotations

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

BEAT = 2.0
"""Seconds between two heartbeats."""
PATIENCE = 60.0
"""Seconds without a heartbeat after which a claim of another machine is taken over."""


@dataclass
class Claim:
    """A step that is held. `lost` once another has taken it over."""

    path: Path
    token: str
    lost: bool = False

    def release(self) -> None:
        """Let go, unless another holds it by now."""
        if (_read(self.path) or {}).get("token") == self.token:
            with suppress(OSError):
                self.path.unlink()


@dataclass
class Claims:
    """The claims of one store, as one worker sees them."""

    root: Path
    patience: float = PATIENCE
    beat: float = BEAT
    _held: list[Claim] = field(default_factory=list)
    _seen: dict[str, tuple[tuple[str, int], float]] = field(default_factory=dict)
    _heart: threading.Thread | None = None
    _closed: threading.Event = field(default_factory=threading.Event)

    @property
    def folder(self) -> Path:
        """Where the files lie."""
        return self.root / "claims"

    def take(self, digest: str, **told: Any) -> Claim | None:
        """Hold a step, or None where another holds it. What is told beside it is for `status`."""
        path = self.folder / f"{digest}.json"
        if path.exists() and not self._abandoned(path):
            return None
        token = uuid.uuid4().hex
        if not _link(path, {"digest": digest, "token": token, **identity(), "since": time.time(), **told}):
            return None
        claim = Claim(path, token)
        self._held.append(claim)
        if self._heart is None:
            self._heart = threading.Thread(target=self._beat, daemon=True)
            self._heart.start()
        return claim

    def release(self, claim: Claim) -> None:
        """Let go of a step."""
        if claim in self._held:
            self._held.remove(claim)
        claim.release()

    def close(self) -> None:
        """Let go of everything."""
        self._closed.set()
        for claim in list(self._held):
            self.release(claim)

    def _beat(self) -> None:
        """Renew what is held, for as long as these claims are in use."""
        while not self._closed.wait(self.beat):
            for claim in list(self._held):
                claim.lost = (_read(claim.path) or {}).get("token") != claim.token
                if not claim.lost:
                    with suppress(OSError):
                        os.utime(claim.path)

    def _abandoned(self, path: Path) -> bool:
        """Whether nobody works behind a claim any more; if so, it is taken out of the way."""
        found = _read(path)
        try:
            mark = (str((found or {}).get("token")), path.stat().st_mtime_ns)
        except FileNotFoundError:
            return True
        now = time.monotonic()
        before, since = self._seen.setdefault(path.name, (mark, now))
        if before != mark:
            self._seen[path.name] = (mark, now)
            since = now
        if now - since < self.patience and is_alive(found or {}) is not False:
            return False
        self._seen.pop(path.name, None)
        aside = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
        with suppress(FileNotFoundError):
            os.rename(path, aside)
            if (_read(aside) or {}).get("token") not in (None, (found or {}).get("token")):
                # Somebody else took it over between the look and the rename: theirs goes back.
                with suppress(FileExistsError):
                    os.link(aside, path)
            aside.unlink()
        return True


def holders(root: Path) -> Iterator[dict[str, Any]]:
    """The claims of a store as they are now: who, where, since when, `silent` seconds since the last beat, `alive`.

    `alive` is None where it cannot be told: the holder works on another machine.
    """
    for path in sorted((root / "claims").glob("*.json")):
        found = _read(path)
        with suppress(OSError):
            if found is not None:
                yield {**found, "silent": max(0.0, time.time() - path.stat().st_mtime), "alive": is_alive(found)}


def at_work(holder: dict[str, Any], patience: float = PATIENCE) -> bool:
    """Whether a holder is known to be alive, or was heard of lately from another machine."""
    return bool(holder["alive"]) or (holder["alive"] is None and holder["silent"] < patience)


def is_alive(claim: dict[str, Any]) -> bool | None:
    """Whether the process behind a claim is there; None for a process of another machine."""
    if claim.get("machine") != identity()["machine"]:
        return None
    return _born(int(claim.get("pid", 0))) == claim.get("born")


def identity() -> dict[str, Any]:
    """This process, told apart from all others that ever were: machine, host name, process number and time of its start."""
    return {"machine": _machine(), "host": platform.node(), "pid": os.getpid(), "born": _born(os.getpid())}


@cache
def _machine() -> str:
    """A name of this running system, and of its process numbers: containers of one host differ."""
    parts = [platform.node()]
    with suppress(OSError):
        parts.append(Path("/proc/sys/kernel/random/boot_id").read_text().strip())
    with suppress(OSError):
        parts.append(os.readlink("/proc/self/ns/pid"))
    return "/".join(parts)


def _born(pid: int) -> str | None:
    """When a process of this machine began, in the kernel's ticks; None where there is none (a zombie is none)."""
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
    """Put a whole file under a name that nobody else has; False where somebody has."""
    temporary = path.with_name(f".{path.name}.{content['token']}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(json.dumps(content), encoding="utf-8")
        try:
            os.link(temporary, path)
        finally:
            temporary.unlink()
    except FileExistsError:
        return False
    except OSError as error:
        with suppress(OSError):
            temporary.unlink()
        raise RecordError(
            str(path), f"cannot be written ({error.strerror}).", "Choose another --out, or free some space."
        ) from error
    return True


def _read(path: Path) -> dict[str, Any] | None:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None
