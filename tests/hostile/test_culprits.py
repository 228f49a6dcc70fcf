"""Whose fault an error is: only what a life did is its outcome; everything else stops the run and is tried again."""

import errno
import os
import sys
from dataclasses import dataclass

import pytest
import torch
from conftest import TASKS, TINY, rows_of, tiny_study, weights

from lifespan import Disorder, Learn, Micro, MicroText, Probe, Scenario, Score, Study, Suffer, UserError, simulate
from lifespan.cli.printer import Stream
from lifespan.culprits import machine_error
from lifespan.errors import DataError, MachineError, RecordError, ScenarioError
from lifespan.execution.observer import Observer
from lifespan.study.schedules import gradually

TROUBLE: list = []
"""What the disorder below raises: nothing where it is empty."""


@dataclass(frozen=True, kw_only=True)
class Troubled(Disorder):
    """Meets whatever the machine is up to."""

    def strike(self, subject, streams):
        for error in TROUBLE:
            raise error
        return {}


def study():
    events = (Learn(TASKS[0], by=weights(2)), Suffer(Troubled()), Probe(Score()))
    return tiny_study(life=Scenario(name="life", subject=TINY, events=events))


@pytest.fixture(autouse=True)
def calm():
    TROUBLE.clear()
    yield
    TROUBLE.clear()


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    directory = tmp_path_factory.mktemp("whole")
    simulate(study(), directory, threads=1)
    return rows_of(directory)


def wrapped(error, cause):
    error.__cause__ = cause
    return error


OF_THE_MACHINE = {
    "memory": (MemoryError(), "there is not enough memory", "Lower batch_size"),
    "torch's memory": (
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory"),
        "not enough memory",
        "Lower",
    ),
    "the GPU's memory": (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"), "not enough memory", "Lower"),
    "a full disk": (OSError(errno.ENOSPC, "No space left on device", "x.bin"), "x.bin: the system refuses it", "Free some"),
    "open files": (OSError(errno.EMFILE, "Too many open files"), "Too many open files", "ulimit -n"),
    "permissions": (PermissionError(errno.EACCES, "Permission denied", "x.bin"), "Permission denied", "permissions"),
    "a broken pipe": (BrokenPipeError(errno.EPIPE, "Broken pipe"), "Broken pipe", "run the command again"),
    "a lost file": (FileNotFoundError(errno.ENOENT, "No such file or directory", "rows.csv"), "rows.csv", "run the command"),
    "a loop": (RuntimeError("Symlink loop from 'out/store'"), "out/store: its links lead in a circle", "Remove them"),
    "threads": (RuntimeError("can't start new thread"), "refuses more threads", "Lower --threads"),
    "a device": (RuntimeError("CUDA error: an illegal memory access was encountered"), "the device failed", "Check it"),
    "a package": (
        ModuleNotFoundError("No module named 'peft'", name="peft"),
        "the package peft cannot be imported",
        "Install",
    ),
    "a wrapped error": (wrapped(ValueError("odd"), OSError(errno.EIO, "Input/output error", "x")), "Input/output", "disk"),
}


@pytest.mark.parametrize("error, what, remedy", OF_THE_MACHINE.values(), ids=OF_THE_MACHINE)
def test_errors_of_the_machine_are_said_with_what_to_do(error, what, remedy):
    found = machine_error(error)
    assert isinstance(found, MachineError) and what in str(found) and remedy in found.remedy


@pytest.mark.parametrize("error", [ValueError("x"), RuntimeError("a hook broke"), KeyError("x"), ScenarioError("x", "y")])
def test_other_errors_are_not_the_machines(error):
    assert machine_error(error) is None


@pytest.mark.parametrize("error", [DataError("rows.csv", "is empty."), RecordError("store", "is damaged.")])
def test_data_and_records_are_said_as_they_are(error):
    assert machine_error(error) is error


@pytest.mark.parametrize("name", ["memory", "a full disk", "a package"])
def test_the_machine_stops_a_run_and_nothing_is_lost(tmp_path, whole, name):
    TROUBLE.append(OF_THE_MACHINE[name][0])
    with pytest.raises(MachineError, match=OF_THE_MACHINE[name][1]):
        simulate(study(), tmp_path, threads=1)
    assert not list((tmp_path / "store").glob("*/ended.json"))
    assert "pending" in (tmp_path / "participants.tsv").read_text()
    TROUBLE.clear()
    assert simulate(study(), tmp_path, threads=1).done == 1
    assert rows_of(tmp_path) == whole


def test_data_that_cannot_be_read_stops_a_run(tmp_path):
    TROUBLE.append(DataError("rows.csv", "is no table."))
    with pytest.raises(DataError, match="is no table"):
        simulate(study(), tmp_path, threads=1)
    assert not list((tmp_path / "store").glob("*/ended.json"))


@pytest.mark.parametrize("error", [ValueError("odd"), SystemExit(0)])
def test_what_a_life_did_is_its_outcome(tmp_path, error):
    TROUBLE.append(error)
    assert simulate(study(), tmp_path, threads=1).failed == 1
    assert f"{type(error).__name__}: {error}" in (tmp_path / "participants.tsv").read_text()


def test_a_defect_outside_of_lives_is_no_outcome(tmp_path, monkeypatch):
    monkeypatch.setattr("lifespan.record.store.Store.save_node", lambda *_: {}["missing"])
    with pytest.raises(KeyError, match="missing"):
        simulate(study(), tmp_path, threads=1)
    assert not list((tmp_path / "store").glob("*/ended.json"))


@dataclass(frozen=True, kw_only=True)
class Unborn(Micro):
    """Cannot be built."""

    def build(self, streams):
        raise TypeError("no such layer")


def test_a_subject_that_cannot_be_built_is_the_inputs_fault(tmp_path):
    broken = tiny_study(life=Scenario(name="life", subject=Unborn(), events=()))
    with pytest.raises(ScenarioError, match=r"Unborn\(\): cannot be built \(TypeError: no such layer\)"):
        simulate(broken, tmp_path, threads=1)
    assert not list(tmp_path.glob("store/*/ended.json"))


class Deaf(Observer):
    """Breaks while a life is being lived."""

    def advances(self, done, steps, loss):
        raise ValueError("cannot draw")


def test_an_observer_that_breaks_harms_no_life(tmp_path, whole):
    with pytest.raises(ValueError, match="cannot draw"):
        simulate(study(), tmp_path, threads=1, observer=Deaf())
    assert not list((tmp_path / "store").glob("*/ended.json"))
    simulate(study(), tmp_path, threads=1)
    assert rows_of(tmp_path) == whole


class Full:
    """A stream on a full disk."""

    encoding, errors = "utf-8", "strict"

    def __init__(self, number=errno.ENOSPC):
        self.number = number

    def write(self, text):
        raise OSError(self.number, os.strerror(self.number))

    flush = isatty = fileno = lambda self: self.write("")


LIFE = """
from lifespan import *
life = Scenario(name="x", subject=Micro(layers=1, width=16, heads=2, feed_forward=32), events=())
study = Study(name="short", groups={"é": life})
"""


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EPIPE, errno.EIO])
def test_a_simulation_whose_output_cannot_be_written_is_done_all_the_same(tmp_path, run, monkeypatch, number):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "life.py").write_text(LIFE)
    with monkeypatch.context() as broken:
        broken.setattr(sys, "stdout", Full(number))
        code, _, err = run("simulate", "life.py", "--no-report", "--threads", 1, "--workers", 1, "--engine", "inline")
    assert code == 0, err
    assert ("standard output: cannot be written" in err) == (number != errno.EPIPE) and "unexpected" not in err
    assert "é-000" in (tmp_path / "runs" / "short" / "participants.tsv").read_text()
    with monkeypatch.context() as broken:
        broken.setattr(sys, "stdout", Full(number))
        assert run("status", "runs/short")[0] == (1 if number == errno.EPIPE else 2)


def test_characters_that_an_encoding_lacks_are_written_as_escapes(monkeypatch, tmp_path):
    with open(tmp_path / "out", "w", encoding="ascii") as file:
        monkeypatch.setattr(sys, "stdout", file)
        stream = Stream("stdout")
        stream.write("caf\u00e9 \U0001f9e0")
        stream.flush()
        monkeypatch.undo()
    assert (tmp_path / "out").read_text() == "caf\\xe9 \\U0001f9e0" and stream.error is None


def test_a_stream_that_is_closed_is_no_error(monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)
    stream = Stream("stdout")
    stream.write("x")
    stream.flush()
    assert not stream.isatty() and stream.encoding == "utf-8" and stream.error is None


def test_simulate_fails_while_a_life_is_pending(tmp_path, run, monkeypatch):
    from lifespan.engines.inline import Inline

    monkeypatch.chdir(tmp_path)
    (tmp_path / "life.py").write_text(LIFE)
    monkeypatch.setattr(Inline, "run", lambda self, plan, job: None)
    code, _, err = run("simulate", "life.py", "--no-report", "--threads", 1, "--engine", "inline")
    assert code == 1 and "1 individual of 1 did not live to the end" in err


HUGE = 10**5000
ABSURD = {
    "individuals": lambda: Study(name="x", groups={"a": Scenario(name="x", subject=TINY, events=())}, individuals=10**9),
    "lives": lambda: Study(
        name="x", groups={str(n): Scenario(name="x", subject=TINY, events=()) for n in range(11)}, individuals=100_000
    ),
    "digits": lambda: Study(name="x", groups={"a": Scenario(name="x", subject=TINY, events=())}, individuals=HUGE),
    "layers": lambda: Micro(layers=10**6),
    "width": lambda: Micro(width=10**9, heads=1),
    "passages": lambda: MicroText(number=10**12),
    "schedule": lambda: gradually(to=0.5, in_steps=10**9, each=lambda to: ()),
    "schedule's digits": lambda: gradually(to=0.5, in_steps=HUGE, each=lambda to: ()),
    "steps": lambda: weights(HUGE),
}


@pytest.mark.parametrize("made", ABSURD.values(), ids=ABSURD)
def test_absurd_sizes_are_refused_where_they_are_typed(made):
    with pytest.raises(UserError, match="at most"):
        made()


def test_a_subject_that_this_machine_cannot_hold_is_refused_before_it_is_built(tmp_path):
    large = Micro(layers=1000, width=2**17, heads=1, feed_forward=2**17)
    with pytest.raises(MachineError, match=r"needs about [\d,]+ GiB to learn; this machine has"):
        simulate(tiny_study(life=Scenario(name="x", subject=large, events=())), tmp_path)
