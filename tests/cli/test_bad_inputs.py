"""A table of wrong inputs, each through the real command line: one clear message, exit code 2, no traceback."""

import json
import os
import re
import shutil
from pathlib import Path

import pytest

from lifespan.cli import main as cli

HEAD = """\
from lifespan import *
subject = Micro(layers=1, width=16, heads=2, feed_forward=32)
task = MicroTask("sentiment", train_examples=32, eval_examples=32)
def life(*events):
    return Study(name="tiny", groups={"all": Scenario(name="tiny", subject=subject, events=events)})
STEPS = 3
NAME = "tiny"
learn = Learn(task, by=Weights(steps=STEPS))
"""

# What the last line of a scenario file says -> what the message must say. Line 9 is where it stands.
IN_THE_FILE = {
    "misspelt name": ("study = life(Lern(task, by=Weights()))", ["'Lern': is not defined", "Did you mean 'Learn'?"]),
    "misspelt import": ("from lifespan import Magnitud", ["there is no such name", "Did you mean 'Magnitude'?"]),
    "unknown module": ("import lifespann", ["import lifespann: this Python has no such module"]),
    "unknown attribute": ("study = life(Age(to=task.titel, by=Random()))", ["no attribute 'titel'", "'title'"]),
    "unknown argument": (
        "study = life(Learn(task, by=Masks(sparcity=0.1)))",
        ["Masks(sparcity=...): there is no such argument", "Did you mean 'sparsity'?"],
    ),
    "missing argument": ("study = life(Age(to=0.5))", ["Age(...): the argument 'by' is missing", "Arguments: to, by"]),
    "argument without its name": ("study = life(Learn(task, by=Masks(0.1)))", ["Masks(...): takes its arguments by name"]),
    "class instead of object": (
        "study = life(Learn(task, by=Masks))",
        ["is a class, not an object", "Write Masks(...), with parentheses"],
    ),
    "measure class instead of object": ("study = life(learn, Probe(Score))", ["Probe(Score): is a class", "Write Score()"]),
    "event class instead of object": ("study = life(Develop)", ["events: Develop: is a class", "Write Develop(...)"]),
    "disorder that is not wrapped": ("study = life(WeightNoise())", ["is not an event", "Wrap it: Suffer(WeightNoise"]),
    "something else among the events": ("study = life(learn, 42)", ["events: 42: is not an event"]),
    "wrong family": ("study = life(Age(to=0.5, by=Weights()))", ["must be a Pruner", "For example: Magnitude()"]),
    "sparsity above 1": ("study = life(Age(to=1.4, by=Random()))", ["Age(to=1.4)", "must be a number in [0, 1)"]),
    "percent instead of fraction": (
        "study = life(Age(to=60, by=Random()))",
        ["Age(to=60): must be a number in [0, 1)", "For 60 percent write 0.6"],
    ),
    "sparsity as text": ("study = life(Age(to='half', by=Random()))", ["Age(to='half'): must be a number"]),
    "falling ages": (
        "study = life(Age(to=0.5, by=Random()), Age(to=0.3, by=Random()))",
        ["event 2, Age(to=0.3)", "sparsity already reached 0.5", "Order the ages by rising sparsity"],
    ),
    "recovery before learning": ("study = life(Recover(steps=5))", ["event 1", "Put a Learn before it"]),
    "negative steps": ("study = life(Learn(task, by=Weights(steps=-3)))", ["Weights(steps=-3): must be a whole number"]),
    "severity above 1": ("study = life(Suffer(WeightNoise(severity=2)))", ["WeightNoise(severity=2)", "[0, 1]"]),
    "rate of zero": ("study = life(Learn(task, by=Weights(rate=0)))", ["Weights(rate=0): must be a number above 0"]),
    "width that heads do not divide": ("study = life(); Micro(width=30)", ["Micro(width=30): must be a multiple of heads=4"]),
    "unknown micro task": ("study = life(Learn(MicroTask('sentimen'), by=Weights()))", ["Did you mean 'sentiment'?"]),
    "unknown GLUE task": ("study = life(Learn(Glue('mrcp'), by=Weights()))", ["Glue(name='mrcp')", "Did you mean 'mrpc'?"]),
    "study name with a slash": (
        "study = Study(name='my/study', groups={})",
        ["Study(name='my/study')", "letters, digits, dots", "my-study"],
    ),
    "study without groups": ("study = Study(name='none', groups={})", ["needs at least one group"]),
    "unknown control": (
        "study = Study(name='x', groups={'healthy': life(learn).groups['all']}, control='helthy')",
        ["Study(control='helthy')", "Did you mean 'healthy'?"],
    ),
    "function without its names": (
        "gradually(0.6, 6, lambda s: ())\nstudy = life(learn)",
        ["gradually(...): takes its arguments by name", "`lifespan show gradually` lists them"],
    ),
    "unknown argument of a function": (
        "gradually(to=0.6, in_step=6, each=lambda s: ())\nstudy = life(learn)",
        ["gradually(...)", "unexpected keyword argument 'in_step'"],
    ),
    "a model's name for a subject": (
        "study = Study(name='x', groups={'a': Scenario(name='x', subject='bert', events=())})",
        ["must be an Origin"],
    ),
    "any other exception": ("study = life(learn) if 1 / 0 else None", ["ZeroDivisionError: division by zero"]),
    "an exit": ("raise SystemExit(3)", ["a scenario file must not end the program"]),
    "an assertion": ("assert STEPS > 5, 'too short'", ["AssertionError: too short"]),
}

# Rules about a whole life are broken in line 5, where the file's head builds it.
OF_THE_WHOLE_LIFE = {
    "event class instead of object",
    "disorder that is not wrapped",
    "something else among the events",
    "falling ages",
    "recovery before learning",
}

# Text of a whole file -> what the message must say.
FILES = {
    "syntax error": ("study = Study(\nname='x'\ngroups={})\n", ["life.py, line 2", "name='x'", "not Python"]),
    "unclosed bracket": ("study = Study(name='x'", ["life.py, line 1", "was never closed"]),
    "empty file": ("", ["defines no study", "study = Study("]),
    "study of another kind": ("study = 3", ["`study` is of class int, but must be a Study"]),
    "two studies": (HEAD + "a = life(learn)\nb = life(learn)\n", ["several objects of class Study (a, b)"]),
    "two scenarios": (
        HEAD + "a = life(learn).groups['all']\nb = life().groups['all']\n",
        ["several objects of class Scenario (a, b)", "Group them"],
    ),
    "not text": (b"\xff\xfe\x00study", ["life.py: is not UTF-8 text"]),
    "null bytes": ("a\x00b", ["life.py"]),
}

# Arguments of the command line, `life.py` being a good scenario and `run` a finished run of it.
ARGUMENTS = {
    "no such command": (["simualte"], ["No such command 'simualte'", "Did you mean 'simulate'?"]),
    "no such option": (["simulate", "life.py", "--otu", "x"], ["No such option", "--out"]),
    "no such scenario": (["simulate", "first_lief"], ["neither a file nor a built-in", "Did you mean 'first_life'?"]),
    "no such file": (["simulate", "./lief.py"], ["there is no such scenario file", "Did you mean 'life.py'?"]),
    "a folder": (["simulate", "."], ["is a folder, not a scenario file", "life.py"]),
    "unknown setting": (
        ["plan", "life.py", "--set", "STEP=4"],
        ["--set STEP=4", "Did you mean 'STEPS'?", "STEPS=3, NAME='tiny'"],
    ),
    "setting of another kind": (["plan", "life.py", "--set", "STEPS=many"], ["must be a whole number", "At present it is 3"]),
    "setting that breaks a rule": (["plan", "life.py", "--set", "STEPS=0"], ["life.py, line 8", "Weights(steps=0)"]),
    "setting without a value": (["plan", "life.py", "--set", "STEPS"], ["must be NAME=VALUE", "For example: --set STEPS=3."]),
    "negative individuals": (["simulate", "life.py", "--individuals", "-2"], ["--individuals -2", "at least 1"]),
    "individuals as text": (["simulate", "life.py", "--individuals", "many"], ["--individuals", "integer"]),
    "no threads": (["simulate", "life.py", "--threads", "0"], ["--threads 0: must be a whole number"]),
    "too many threads": (
        ["simulate", "life.py", "--threads", "99999"],
        ["--threads 99999: must be a whole number from 1 to 512"],
    ),
    "too many workers": (
        ["simulate", "life.py", "--workers", "99999"],
        ["workers=99999: must be a whole number", "at most 512"],
    ),
    "every zero": (["simulate", "life.py", "--every", "0"], ["--every 0: must be a whole number"]),
    "unknown precision": (["plan", "life.py", "--precision", "fp23"], ["--precision fp23", "Did you mean 'fp32'?"]),
    "unknown device": (["simulate", "life.py", "--device", "gpu"], ["device 'gpu'", "must be cpu, cuda or cuda:N"]),
    "no such device": (["plan", "life.py", "--device", "cpu:1"], ["device 'cpu:1'", "must be cpu, cuda or cuda:N"]),
    "a built-in name as a file": (["plan", "first_life.py"], ["there is no such scenario file", "Did you mean 'first_life'?"]),
    "nothing at all": ([], ["Usage: lifespan [OPTIONS] COMMAND", "simulate"]),
    "report where nobody may write": (["report", "run", "--out", "life.py/x"], ["no folder that you may write", "--out"]),
    "nothing to resume": (
        ["simulate", "life.py", "--out", "new", "--resume"],
        ["holds no run to resume", "Leave out --resume"],
    ),
    "out is a file": (["simulate", "life.py", "--out", "life.py"], ["life.py: is a file, not a directory", "--out"]),
    "out inside a file": (["simulate", "life.py", "--out", "life.py/run"], ["cannot be written", "--out"]),
    "out where nobody may write": (["simulate", "life.py", "--out", "/proc/run"], ["cannot be written", "--out"]),
    "out holds other files": (["simulate", "life.py", "--out", "full"], ["holds other files and no study.json"]),
    "out holds another study": (["simulate", "other.py", "--out", "run"], ["holds the study 'tiny', not 'other'"]),
    "unknown family": (["list", "prunners"], ["prunners: is no family", "Did you mean 'pruners'?"]),
    "unknown name": (["show", "Maskss"], ["nothing built in has this name", "Did you mean 'Masks'?"]),
    "status of nothing": (["status", "nowhere"], ["nowhere: there is no such run directory"]),
    "status of a parent": (["status", "."], ["it has no study.json", "Did you mean run?"]),
    "report on nothing": (["report", "nowhere"], ["there is no such run directory"]),
    "report on an empty directory": (["report", "void"], ["is no run directory: it has no study.json"]),
    "report without a directory": (["report"], ["Missing argument", "DIR"]),
}


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A folder with `life.py`, `other.py`, a finished `run`, a `full` and a `void` folder."""
    place = tmp_path_factory.mktemp("finished")
    (place / "life.py").write_text(HEAD + "study = life(Develop(MicroText(number=50), steps=3), learn, Probe(Score()))\n")
    (place / "other.py").write_text((place / "life.py").read_text() + "study = Study(name='other', groups=study.groups)\n")
    (place / "void").mkdir()
    (place / "full").mkdir()
    (place / "full" / "thesis.doc").write_text("years of work")
    before = Path.cwd()
    os.chdir(place)
    try:
        with pytest.raises(SystemExit) as end:
            cli.main(["simulate", "life.py", "--out", "run", "--threads", "1", "--no-report"])
    finally:
        os.chdir(before)
    assert end.value.code == 0
    return place


@pytest.fixture
def place(finished, tmp_path, monkeypatch):
    """A copy of the finished folder to spoil, as working directory."""
    folder = tmp_path / "place"
    shutil.copytree(finished, folder)
    monkeypatch.chdir(folder)
    return folder


def check(result, sentences):
    code, out, err = result
    assert code == 2, out + err
    assert "Traceback" not in out + err
    told = re.sub(r"\s+", " ", err)
    for sentence in sentences:
        assert sentence in told, err


@pytest.mark.parametrize("case", IN_THE_FILE)
def test_inside_a_scenario(case, run, tmp_path, monkeypatch):
    line, sentences = IN_THE_FILE[case]
    monkeypatch.chdir(tmp_path)
    Path("life.py").write_text(HEAD + line + "\n")
    at = 5 if case in OF_THE_WHOLE_LIFE else HEAD.count("\n") + 1
    check(run("plan", "life.py"), [f"life.py, line {at}", *sentences])


@pytest.mark.parametrize("case", FILES)
def test_whole_files(case, run, tmp_path, monkeypatch):
    text, sentences = FILES[case]
    monkeypatch.chdir(tmp_path)
    Path("life.py").write_bytes(text if isinstance(text, bytes) else text.encode())
    check(run("simulate", "life.py"), sentences)


@pytest.mark.parametrize("case", ARGUMENTS)
def test_command_lines(case, run, place):
    arguments, sentences = ARGUMENTS[case]
    check(run(*arguments), sentences)


def test_the_source_line_is_shown(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("life.py").write_text(HEAD + "study = life(Age(to=60, by=Random()))\n")
    _, _, err = run("plan", "life.py")
    assert err == (
        "Error: life.py, line 9\n"
        "    study = life(Age(to=60, by=Random()))\n"
        "Age(to=60): must be a number in [0, 1).\n"
        "For 60 percent write 0.6.\n"
    )


def test_unknown_split(run, place):
    text = Path("life.py").read_text().replace("Score()", "Score(split='tset')")
    Path("life.py").write_text(text)
    check(run("simulate", "life.py", "--out", "new"), ["has no split 'tset'", "Splits: train, dev, test"])


def test_missing_glue(run, place, monkeypatch):
    monkeypatch.setenv("LIFESPAN_GLUE_DIR", str(place / "nowhere"))
    Path("life.py").write_text(HEAD + "study = life(Learn(Glue('rte'), by=Weights(steps=1)))\n")
    check(run("simulate", "life.py", "--out", "new"), ["LIFESPAN_GLUE_DIR", "there is no such folder", "RTE/train.tsv"])
    check(run("plan", "life.py"), ["LIFESPAN_GLUE_DIR", "there is no such folder"])


def test_a_table_without_its_column(run, place):
    Path("rows.csv").write_text("text,stars\ngood,1\nbad,0\n")
    Path("life.py").write_text(
        HEAD + "study = life(Learn(TableTask('rows.csv', name='r', first='txt', label='stars'), by=Weights(steps=1)))\n"
    )
    check(run("simulate", "life.py", "--out", "new"), ["rows.csv", "no column 'txt'", "Did you mean 'text'?"])


def test_a_missing_table(run, place):
    Path("life.py").write_text(HEAD + "study = life(Learn(TableTask('rows.csv', name='r', first='t'), by=Weights(steps=1)))\n")
    check(run("simulate", "life.py", "--out", "new"), ["rows.csv"])


def test_a_missing_model_folder(run, place):
    text = (HEAD + "study = life(learn)\n").replace(
        "Micro(layers=1, width=16, heads=2, feed_forward=32)", "Pretrained('./bert')"
    )
    Path("life.py").write_text(text)
    check(run("simulate", "life.py", "--out", "new"), ["Pretrained(name='./bert')", "there is no such folder"])


def test_a_foreign_record_is_refused_without_a_word_of_replacing_it(run, finished, monkeypatch):
    monkeypatch.chdir(finished)
    Path("third.py").write_text(HEAD + "study = life(learn)\nstudy = Study(name='third', groups=study.groups)\n")
    told = run("simulate", "third.py", "--out", "run")
    check(told, ["holds the study 'tiny', not 'third'"])
    assert "will be of this one" not in told[2]


@pytest.mark.parametrize("content", ["{", "[1]", "", '{"name": '])
def test_a_corrupt_study_file(content, run, place):
    Path("run/study.json").write_text(content)
    for command in (("simulate", "life.py", "--out", "run"), ("status", "run"), ("report", "run")):
        check(run(*command), ["study.json"])


def test_a_study_file_without_its_lives(run, place):
    known = json.loads(Path("run/study.json").read_text())
    del known["lives"]
    Path("run/study.json").write_text(json.dumps(known))
    check(run("status", "run"), ["does not name its lives", "simulate --resume"])


def test_a_corrupt_measurement(run, place):
    pytest.importorskip("lifespan.report.html")
    path = Path("run/measurements.jsonl")
    whole = path.read_bytes()
    path.write_text(path.read_text().replace("}", "", 1))
    check(run("report", "run"), ["measurements.jsonl, line 1", "is not a JSON row", "simulate --resume"])
    code, _, _ = run("simulate", "life.py", "--out", "run", "--resume", "--threads", 1, "--no-report")
    assert code == 0 and path.read_bytes() == whole


def test_a_corrupt_step_row(run, place):
    with open("run/steps.jsonl", "a") as file:
        file.write("{broken\n")
    check(run("plan", "life.py", "--out", "run"), ["steps.jsonl, line 4", "is not a JSON row"])


def test_a_corrupt_checkpoint_is_lived_again_with_the_same_rows(run, place):
    whole = run("simulate", "life.py", "--out", "longer", "--individuals", 1, "--threads", 1, "--no-report")
    assert whole[0] == 0
    for blob in Path("run/store/blobs").iterdir():
        data = bytearray(blob.read_bytes())
        data[len(data) // 2] ^= 1
        blob.write_bytes(bytes(data))
    text = Path("life.py").read_text().replace("Probe(Score())", "Probe(Score(), Sparsity())")
    Path("life.py").write_text(text)
    code, out, err = run("simulate", "life.py", "--out", "run", "--threads", 1, "--no-report")
    assert code == 0, err
    assert "warning: " in out and "does not match its checksum" in out and "lived again" in out
    expected = Path("longer/measurements.jsonl").read_text().splitlines()
    found = [row for row in Path("run/measurements.jsonl").read_text().splitlines() if '"Sparsity"' not in row]
    assert found == expected


def test_colours_stay_out_of_pipes_and_no_color_is_respected(run, monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    _, _, err = run("show", "Maskss")
    assert "\x1b" not in err
