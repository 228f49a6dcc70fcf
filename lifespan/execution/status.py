"""How far a run is, read from its `study.json` and store alone, on any machine that sees them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from lifespan.errors import RecordError
from lifespan.record.files import read_sealed
from lifespan.record.leases import at_work, holders
from lifespan.record.record import read, read_study

SAMPLE = 3
"""How many lived steps of each stage are read to tell the time that others will take."""

Way = tuple[list[str], list[str]]
"""A life: the digests of its steps, and their stages in words."""


@dataclass(frozen=True)
class Status:
    """A study, one row per individual (`name`, `status`, `lived`, `events`, `note`), and what is left.

    `status` is done, living, pending, diverged or failed. `seconds_left` is about how long the workers that live now will
    need, one worker where none does; None where nothing was lived yet.
    """

    study: Mapping[str, Any]
    rows: list[dict[str, Any]]
    workers: int
    events_left: int
    seconds_left: float | None


def status_of(directory: Path) -> Status:
    """How far every individual is, who lives now, and about when it will end."""
    study = read_study(directory)
    lives, groups = study.get("lives"), study.get("groups")
    if not isinstance(lives, dict) or not isinstance(groups, dict):
        raise RecordError(
            str(directory / "study.json"), "does not name its lives.", "`lifespan simulate --resume` writes it anew."
        )
    if not (directory / "store").is_dir():
        return _kept(directory, study)
    stages = {group: [moment["stage"] for moment in known["timeline"]] for group, known in groups.items()}
    found = _Found(directory / "store", {digest for life in lives.values() for digest in life["steps"]})
    rows = [found.individual(name, life["steps"], stages[life["group"]]) for name, life in lives.items()]
    paths = [(life["steps"], stages[life["group"]]) for life in lives.values()]
    going = [path for path, row in zip(paths, rows, strict=True) if row["status"] in ("living", "pending")]
    workers = len({(lease["host"], lease["pid"]) for lease in found.leases.values()})
    events, seconds = found.left(going, found.seconds(paths), max(1, workers))
    return Status(study, rows, workers, events, seconds)


def _kept(directory: Path, study: Mapping[str, Any]) -> Status:
    """What a record tells that was kept without its states."""
    people = read(directory).participants().set_index("individual")
    rows = []
    for name, life in study["lives"].items():
        known = people.loc[name] if name in people.index else None
        row = {"name": name, "events": len(life["steps"]) - 1, "lived": 0, "status": "pending", "note": ""}
        if known is not None:
            row |= {"lived": int(known["steps"]), "status": known["status"], "note": known["reason"] or "states not kept"}
        rows.append(row)
    return Status(study, rows, 0, 0, None)


@dataclass(frozen=True)
class _Found:
    """What the store tells of the steps of a study."""

    store: Path
    digests: set[str]

    @cached_property
    def lived(self) -> set[str]:
        return {digest for digest in self.digests if (self.store / digest / "node.json").is_file()}

    @cached_property
    def leases(self) -> dict[str, dict[str, Any]]:
        """Who lives now, by step: those known to be dead, or long silent on another machine, are left out."""
        now = {lease["digest"]: lease for lease in holders(self.store)}
        return {digest: lease for digest, lease in now.items() if digest in self.digests and at_work(lease)}

    def individual(self, name: str, digests: list[str], stages: list[str]) -> dict[str, Any]:
        """The row of one life."""
        row = {"name": name, "status": "done", "lived": len(digests) - 1, "events": len(digests) - 1, "note": ""}
        for index, digest in enumerate(digests):
            lease = self.leases.get(digest)
            ended = _sealed(self.store / digest / "ended.json") if lease is None else {}
            if digest in self.lived and lease is None and not ended:
                continue
            row["lived"] = index if digest in self.lived else max(0, index - 1)
            if ended:
                row["status"], row["note"] = ended["status"], f"{stages[index]}: {ended['reason']}"
            elif lease is not None:
                row["status"] = "living" if lease.get("lives") == name else "pending"
                row["note"] = self._now(lease, digest, stages[index], name)
            else:
                row["status"], row["note"] = "pending", self._place(digest, stages[index])
            break
        return row

    def left(self, going: Iterable[Way], known: Mapping[str, float], workers: int) -> tuple[int, float | None]:
        """(events to live, seconds that so many workers take). No life ends sooner than its own steps take."""
        usual = sum(known.values()) / len(known) if known else 0.0
        cost: dict[str, float] = {}
        longest = 0.0
        for digests, stages in going:
            mine = {digest: known.get(stage, usual) for digest, stage in zip(digests, stages, strict=True)}
            mine = {digest: seconds for digest, seconds in mine.items() if digest not in self.lived}
            cost |= mine
            longest = max(longest, sum(mine.values()))
        return len(cost), max(sum(cost.values()) / workers, longest) if known else None

    def seconds(self, paths: Iterable[Way]) -> dict[str, float]:
        """Mean wall time of some lived steps, by stage."""
        taken: dict[str, dict[str, float]] = {}
        for digests, stages in paths:
            for digest, stage in zip(digests, stages, strict=True):
                sample = taken.setdefault(stage, {})
                if digest in self.lived and digest not in sample and len(sample) < SAMPLE:
                    sample[digest] = float(_sealed(self.store / digest / "node.json").get("seconds", 0.0))
        return {stage: sum(sample.values()) / len(sample) for stage, sample in taken.items() if sample}

    def _place(self, digest: str, stage: str) -> str:
        done = _sealed(self.store / digest / "partial.json").get("done")
        return f"next: {stage}" if done is None else f"in {stage}, saved after {done} optimizer steps"

    def _now(self, lease: Mapping[str, Any], digest: str, stage: str, name: str) -> str:
        if lease.get("lives") != name:
            return f"waits for {lease.get('lives')}: {stage}"
        done = _sealed(self.store / digest / "partial.json").get("done")
        return f"{stage}{'' if done is None else f', step {done}'}, on {lease['host']} (process {lease['pid']})"


def _sealed(path: Path) -> dict[str, Any]:
    """What a file of the store holds; nothing where it is missing or damaged."""
    try:
        return read_sealed(path)
    except (OSError, ValueError):
        return {}
