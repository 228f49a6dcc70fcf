"""simulate(): from a study to a run directory that holds its record."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lifespan import hardware, metrics, record
from lifespan.bulk import unite
from lifespan.contracts import Task
from lifespan.errors import RecordError, UserError
from lifespan.files import write_bytes, write_json
from lifespan.plan import Birth, Life, Plan, Step, compile_study
from lifespan.scenario import Age, Learn, Scenario, Study
from lifespan.sharing import attach
from lifespan.spec import Spec, digest_of

if TYPE_CHECKING:
    from lifespan.engines.engine import Engine
    from lifespan.store import Store


@dataclass(frozen=True)
class Outcome:
    """How a simulation ended: its directory and the lives by status."""

    directory: Path
    done: int
    diverged: int
    failed: int
    pending: int


def simulate(
    study: Study,
    out: str | Path | None = None,
    *,
    device: str = "cpu",
    threads: int | None = None,
    every: int = 100,
    engine: Engine | None = None,
    store: str | Path | None = None,
    fail_fast: bool = False,
    retry: Collection[str] = (),
    observer: Any = None,
    should_stop: Callable[[], bool] = lambda: False,
    command: list[str] | None = None,
    about: str = "",
) -> Outcome:
    """Live a study and write its record to `out` (default `runs/<study>`); what is there already is not lived again.

    `about` says in words what the study asks; the report opens with it. `threads` defaults to all cores, or to one where
    every subject is too small to gain from more. `engine` says who does the work: `engines.inline.Inline()`, the default,
    does it here, `engines.local.Local(workers=4)` starts processes; the rows are the same. `store` is a folder for states
    that several studies share. With `fail_fast` no further step is begun once a life has failed. `retry` names the kinds
    of end ("failed", "diverged") that are to be tried again. Raises `UserError` before anything is written when an input
    is wrong, and `training.Interrupted` when stopped.
    """
    directory = Path(out) if out is not None else Path("runs") / study.name
    before = _previous(directory, study)
    plan = plan_for(study, device=device, precision=before.get("precision"))
    engine = engine or _inline()
    threads = threads or before.get("threads") or default_threads(study, engine)
    _check_device(device)
    data = fingerprints(plan)
    _check_data(directory, before.get("data", {}), data)
    from lifespan.engines.engine import Job
    from lifespan.engines.observer import Observer
    from lifespan.store import Store

    hardware.settle_arithmetic(threads=threads, device=device)
    described = describe_study(plan, command or sys.argv, threads, data, about)
    attach(directory, None if store is None else Path(store), study.name)
    write_json(directory / "study.json", described)
    environment = {**hardware.environment(threads=threads, device=device), "started": datetime.now(UTC).isoformat()}
    write_json(directory / "environment.json", environment)
    write_json(directory / "dictionary.json", record.dictionary())
    write_bytes(directory / "store" / ".gitignore", b"*\n")
    _forgive(plan, Store(directory / "store"), retry)
    job = Job(
        directory / "store",
        device=device,
        threads=threads,
        every=every,
        fail_fast=fail_fast,
        observer=observer or Observer(),
        should_stop=should_stop,
    )
    try:
        engine.run(plan, job)
        _check_input(plan, Store(directory / "store"))
    finally:
        statuses = assemble(plan, directory)
    counts = {status: list(statuses.values()).count(status) for status in ("done", "diverged", "failed", "pending")}
    return Outcome(directory, **counts)


def _inline() -> Engine:
    from lifespan.engines.inline import Inline

    return Inline()


def _forgive(plan: Plan, store: Store, kinds: Collection[str]) -> None:
    """Forget ends of these kinds, so that those lives go on."""
    for digest in plan.nodes if kinds else ():
        ended = store.ended(digest)
        if ended is not None and ended["status"] in kinds:
            store.drop_ended(digest)


def _check_input(plan: Plan, store: Store) -> None:
    """Raise what was wrong where no life at all came to its end because of it, and forget those ends."""
    ends = []
    for life in plan.lives:
        found = [(step.digest, store.ended(step.digest)) for step in life.steps]
        ends.append(next(((digest, ended) for digest, ended in found if ended is not None), None))
    wrong = {end[0]: end[1]["wrong"] for end in ends if end is not None and "wrong" in end[1]}
    if not wrong or any(end is None or "wrong" not in end[1] for end in ends):
        return
    for digest in wrong:
        store.drop_ended(digest)
    raise UserError(**next(iter(wrong.values())))


def default_threads(study: Study, engine: Engine) -> int:
    """The cores a worker has for subjects with large matrices; one for small ones, which more threads only slow down."""
    return engine.threads_for(hardware.cores()) if study.half_pays else 1


def plan_for(study: Study, *, device: str = "cpu", precision: str | None = None) -> Plan:
    """The study's plan at the precision it asks for on this machine, or at a given one."""
    if precision is None:
        precision = hardware.resolve_precision(study.precision, half_pays=study.half_pays, device=device)
    return compile_study(study, precision=precision)


def tasks_of(plan: Plan) -> dict[str, Task]:
    """Every task of the study by title."""
    tasks: dict[str, Task] = {}
    for step in plan.nodes.values():
        for task in step.tasks:
            tasks.setdefault(task.title, task)
    return tasks


def fingerprints(plan: Plan) -> dict[str, str]:
    """ "<task's digest>/<digest of its learned and scored splits>" by task, those that are only looked at included.

    Bad data is found here, before any work.
    """
    found = {}
    for title, task in {**_looked_at(plan), **tasks_of(plan)}.items():
        content = digest_of([task.examples(split).fingerprint for split in task.splits[:2]])
        found[title] = f"{task.digest()[:16]}/{content}"
    return found


def _looked_at(plan: Plan) -> dict[str, Task]:
    looks = ((step.tasks, look.measure) for step in plan.nodes.values() for look in step.looks)
    sources = (effort.source for tasks, measure in looks for effort in measure.effort(tasks))
    return {source.title: source for source in sources if isinstance(source, Task)}


def describe_study(plan: Plan, command: list[str], threads: int, data: dict[str, str], about: str = "") -> dict[str, Any]:
    """The content of `study.json`."""
    study = plan.study
    lives = {life.group: life for life in plan.lives if life.individual == 0}
    return {
        "format": 1,
        "name": study.name,
        "about": about,
        "digest": digest_of([study.to_data(), plan.precision]),
        "control": study.control_group,
        "individuals": study.individuals,
        "seed": study.seed,
        "precision": plan.precision,
        "threads": threads,
        "command": command,
        "data": data,
        "tasks": {
            title: {
                "metrics": list(task.metrics),
                "kind": "classes" if task.labels else "score",
                "labels": list(task.labels),
                "chance": _chance(task),
                "spec": task.to_data(),
            }
            for title, task in tasks_of(plan).items()
        },
        "citations": citations_of([study.groups, study.between]),
        "lives": {life.name: {"group": life.group, "steps": [step.digest for step in life.steps]} for life in plan.lives},
        "groups": {
            group: {
                "scenario": scenario.to_data(),
                "doc": _life_in_words(scenario, lives[group]),
                "timeline": [_moment(step) for step in lives[group].steps],
            }
            for group, scenario in study.groups.items()
        },
    }


def _chance(task: Task) -> dict[str, float]:
    """What the best constant answer scores on the task's second split, by metric."""
    labels = task.examples(task.splits[1]).labels
    return {metric: metrics.chance(metric, labels) for metric in task.metrics}


def citations_of(part: Any) -> dict[str, str]:
    """What the classes of these specs cite, by "package:class": a key of references.bib, or text of another package."""
    if isinstance(part, Spec):
        own = getattr(type(part), "citation", "")
        cited = {str(part.to_data()["class"]): own} if isinstance(own, str) and own.strip() else {}
        return cited | citations_of([getattr(part, field.name) for field in fields(part)])
    inner = part.values() if isinstance(part, Mapping) else part if isinstance(part, tuple | list) else ()
    return {name: text for value in inner for name, text in citations_of(value).items()}


def _life_in_words(scenario: Scenario, life: Life) -> str:
    labels = [step.event.label for step in life.steps[1:]]
    shown = labels if len(labels) <= 8 else [*labels[:6], f"... {len(labels) - 7} more", labels[-1]]
    return f"{scenario.subject.describe()}; {', '.join(shown) or 'no events'}"


def assemble(plan: Plan, directory: Path) -> dict[str, str]:
    """Write measurements, steps and participants from the store, in the study's order. Returns status by life."""
    from lifespan.store import Store

    store = Store(directory / "store")
    measurements: list[dict[str, Any]] = []
    steps: list[dict[str, Any]] = []
    participants: list[dict[str, Any]] = []
    met: set[str] = set()
    for life in plan.lives:
        who = {"study": plan.study.name, "group": life.group, "individual": life.individual, "seed": life.seed}
        status, reason, lived = "done", "", 0
        for step in life.steps:
            node, ended = store.node(step.digest), store.ended(step.digest)
            if node is None:
                status = ended["status"] if ended else "pending"
                reason = ended["reason"] if ended else ""
                steps.append({**who, **_step_row(step, None, status), "shared": step.digest in met})
                break
            looking = sum(store.look_seconds(step.digest, seen.digest) for seen in step.looks)
            rows = list(node["rows"])
            for seen in step.looks:
                rows += store.look(step.digest, seen.digest) or []
            measurements += [{**who, **row} for row in rows]
            told = {**_step_row(step, node, "done"), "look_seconds": looking}
            steps.append({**who, **told, "shared": step.digest in met})
            met.add(step.digest)
            lived = step.index
            if ended is not None and not store.complete(step):
                status, reason = ended["status"], ended["reason"]
                break
        participants.append(_participant(life, status, lived, reason))
    write_bytes(directory / "measurements.jsonl", record.as_lines(measurements))
    write_bytes(directory / "steps.jsonl", record.as_lines(steps))
    write_bytes(directory / "participants.tsv", record.as_table(participants, record.PARTICIPANT_COLUMNS))
    if plan.study.between:
        write_bytes(directory / "contrasts.jsonl", record.as_lines(list(_contrasts(plan, store))))
    _unite_examples(plan, store, directory)
    return {row["individual"]: row["status"] for row in participants}


def _contrasts(plan: Plan, store: Store) -> Iterator[dict[str, Any]]:
    """Rows of all comparisons between lives that could be made."""
    for pair in plan.pairs:
        first, second = pair.first, pair.second
        who = {"study": plan.study.name, "group": first.group, "individual": first.individual, "seed": first.seed}
        other = {"other_group": second.group, "other_individual": second.individual, "other_seed": second.seed}
        for row in store.look(pair.one.digest, pair.digest) or []:
            yield {**who, **other, "pairs": pair.between.pairs, **row}


def _unite_examples(plan: Plan, store: Store, directory: Path) -> None:
    """Write `examples/<probe>.parquet` for every probe that kept outputs for every example."""
    parts: dict[str, list[tuple[dict[str, Any], Path]]] = {}
    for life, step in plan.walk():
        who = {"group": life.group, "individual": life.individual, "seed": life.seed}
        for seen in step.looks:
            path = store.bulk(step.digest, seen.digest)
            if path is not None:
                parts.setdefault(seen.title.replace("/", "-"), []).append((who, path))
    for title, found in parts.items():
        unite(found, directory / "examples" / f"{title}.parquet")


def _participant(life: Life, status: str, lived: int, reason: str) -> dict[str, Any]:
    return {
        "individual": life.name,
        "group": life.group,
        "seed": life.seed,
        "status": status,
        "steps": lived,
        "reason": reason,
    }


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


def _moment(step: Step) -> dict[str, Any]:
    event = step.event
    return {
        "step": step.index,
        "kind": type(event).__name__,
        "stage": event.label,
        "task": event.task.title if isinstance(event, Learn) else "",
        "also": [task.title for task in event.also] if isinstance(event, Learn) else [],
        "to": event.to if isinstance(event, Age) else None,
        "describe": event.origin.describe() if isinstance(event, Birth) else event.describe(),
    }


def _previous(directory: Path, study: Study) -> dict[str, Any]:
    """What an earlier simulation in this directory settled, or nothing."""
    if directory.exists() and not directory.is_dir():
        raise RecordError(str(directory), "is a file, not a directory.", "Choose another --out.")
    if not (directory / "study.json").exists():
        if directory.exists() and any(map(_foreign, directory.iterdir())):
            raise RecordError(
                str(directory), "holds other files and no study.json.", "Choose an empty or new directory with --out."
            )
        return {}
    found = dict(record.read(directory).study)
    if found.get("name") != study.name:
        raise RecordError(
            str(directory),
            f"holds the study {found.get('name')!r}, not {study.name!r}.",
            "Choose another --out, so that nothing is overwritten.",
        )
    return found if study.precision in ("auto", found.get("precision")) else {**found, "precision": None}


def _foreign(entry: Path) -> bool:
    """Whether a file is neither a store nor what another driver is writing at this moment."""
    return entry.name != "store" and not entry.name.startswith(".study.json.")


def _check_data(directory: Path, before: dict[str, str], now: dict[str, str]) -> None:
    for title, fingerprint in now.items():
        same_task = before.get(title, "").startswith(fingerprint[:17])
        if same_task and before[title] != fingerprint:
            raise RecordError(
                str(directory),
                f"the data of task {title!r} has changed since this study began.",
                "Restore the data, or start anew with another --out.",
            )


def _check_device(device: str) -> None:
    import torch

    from lifespan.errors import ScenarioError

    kind = device.partition(":")[0]
    if kind not in ("cpu", "cuda"):
        raise ScenarioError(f"device={device!r}", "must be cpu, cuda or cuda:N.")
    if kind == "cuda" and not torch.cuda.is_available():
        raise ScenarioError(f"device={device!r}", "this machine or this torch build has no CUDA device.", "Use cpu.")
