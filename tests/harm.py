"""Records, what can be done to them, and what a command then does: says it, heals it, or fails in a way that it must not."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lifespan.analysis.sequential import take_look
from lifespan.cli import main as cli
from lifespan.record.files import read_sealed, write_sealed

STUDY = '''"""A small study with every kind of table."""
from lifespan import *

subject = Micro(layers=1, width=16, heads=2, feed_forward=32)
task = MicroTask("sentiment", train_examples=24, eval_examples=16)
events = (
    Learn(task, by=Masks(steps=3, rate=5e-3)), Probe(Score(), Outputs(), Sparsity()),
    Age(to=0.3, by=Magnitude()), Probe(Score(), Outputs()), Recover(steps=2), Probe(Score()),
)
life = Scenario(name="life", subject=subject, events=events)
ill = life.with_events(after=2, add=Suffer(WeightNoise(severity=0.4)), name="ill")
study = Study(
    name="hostile", groups={"life": life, "ill": ill}, individuals=2, between=(Between(MaskOverlap()),),
    hypotheses=(superior("life", over="ill"),), design=Sequential(looks=(2, 3)),
)
'''
FILES = (
    *("study.json", "environment.json", "dictionary.json", "checksums.json", "measurements.jsonl", "steps.jsonl"),
    *("hypotheses.jsonl", "looks.jsonl"),
    *("participants.tsv", "contrasts.jsonl", "examples/*.parquet", "store/*/node.json", "store/*/looks/*.json"),
    *("store/*/looks/*.parquet", "store/blobs/*.safetensors"),
)
WAYS = ("flip", "digit", "truncate", "empty", "swap", "delete", "folder", "link", "loop", "pipe", "bytes", "nested", "digits")
COMMANDS = {
    "status": ("status", "{run}"),
    "report": ("report", "{run}", "--markdown"),
    "table": ("table", "{run}", "--out", "{out}/table.csv"),
    "verify": ("verify", "{run}", "--steps", "1", "--scenario", "{study}"),
    "gc": ("gc", "{run}", "--yes"),
    "simulate": ("simulate", "{study}", "--out", "{run}", "--no-report", "--threads", "1"),
}
TABLES = ("measurements.jsonl", "participants.tsv", "contrasts.jsonl", "examples/Outputs.parquet")
PATIENCE = int(os.environ.get("LIFESPAN_PATIENCE", "60"))
"""Seconds after which a command hangs."""


class Hang(BaseException):
    """A command did not end in time."""


@dataclass(frozen=True)
class Said:
    """How a command ended: exit code (None: it hung, or raised), what it printed, and what it left to be read."""

    code: int | None
    out: str
    err: str
    result: str = ""
    fault: str = ""


def told(*arguments: str, patience: int | None = None) -> Said:
    """Run a command line in this process, as a user would; a hang is ended and reported."""

    def end(number: int, frame: object) -> None:
        raise Hang

    out, err, fault, code = io.StringIO(), io.StringIO(), "", None
    before = signal.signal(signal.SIGALRM, end)
    signal.alarm(patience or PATIENCE)
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            cli.main(list(arguments))
    except SystemExit as exit:
        code = exit.code if isinstance(exit.code, int) else 0
    except Hang:
        fault = "hang"
    except BaseException as error:
        fault = f"raised {type(error).__name__}: {error}"
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
    text = err.getvalue()
    if not fault and ("Error: unexpected" in text or "Traceback" in text or code not in (0, 1, 2)):
        fault = "unexpected"
    return Said(code, out.getvalue(), text, fault=fault)


@dataclass
class Ground:
    """A place with a whole record, others' files beside it, and what commands say of the record while it is whole."""

    folder: Path

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.study = self.folder / "study.py"
        self.study.write_text(STUDY)
        self.whole = self.folder / "whole"
        said = told("simulate", str(self.study), "--out", str(self.whole), "--no-report", "--threads", "1", patience=600)
        assert said.code == 0, said
        take_look(self.whole, 1)
        self.victim = self.folder / "victim"
        (self.victim / "models").mkdir(parents=True)
        (self.victim / "models" / "model.safetensors").write_bytes(b"weights of somebody else")
        (self.victim / "paper.md").write_text("a paper of somebody else")
        self.number = 0
        self._references: dict[str, str] = {}

    def reference(self, command: str) -> str:
        """What a command makes of the whole record."""
        if command not in self._references:
            with self.copy() as run:
                self._references[command] = self.said(command, run).result
        return self._references[command]

    @contextlib.contextmanager
    def copy(self) -> Iterator[Path]:
        """A copy of the record, which goes when the block ends."""
        self.number += 1
        place = self.folder / f"case{self.number}"
        shutil.copytree(self.whole, place / "run", symlinks=True)
        try:
            yield place / "run"
        finally:
            shutil.rmtree(place, ignore_errors=True)

    def said(self, command: str, run: Path) -> Said:
        """What a command says of a record, and what it made of it."""
        place = run.parent
        values = {"run": str(run), "out": str(place), "study": str(self.study)}
        found = told(*(word.format(**values) for word in COMMANDS[command]))
        return Said(found.code, found.out, found.err, self._result(command, run, found), found.fault)

    def _result(self, command: str, run: Path, found: Said) -> str:
        if command == "simulate":
            return json.dumps([_sum(run / name) for name in TABLES])
        if command == "table":
            path = run.parent / "table.csv"
            return path.read_text().replace(str(run), "") if path.is_file() else ""
        if command == "verify":
            return str(found.code)
        # Where the record lies, and times, are no results.
        return found.out.replace(str(run), "") if command == "report" else ""

    def unharmed(self) -> bool:
        """Whether the files of others are as they were."""
        listed = sorted(str(path.relative_to(self.victim)) for path in self.victim.rglob("*"))
        kept = (self.victim / "models" / "model.safetensors").read_bytes() == b"weights of somebody else"
        return kept and listed == ["models", "models/model.safetensors", "paper.md"]


def harm(path: Path, how: str, others: list[Path], outside: Path, place: float = 0.5) -> bool:
    """Do something to a file; False where that is not possible. `others` are files of its kind, `outside` one of somebody."""
    data = path.read_bytes()
    spot = int((len(data) - 1) * place)
    if how == "flip":
        path.write_bytes(data[:spot] + bytes([data[spot] ^ 4]) + data[spot + 1 :])
    elif how == "digit":
        spots = [i for i, byte in enumerate(data) if 48 <= byte <= 57] if path.suffix != ".safetensors" else []
        if not spots:
            return False
        spot = spots[int((len(spots) - 1) * place)]
        path.write_bytes(data[:spot] + bytes([48 + (data[spot] - 47) % 10]) + data[spot + 1 :])
    elif how in ("truncate", "empty"):
        path.write_bytes(data[:spot] if how == "truncate" else b"")
    elif how == "swap":
        other = next((one for one in others if one.read_bytes() != data), None)
        if other is None:
            return False
        path.write_bytes(other.read_bytes())
        other.write_bytes(data)
    elif how in ("bytes", "nested", "digits"):
        bad = {"bytes": b"\xff\xfe\x80", "nested": b"[" * 100_000, "digits": b'{"seed": ' + b"9" * 5_000 + b"}"}
        path.write_bytes(bad[how])
    else:
        path.unlink()
        {
            "delete": lambda: None,
            "folder": path.mkdir,
            "link": lambda: path.symlink_to(outside),
            "loop": lambda: path.symlink_to(path),
            "pipe": lambda: os.mkfifo(path),
        }[how]()
    return True


def verdict(command: str, said: Said, reference: str, path: Path) -> str:
    """What is wrong with how a command met a damaged file: "unexpected", "hang", "silent", or nothing."""
    if said.fault:
        return said.fault.partition(" ")[0]
    if command in ("status", "gc") or said.code != 0 or said.result == reference:
        return ""
    # Said is what names the file, or its step.
    named = any(name in said.out + said.err for name in (path.name, path.parent.name, path.parent.parent.name[:12]))
    return "silent" if command == "simulate" or not named else ""


def resealed(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Change a sealed file and seal it again, as who forges it would."""
    content = read_sealed(path)
    change(content)
    write_sealed(path, content)


def rewritten(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Change a JSON file."""
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def nodes(run: Path) -> list[Path]:
    """The folders of the record's steps that have blobs."""
    return sorted(path.parent for path in (run / "store").glob("*/node.json"))


def _moved(path: Path, victim: Path) -> None:
    """Put a link to somebody's folder in the place of one of a record."""
    if path.is_dir():
        shutil.rmtree(path)
    path.symlink_to(victim / "models", target_is_directory=True)


def _lease(run: Path, name: str, **content: Any) -> None:
    (run / "store" / "claims").mkdir(exist_ok=True)
    (run / "store" / "claims" / f"{name}.json").write_text(json.dumps(content))


def _each_node(run: Path, change: Callable[[dict[str, Any]], None]) -> None:
    for folder in nodes(run):
        resealed(folder / "node.json", change)


def _first_life(study: dict[str, Any]) -> dict[str, Any]:
    return next(iter(study["lives"].values()))


UP = "../../../victim/models/model"
FORGERIES: dict[str, Callable[[Path, Path], None]] = {
    "a blob elsewhere": lambda run, _: _each_node(run, lambda node: node["blobs"].update(alive=UP)),
    "a blob that is a number": lambda run, _: _each_node(run, lambda node: node["blobs"].update(alive=7)),
    "blobs that are a list": lambda run, _: _each_node(run, lambda node: node.update(blobs=["x"])),
    "no facts": lambda run, _: _each_node(run, lambda node: node.pop("facts")),
    "rows that are text": lambda run, _: _each_node(run, lambda node: node.update(rows="x")),
    "rows of numbers": lambda run, _: _each_node(run, lambda node: node.update(rows=[1])),
    "tensors of another step": lambda run, _: _each_node(run, lambda node: node.update(blobs={})),
    "a step elsewhere": lambda run, _: rewritten(run / "study.json", lambda s: _first_life(s)["steps"].append(UP)),
    "steps of numbers": lambda run, _: rewritten(run / "study.json", lambda s: _first_life(s).update(steps=[1])),
    "a life without steps": lambda run, _: rewritten(run / "study.json", lambda s: _first_life(s).update(steps=[])),
    "a life of no group": lambda run, _: rewritten(run / "study.json", lambda s: _first_life(s).update(group="none")),
    "a life of a list": lambda run, _: rewritten(run / "study.json", lambda s: _first_life(s).update(group=[])),
    "lives that are a list": lambda run, _: rewritten(run / "study.json", lambda s: s.update(lives=[])),
    "groups that are text": lambda run, _: rewritten(run / "study.json", lambda s: s.update(groups="x")),
    "groups of nothing": lambda run, _: rewritten(run / "study.json", lambda s: s.update(groups={"life": None})),
    "a study elsewhere": lambda run, _: rewritten(run / "study.json", lambda s: s.update(name="../../victim")),
    "a study of markup": lambda run, _: rewritten(
        run / "study.json", lambda s: s.update(name="<script>x</script>[/x]\x1b[2J")
    ),
    "a seed of text": lambda run, _: rewritten(run / "study.json", lambda s: s.update(seed="x")),
    "a seed too large": lambda run, _: rewritten(run / "study.json", lambda s: s.update(seed=2**70)),
    "a seed below 0": lambda run, _: rewritten(run / "study.json", lambda s: s.update(seed=-1)),
    "individuals without end": lambda run, _: rewritten(run / "study.json", lambda s: s.update(individuals=10**12)),
    "tasks that are a list": lambda run, _: rewritten(run / "study.json", lambda s: s.update(tasks=[1])),
    "a task of a list": lambda run, _: rewritten(run / "study.json", lambda s: s.update(tasks={"sentiment": [1]})),
    "nodes of text": lambda run, _: rewritten(run / "study.json", lambda s: s.update(nodes={"x": "y"})),
    "pairs of text": lambda run, _: rewritten(run / "study.json", lambda s: s.update(pairs={"x": "y"})),
    "a pair elsewhere": lambda run, _: rewritten(run / "study.json", lambda s: s.update(pairs={UP: {"at": UP}})),
    "a timeline of numbers": lambda run, _: rewritten(run / "study.json", lambda s: s["groups"]["life"].update(timeline=[1])),
    "a scenario of text": lambda run, _: rewritten(run / "study.json", lambda s: s["groups"]["life"].update(scenario="x")),
    "a command of numbers": lambda run, _: rewritten(run / "study.json", lambda s: s.update(command=[1, {}])),
    "inputs of text": lambda run, _: rewritten(run / "study.json", lambda s: s.update(inputs={"x": "y"})),
    "data of numbers": lambda run, _: rewritten(run / "study.json", lambda s: s.update(data={"sentiment": 1})),
    "a list in place of the study": lambda run, _: (run / "study.json").write_text("[]") and None,
    "a list of probes": lambda run, _: rewritten(run / "dictionary.json", lambda d: d.update(probes=[1])),
    "a probe of text": lambda run, _: rewritten(run / "dictionary.json", lambda d: d.update(probes={"Score": "x"})),
    "an environment of lists": lambda run, _: (run / "environment.json").write_text('{"torch": [1], "threads": {}}') and None,
    "blobs as a link": lambda run, victim: _moved(run / "store" / "blobs", victim),
    "leases as a link": lambda run, victim: _moved(run / "store" / "claims", victim),
    "a step as a link": lambda run, victim: _moved(nodes(run)[0], victim),
    "evaluations as a link": lambda run, victim: _moved(next((run / "store").glob("*/looks")), victim),
    "examples as a link": lambda run, victim: _moved(run / "examples", victim),
    "a lease of text": lambda run, _: _lease(run, nodes(run)[0].name, pid="x", machine=[], digest=1),
    "a lease elsewhere": lambda run, _: _lease(run, nodes(run)[0].name, pid=1, host="h", digest=UP, token="t"),
    "a lease of a huge process": lambda run, _: _lease(run, nodes(run)[0].name, pid=10**30, host="h", digest="x", token="t"),
    "a row of a huge number": lambda run, _: _row(run, "measurements.jsonl", step=10**400),
    "a row of a list": lambda run, _: _row(run, "measurements.jsonl", group=["x"]),
    "a row of another individual": lambda run, _: _row(run, "measurements.jsonl", individual="x"),
    "a step row of text": lambda run, _: _row(run, "steps.jsonl", individual="x", step=None),
    "a contrast of text": lambda run, _: _row(run, "contrasts.jsonl", individual="x", value="y"),
    "a person of text": lambda run, _: _person(run, "seed", "x"),
    "a person of a huge seed": lambda run, _: _person(run, "seed", str(2**80)),
    "a checksum list of numbers": lambda run, _: write_sealed(run / "checksums.json", {"files": {"x": 1}}),
    "a checksum of a file elsewhere": lambda run, _: write_sealed(run / "checksums.json", {"files": {f"../{UP}": "0" * 64}}),
}
"""Records that somebody made to harm, or that a program wrote wrongly; each is a change to a copy, given others' folder."""


def _row(run: Path, table: str, **change: Any) -> None:
    path = run / table
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    rows[0].update(change)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def _person(run: Path, column: str, value: str) -> None:
    path = run / "participants.tsv"
    lines = [line.split("\t") for line in path.read_text().splitlines()]
    lines[1][lines[0].index(column)] = value
    path.write_text("".join("\t".join(line) + "\n" for line in lines))


def _sum(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""


def timed(work: Callable[[], Any]) -> tuple[Any, float]:
    """What some work returns, and its seconds."""
    begun = time.perf_counter()
    return work(), time.perf_counter() - begun
