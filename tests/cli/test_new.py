"""`lifespan new`: what it writes runs as it is, and nothing that is there is overwritten."""

import csv
import importlib
import runpy
import sys
from pathlib import Path

import pytest
from conftest import TASKS

from lifespan import MicroTask
from lifespan.cli import display
from lifespan.cli.guessing import guess, name_for
from lifespan.errors import UserError
from lifespan.study.loading import load


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An empty working folder; what is imported from it is forgotten afterwards."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(display.console, "width", 300)
    monkeypatch.setattr(display.errors, "width", 300)
    monkeypatch.setattr(sys, "path", [*sys.path])
    yield tmp_path
    for name in [name for name, module in sys.modules.items() if str(tmp_path) in str(getattr(module, "__file__", ""))]:
        del sys.modules[name]
    importlib.invalidate_caches()


def write_table(path, rows):
    with open(path, "w", newline="", encoding="utf-8") as file:
        csv.writer(file, delimiter="\t" if str(path).endswith(".tsv") else ",").writerows(rows)


def micro_table(path, task=TASKS[0]):
    """A table of 60 rows in words that the micro world's subject knows, no text in two of them."""
    examples = MicroTask(task.title.removeprefix("micro-")).examples("train")
    seconds = examples.second or examples.first
    apart = {other: (one, label) for one, other, label in zip(examples.first, seconds, examples.labels, strict=True)}
    rows = [
        [i, *([one] if examples.second is None else [one, other]), task.labels[label]]
        for i, (other, (one, label)) in enumerate(list(apart.items())[:60])
    ]
    texts = ["sentence"] if examples.second is None else ["premise", "hypothesis"]
    write_table(path, [["id", *texts, "verdict"], *rows])


def test_a_scenario_is_planned_and_lived_as_it_is(here, run):
    code, out, _ = run("new", "my_study")
    assert code == 0 and "Wrote my_study.py." in out and "lifespan simulate my_study.py" in out
    study = load("my_study.py")
    assert study.name == "my-study" and list(study.groups) == ["healthy", "struck"] and study.length == 32
    code, out, err = run("plan", "my_study.py")
    assert code == 0 and "suffer UnstableOptimizer" in out and err == "", "no length is at odds with another"
    small = ("--set", "CHILDHOOD_STEPS=4", "--set", "SCHOOL_STEPS=4", "--individuals", "1", "--no-report")
    code, out, _ = run("simulate", "my_study.py", *small)
    assert code == 0 and Path("runs/my-study/measurements.jsonl").is_file()


@pytest.mark.parametrize("task", TASKS, ids=["sentences", "pairs"])
def test_a_scenario_of_a_table_is_planned_and_lived_as_it_is(here, run, task):
    micro_table("data.csv", task)
    code, out, err = run("new", "my_data.py", "--task", "data.csv")
    assert code == 0, err
    assert "data.csv: 60 rows, 12 of them held out to score on" in out
    assert "labels: 'verdict' (the column with the fewest different values; 2 classes:" in out and "These are guesses" in out
    assert ("texts: 'premise' and 'hypothesis' (a pair" in out) == (task is TASKS[1])
    text = Path("my_data.py").read_text()
    assert load("my_data.py").groups["masks"].events[0].task.title == "data"
    code, planned, err = run("plan", "my_data.py")
    assert code == 0 and "learn data  20 steps" in planned and err == ""
    Path("my_data.py").write_text(text.replace("MiniLM", "Micro"))  # the same study, on a subject of a few thousand synapses
    code, out, err = run("simulate", "my_data.py", "--set", "STEPS=3", "--individuals", "1", "--no-report")
    assert code == 0, err
    assert "50% sparse" in out


@pytest.mark.parametrize("kind", ["disorder", "pruner", "learner", "probe"])
def test_a_method_of_ones_own_passes_the_test_that_comes_with_it(here, run, kind):
    code, out, _ = run("new", "own_method", f"--{kind}")
    assert code == 0 and "Wrote own_method.py and tests/test_own_method.py." in out
    assert "python -m pytest tests/test_own_method.py" in out and "lifespan show own_method.py:OwnMethod" in out
    tests = {name: test for name, test in runpy.run_path("tests/test_own_method.py").items() if name.startswith("test_")}
    assert "test_the_rules" in tests and len(tests) == 2
    for name, test in tests.items():
        test(here / "run") if "tmp_path" in test.__code__.co_varnames[: test.__code__.co_argcount] else test()
        assert name
    code, out, _ = run("show", "own_method.py:OwnMethod")
    assert code == 0 and "Overrides of" in out and "Cite: " in out


def test_a_class_never_takes_a_name_that_its_file_needs(here, run):
    run("new", "pruner", "--pruner")
    assert "class MyPruner(Pruner)" in Path("pruner.py").read_text()


WRONG = {
    "a file that is there": (["new", "taken"], ["taken.py: is there already; nothing is overwritten."]),
    "its test is there": (["new", "fresh", "--probe"], ["test_fresh.py: is there already"]),
    "no name of a module": (["new", "my-study"], ["letters, digits and underscores", "lifespan new my_study."]),
    "a keyword": (["new", "class"], ["letters, digits and underscores", "lifespan new my_class."]),
    "a path": (["new", "a/b"], ["letters, digits and underscores", "lifespan new b."]),
    "a module of Python's": (["new", "random"], ["would hide the installed module 'random'", "lifespan new my_random."]),
    "two things at once": (["new", "x", "--pruner", "--probe"], ["--pruner --probe: are different files", "one at a time"]),
    "a table and a method": (["new", "x", "--pruner", "--task", "t.csv"], ["--pruner --task: are different files"]),
    "a misspelt option": (["new", "x", "--prunner"], ["No such option: --prunner", "--pruner"]),
    "no name": (["new"], ["Missing argument", "NAME"]),
    "no table": (["new", "x", "--task", "tabel.csv"], ["tabel.csv: there is no such file", "Did you mean 'table.csv'?"]),
    "no format": (["new", "x", "--task", "table.xlsx"], ["is no table"]),
    "no label": (
        ["new", "x", "--task", "numbers.csv"],
        ["has no column that looks like a label", "'a' (such as '0')", "TableTask"],
    ),
    "no text": (["new", "x", "--task", "codes.csv"], ["has no column that looks like texts", "'code' (such as 'x0')"]),
    "a row without a label": (["new", "x", "--task", "hole.csv"], ["hole.csv, line 9", "the row has no label"]),
    "no rows": (["new", "x", "--task", "empty.csv"], ["empty.csv", "row"]),
}


@pytest.mark.parametrize(("command", "said"), WRONG.values(), ids=list(WRONG))
def test_wrong_input_is_one_message_and_writes_nothing(here, run, command, said):
    Path("taken.py").write_text("mine")
    Path("tests").mkdir()
    Path("tests/test_fresh.py").write_text("mine")
    write_table("table.csv", [["text", "label"], *([f"some words {i}", i % 2] for i in range(20))])
    Path("table.xlsx").write_bytes(b"PK")
    write_table("numbers.csv", [["a", "b"], *([i, i * i] for i in range(50))])
    write_table("codes.csv", [["code", "label"], *([f"x{i}", i % 2] for i in range(50))])
    write_table("hole.csv", [["text", "label"], *([f"some words {i}", "" if i == 7 else i % 2] for i in range(50))])
    write_table("empty.csv", [["text", "label"]])
    before = {path: path.read_bytes() for path in here.rglob("*") if path.is_file()}
    code, out, err = run(*command)
    assert code == 2 and "Traceback" not in err and out == ""
    for text in said:
        assert text in err, err
    assert {path: path.read_bytes() for path in here.rglob("*") if path.is_file()} == before


def guessed(rows, path="t.csv"):
    write_table(path, rows)
    found = guess(path)
    return found.first, found.second, found.label, found.scores


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([["label", "text"], *([i % 2, f"the film no {i}"] for i in range(40))], ("text", None, "label", None)),
        ([["ID", "Tweet", "Class"], *([i, f"words of {i}", "ab"[i % 2]] for i in range(40))], ("Tweet", None, "Class", None)),
        (
            [["score", "sentence1", "sentence2"], *([i / 8 + 0.3, f"one two {i}", f"two {i}"] for i in range(40))],
            ("sentence1", "sentence2", "score", (0.0, 6.0)),
        ),
        ([["text", "stars"], *([f"good number {i}", i % 5] for i in range(40))], ("text", None, "stars", None)),
        ([["a", "b", "c"], *([f"many words of {i}", i, "xyz"[i % 3]] for i in range(40))], ("a", None, "c", None)),
        (
            [["text", "target", "mark"], *([f"short {i}", f"a much longer target {i}", i % 2] for i in range(40))],
            ("text", None, "mark", None),
        ),
    ],
    ids=["by name", "capitals", "pair and score", "a scale as classes", "without names", "a text under a label's name"],
)
def test_columns_are_guessed(here, rows, expected):
    assert guessed(rows) == expected


def test_what_was_guessed_is_given_with_its_reason(here):
    rows = [["text", "stars"], *([f"good number {i} of many", 1 + i % 5] for i in range(40))]
    write_table("t.csv", rows)
    found = guess("t.csv")
    assert found.label_why == "by its name; 5 classes: '1', '2', '3', '4', ...; where they are a scale, write kind=\"score\""
    assert found.length == 16 and found.longest == "19 of 20 have at most 5 words"


def test_column_names_with_quotes_are_written_as_python(here, run):
    write_table("t.csv", [['the "text"', "it's"], *([f"some words {i}", "ab"[i % 2]] for i in range(40))])
    code, _, err = run("new", "odd", "--task", "t.csv")
    assert code == 0, err
    task = load("odd.py").groups["weights"].events[0].task
    assert (task.first, task.label) == ('the "text"', "it's")


@pytest.mark.parametrize(("path", "name"), [("a/My Data.v2.csv", "my-data"), ("Ä.csv", "task"), ("x_1.jsonl.gz", "x_1")])
def test_a_tasks_name_comes_from_its_file(path, name):
    assert name_for(path) == name


def test_all_or_nothing_is_written(here, run):
    Path("tests").write_text("a file where the folder should be")
    with pytest.raises(UserError):
        from lifespan.cli.new import new

        new("fresh", task=None, plug_ins=["probe"])
    assert not Path("fresh.py").exists()
