"""Data and code that change under a record: in one process, one directory, one shared store, and over two records."""

import csv
import json
import os
import shutil

import pytest
from conftest import tiny_life, tiny_study

from lifespan import (
    Age,
    Develop,
    Glue,
    Learn,
    Magnitude,
    Micro,
    MicroText,
    Paws,
    Probe,
    Scenario,
    Score,
    Study,
    TableTask,
    TaskText,
    TextFiles,
    UserError,
    Weights,
    simulate,
)
from lifespan.analysis.cohort import gather
from lifespan.analysis.makers import makers
from lifespan.engines.inline import Observer
from lifespan.engines.local import Local
from lifespan.errors import RecordError
from lifespan.record.files import read_sealed, write_sealed
from lifespan.record.record import read
from lifespan.record.shared_store import find_garbage, remove
from lifespan.simulation import plan_for
from lifespan.study import loading

SMALL = Micro(width=16, layers=1, heads=2, feed_forward=16)


def write_table(path, *, swapped=False, rows=24):
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["text", "label"])
        for i in range(rows):
            out.writerow([f"the food was {'splendid' if i % 2 else 'awful'}", int(bool(i % 2) != swapped)])


def study_of(folder, name="food"):
    task = TableTask(folder / "train.csv", name="reviews", first="text", dev=folder / "dev.csv", classes=("0", "1"))
    events = (
        Develop(MicroText(number=40), steps=2, batch_size=8),
        Learn(task, by=Weights(steps=40, rate=1e-2, batch_size=8), length=16),
        Probe(Score(length=16)),
        Age(to=0.1, by=Magnitude()),
    )
    return Study(name=name, groups={"one": Scenario(name="one", subject=SMALL, events=events)})


def scores(directory):
    """(accuracy, rows) of each evaluation."""
    rows = read(directory).measurements()
    rows = rows[rows["probe"] == "Score"]
    return list(zip(rows["value"], rows["n"], strict=True))


@pytest.fixture
def data(tmp_path):
    write_table(tmp_path / "data" / "train.csv", rows=40)
    write_table(tmp_path / "data" / "dev.csv")
    return tmp_path / "data"


def test_one_process_reads_a_table_that_was_rewritten(data, tmp_path):
    simulate(study_of(data), tmp_path / "a")
    write_table(data / "dev.csv", swapped=True, rows=20)
    simulate(study_of(data), tmp_path / "b")
    assert (scores(tmp_path / "a"), scores(tmp_path / "b")) == ([(1.0, 24)], [(0.0, 20)])


def test_one_directory_says_what_changed_and_does_as_it_is_told(data, tmp_path):
    out = tmp_path / "run"
    simulate(study_of(data), out)
    before = {path: path.read_bytes() for path in out.glob("*.json*")}
    write_table(data / "dev.csv", swapped=True, rows=20)
    os.utime(data / "dev.csv", (1.7e9, 1.7e9))
    said = r"dev.csv \(task reviews, dev\) changed on 2023-11-1\d \d\d:\d\d: 1 of 3 events are affected; "
    said += r"0 are lived anew, 1 evaluated again\. --rerun-changed .*; --keep "
    with pytest.raises(RecordError, match=said):
        simulate(study_of(data), out)
    assert simulate(study_of(data), out, changed="keep").done == 1
    assert {path: path.read_bytes() for path in out.glob("*.json*")} == before
    learned = read(out).steps()["digest"].tolist()
    simulate(study_of(data), out, changed="rerun")
    assert scores(out) == [(0.0, 20)] and read(out).steps()["digest"].tolist() == learned
    simulate(study_of(data), out)


def test_what_was_learned_of_changed_rows_is_learned_anew(data, tmp_path):
    out = tmp_path / "run"
    simulate(study_of(data), out)
    old = read(out).steps()["digest"].tolist()
    write_table(data / "train.csv", swapped=True, rows=40)
    with pytest.raises(RecordError, match=r"train.csv .* 2 of 3 events are affected; 2 are lived anew\."):
        simulate(study_of(data), out)
    simulate(study_of(data), out, changed="rerun")
    new = read(out).steps()["digest"].tolist()
    assert scores(out) == [(0.0, 24)]
    assert new[:2] == old[:2] and not set(new[2:]) & set(old[2:]), "birth and development read no table"
    assert all((out / "store" / digest / "node.json").exists() for digest in old), "until gc"
    remove(find_garbage(out))
    assert {path.name for path in (out / "store").iterdir() if len(path.name) == 64} == set(new)


def test_gc_removes_evaluations_on_what_the_data_were(data, tmp_path):
    simulate(study_of(data), tmp_path / "run")
    write_table(data / "dev.csv", rows=20)
    simulate(study_of(data), tmp_path / "run", changed="rerun")
    found = lambda: list((tmp_path / "run" / "store").glob("*/looks/*"))  # noqa: E731
    assert len(found()) == 2
    remove(find_garbage(tmp_path / "run"))
    assert len(found()) == 1 and scores(tmp_path / "run") == [(1.0, 20)]
    simulate(study_of(data), tmp_path / "run")
    assert scores(tmp_path / "run") == [(1.0, 20)]


def test_one_store_keeps_two_projects_apart(tmp_path, monkeypatch):
    for name, swapped in (("a", False), ("b", True)):
        for table in ("train", "dev"):
            write_table(
                tmp_path / name / f"{table}.csv", rows=24 if table == "train" else 12, swapped=swapped and table == "dev"
            )
    task = TableTask("train.csv", name="reviews", first="text", dev="dev.csv")
    events = (Learn(task, by=Weights(steps=40, rate=1e-2, batch_size=8), length=16), Probe(Score(length=16)))
    study = Study(name="food", groups={"one": Scenario(name="one", subject=SMALL, events=events)})
    for name in ("a", "b"):
        monkeypatch.chdir(tmp_path / name)
        simulate(study, tmp_path / name / "run", store=tmp_path / "store")
    assert scores(tmp_path / "a" / "run") == [(1.0, 12)] and scores(tmp_path / "b" / "run") == [(0.0, 12)]
    with pytest.raises(RecordError, match=r"read other data than .*: task reviews, dev\. .* no twins"):
        gather([read(tmp_path / name / "run") for name in ("a", "b")])
    for name in ("a", "b"):
        study_file = tmp_path / name / "run" / "study.json"
        content = json.loads(study_file.read_text())
        del content["inputs"], content["nodes"]
        study_file.write_text(json.dumps(content))
    with pytest.raises(RecordError, match=r"read other data than .*: task reviews\. "):
        gather([read(tmp_path / name / "run") for name in ("a", "b")])


def test_two_records_of_the_same_data_are_compared(data, tmp_path):
    simulate(study_of(data), tmp_path / "a")
    simulate(study_of(data, name="other"), tmp_path / "b")
    assert len(gather([read(tmp_path / name) for name in ("a", "b")]).groups) == 2


OWN = """\
from dataclasses import dataclass
from lifespan import *
import weather_beside

@dataclass(frozen=True, kw_only=True)
class Fog(Disorder):
    def strike(self, subject, streams):
        return {"fog": 1.0 + weather_beside.density()}

life = Scenario(name="one", subject=Micro(width=16, layers=1, heads=2, feed_forward=16), events=(Suffer(Fog()),))
study = Study(name="fog", groups={"one": life})
"""


def fog(directory):
    rows = read(directory).measurements()
    return rows[rows["metric"] == "fog"]["value"].tolist()


@pytest.fixture
def weather(tmp_path, monkeypatch):
    import sys

    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    (tmp_path / "fog.py").write_text(OWN)
    (tmp_path / "weather_beside.py").write_text("def density():\n    return 1.0\n")
    yield tmp_path
    sys.modules.pop("weather_beside", None)


def reloaded(folder):
    import sys

    sys.modules.pop("weather_beside", None)
    return loading.load(str(folder / "fog.py"))


@pytest.mark.parametrize(("file", "old", "new"), [("fog.py", "1.0 +", "3.0 +"), ("weather_beside.py", "1.0", "3.0")])
def test_edited_code_is_not_what_was_lived(weather, file, old, new):
    simulate(reloaded(weather), weather / "run", store=weather / "store")
    (weather / file).write_text((weather / file).read_text().replace(old, new))
    with pytest.raises(
        RecordError, match=rf"{file} \(class scenario:Fog, .*\) changed on .*: 1 of 1 events are affected; 1 are"
    ):
        simulate(reloaded(weather), weather / "run")
    simulate(reloaded(weather), weather / "other", store=weather / "store")
    simulate(reloaded(weather), weather / "run", changed="rerun")
    assert fog(weather / "other") == fog(weather / "run") == [4.0]


@pytest.mark.slow
def test_a_worker_that_sees_no_source_comes_to_the_same_plan(weather):
    simulate(reloaded(weather), weather / "run", engine=Local(workers=1))
    assert fog(weather / "run") == [2.0]


class Meddler(Observer):
    """Rewrites a file while a step is being lived."""

    def __init__(self, stage, act):
        self.stage, self.act = stage, act

    def step_begins(self, life, step):
        if step.event.label.startswith(self.stage):
            self.act()


def test_a_file_that_changes_while_it_is_read_leaves_no_trace(data, tmp_path):
    meddler = Meddler("learn", lambda: write_table(data / "train.csv", swapped=True, rows=40))
    with pytest.raises(RecordError, match=r"train.csv: was changed while the study was being lived"):
        simulate(study_of(data), tmp_path / "run", observer=meddler)
    assert [row["status"] for _, row in read(tmp_path / "run").steps().iterrows()] == ["done", "done", "pending"]
    simulate(study_of(data), tmp_path / "run")
    assert scores(tmp_path / "run") == [(0.0, 24)]


def without_inputs(directory):
    """Make a record one of before it kept what it had read."""
    content = json.loads((directory / "study.json").read_text())
    for name in ("inputs", "nodes", "pairs", "between"):
        content.pop(name)
    for group in content["groups"].values():
        group.pop("whole")
    (directory / "study.json").write_text(json.dumps(content))
    for path in (directory / "store").glob("*/node.json"):
        node = read_sealed(path)
        node.pop("made")
        write_sealed(path, node)


def test_an_old_record_of_the_built_in_world_goes_on_without_a_word(tmp_path):
    study = tiny_study(a=tiny_life())
    simulate(study, tmp_path)
    rows = (tmp_path / "measurements.jsonl").read_bytes()
    without_inputs(tmp_path)
    read(tmp_path)
    simulate(study, tmp_path)
    assert (tmp_path / "measurements.jsonl").read_bytes() == rows


def test_an_old_record_of_data_is_not_taken_for_one_of_these_data(data, tmp_path):
    out = tmp_path / "run"
    simulate(study_of(data), out)
    without_inputs(out)
    content = json.loads((out / "study.json").read_text())
    life = content["lives"]["one-000"]["steps"]
    for number in (2, 3):  # As digests were before data were part of them.
        shutil.copytree(out / "store" / life[number], out / "store" / f"{number:064d}")
        life[number] = f"{number:064d}"
    (out / "study.json").write_text(json.dumps(content))
    with pytest.raises(RecordError, match=r"made before what is read was part of a step's identity\. 2 of 3 events"):
        simulate(study_of(data), out)
    simulate(study_of(data), out, changed="rerun")
    simulate(study_of(data), out)


def test_every_step_says_who_lived_it_and_a_mixture_is_said(data, tmp_path):
    out = tmp_path / "run"
    said = []
    observer = Observer()
    observer.warns = said.append
    study = study_of(data)
    simulate(study, out, threads=1, observer=observer)
    steps = read(out).steps()
    assert steps["version"].nunique() == 1 and steps["torch"].notna().all() and set(steps["threads"]) == {1}
    assert makers(steps, "food")[0].startswith("food: each of its 4 distinct steps was lived with lifespan ")
    assert not any("threads" in text for text in said)
    said.clear()
    path = out / "store" / steps["digest"].iloc[1] / "node.json"
    node = read_sealed(path)
    node["made"].update(threads=2, lifespan="0.0.9")
    write_sealed(path, node)
    simulate(study, out, threads=1, observer=observer)
    assert said == [
        "1 of 4 events are lived already, with 2 threads, and this goes on with 1: rows are the same bit for bit at equal "
        "threads alone. --threads 2 keeps to one."
    ]
    told = makers(read(out).steps(), "food")[0]
    assert told.startswith("food: mixed versions of lifespan and threads. Of its 4 distinct steps, 3 with lifespan ")
    assert "1 with lifespan 0.0.9" in told and "2 threads of torch" in told


def test_study_json_holds_every_spec_whole(data, tmp_path):
    simulate(study_of(data), tmp_path / "run")
    study = read(tmp_path / "run").study
    learn = study["groups"]["one"]["whole"]["events"][1]
    assert learn["by"]["head_rate"] is None and "head_rate" not in study["groups"]["one"]["scenario"]["events"][1]["by"]
    nodes = [study["nodes"][digest] for digest in study["lives"]["one-000"]["steps"]]
    assert [node["inputs"] for node in nodes] == [[], [], ["task reviews, train"], []]
    assert sorted(next(iter(nodes[2]["looks"].values()))) == ["task reviews, dev", "task reviews, train"]
    assert study["inputs"]["task reviews, dev"]["path"] == str(data / "dev.csv")


def test_rows_are_read_again_where_their_files_changed(tmp_path, monkeypatch):
    def told(task, split="dev"):
        return task.examples(split).first

    rte = tmp_path / "glue" / "RTE"
    rte.mkdir(parents=True)
    paws = tmp_path / "robustness" / "paws_qqp_dev_and_test.tsv"
    paws.parent.mkdir()
    letters = tmp_path / "letters.txt"
    for word in ("apples", "pears"):
        for split in ("train", "dev"):
            line = f"0\t{word} are red\tthey are\tentailment"
            (rte / f"{split}.tsv").write_text(f"index\tsentence1\tsentence2\tlabel\n{line}\n")
        paws.write_text(f"id\tsentence1\tsentence2\tlabel\n1\t{word} b\tb a\t0\n")
        letters.write_text(f"{word} are red\n")
        monkeypatch.setenv("LIFESPAN_GLUE_DIR", str(tmp_path / "glue"))
        assert told(Glue("rte")) == told(Glue("rte", source=tmp_path / "glue")) == [f"{word} are red"]
        assert told(Paws(), "test") == told(Paws(source=paws), "test") == [f"{word} b"]
        assert TaskText("rte").passages() == [(f"{word} are red", "they are")]
        assert TextFiles(letters).passages() == [f"{word} are red"]


def test_a_missing_corpus_is_said_before_anything_is_lived(tmp_path):
    events = (Develop(TextFiles(tmp_path / "letters.txt"), steps=2),)
    study = Study(name="x", groups={"one": Scenario(name="one", subject=SMALL, events=events)})
    assert plan_for(study).shared == 1
    with pytest.raises(UserError, match=r"letters.txt: cannot be read"):
        simulate(study, tmp_path / "run")
    assert not (tmp_path / "run").exists()
