"""What was public in 0.1.0 is there still: the exported names unchanged, moved paths with a warning that names the new one."""

import subprocess
import sys
import warnings
from importlib import import_module
from pathlib import Path

import pytest

import lifespan
from lifespan import _deprecated

EXPORTED_IN_0_1 = (Path(__file__).parents[1] / "golden" / "exported_in_0_1.txt").read_text(encoding="utf-8").split()

TAUGHT_IN_0_1 = {
    "lifespan.affliction": "Companion Course Regimen",
    "lifespan.aggregates": "interquartile_interval interquartile_mean multi_bootstrap normalised probability_of_improvement",
    "lifespan.answers": "bits_needed bits_per_synapse error_overlap",
    "lifespan.dose_fits": "DoseFit fit_dose_response",
    "lifespan.growth": "Growth SlopeDifference growth",
    "lifespan.metrics": "accuracy f1 matthews pearson spearman",
    "lifespan.pack": "load_pack save_pack",
    "lifespan.power": "detectable_effect individuals_needed paired_power",
    "lifespan.recall": "half_lives memories",
    "lifespan.removal": "shrink sizes",
    "lifespan.scenario": "Age Between Develop Learn Probe Recover Scenario Study Suffer Treat",
    "lifespan.spec": "Spec",
    "lifespan.survival": "first_crossing kaplan_meier log_rank median_survival",
}
PACKAGES_NOW = [("lifespan.stats", name) for name in _deprecated.STATS]
PACKAGES_NOW += [("lifespan.record", name) for name in _deprecated.RECORD]


def test_every_exported_name_of_the_last_release_is_exported():
    assert len(EXPORTED_IN_0_1) == 188
    assert set(EXPORTED_IN_0_1) <= set(lifespan.__all__)


def test_the_tables_cover_what_was_taught():
    assert set(TAUGHT_IN_0_1) == set(_deprecated.MODULES)


@pytest.fixture
def forgotten(monkeypatch):
    """As in a new process: no old path was imported yet."""
    for old in _deprecated.MODULES:
        monkeypatch.delitem(sys.modules, old, raising=False)


@pytest.mark.parametrize("old", sorted(TAUGHT_IN_0_1))
def test_a_moved_module_is_the_new_one_and_warns(old, forgotten):
    new = _deprecated.MODULES[old]
    with pytest.warns(DeprecationWarning, match=f"{old} has moved to {new};") as caught:
        module = import_module(old)
    assert module is import_module(new)
    assert module.__name__ == new and module.__spec__.name == new
    assert [name for name in TAUGHT_IN_0_1[old].split() if not hasattr(module, name)] == []
    assert len(caught) == 1


def test_a_moved_module_does_not_warn_again(forgotten):
    with pytest.warns(DeprecationWarning):
        import_module("lifespan.recall")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        import_module("lifespan.recall")


@pytest.mark.parametrize(("package", "name"), PACKAGES_NOW)
def test_a_name_of_a_module_that_became_a_package_is_the_new_one_and_warns(package, name):
    new = {**_deprecated.STATS, **_deprecated.RECORD}[name]
    with pytest.warns(DeprecationWarning, match=f"{package}.{name} has moved to {new}.{name};"):
        found = getattr(import_module(package), name)
    assert found is getattr(import_module(new), name)


def test_the_warning_stands_at_the_users_line(tmp_path):
    script = tmp_path / "study.py"
    script.write_text("import lifespan\n\nfrom lifespan.power import paired_power\nfrom lifespan.stats import holm\n")
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=True)
    said = [line for line in done.stderr.splitlines() if "DeprecationWarning" in line]
    places = {line.partition(": DeprecationWarning")[0] for line in said}
    assert places == {f"{script}:3", f"{script}:4"}


def test_other_names_are_missing_as_ever():
    with pytest.raises(AttributeError, match=r"module 'lifespan\.stats' has no attribute 'hedges_h'"):
        import_module("lifespan.stats").hedges_h  # noqa: B018
    with pytest.raises(ImportError, match="cannot import name 'hedges_h'"):
        exec("from lifespan.stats import hedges_h")
    with pytest.raises(ModuleNotFoundError, match=r"No module named 'lifespan\.recal'"):
        import_module("lifespan.recal")


def test_the_finder_is_installed_once():
    _deprecated.install()
    assert sum(isinstance(finder, _deprecated.MovedModules) for finder in sys.meta_path) == 1
