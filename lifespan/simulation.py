"""simulate(): from a study to a run directory that holds its record."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Collection
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from lifespan import hardware
from lifespan.errors import RecordError, ScenarioError, UserError
from lifespan.record import record, seals
from lifespan.record.assembly import assemble
from lifespan.record.changes import changes_since, inputs_of, missing_in
from lifespan.record.declarations import probes_and_tasks
from lifespan.record.files import write_bytes, write_json
from lifespan.record.manifest import describe_study, fingerprints
from lifespan.record.predeclared import declare
from lifespan.record.sessions import living_in
from lifespan.record.shared_store import attach, enter
from lifespan.study.events import Birth
from lifespan.study.identity import MISSING
from lifespan.study.length_mismatches import length_mismatches
from lifespan.study.plan import Plan, compile_study
from lifespan.study.scenario import Study
from lifespan.subjects.pretrained import Pretrained

if TYPE_CHECKING:
    from lifespan.execution.engine import Engine, Job
    from lifespan.execution.observer import Observer
    from lifespan.record.store import Store


Changed = Literal["refuse", "rerun", "keep"]
"""What to do where the record was made of other data, models or code than there are now."""
CHOICES = (
    "--rerun-changed lives that anew, and its old rows leave the record; --keep leaves the record as it is; "
    "another --out begins a new one."
)


@dataclass(frozen=True)
class Outcome:
    """How a simulation ended: its directory and the lives by status."""

    directory: Path
    done: int
    diverged: int
    failed: int
    pending: int

    @property
    def counts(self) -> tuple[int, int, int, int]:
        """Lives that are done, diverged, failed and pending."""
        return self.done, self.diverged, self.failed, self.pending


def simulate(
    study: Study | Plan,
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
    changed: Changed = "refuse",
    quiet: bool = False,
) -> Outcome:
    """Live a study and write its record to `out` (default `runs/<study>`); what is there already is not lived again.

    `study` may also be a plan of it, which is then not compiled again (`plan_in` makes the one that a directory needs).
    `about` says in words what the study asks; the report opens with it. `threads` defaults to all cores, or to one where
    every subject is too small to gain from more. `engine` says who does the work: `engines.inline.Inline()`, the default,
    does it here, `engines.local.Local(workers=4)` starts processes; the rows are the same. `store` is a folder for states
    that several studies share. With `fail_fast` no further step is begun once a life has failed. `retry` names the kinds
    of end ("failed", "diverged") that are to be tried again.

    `changed` says what to do where the record in `out` was made of other data, models or code than there are now: "refuse"
    raises; "rerun" lives anew what that affects (old rows leave the record, old states stay in the store until `lifespan
    gc`); "keep" leaves the record as it is and lives nothing. In a notebook and in a terminal a display tells how far it is,
    unless `quiet`; nothing is shown in pipes and logs, or where an `observer` is given. Raises `UserError` before anything is
    written when an input is wrong, and `lifespan.training.loop.Interrupted` when stopped.
    """
    if not isinstance(study, Study | Plan):
        what = f"simulate({type(study).__name__})"
        raise ScenarioError(what, "lives a Study.", 'Write Study(name="...", groups={"healthy": scenario}).')
    plan, study = (study, study.study) if isinstance(study, Plan) else (None, study)
    hardware.check_threads(threads)
    directory = Path(out) if out is not None else Path("runs") / study.name
    previous = _previous(directory, study)
    plan = with_models(plan or plan_for(study, device=device, precision=previous.get("precision")))
    found = changes_since(previous, plan, directory)
    if found is not None and changed == "keep":
        return _as_it_is(directory)
    if found is not None and changed == "refuse":
        raise RecordError(str(directory), found.text, CHOICES)
    engine = engine or _inline()
    threads = threads or previous.get("threads") or default_threads(study, engine)
    data = fingerprints(plan)
    _require_inputs(plan)
    _check_data(directory, previous.get("data", {}), data, inputs_of(plan))
    from lifespan.execution.engine import Job

    hardware.settle_arithmetic(threads=threads, device=device)
    shown = nullcontext() if observer is not None else _display(plan, directory, store, engine, quiet)
    observer = observer if observer is not None else shown
    described = describe_study(plan, command or sys.argv, threads, data, about)
    described["data_checks"] = _checked_data(plan, previous.get("data_checks"), observer.warns)
    described["checks"] = _checks(plan, directory, store, observer, previous.get("checks"))
    described["checksums"] = seals.NAME
    for one in seals.altered(record.Record(directory, previous, {})) if previous else ():
        observer.warns(one.text)
    adopt = bool(previous) and "checksums" not in previous
    attach(directory, None if store is None else Path(store))
    job = Job(
        directory / "store",
        device=device,
        threads=threads,
        every=every,
        fail_fast=fail_fast,
        observer=observer,
        should_stop=should_stop,
    )
    with shown, living_in(job.store, should_stop):
        return _live(plan, directory, job, engine, described, retry, adopt)


def _display(plan: Plan, directory: Path, store: str | Path | None, engine: Engine, quiet: bool) -> Any:
    """What shows the progress where `simulate` is called in Python: an observer and a context."""
    from lifespan.execution.python_progress import shown_in_python

    def left() -> Any:
        from lifespan.execution.estimate import estimate
        from lifespan.execution.time_left import TimeLeft

        found = estimate(plan, directory, 1, None if store is None else Path(store))
        return TimeLeft(plan, found, getattr(engine, "workers", None) or 1)

    return shown_in_python(plan, quiet=quiet, left=left)


def _live(
    plan: Plan,
    directory: Path,
    job: Job,
    engine: Engine,
    described: dict[str, Any],
    retry: Collection[str],
    adopt: bool,
) -> Outcome:
    """Begin the record, live what is not lived yet, and write the record's tables.

    `adopt` is for a record of before there were checksums: its tables are taken as they are.
    """
    from lifespan.record.store import Store

    enter(directory, plan.study.name)
    _begin_record(directory, plan, described, hardware.environment(threads=job.threads, device=job.device))
    declare(directory, plan, Store(directory / "store"))
    seals.seal_begun(directory, adopt=adopt)
    _drop_ends(plan, Store(directory / "store"), retry)
    mixed = other_threads(plan, Store(directory / "store"), job.threads)
    if mixed:
        job.observer.warns(mixed)
    for text in length_mismatches(plan):
        job.observer.warns(text)
    try:
        engine.run(plan, job)
        _check_input(plan, Store(directory / "store"))
    finally:
        statuses = assemble(plan, directory)
    counts = {status: list(statuses.values()).count(status) for status in ("done", "diverged", "failed", "pending")}
    return Outcome(directory, **counts)


def _require_inputs(plan: Plan) -> None:
    """Raise what is wrong with data that the plan reads and that cannot be had. Models may still come from the hub."""
    for missing in missing_in(plan):
        if missing.wrong is not None and missing.kind != "model":
            raise missing.wrong


def _begin_record(directory: Path, plan: Plan, described: dict[str, Any], environment: dict[str, Any]) -> None:
    """Write what a record says of its study before anything is lived."""
    write_json(directory / "study.json", described)
    write_json(directory / "environment.json", {**environment, "started": datetime.now(UTC).isoformat()})
    write_json(directory / "dictionary.json", record.dictionary() | probes_and_tasks(plan))
    ignored = directory / "store" / ".gitignore"
    if not ignored.exists():
        write_bytes(ignored, b"*\n")


def _checks(plan: Plan, directory: Path, store: str | Path | None, observer: Observer, known: Any) -> dict[str, Any]:
    """What was found out about bodies and texts: anew where something is still to be lived, else as it was recorded."""
    place = None if store is None else Path(store)
    if known is not None and all(record.is_lived(directory, digest, place) for digest in plan.nodes):
        return dict(known)
    from lifespan.execution.preflight import check_inputs

    return check_inputs(plan, observer.warns)


def with_models(plan: Plan) -> Plan:
    """The plan, after the hub was asked for the commits of its models that the local cache does not know, where it answers."""
    born = [step for step in plan.nodes.values() if any(one.fingerprint == MISSING for one in step.reads)]
    origins = [step.event.origin for step in born if isinstance(step.event, Birth)]
    names = {(str(origin.name), origin.commit) for origin in origins if isinstance(origin, Pretrained)}
    if not any(_fetched(name, commit) for name, commit in names if not Path(name).expanduser().exists()):
        return plan
    return compile_study(plan.study, precision=plan.precision)


def _fetched(name: str, commit: str | None) -> bool:
    """Whether the hub has told the commit of a model. That it cannot be had is for loading it to say."""
    from huggingface_hub import hf_hub_download

    try:
        hf_hub_download(name, "config.json", revision=commit)
    except Exception:
        return False
    return True


def _as_it_is(directory: Path) -> Outcome:
    """The outcome that a record tells of."""
    statuses = record.read(directory).participants()["status"].tolist()
    return Outcome(directory, **{status: statuses.count(status) for status in ("done", "diverged", "failed", "pending")})


def other_threads(plan: Plan, store: Store, threads: int) -> str:
    """What to say where steps that are already lived were lived with another number of threads than these; else nothing."""
    made = [node["made"].get("threads") for node in map(store.node, plan.nodes) if node is not None and node.get("made")]
    other = [count for count in made if count != threads]
    if not other:
        return ""
    told = ", ".join(map(str, sorted(set(other))))
    return (
        f"{len(other)} of {len(plan.nodes)} events are lived already, with {told} threads, and this goes on with {threads}: "
        f"rows are the same bit for bit at equal threads alone. --threads {other[0]} keeps to one."
    )


def _checked_data(plan: Plan, before: dict[str, Any] | None, tell: Callable[[str], None]) -> dict[str, Any]:
    """What the rows say against the study; the user is told, unless an earlier run in this directory told the same."""
    from lifespan.execution.data_checks import check_data

    odd: list[str] = []
    found = check_data(plan, odd.append)
    for text in odd if found != before else ():
        tell(text)
    return found


def _inline() -> Engine:
    from lifespan.engines.inline import Inline

    return Inline()


def _drop_ends(plan: Plan, store: Store, kinds: Collection[str]) -> None:
    """Drop the stored ends of these kinds, so that those lives are tried again."""
    for digest in plan.nodes if kinds else ():
        ended = store.ended(digest)
        if ended is not None and ended["status"] in kinds:
            store.drop_ended(digest)


def _check_input(plan: Plan, store: Store) -> None:
    """Raise the error of the input, and drop the stored ends, where it ended every life."""
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
    """The study's plan at the precision it asks for on this machine, or at a given one.

    Raises `ScenarioError` for a device that this machine lacks.
    """
    _check_device(device)
    for scenario in study.groups.values():
        scenario.subject.check()
    if precision is None:
        precision = hardware.resolve_precision(study.precision, half_pays=study.half_pays, device=device)
    return compile_study(study, precision=precision)


def plan_in(directory: Path, study: Study, *, device: str = "cpu") -> Plan:
    """The study's plan at the precision of its run in a directory, or of `plan_for` where there is none yet."""
    return plan_for(study, device=device, precision=_previous(directory, study).get("precision"))


def _previous(directory: Path, study: Study) -> dict[str, Any]:
    """`study.json` of an earlier simulation in this directory, or nothing."""
    if directory.exists() and not directory.is_dir():
        raise RecordError(str(directory), "is a file, not a directory.", "Choose another --out.")
    if not (directory / "study.json").exists():
        if directory.exists() and any(map(_is_foreign, directory.iterdir())):
            raise RecordError(
                str(directory), "holds other files and no study.json.", "Choose an empty or new directory with --out."
            )
        return {}
    found = record.read_study(directory)
    if found.get("name") != study.name:
        raise RecordError(
            str(directory),
            f"holds the study {found.get('name')!r}, not {study.name!r}.",
            "Choose another --out, so that nothing is overwritten.",
        )
    return found if study.precision in ("auto", found.get("precision")) else {**found, "precision": None}


def _is_foreign(entry: Path) -> bool:
    """Whether a file is neither a store nor a file that another command is writing."""
    return entry.name != "store" and not entry.name.startswith(".study.json.")


def _check_data(directory: Path, previous: dict[str, str], now: dict[str, str], changed: Collection[str]) -> None:
    """Refuse rows that are others than before though nothing says why, such as a built-in task without a new revision."""
    for title, fingerprint in now.items():
        if any(name.startswith(f"task {title},") for name in changed):
            continue
        same_task = previous.get(title, "").startswith(fingerprint[:17])
        if same_task and previous[title] != fingerprint:
            raise RecordError(
                str(directory),
                f"the data of task {title!r} has changed since this study began.",
                "Restore the data, or start anew with another --out.",
            )


def _check_device(device: str) -> None:
    if not re.fullmatch(r"cpu|cuda(:\d+)?", device):
        raise ScenarioError(f"device {device!r}", "must be cpu, cuda or cuda:N.")
    if device == "cpu":
        return
    import torch

    if not torch.cuda.is_available():
        raise ScenarioError(f"device {device!r}", "this machine or this torch build has no CUDA device.", "Use cpu.")
    number, devices = int(device.partition(":")[2] or 0), torch.cuda.device_count()
    if number >= devices:
        raise ScenarioError(f"device {device!r}", f"there are {devices} CUDA devices, counted from 0.", "Use cuda:0.")
