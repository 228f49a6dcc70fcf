"""From a store to the rows of a record, in the study's order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lifespan.names import file_name
from lifespan.record import record
from lifespan.record.examples import unite
from lifespan.record.files import write_bytes
from lifespan.record.seals import seal
from lifespan.study.plan import Life, Plan, Step

if TYPE_CHECKING:
    from lifespan.record.store import Store


def assemble(plan: Plan, directory: Path) -> dict[str, str]:
    """Write the tables from the store, in the study's order, and list their checksums. Returns status by life."""
    from lifespan.record.store import Store

    store = Store(directory / "store")
    measurements: list[dict[str, Any]] = []
    steps: list[dict[str, Any]] = []
    participants: list[dict[str, Any]] = []
    stored: set[str] = set()
    for life in plan.lives:
        who = {"study": plan.study.name, "group": life.group, "individual": life.individual, "seed": life.seed}
        status, reason, lived = "done", "", 0
        for step in life.steps:
            node, ended = store.node(step.digest), store.ended(step.digest) or {}
            if node is None:
                status, reason = ended.get("status", "pending"), ended.get("reason", "")
                measurements += [{**who, **row} for row in ended.get("rows", [])]
                row = {**_step_row(step, None, status), "optimizer_steps": ended.get("optimizer_steps", 0)}
                steps.append({**who, **row, "shared": step.digest in stored})
                break
            seconds = sum(store.evaluation_seconds(step.digest, evaluation.digest) for evaluation in step.evaluations)
            rows = list(node["rows"])
            for evaluation in step.evaluations:
                rows += store.evaluation(step.digest, evaluation.digest) or []
            measurements += [{**who, **row} for row in rows]
            row = {**_step_row(step, node, "done"), "look_seconds": seconds, **_made(node, store, step)}
            steps.append({**who, **row, "shared": step.digest in stored})
            stored.add(step.digest)
            lived = step.index
            if ended and not store.complete(step):
                status, reason = ended["status"], ended["reason"]
                break
        participants.append(_participant(life, status, lived, reason))
    write_bytes(directory / "measurements.jsonl", record.as_lines(measurements))
    write_bytes(directory / "steps.jsonl", record.as_lines(steps))
    write_bytes(directory / "participants.tsv", record.as_table(participants, record.PARTICIPANT_COLUMNS))
    if plan.study.between:
        write_bytes(directory / "contrasts.jsonl", record.as_lines(list(_contrasts(plan, store))))
    unite_examples(plan, store, directory)
    seal(directory)
    return {row["individual"]: row["status"] for row in participants}


def _contrasts(plan: Plan, store: Store) -> Iterator[dict[str, Any]]:
    """Rows of all comparisons between lives that could be made."""
    for pair in plan.pairs:
        first, second = pair.first, pair.second
        who = {"study": plan.study.name, "group": first.group, "individual": first.individual, "seed": first.seed}
        other = {"other_group": second.group, "other_individual": second.individual, "other_seed": second.seed}
        for row in store.evaluation(pair.one.digest, pair.digest) or []:
            yield {**who, **other, "pairs": pair.between.pairs, **row}


def unite_examples(plan: Plan, store: Store, directory: Path) -> None:
    """Write `examples/<probe>.parquet` for every probe that kept outputs for every example."""
    parts: dict[str, list[tuple[dict[str, Any], Path]]] = {}
    for life, step in plan.walk():
        who = {"group": life.group, "individual": life.individual, "seed": life.seed}
        for evaluation in step.evaluations:
            path = store.bulk(step.digest, evaluation.digest)
            if path is not None:
                parts.setdefault(evaluation.title, []).append((who, path))
    for title, found in parts.items():
        plain = title.replace("/", "-")
        unite(found, directory / "examples" / f"{file_name(title if plain in parts else plain)}.parquet")


def _participant(life: Life, status: str, lived: int, reason: str) -> dict[str, Any]:
    return {
        "individual": life.name,
        "group": life.group,
        "seed": life.seed,
        "status": status,
        "steps": lived,
        "reason": reason,
    }


def _made(node: dict[str, Any], store: Store, step: Step) -> dict[str, Any]:
    """Who lived a step, and who else evaluated it."""
    made = node.get("made") or {}
    looked = [store.evaluation_made(step.digest, evaluation.digest) for evaluation in step.evaluations]
    others = {_in_short(maker) for maker in looked if maker} - {_in_short(made)}
    return {
        **{column: made.get(name) for column, name in record.MADE.items()},
        "evaluated_by": "; ".join(sorted(others)) or None,
    }


def _in_short(made: Mapping[str, Any]) -> str:
    return f"lifespan {made.get('lifespan')}, torch {made.get('torch')}, {made.get('device')}, {made.get('threads')} threads"


def _step_row(step: Step, node: dict[str, Any] | None, status: str) -> dict[str, Any]:
    node = node or {"facts": {"age": None}, "optimizer_steps": 0, "examples": 0, "tokens": 0, "seconds": None}
    return {
        "step": step.index,
        "digest": step.digest,
        "parent": step.parent,
        "stage": step.event.label,
        "kind": type(step.event).__name__,
        "status": status,
        "age": node["facts"]["age"],
        "optimizer_steps": node["optimizer_steps"],
        "examples": node["examples"],
        "tokens": node["tokens"],
        "bytes": node.get("bytes"),
        "seconds": node["seconds"],
        "look_seconds": 0.0,
    }
