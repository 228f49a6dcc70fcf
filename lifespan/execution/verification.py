"""Verify a record: live some of its steps again, and compare what comes out with what it says.

States are compared by tensor; rows of training, of evaluations and of comparisons between lives by value; outputs for every
example by column: bit for bit, or within a tolerance where threads, processor, versions or device are others than those that
a step was lived with. Every row of the tables is compared with the store's sealed files besides, which takes no living.
"""

from __future__ import annotations

import random
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

from lifespan import hardware
from lifespan.errors import RecordError, ScenarioError
from lifespan.execution._state_comparison import Comparison, Standard
from lifespan.execution.comparing import Tables, compare_pair_rows, compare_step
from lifespan.execution.recorded_plan import RecordedPlan, recorded_plan
from lifespan.execution.reliving import NotPossible, Reliving, Start, looks_of
from lifespan.execution.row_names import Target, find_row
from lifespan.execution.verdict import Count, Verification
from lifespan.record.consistency import check_tables
from lifespan.record.differences import Checked, Difference, united
from lifespan.record.record import Record, read
from lifespan.record.seals import NAME, altered
from lifespan.record.store import Store
from lifespan.study.scenario import Study

STEPS, TOLERANCE = 5, 0.01
"""Defaults: steps in a sample, and how far apart values may be where the last bits cannot be asked for."""
STARTS = ("store", "nothing")


def verify(
    directory: str | Path,
    *,
    study: Study | None = None,
    steps: int | None = STEPS,
    row: str | None = None,
    start: Start = "store",
    tolerance: float = TOLERANCE,
    seed: int = 0,
    device: str | None = None,
    threads: int | None = None,
    progress: Callable[[int, int, str], None] = lambda done, count, what: None,
    refused: str = "",
) -> Verification:
    """Live steps of a record again and compare; the run directory is only read.

    `steps` is the size of the sample, drawn with `seed` among all steps that the record has, births included, and
    likewise among its comparisons of lives (None: all); or `row` names one row of a table (`group,individual,step,probe,
    metric` or `table:line`) whose step is lived. `start` says from where: the state before the step as the record's "store"
    has it, or "nothing": from birth on. `study` is the study, where its classes cannot be had from the record alone;
    `refused` why a study that was looked for cannot be had. `device` and `threads` default to those that each step was
    lived with. `progress` is called with (lived, of how many, what is next). Raises `RecordError` for a directory that is no
    record, and `ScenarioError` for a wrong argument.
    """
    _check_arguments(steps, start, tolerance, threads)
    record = read(directory)
    known = dict(record.study)
    if not all(isinstance(known.get(part), dict) for part in ("lives", "groups")):
        raise RecordError(
            str(record.directory / "study.json"), "does not name its lives.", "`lifespan simulate --resume` writes it anew."
        )
    damaged: list[str] = []
    store = Store(record.directory / "store", warn=damaged.append)
    found = recorded_plan(known, study, refused)
    target = find_row(record, row) if row is not None else None
    tables = check_tables(record, store, found.plan)
    chosen, pairs, how = _chosen(record, store, target, steps, seed)
    with tempfile.TemporaryDirectory(prefix="lifespan-verify-") as folder:
        reliving = None
        if found.plan is not None:
            usual = int(known.get("threads") or 1)
            reliving = Reliving(found.plan, store, Path(folder), start, device, threads, usual)
        run = _Run(record, store, found, reliving, tolerance)
        for number, digest in enumerate([*chosen, *pairs]):
            progress(number, len(chosen) + len(pairs), digest[:12])
            run.pair(digest) if digest in pairs else run.step(digest)
            if reliving is not None:
                reliving.clear(digest)
    begun = "from nothing" if start == "nothing" else "from the stored states"
    asked = len(chosen), len(pairs)
    return _verification(record, run, tables, damaged, f"{how}, {begun}", asked, _notes(record, store, found))


def _check_arguments(steps: int | None, start: str, tolerance: float, threads: int | None) -> None:
    if steps is not None and (not isinstance(steps, int) or isinstance(steps, bool) or steps < 1):
        raise ScenarioError(f"--steps {steps}", "must be a whole number, at least 1.", "--all lives all of them.")
    if start not in STARTS:
        raise ScenarioError(f"--from {start}", "is not known here.", f"Known: {', '.join(STARTS)}.")
    if not 0 <= tolerance < float("inf"):
        raise ScenarioError(f"--tolerance {tolerance}", "must be a number of at least 0.", "0 asks for equal bits everywhere.")
    hardware.check_threads(threads, "--threads")


def _chosen(
    record: Record, store: Store, target: Target | None, steps: int | None, seed: int
) -> tuple[list[str], list[str], str]:
    """(steps, comparisons of lives, how they were chosen)."""
    if target is not None:
        return ([target.digest], [], target.how) if not target.pair else ([], [target.digest], target.how)
    lived = _lived(record, store)
    bare = bool(record.lines("contrasts.jsonl"))
    pairs = [
        digest
        for digest, pair in (record.study.get("pairs") or {}).items()
        if store.evaluation(pair["at"], digest) is not None
        or (bare and pair["at"] in lived and not store.has_node(pair["at"]))
    ]
    if steps is None or steps >= len(lived) + len(pairs):
        return lived, pairs, "all that the record has"
    draw = random.Random(seed)
    some = set(draw.sample(lived, min(steps, len(lived))))
    some_pairs = set(draw.sample(pairs, min(steps, len(pairs))))
    how = f"sampled with seed {seed} among {len(lived):,}"
    return [one for one in lived if one in some], [one for one in pairs if one in some_pairs], how


def _lived(record: Record, store: Store) -> list[str]:
    """All distinct steps that the record has rows or states of, in its order."""
    said = {row.get("digest") for row in record.lines("steps.jsonl") if row.get("status") != "pending"}
    every = dict.fromkeys(digest for life in record.study["lives"].values() for digest in life["steps"])
    return [digest for digest in every if digest in said or store.has_node(digest)]


class _Run:
    """Lives chosen steps and pairs again and gathers what comes out."""

    def __init__(self, record: Record, store: Store, found: RecordedPlan, reliving: Reliving | None, tolerance: float) -> None:
        self.record, self.store, self.found, self.reliving = record, store, found, reliving
        self.tolerance = tolerance
        if reliving is not None:
            self.tables = Tables(record, reliving.plan)
        self.steps: Counter[str] = Counter()
        self.pairs: Counter[str] = Counter()
        self.rows = self.rows_compared = 0
        self.differences: list[Difference] = []
        self.unverified: list[tuple[str, str]] = []
        self.apart: dict[str, None] = {}
        self.threads: dict[str, None] = {}

    def step(self, digest: str) -> None:
        name = _name_of(self.record.study, digest)
        if self.reliving is None or not self.found.has(digest):
            self._give_up(self.steps, name, self.found.why_not(digest))
            return
        plan = self.reliving.plan
        step = plan.nodes[digest]
        looks, lost = looks_of(self.record.study, step, self.store)
        try:
            apart = self._apart(self.reliving.made_of(digest))
            for look in looks:
                apart += [one for one in self._apart(self.reliving.made_of(digest, look)) if one not in apart]
            lived = self.reliving.step(digest, looks)
        except (NotPossible, RecordError) as error:
            self._give_up(self.steps, name, error.why if isinstance(error, NotPossible) else str(error))
            return
        self.unverified += [(f"an evaluation of {name}", self.found.why_no_evaluation(digest, look)) for look in lost]
        standard = Standard(bool(apart), self.tolerance)
        self._add(self.steps, name, compare_step(self.tables, self.store, digest, lived, looks, lost, standard), apart)

    def pair(self, digest: str) -> None:
        pair = next((one for one in self.found.plan.pairs if one.digest == digest), None) if self.found.plan else None
        at = self.record.study["pairs"][digest]["at"]
        name = f"a comparison at {_name_of(self.record.study, at)}"
        if pair is None or self.reliving is None:
            gone = not self.found.has(at)
            self._give_up(self.pairs, name, self.found.why_not(at) if gone else self.found.why_no_evaluation(at, digest))
            return
        try:
            apart = self._apart(self.reliving.made_of(at, digest))
            rows = self.reliving.pair(pair)
        except (NotPossible, RecordError) as error:
            self._give_up(self.pairs, name, error.why if isinstance(error, NotPossible) else str(error))
            return
        standard = Standard(bool(apart), self.tolerance)
        self._add(self.pairs, name, compare_pair_rows(self.tables, pair, rows, standard), apart)

    def _apart(self, made: Mapping[str, Any]) -> list[str]:
        assert self.reliving is not None
        return self.reliving.apart(made, self.reliving.plan.precision)

    def _give_up(self, counts: Counter[str], name: str, why: str) -> None:
        counts["unverified"] += 1
        self.unverified.append((name, why))

    def _add(self, counts: Counter[str], name: str, found: Comparison, apart: list[str]) -> None:
        if found.why:
            self._give_up(counts, name, found.why)
            return
        self.apart |= dict.fromkeys(apart)
        self.threads |= dict.fromkeys(found.threads)
        self.rows += found.rows
        self.rows_compared += found.rows_compared
        self.differences += found.differences
        counts["differs" if found.differences else "close" if found.close else "exact"] += 1


def _name_of(study: Mapping[str, Any], digest: str) -> str:
    """A step in words: the first life that has it, its place and its event."""
    name, life = next((name, life) for name, life in study["lives"].items() if digest in life["steps"])
    index = life["steps"].index(digest)
    timeline = study["groups"].get(life["group"], {}).get("timeline") or []
    stage = timeline[index]["stage"] if index < len(timeline) else ""
    return f"{name}, step {index}" + (f" ({stage})" if stage else "")


def _notes(record: Record, store: Store, found: RecordedPlan) -> tuple[str, ...]:
    """What else a reviewer should know: where the study comes from, and who made the record."""
    notes = [f"The study is that of {found.source}."] if found.plan is not None else []
    made = [node.get("made") or {} for node in map(store.node, _lived(record, store)) if node is not None]
    named = [one for one in ("lifespan", "torch", "threads", "device", "cpu") if one in record.environment]
    said = {one: [maker.get(one) for maker in made] for one in named}
    other = [one for one in named if made and record.environment[one] not in said[one]]
    notes += [f"environment.json says {one} {record.environment[one]}, with which no step was lived." for one in other]
    versions = sorted({str(maker["lifespan"]) for maker in made if "lifespan" in maker} - {metadata.version("lifespan")})
    if versions:
        notes.append(f"Lived with lifespan {', '.join(versions)}.")
    return tuple(notes)


def _verification(
    record: Record, run: _Run, tables: Checked, damaged: list[str], how: str, asked: tuple[int, int], notes: tuple[str, ...]
) -> Verification:
    broken = [Difference(text.partition(": ")[0], 0, "a file of the store", "damaged", "", "store") for text in damaged]
    said = {one.file for one in [*broken, *tables.differences, *run.differences]}
    broken += [Difference(one.file, 0, "the file", one.how, "", NAME) for one in altered(record) if one.file not in said]
    torch = f"torch {metadata.version('torch').partition('+')[0]}"
    threads = ", ".join(run.threads) or "nothing lived"
    steps, pairs = (
        Count(n, counts["exact"], counts["close"]) for n, counts in zip(asked, (run.steps, run.pairs), strict=True)
    )
    return Verification(
        directory=record.directory,
        how=how,
        sampled=how.startswith("sampled"),
        maker=f"lifespan {metadata.version('lifespan')}, {torch}, {threads}",
        tolerance=run.tolerance,
        steps=steps,
        pairs=pairs,
        rows=run.rows,
        rows_compared=run.rows_compared,
        checked=tables.rows,
        differences=united([*broken, *tables.differences, *run.differences]),
        unverified=tuple(run.unverified),
        unchecked=dict(tables.unchecked),
        apart=tuple(run.apart),
        notes=notes,
    )
