"""Stores shared between studies, and what `lifespan gc` frees."""

import dataclasses
import json
import shutil

import pytest
from conftest import TASKS, TINY, tiny_life, tiny_study, weights

from lifespan import Learn, Probe, Scenario, Score, Study, Suffer, UserError, WeightNoise, read, simulate
from lifespan.execution.observer import Observer
from lifespan.record import shared_store as sharing
from lifespan.record.leases import Leases
from lifespan.study.plan import compile_study


class Counter(Observer):
    def __init__(self):
        self.lived = 0

    def step_ends(self, life, step, seconds):
        self.lived += 1


def studies():
    healthy = tiny_life()
    ill = healthy.with_events(after=4, add=Suffer(WeightNoise(severity=0.5)))
    return tiny_study("one", healthy=healthy), tiny_study("two", ill=ill)


def rows(directory):
    return (directory / "measurements.jsonl").read_bytes()


def test_a_second_study_reuses_the_childhoods_of_the_first(tmp_path):
    one, two = studies()
    counters = Counter(), Counter()
    simulate(one, tmp_path / "one", store=tmp_path / "shared", threads=1, observer=counters[0])
    simulate(two, tmp_path / "two", store=tmp_path / "shared", threads=1, observer=counters[1])
    nodes = [set(compile_study(study, precision="fp32").nodes) for study in (one, two)]
    assert [counter.lived for counter in counters] == [len(nodes[0]), len(nodes[1] - nodes[0])]
    assert 0 < counters[1].lived < len(nodes[1])
    simulate(two, tmp_path / "alone", threads=1)
    assert rows(tmp_path / "two") == rows(tmp_path / "alone")
    again = Counter()
    simulate(two, tmp_path / "two", threads=1, observer=again)
    assert again.lived == 0, "the shared store was forgotten"


def test_a_worker_gives_each_origin_a_body_of_its_own(tmp_path):
    origins = {"usual": TINY, "wide": dataclasses.replace(TINY, width=32), "forgetful": dataclasses.replace(TINY, dropout=0.5)}

    def study(*events):
        groups = {name: Scenario(name="life", subject=origin, events=events) for name, origin in origins.items()}
        return Study(name="origins", groups=groups, individuals=2)

    school = (Learn(TASKS[0], by=weights()), Probe(Score()))
    simulate(study(Probe(Score())), tmp_path / "births", store=tmp_path / "shared", threads=1)
    outcome = simulate(study(*school), tmp_path / "lives", store=tmp_path / "shared", threads=1)
    assert outcome.done == 6
    for name, origin in origins.items():
        alone = Study(name="origins", groups={name: Scenario(name="life", subject=origin, events=school)}, individuals=2)
        simulate(alone, tmp_path / name, threads=1)
        found = read(tmp_path / "lives").measurements().query("group == @name")["value"].tolist()
        assert found == read(tmp_path / name).measurements()["value"].tolist(), name


def test_gc_frees_what_no_study_needs_and_only_that(tmp_path, run):
    one, two = studies()
    shared = tmp_path / "shared"
    simulate(one, tmp_path / "one", store=shared, threads=1)
    simulate(two, tmp_path / "two", store=shared, threads=1)
    found = sharing.find_garbage(shared)
    assert (found.steps, found.files, found.missing, sorted(found.studies)) == ([], [], [], ["one", "two"])
    (shared / "blobs" / ".half.123").write_bytes(b"x" * 10)
    before = sum(path.stat().st_size for path in shared.rglob("*") if path.is_file())
    shutil.rmtree(tmp_path / "two")
    code, out, err = run("gc", tmp_path / "one", "--yes")
    assert code == 0 and "is used by: one" in out and f"Gone: {tmp_path / 'two'}" in err.replace("\n", "")
    nodes = [set(compile_study(study, precision="fp32").nodes) for study in (one, two)]
    assert {path.name for path in shared.iterdir() if len(path.name) == 64} == nodes[0]
    after = sum(path.stat().st_size for path in shared.rglob("*") if path.is_file())
    assert after < before and not list(shared.rglob(".half*"))
    blobs = {blob for node in shared.glob("*/node.json") for blob in json.loads(node.read_text())["blobs"].values()}
    assert {path.stem for path in (shared / "blobs").iterdir()} == blobs
    counter = Counter()
    simulate(one, tmp_path / "one", threads=1, observer=counter)
    assert counter.lived == 0


def test_gc_asks_first(tmp_path, run, monkeypatch):
    simulate(studies()[0], tmp_path / "one", threads=1)
    left = tmp_path / "one" / "store" / "blobs" / ("0" * 64 + ".safetensors")
    left.write_bytes(b"x")
    monkeypatch.setattr("typer.confirm", lambda text: False)
    code, out, _ = run("gc", tmp_path / "one")
    assert code == 0 and "1 other file" in out and "Nothing was removed" in out and left.exists()
    monkeypatch.setattr("typer.confirm", lambda text: True)
    assert run("gc", tmp_path / "one")[0] == 0 and not left.exists()


def test_gc_does_not_work_beside_a_worker(tmp_path):
    simulate(studies()[0], tmp_path / "one", threads=1)
    leases = Leases(tmp_path / "one" / "store")
    lease = leases.take("a" * 64)
    with pytest.raises(UserError, match=r"is in use \(process \d+ on .*Wait until"):
        sharing.find_garbage(tmp_path / "one")
    leases.release(lease)
    sharing.find_garbage(tmp_path / "one")


def test_stores_that_cannot_be_shared_are_said(tmp_path):
    one, two = studies()
    simulate(one, tmp_path / "one", threads=1)
    with pytest.raises(UserError, match=r"one: already has a store of its own\. Leave out --store"):
        simulate(one, tmp_path / "one", store=tmp_path / "shared")
    with pytest.raises(UserError, match="is a run directory"):
        simulate(two, tmp_path / "two", store=tmp_path / "one")
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="is a file, not a folder"):
        simulate(two, tmp_path / "two", store=tmp_path / "file")
    simulate(two, tmp_path / "two", store=tmp_path / "shared", threads=1)
    with pytest.raises(UserError, match="already uses the store"):
        simulate(two, tmp_path / "two", store=tmp_path / "another")
    shutil.rmtree(tmp_path / "shared")
    with pytest.raises(UserError, match=r"the shared store .* is not there"):
        simulate(two, tmp_path / "two")
    with pytest.raises(UserError, match="is neither a run directory nor a shared store"):
        sharing.find_garbage(tmp_path)


def test_each_step_tells_the_bytes_that_it_added(tmp_path):
    simulate(studies()[0], tmp_path, threads=1)
    steps = read(tmp_path).steps()
    stored = sum(path.stat().st_size for path in (tmp_path / "store" / "blobs").iterdir())
    assert steps["bytes"].sum() == stored
    ageing = steps[steps.kind == "Age"]["bytes"]
    assert (ageing < steps["bytes"].iloc[0] / 8).all(), "an ageing step stored more than its mask"


def test_a_project_folder_with_runs_in_it_is_no_store(tmp_path, run):
    """What lies in it was not put there by us, hidden files least of all."""
    simulate(studies()[0], tmp_path / "runs" / "one", threads=1)
    for hidden in (tmp_path / ".pre-commit-config.yaml", tmp_path / "sub" / ".travis.yml"):
        hidden.parent.mkdir(exist_ok=True)
        hidden.write_text("mine")
    code, _, err = run("gc", tmp_path, "--yes")
    assert code == 2 and "neither a run directory nor a shared store" in err
    assert f"Do you mean {tmp_path}/runs/one?" in err.replace("\n", "")
    assert (tmp_path / ".pre-commit-config.yaml").exists() and (tmp_path / "sub" / ".travis.yml").exists()


def test_a_store_keeps_what_others_put_beside_its_own(tmp_path, run):
    simulate(studies()[0], tmp_path / "one", store=tmp_path / "shared", threads=1)
    foreign = [tmp_path / "shared" / ".notes.txt", tmp_path / "shared" / "mine" / ".keep.txt"]
    left = tmp_path / "shared" / "runs" / ".left.json.17"
    for path in (*foreign, left):
        path.parent.mkdir(exist_ok=True)
        path.write_text("x")
    assert run("gc", tmp_path / "shared", "--yes")[0] == 0
    assert all(path.exists() for path in foreign) and not left.exists()


@pytest.mark.slow
def test_a_changed_study_says_that_it_takes_the_place_of_the_record(tmp_path, run, monkeypatch):
    monkeypatch.chdir(tmp_path)
    command = ["simulate", "first_life", "--out", "run", "--no-report", "--individuals", "1"]
    short = ["--set", "CHILDHOOD_STEPS=2", "--set", "SCHOOL_STEPS=2", "--set", "AGES=1", "--set", "RECOVERY_STEPS=2"]
    assert "not part of it any more" not in run(*command, *short)[2]
    assert "not part of it any more" not in run(*command, *short)[2]
    assert "of the study as it was lived in run before: not part of it any more" in run(*command, *short, "--set", "AGES=2")[2]
