"""What `lifespan log` does, and what the commands say of the trackers that a record is logged to."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from lifespan.cli import display
from lifespan.cli.record_display import say_altered
from lifespan.record import record
from lifespan.record.following import Follower
from lifespan.record.loggers import log
from lifespan.record.trackers import TRACKERS


def log_record(directory: Path, to: str, out: Path | None) -> None:
    """Write a record for a tracker, and say how to look at it."""
    found = record.read(directory)
    say_altered(found)
    folder = out if out is not None else directory / "logs"
    count = log(found, to, folder)
    display.say(f"{count:,} values. To look at them:\n    {TRACKERS[to].viewer(folder)}")


def say_logged(followers: Iterable[Follower]) -> None:
    """Say where the rows of a study were logged to while it was lived."""
    for follower in followers:
        if follower.session is not None:
            viewer = TRACKERS[follower.name].viewer(follower.session)
            display.say(f"Logged to {follower.session}. To look at it:\n    {viewer}")
