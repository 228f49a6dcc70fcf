"""How far a run directory is, told from `study.json` and the store alone, also while it runs or after a kill."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from lifespan.errors import RecordError
from lifespan.record import is_lived, read


def status_of(directory: Path) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """(study, one row per individual with `name`, `status`, `lived`, `events` and `note`)."""
    study = dict(read(directory).study)
    lives, groups = study.get("lives"), study.get("groups")
    if not isinstance(lives, dict) or not isinstance(groups, dict):
        raise RecordError(
            str(directory / "study.json"), "does not name its lives.", "`lifespan simulate --resume` writes it anew."
        )
    stages = {group: [moment["stage"] for moment in known["timeline"]] for group, known in groups.items()}
    return study, [_individual(directory, name, life["steps"], stages[life["group"]]) for name, life in lives.items()]


def _individual(directory: Path, name: str, digests: list[str], stages: list[str]) -> dict[str, Any]:
    row = {"name": name, "status": "done", "lived": len(digests) - 1, "events": len(digests) - 1, "note": ""}
    for index, digest in enumerate(digests):
        if is_lived(directory, digest):
            continue
        step = directory / "store" / digest
        ended = _json(step / "ended.json")
        row["lived"] = max(0, index - 1)
        row["status"] = ended.get("status", "pending")
        row["note"] = f"{stages[index]}: {ended['reason']}" if ended else _place(step, stages[index])
        break
    return row


def _place(step: Path, stage: str) -> str:
    done = _json(step / "partial.json").get("done")
    return f"next: {stage}" if done is None else f"in {stage}, saved after {done} optimizer steps"


def _json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
