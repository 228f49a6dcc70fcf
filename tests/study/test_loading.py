"""From scenario files and built-in names to studies."""

import sys

import pytest

from lifespan.cli import catalog
from lifespan.errors import ScenarioError
from lifespan.study import loading
from lifespan.study.events import Age, Develop, Event
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


def test_constants_are_module_level_literals_in_capitals(write):
    source = loading.read_source(loading.find(write(STUDY)))
    assert source.constants == {"STEPS": 5, "SPARSITY": 0.5, "KIND": "global"}
    assert source.summary == "A short life."


@pytest.mark.parametrize("name", sorted(loading.builtin()))
def test_built_in_scenarios_load_and_say_what_they_are(name):
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
