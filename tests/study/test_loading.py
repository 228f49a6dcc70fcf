"""From scenario files and built-in names to studies."""

import subprocess
import sys

import pytest

from lifespan.cli import catalog
from lifespan.errors import ScenarioError
from lifespan.execution.engine import Job
from lifespan.execution.worker_process import assignment_for
from lifespan.study import loading
from lifespan.study.events import Age, Develop, Event
from lifespan.study.neighbours import user_modules
from lifespan.study.plan import compile_study
from lifespan.study.scenario import Scenario, Study

LIFE = """\
\"\"\"A short life.\"\"\"
from lifespan import Age, Develop, Magnitude, Micro, MicroText, Scenario, Study

STEPS = 5
SPARSITY: float = 0.5
KIND = "global"
TWICE = 2 * STEPS

healthy = Scenario(
    name="healthy",
    subject=Micro(layers=1, width=16, heads=2, feed_forward=32),
    events=(Develop(MicroText(number=50), steps=TWICE), Age(to=SPARSITY, by=Magnitude(scope=KIND))),
)
"""
STUDY = LIFE + 'study = Study(name="short", groups={"healthy": healthy})\n'


@pytest.fixture
def write(tmp_path):
    def written(text, name="life.py"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return str(path)

    return written


def test_a_study_is_loaded(write):
    study = loading.load(write(STUDY))
    assert isinstance(study, Study)
    assert study.name == "short"


def test_a_lone_scenario_becomes_a_study_of_one_group(write):
    study = loading.load(write(LIFE))
    assert (study.name, list(study.groups)) == ("healthy", ["healthy"])


def test_a_single_study_may_have_any_name(write):
    assert loading.load(write(LIFE + 'mine = Study(name="mine", groups={"a": healthy})\n')).name == "mine"


def test_settings_reach_what_is_derived_from_them(write):
    study = loading.load(write(STUDY), settings=["STEPS=7", "SPARSITY=0", "KIND=layer"])
    develop, age = study.groups["healthy"].events
    assert isinstance(develop, Develop) and develop.steps == 14
    assert isinstance(age, Age) and age.to == 0.0 and isinstance(age.to, float)
    assert age.by.scope == "layer"


def test_a_setting_equal_to_the_default_changes_no_digest(write):
    path = write(STUDY)
    assert loading.load(path, settings=["STEPS=5"]).digest() == loading.load(path).digest()


def test_overrides(write):
    study = loading.load(write(STUDY), individuals=3, precision="bf16")
    assert (study.individuals, study.precision) == (3, "bf16")


def test_classes_of_a_scenario_file_have_digests_that_know_no_path(write, tmp_path):
    own = """\
from __future__ import annotations
from dataclasses import dataclass
from typing import ClassVar
from lifespan import Disorder, Micro, Scenario, Suffer

@dataclass(frozen=True, kw_only=True)
class Storm(Disorder):
    \"\"\"A disorder of this file.\"\"\"
    flavour: ClassVar[str] = "x"
    force: float = 1.0

scenario = Scenario(name="own", subject=Micro(), events=(Suffer(Storm(force=2.0)),))
"""
    (tmp_path / "elsewhere").mkdir()
    first, second = loading.load(write(own)), loading.load(write(own, "elsewhere/other.py"))
    assert first.digest() == second.digest()
    disorder = first.to_data()["groups"]["own"]["events"][0]["disorder"]
    code = disorder.pop("source code")
    assert disorder == {"class": "scenario:Storm", "revision": 1, "force": 2.0} and len(code) == 64


def test_a_file_may_import_its_neighbour(write):
    write("def twice(x):\n    return 2 * x\n", "neighbour_of_life.py")
    path = write("from neighbour_of_life import twice\n" + STUDY.replace("2 * STEPS", "twice(STEPS)"))
    assert loading.load(path, settings=["STEPS=6"]).groups["healthy"].events[0].steps == 12
    sys.modules.pop("neighbour_of_life")


def lasting(path):
    return loading.load(str(path)).groups["healthy"].events[0].steps


def written_study(folder, line, value, file="study.py"):
    """A study whose STEPS come from a neighbour."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / file).write_text(STUDY.replace("STEPS = 5", f"{line}\nSTEPS = {value}"))
    return folder / file


def test_two_folders_have_each_its_own_helper(tmp_path):
    for number in (3, 4):
        (tmp_path / str(number)).mkdir()
        (tmp_path / str(number) / "helper_of_both.py").write_text(f"STEPS = {number}\n")
        path = written_study(tmp_path / str(number), "import helper_of_both", "helper_of_both.STEPS")
        assert lasting(path) == 2 * number
        assert user_modules()["helper_of_both"].__file__ == str(tmp_path / str(number) / "helper_of_both.py")
    (tmp_path / "4" / "helper_of_both.py").write_text("STEPS = 5\n")
    assert lasting(path) == 10, "an edited helper is read again"


def test_a_neighbour_may_be_called_scenario(tmp_path):
    (tmp_path / "scenario.py").write_text("from inner import STEPS\n")
    (tmp_path / "inner.py").write_text("STEPS = 6\n")
    assert lasting(written_study(tmp_path, "from scenario import STEPS as N", "N")) == 12
    assert loading.load(str(tmp_path / "study.py")).name == "short"
    assert set(user_modules()) == {"scenario", "inner"}


def test_a_link_finds_what_lies_beside_the_real_file(tmp_path):
    path = written_study(tmp_path / "real", "from beside_the_real_one import N", "N")
    (tmp_path / "real" / "beside_the_real_one.py").write_text("N = 7\n")
    link = tmp_path / "links" / "study.py"
    link.parent.mkdir()
    link.symlink_to(path)
    assert lasting(link) == 14


def test_a_neighbour_goes_before_an_installed_package_and_nobody_else_sees_it(tmp_path, monkeypatch):
    installed = tmp_path / "site-packages"
    (installed / "taken_name").mkdir(parents=True)
    (installed / "taken_name" / "__init__.py").write_text("N = 1\n")
    monkeypatch.syspath_prepend(installed)
    import taken_name

    own = tmp_path / "mine"
    path = written_study(own, "import taken_name, taken_name.part; N = taken_name.N + taken_name.part.M", "N")
    (own / "taken_name").mkdir()
    (own / "taken_name" / "__init__.py").write_text("N = 8\n")
    (own / "taken_name" / "part.py").write_text("from . import N\nM = N + 1\n")
    assert lasting(path) == 2 * 17
    assert sys.modules["taken_name"] is taken_name and "taken_name.part" not in sys.modules
    (own / "random.py").write_text("N = 1\n")
    assert lasting(written_study(own, "import random; N = random.Random(0).randint(5, 5)", "N")) == 10
    monkeypatch.delitem(sys.modules, "taken_name")


@pytest.mark.parametrize("line", ["from own_package.part import M", "from .part import M", "from . import part; M = part.M"])
def test_a_package_beside_the_file_may_import_from_itself(tmp_path, line):
    path = written_study(tmp_path, "from own_package import M", "M")
    (tmp_path / "own_package").mkdir()
    (tmp_path / "own_package" / "__init__.py").write_text(f"{line}\n")
    (tmp_path / "own_package" / "part.py").write_text("from own_package.number import M\n")
    (tmp_path / "own_package" / "number.py").write_text("M = 9\n")
    assert lasting(path) == 18
    assert set(user_modules()) == {"own_package", "own_package.part", "own_package.number"}
    for name in user_modules():
        sys.modules.pop(name)


def test_classes_of_helpers_travel_to_workers(tmp_path):
    (tmp_path / "own_disorder.py").write_text(
        "from dataclasses import dataclass\nfrom lifespan import Disorder\n\n"
        "@dataclass(frozen=True, kw_only=True)\nclass Storm(Disorder):\n    force: float = 1.0\n"
    )
    text = "from own_disorder import Storm\nfrom lifespan import Micro, Scenario, Suffer\n"
    path = tmp_path / "study.py"
    path.write_text(text + 'scenario = Scenario(name="own", subject=Micro(), events=(Suffer(Storm(force=2.0)),))\n')
    plan = compile_study(loading.load(str(path)), precision="fp32")
    order = assignment_for(plan, Job(tmp_path))
    told = "import sys, pickle; order = pickle.loads(sys.stdin.buffer.read()); print(order.study.digest())"
    found = subprocess.run([sys.executable, "-c", told], input=order, capture_output=True, check=True, cwd=tmp_path.parent)
    assert found.stdout.decode().strip() == plan.study.digest()


def test_constants_are_module_level_literals_in_capitals(write):
    source = loading.read_source(loading.find(write(STUDY)))
    assert source.constants == {"STEPS": 5, "SPARSITY": 0.5, "KIND": "global"}
    assert source.summary == "A short life."


@pytest.mark.parametrize("name", sorted(loading.builtin()))
def test_built_in_scenarios_load_and_say_what_they_are(name):
    if name == "beside_avalanche":
        pytest.importorskip("avalanche", reason="needs lifespan[avalanche]")
    study = loading.load(name)
    assert isinstance(study, Study)
    assert len(loading.read_source(loading.find(name)).summary) > 20


def test_first_life_is_built_in():
    assert "first_life" in loading.builtin()


def test_an_installed_package_finds_its_scenarios_beside_its_modules(tmp_path, monkeypatch):
    (tmp_path / "lifespan" / "built_in").mkdir(parents=True)
    (tmp_path / "scenarios").mkdir()
    (tmp_path / "lifespan" / "built_in" / "shipped.py").write_text("")
    (tmp_path / "scenarios" / "unrelated.py").write_text("")
    monkeypatch.setattr(loading, "__file__", str(tmp_path / "lifespan" / "study" / "loading.py"))
    assert list(loading.builtin()) == ["shipped"]


def test_every_exported_class_is_catalogued_with_a_summary():
    entries = catalog.everything()
    assert all(entry.summary for entry in entries)
    names = {entry.name for entry in entries}
    assert {"Micro", "Glue", "Masks", "Magnitude", "WeightNoise", "Score", "Probe", "TaskText", "first_life"} <= names


@pytest.mark.parametrize("entry", [e for e in catalog.everything() if e.kind is not None], ids=lambda entry: entry.name)
def test_every_class_has_a_signature(entry):
    text = catalog.signature(entry.kind)
    assert text.startswith(f"{entry.name}(") and "object at 0x" not in text
    assert text.count("\n") >= 2 or text.endswith("()")


def test_events_are_the_seven_verbs():
    names = [entry.name for entry in catalog.entries("events")]
    assert names == ["Develop", "Learn", "Age", "Recover", "Suffer", "Treat", "Probe"]
    assert issubclass(Age, Event) and not issubclass(Scenario, Event)


def test_find_ignores_case_and_suggests():
    assert catalog.find("masks").name == "Masks"
    with pytest.raises(ScenarioError, match="Did you mean 'Masks'"):
        catalog.find("Maskss")


def test_functions_and_contracts_are_found_by_name():
    assert catalog.find("gradually").family == "functions"
    assert catalog.signature(catalog.find("gradually").kind).startswith("gradually(\n    to: float,")
    assert catalog.find("Study").family == "studies" and catalog.find("Disorder").family == "contracts"
