"""`lifespan show`: classes of the user's own, and what a contract asks for."""

import sys

import pytest

from lifespan import Magnitude, Pruner, Score
from lifespan.cli import catalog, display
from lifespan.cli.hooks import contract_of, hooks, overridden

OWN = '''"""A disorder, and no study."""
from dataclasses import dataclass, replace

from lifespan import Disorder, Masks

LIMIT = 3


@dataclass(frozen=True, kw_only=True)
class Drowsiness(Disorder):
    """Learning slows down for a while.

    Native parameter: the share of the rate that is lost, equal to `severity`.
    """

    aetiology = "optimiser dynamics"
    citation = "@article{doe2020, author = {Doe, Jane}, title = {Sleep}, year = {2020}}"
    nap: int = 20

    def regimen(self, regimen, course):
        return replace(regimen, rate=regimen.rate * (1 - self.severity))

    def helper(self):
        return 1
'''


@pytest.fixture
def own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(display.console, "width", 400)
    (tmp_path / "sleepy_disorder.py").write_text(OWN)
    monkeypatch.setattr(sys, "path", [*sys.path])
    yield "sleepy_disorder"
    for name in ("sleepy_disorder", "scenario"):
        sys.modules.pop(name, None)


@pytest.mark.parametrize("suffix", [".py", ""], ids=["a file", "a module"])
def test_a_class_of_ones_own_is_shown_with_what_it_overrides(run, own, suffix):
    code, out, err = run("show", f"{own}{suffix}:Drowsiness")
    assert code == 0, err
    assert "Drowsiness (disorders)" in out and f"from {own} import Drowsiness" in out
    assert "severity: float = 0.5" in out and "nap: int = 20" in out
    assert "Native parameter: the share of the rate that is lost, equal to `severity`." in out
    assert "Overrides of Disorder" in out and "regimen(regimen, course)" in out and "helper" not in out
    assert "Cite: Doe, 2020." in out and "lines 9 to 24." in out


def test_a_built_in_class_may_be_named_by_its_module(run, own):
    code, out, _ = run("show", f"{own}.py:Masks")
    assert code == 0 and "from lifespan.learners.masks import Masks" in out and "Overrides of Learner" in out


WRONG = {
    "misspelt class": ("sleepy_disorder.py:Drowsines", ["has no class 'Drowsines'", "Did you mean 'Drowsiness'?"]),
    "misspelt class of a module": ("sleepy_disorder:drowsiness", ["has no class", "Did you mean 'Drowsiness'?"]),
    "misspelt file": ("sleepydisorder.py:Drowsiness", ["there is no such scenario file", "sleepy_disorder.py"]),
    "no class": ("sleepy_disorder.py:LIMIT", ["is int, not a class", "Known: Drowsiness."]),
    "no module": ("sleepy_disorders:Drowsiness", ["cannot be imported", "Install its package."]),
    "no name": ("a b:c", ["must read FILE.py:CLASS or MODULE:CLASS", "my_study.py:Drowsiness"]),
    "broken file": ("broken.py:X", ["broken.py, line 1", "not Python"]),
    "failing module": ("failing:X", ["failing cannot be imported (ZeroDivisionError", "Did you mean failing.py:X?"]),
    "without a file": ("Drowsiness", ["nothing built in has this name", "`lifespan show my_study.py:Name`"]),
}


@pytest.mark.parametrize(("name", "said"), WRONG.values(), ids=list(WRONG))
def test_what_cannot_be_shown_is_said(run, own, tmp_path, name, said):
    (tmp_path / "broken.py").write_text("class X(:\n")
    (tmp_path / "failing.py").write_text("1 / 0\n")
    code, _, err = run("show", name)
    assert code == 2 and "Traceback" not in err
    for text in said:
        assert text in err


def test_a_contract_lists_its_methods_with_their_signatures(run, monkeypatch):
    monkeypatch.setattr(display.console, "width", 400)
    for name, lines in {
        "Pruner": ["choose(subject: Subject, sparsity: float, streams: Streams, tasks: Sequence[Task])", "To be written."],
        "Measure": ["read(subject: Subject, tasks: Mapping[str, Task], streams: Streams)", "skills -> tuple[str, ...]"],
        "Learner": ["attach(subject: Subject, tasks: Sequence[Task], steps: int, streams: Streams) -> Plasticity"],
        "Plasticity": ["groups() -> list[dict[str, Any]]", "settle()"],
        "Disorder": ["strike(subject: Subject, streams: Streams) -> Mapping[str, float]", "penalty(course: Course)"],
        "Subject": ["from lifespan.contracts.subject import Subject", "wearing(task: str | None)"],
        "Streams": ["from lifespan.randomness import Streams", "torch(purpose: str, counter: int = 0"],
    }.items():
        code, out, _ = run("show", name)
        assert code == 0 and "Methods and properties" in out, name
        for line in lines:
            assert line in out, (name, line)
    assert "to_data" not in out and "require_fraction" not in out


def test_hooks_and_overrides():
    assert [hook.name for hook in hooks(Pruner)] == ["choose"] and hooks(Pruner)[0].abstract
    assert contract_of(Magnitude) is Pruner and contract_of(Pruner) is None
    assert [hook.name for hook in overridden(Magnitude)] == ["choose"]
    assert {hook.name for hook in overridden(Score)} == {"read", "effort"}, "bases between the class and its contract count"


def test_every_contract_can_be_shown(run):
    for entry in catalog.entries("contracts"):
        code, out, _ = run("show", entry.name)
        assert code == 0 and entry.name in out
