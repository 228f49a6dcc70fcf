"""What `lifespan simulate` does around a simulation: checks, progress, interruption, closing words, report."""

from __future__ import annotations

import shlex
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lifespan import hardware
from lifespan.cli import display, record_display
from lifespan.cli.engines import engine_of
from lifespan.cli.tracking import say_logged
from lifespan.errors import RecordError, ScenarioError
from lifespan.execution.durations import duration
from lifespan.execution.engine import Engine
from lifespan.execution.estimate import Estimate, estimate
from lifespan.execution.time_left import TimeLeft
from lifespan.record import record
from lifespan.record import shared_store as sharing
from lifespan.record.changes import Changes, changes_since, others_of_a_store
from lifespan.record.following import destination, followed
from lifespan.simulation import Changed, Outcome, plan_in, simulate, with_models
from lifespan.study.loading import find, read_source, study_of
from lifespan.study.plan import Plan
from lifespan.study.scenario import Study

INTERRUPTED = 130


def simulate_and_report(
    scenario: str,
    *,
    out: Path | None,
    individuals: int | None,
    device: str,
    threads: int | None,
    resume: bool,
    settings: Sequence[str],
    every: int,
    precision: str | None,
    report: bool,
    engine: str | None = None,
    workers: int | None = None,
    cluster: Sequence[str] = (),
    store: Path | None = None,
    fail_fast: bool = False,
    retry: Sequence[str] = (),
    rerun_changed: bool = False,
    keep: bool = False,
    until_decided: bool = False,
    log_to: Sequence[str] = (),
) -> int:
    """Live a study, say how it went, write its report. Returns the exit code."""
    if rerun_changed and keep:
        raise ScenarioError("--rerun-changed --keep", "ask for opposites.", "Give one of them.")
    if until_decided and individuals is not None:
        raise ScenarioError("--until-decided --individuals", "the looks say how many individuals.", "Leave one of them out.")
    for name, value in (("every", every), ("workers", workers)):
        if value is not None and value < 1:
            raise ScenarioError(f"--{name} {value}", "must be a whole number, at least 1.")
    hardware.check_threads(threads, "--threads")
    chosen = None if engine is None and workers is None and not cluster else engine_of(engine, workers, cluster)
    source = read_source(find(scenario))
    study = study_of(source, settings=settings, individuals=individuals, precision=precision)
    directory = out if out is not None else Path("runs") / study.name
    if resume and not (directory / "study.json").is_file():
        raise RecordError(str(directory), "holds no run to resume.", "Leave out --resume to begin one.")
    destinations = [destination(text, directory) for text in log_to]
    begun = time.perf_counter()
    changed: Changed = "keep" if keep else "rerun" if rerun_changed else "refuse"
    how = {"every": every, "about": source.doc, "store": store, "fail_fast": fail_fast, "retry": retry, "changed": changed}
    how["log_to"] = destinations
    for look, cohort in _cohorts(study, directory, until_decided):
        outcome = _live_cohort(cohort, directory, chosen, device, threads, **how)
        if outcome is None or outcome.pending or (look and _decides(directory, look)):
            break
    if outcome is None:
        # An impatient Ctrl-C must break neither this message nor the interpreter's own shutdown.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        display.notice(f"Interrupted; all work so far is kept in {directory}. To go on:\n    {resume_command()}")
        return INTERRUPTED
    _say_results(directory, time.perf_counter() - begun, outcome, report)
    return 1 if outcome.failed or outcome.pending else 0


def _cohorts(study: Study, directory: Path, until_decided: bool) -> Iterable[tuple[int, Study]]:
    """The looks of a sequential design with their studies, or look 0 with the whole study."""
    if not until_decided:
        return [(0, study)]
    from lifespan.analysis.sequential import looks_to_take

    return looks_to_take(study, directory)


def _live_cohort(
    study: Study, directory: Path, chosen: Engine | None, device: str, threads: int | None, **how: Any
) -> Outcome | None:
    """Live a study after saying what there is to live; None where the user stopped it."""
    plan = plan_in(directory, study, device=device)
    _announce(plan, directory, how["store"])
    found = estimate(plan, directory, 1, how["store"])
    engine, threads = (chosen, threads) if chosen else _fitting_engine(plan, found, directory, device, threads)
    changes = changes_in(plan, directory)
    if changes is not None and how["changed"] != "refuse":
        display.notice(f"{'Kept as it is' if how['changed'] == 'keep' else 'Live anew'}: {changes.text}")
    time_left = TimeLeft(plan, found, getattr(engine, "workers", None) or 1)
    try:
        return _live(plan, directory, time_left, device=device, threads=threads, engine=engine, **how)
    except KeyboardInterrupt:
        return None


def _decides(directory: Path, look: int) -> bool:
    """Take a look of a sequential design, say what it decided, and whether that is all."""
    from lifespan.analysis.sequential import take_look
    from lifespan.cli.verdicts import say_look

    found = take_look(directory, look)
    say_look(found, look)
    return found.is_decided


def _say_results(directory: Path, seconds: float, outcome: Outcome, report: bool) -> None:
    from lifespan.cli.verdicts import say_verdicts

    record_display.show_results(record.read(directory))
    say_verdicts(directory)
    display.say(f"\nLived in {duration(seconds)}. Record: {directory}")
    if report:
        display.say(f"Report: {report_on([directory])}")
    if outcome.pending and not outcome.failed:
        display.complain_plainly(
            f"{display.counted(outcome.pending, 'individual')} of {sum(outcome.counts)} did not live to the end.",
            "The same command goes on with them.",
        )
    if outcome.failed:
        display.complain_plainly(
            f"{display.counted(outcome.failed, 'individual')} failed.",
            f"`lifespan status {directory}` shows why, {directory / 'store'}/*/ended.json more; --retry tries them again.",
        )


def report_on(
    places: Sequence[Path],
    out: Path | None = None,
    groups: Sequence[str] = (),
    control: str | None = None,
    *,
    pdf: bool = False,
    animate: bool = False,
    force: bool = False,
) -> Path:
    """Write a report, with `pdf` of PDF figures and with `animate` of a film, too.

    A record that cannot be found or read is said before heavy imports. A store that studies share stands for all of them; its
    report lies in the store where `out` does not say otherwise.
    """
    directories = _directories(places)
    if out is None and directories[:1] != list(places[:1]):
        out = places[0]
    from lifespan.report.html import write_report

    if pdf:
        _say_what_pdf_lacks(directories)
    for directory in directories:
        record_display.say_altered(record.read(directory))
    return write_report(directories, out, groups=groups, control=control, pdf=pdf, animate=animate, force=force)


def _say_what_pdf_lacks(directories: Sequence[Path]) -> None:
    from lifespan.report.figures.fonts import lacking

    studies = [record.read_study(directory) for directory in directories]
    absent = lacking(name for study in studies for part in ("groups", "tasks") for name in study.get(part, {}))
    if absent:
        shown = absent if len(absent) <= 12 else f"{absent[:12]}..."
        remedy = "install one that has, such as Noto Sans CJK; the page and the SVG files show them all the same."
        display.notice(f"No font here has {shown}, which PDF figures show as boxes: {remedy}")


def _directories(places: Sequence[Path]) -> list[Path]:
    """Run directories, those of shared stores included; each can be read."""
    found: list[Path] = []
    for place in places:
        inside = sharing.studies_of(place) if (place / "runs").is_dir() and not (place / "study.json").is_file() else [place]
        for directory in inside:
            record.read(directory)
        found += inside
    return found


def brief_on(places: Sequence[Path], groups: Sequence[str] = (), control: str | None = None) -> str:
    """The report's words and tables as Markdown."""
    directories = _directories(places)
    for directory in directories:
        record_display.say_altered(record.read(directory))
    from lifespan.analysis.analysis import Analysis
    from lifespan.report.markdown import brief

    return brief(Analysis(directories, groups=groups, control=control))


def resume_command(arguments: Sequence[str] | None = None) -> str:
    """The command line that goes on where this one was interrupted.

    >>> resume_command(["simulate", "my life.py", "--out", "x"])
    "lifespan simulate 'my life.py' --out x --resume"
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    return shlex.join(["lifespan", *[argument for argument in given if argument != "--resume"], "--resume"])


def _announce(plan: Plan, directory: Path, store: Path | None) -> None:
    study = plan.study
    people = f"{display.counted(len(study.groups), 'group')} x {display.counted(study.individuals, 'individual')}"
    lived = sum(1 for digest, step in plan.nodes.items() if step.parent and record.is_lived(directory, digest, store))
    begun = f", {lived} of them lived already" if lived else ""
    shared = f" ({plan.separate:,} if nothing were shared)" if plan.separate > plan.shared else ""
    display.say(f"{study.name}: {people}, {display.counted(plan.shared, 'event')} to live{shared}{begun}")
    if (directory / "study.json").is_file():
        known = record.read_study(directory)
        before = {digest for life in known.get("lives", {}).values() for digest in life["steps"]}
        gone = len(before - set(plan.nodes))
        # A record of another study is refused, so that nothing of it will be of this one.
        if gone and known.get("name") == study.name and changes_in(plan, directory) is None:
            gone_events = f"{display.counted(gone, 'event')} of the study as it was lived in {directory} before"
            display.notice(f"{gone_events}: not part of it any more; the record and its report will be of this one.")
    _announce_others(plan, directory, store)


def _fitting_engine(
    plan: Plan, found: Estimate, directory: Path, device: str, threads: int | None
) -> tuple[Engine, int | None]:
    """The engine with as many workers as pay on this machine, said where they are several, and the threads of each."""
    from lifespan.engines import Inline, Local
    from lifespan.execution.workers import choose

    if device != "cpu":
        return (Local() if hardware.gpus(device) > 1 else Inline()), threads
    known = record.read(directory).study.get("threads") if (directory / "study.json").is_file() else None
    choice = choose(plan, found, threads=threads or known)
    if choice.workers == 1:
        return Inline(), threads
    display.say(f"{choice.text}; another number: --workers N")
    return Local(workers=choice.workers), choice.threads


def _announce_others(plan: Plan, directory: Path, store: Path | None) -> None:
    """Say which studies of a shared store read another content. Damage of their records is theirs to say."""
    link = directory / "store"
    place = store if store is not None else link if link.is_symlink() else None
    if place is None or not place.exists():
        return
    with suppress(RecordError):
        others = [other for other in sharing.studies_of(place) if other.resolve() != directory.resolve()]
        for text in others_of_a_store(others, plan):
            display.notice(text)


def changes_in(plan: Plan, directory: Path) -> Changes | None:
    """What of a run directory's record is not of what the plan reads now, where there is a record."""
    if not (directory / "study.json").is_file():
        return None
    return changes_since(record.read_study(directory), plan, directory)


def _live(plan: Plan, directory: Path, left: TimeLeft, **how: Any) -> Outcome | None:
    """Simulate under a progress display; None when the user asked to stop."""
    with _stop_on_interrupt() as request:
        from lifespan.execution.progress import watch
        from lifespan.training.loop import Interrupted

        try:
            with watch(plan, display.console, left) as observer:
                request.notify = observer.warns
                with followed(with_models(plan), directory / "store", how.pop("log_to"), observer.warns) as followers:
                    outcome = simulate(
                        plan,
                        directory,
                        observer=observer,
                        should_stop=lambda: request.stop,
                        command=["lifespan", *sys.argv[1:]],
                        **how,
                    )
            say_logged(followers)
            return outcome
        except Interrupted:
            return None


@dataclass
class _StopRequest:
    stop: bool = False
    notify: Callable[[str], None] = display.notice


@contextmanager
def _stop_on_interrupt() -> Iterator[_StopRequest]:
    """The first Ctrl-C requests a stop that can be resumed; the second stops at once."""
    request = _StopRequest()

    def ask(number: int, frame: object) -> None:
        request.stop = True
        signal.signal(signal.SIGINT, signal.default_int_handler)
        # The interrupted code may be drawing and hold the display's lock; only another thread can wait for it.
        text = "Finishing the current optimizer step and saving... (Ctrl-C again stops at once)"
        threading.Thread(target=request.notify, args=(text,)).start()

    try:
        before = signal.signal(signal.SIGINT, ask)
    except ValueError:
        yield request
        return
    try:
        yield request
    finally:
        signal.signal(signal.SIGINT, before)
