"""Engines on the command line: built-in ones, those of other packages, and what is said of a wrong one."""

import importlib
import sys
from importlib.metadata import EntryPoint, EntryPoints

import pytest

from lifespan.cli import engines
from lifespan.cli import simulate as command
from lifespan.cli.engines import engine_of
from lifespan.engines import Inline, Local
from lifespan.errors import ScenarioError
from lifespan.study import loading

MODULE = '''\
from dataclasses import dataclass

from lifespan.engines import Inline
from lifespan.execution.engine import Engine

LIVED = []


@dataclass(frozen=True, kw_only=True)
class Backwards(Inline):
    """Lives inline, and notes for whom."""

    queue: str = "all"

    def run(self, plan, job):
        LIVED.append((plan.study.name, self.queue))
        super().run(plan, job)


class Unfinished(Engine):
    """Has no run."""


a_number = 3
'''

LIFE = '''\
"""What the study asks."""
from lifespan import *

SEED = 0
subject = Micro(layers=1, width=16, heads=2, feed_forward=32)
study = Study(name="short", groups={"one": Scenario(name="one", subject=subject, events=(Probe(Sparsity()),))})
'''


@pytest.fixture
def third_party(tmp_path, monkeypatch):
    """A module `their_engines` in the current folder, which is not on the path of imports."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [place for place in sys.path if place])
    (tmp_path / "their_engines.py").write_text(MODULE)
    (tmp_path / "broken_engines.py").write_text("raise RuntimeError('no licence')\n")
    yield tmp_path
    for name in ("their_engines", "broken_engines"):
        sys.modules.pop(name, None)


@pytest.fixture
def offered(third_party, monkeypatch):
    """The same engines as entry points of an installed package."""
    values = {"backwards": "their_engines:Backwards", "gone": "their_engines:Gone", "local": "their_engines:Backwards"}
    points = EntryPoints(EntryPoint(name, value, engines.GROUP) for name, value in values.items())
    monkeypatch.setattr(engines, "entry_points", lambda group: points.select(group=group))
    monkeypatch.syspath_prepend(third_party)


def test_built_in_engines():
    assert engine_of(None, None) == Inline() == engine_of("inline", 1)
    assert engine_of(None, 3) == Local(workers=3) == engine_of("local", 3)


def test_an_engine_by_module_and_class(third_party):
    engine = engine_of("their_engines:Backwards", None, ["queue=gpu"])
    assert type(engine).__name__ == "Backwards" and engine.queue == "gpu"


def test_an_engine_by_entry_point_and_a_built_in_name_stays_the_built_in(offered):
    engine = engine_of("backwards", None, ["queue=gpu"])
    assert type(engine).__module__ == "their_engines" and engine.queue == "gpu"
    assert engine_of("local", 2) == Local(workers=2)


def test_a_command_lives_with_it_and_reads_the_scenario_and_compiles_the_plan_once(run, third_party, monkeypatch):
    simulation = importlib.import_module("lifespan.simulation")
    read, compiled = [], []
    read_source, compile_study = loading.read_source, simulation.compile_study
    for module in (loading, command):
        monkeypatch.setattr(module, "read_source", lambda path: read.append(path) or read_source(path))
    monkeypatch.setattr(simulation, "compile_study", lambda *a, **k: compiled.append(a) or compile_study(*a, **k))
    (third_party / "life.py").write_text(LIFE)
    engine = ("--engine", "their_engines:Backwards", "--engine-set", "queue=gpu")
    code, _, err = run("simulate", "life.py", "--no-report", "--threads", 1, *engine)
    assert code == 0, err
    assert sys.modules["their_engines"].LIVED == [("short", "gpu")]
    assert len(read) == 1 and len(compiled) == 1


@pytest.mark.parametrize(
    "name, settings, said",
    [
        ("lcoal", [], ["--engine lcoal: is not known here.", "Did you mean 'local'?", "--engine module:Class"]),
        ("backward", [], ["is not known here.", "Did you mean 'backwards'?", "inline, local, ray, slurm, backwards"]),
        ("gone", [], ["--engine gone: their_engines:Gone cannot be imported (AttributeError:", "Install its package"]),
        ("their_engines:", [], ["must read module:Class."]),
        ("their engines:Backwards", [], ["must read module:Class."]),
        ("no_such_module:Mine", [], ["no_such_module cannot be imported (ModuleNotFoundError: No module named"]),
        ("broken_engines:Mine", [], ["broken_engines cannot be imported (RuntimeError: no licence)."]),
        ("their_engines:Backward", [], ["has no 'Backward'.", "Did you mean 'Backwards'?"]),
        ("their_engines:a_number", [], ["is no engine.", "Write a subclass of lifespan.execution.engine.Engine"]),
        ("their_engines:Unfinished", [], ["is an engine without a `run` method."]),
        ("their_engines:Backwards", ["queu=gpu"], ["has no setting 'queu'.", "Did you mean 'queue'?"]),
        ("their_engines:Backwards", ["queue"], ["must read NAME=VALUE."]),
    ],
)
def test_a_wrong_engine_is_one_clear_message(offered, name, settings, said):
    with pytest.raises(ScenarioError) as refused:
        engine_of(name, None, settings)
    for part in said:
        assert part in str(refused.value)


def test_workers_of_an_engine_that_has_no_such_field(third_party):
    with pytest.raises(ScenarioError, match="--workers 2: the engine their_engines:Backwards has no number of workers"):
        engine_of("their_engines:Backwards", 2)
