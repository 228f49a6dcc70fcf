"""Who is at work in a store: studies that are being lived, their workers, and garbage collection.

    store/sessions/<token>.json   a process that uses the store, from its beginning to its end; renewed like a lease on a step

A study that begins may need what a collection is about to remove. So each first says that it is there and then looks for the
other: whatever the order, at least one of the two sees the other. A study waits for a collection, which is short; a
collection refuses beside a study.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lifespan.errors import RecordError
from lifespan.record.leases import PATIENCE, Leases, at_work, holders

FOLDER = "sessions"
STUDY, COLLECTION = "study", "collection"
POLL = 0.1
"""Seconds between two looks for a collection's end."""


@contextmanager
def living_in(store: Path, should_stop: Callable[[], bool] = lambda: False) -> Iterator[None]:
    """Inside this block no collection removes anything from the store. Waits for one that is at work."""
    sessions = Leases(store, name=FOLDER)
    try:
        sessions.take(uuid.uuid4().hex, role=STUDY)
        while not should_stop() and any(each["role"] == COLLECTION for each in sessions_of(store)):
            time.sleep(POLL)
        yield
    finally:
        sessions.close()


@contextmanager
def collecting_in(store: Path) -> Iterator[None]:
    """Inside this block no study begins in the store. Raises `RecordError` where anybody uses it."""
    sessions = Leases(store, name=FOLDER)
    own = uuid.uuid4().hex
    try:
        sessions.take(own, role=COLLECTION)
        require_unused(store, apart_from=own)
        yield
    finally:
        sessions.close()


def require_unused(store: Path, apart_from: str = "") -> None:
    """Raise `RecordError` where a worker holds a step of the store, or another process uses it."""
    leases = [lease for lease in holders(store) if at_work(lease, 10 * PATIENCE)]
    others = [each for each in sessions_of(store) if each["digest"] != apart_from]
    for each in [*leases, *others]:
        raise RecordError(str(store), f"is in use (process {each['pid']} on {each['host']}).", "Wait until it has ended.")


def sessions_of(store: Path) -> list[dict[str, Any]]:
    """The processes that use a store now, by `role`."""
    found = [each for each in holders(store, FOLDER) if at_work(each, 10 * PATIENCE)]
    return [{"role": STUDY, **each} for each in found]


def ended_sessions(store: Path) -> list[Path]:
    """Files of processes that were killed."""
    now = {each["digest"] for each in sessions_of(store)}
    return [path for path in (store / FOLDER).glob("*.json") if path.stem not in now]
