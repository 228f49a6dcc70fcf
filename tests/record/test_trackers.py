"""Trackers get the rows of a record, whole and in order; one that fails, hangs or is missing harms no life."""

from __future__ import annotations

import json
import sqlite3
import sys
import threading
from dataclasses import replace

import pytest
from conftest import tiny_life, tiny_study
from synthetic import write_record

import lifespan
from lifespan import Learn, MicroTask, Probe, Score, Weights
from lifespan.record import following
from lifespan.record.following import Follower, destination, followed
from lifespan.record.loggers import log
from lifespan.record.store import Store
from lifespan.record.trackers import Point
from lifespan.record.trackers._tracker import Tracker, plain, rows_of, tag
from lifespan.record.trackers.process import ELSEWHERE, OFFLINE, TrackerProcess
from lifespan.study.plan import compile_study

STRANGE = "Ümläut / 中文 \N{SNOWMAN}"
LISTENER = """
import json, os, socket, sys
from pathlib import Path
from lifespan.record import trackers

class Listener(trackers.Tracker):
    modules = ()
    package = "nothing"
    def __init__(self, study, folder):
        super().__init__(study, folder)
        print("this is no answer")
        self.file = open(folder / "said.jsonl", "a", encoding="utf-8")
        self.say("study", study, dict(os.environ))
    def say(self, *parts):
        print(json.dumps(parts), file=self.file, flush=True)
    def begin(self, life, facts): self.say("begin", life, facts)
    def add(self, life, points):
        if life in os.environ.get("LISTENER_FAILS", "").split(","): raise ValueError("the disk of the tracker is full")
        if life in os.environ.get("LISTENER_DIES", "").split(","): os._exit(7)
        self.say("add", life, points)
    def end(self, life, facts): self.say("end", life, facts)
    def close(self): self.say("close")
    @classmethod
    def viewer(cls, folder): return ""

trackers.TRACKERS["listener"] = Listener
"""


class Quiet(Tracker):
    """Stands for the listener on the near side, where only its name is looked up."""

    modules, package = (), "nothing"
    begin = add = end = lambda self, *_: None  # type: ignore[assignment]

    @classmethod
    def viewer(cls, folder):
        return ""


@pytest.fixture
def listener(tmp_path, monkeypatch):
    """A tracker that writes down what it is given, known on both sides; returns what reads a folder's notes."""
    from lifespan.record.trackers import TRACKERS

    (tmp_path / "site").mkdir()
    (tmp_path / "site/sitecustomize.py").write_text(LISTENER, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    monkeypatch.setitem(TRACKERS, "listener", Quiet)
    monkeypatch.setattr(following, "POLL", 0.05)
    return lambda folder: [json.loads(line) for line in (folder / "said.jsonl").read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="module")
def study():
    events = (Learn(MicroTask("sentiment", train_examples=32, eval_examples=24), by=Weights(steps=3)), Probe(Score()))
    life = replace(tiny_life(), events=events)
    return tiny_study(individuals=2, **{"plain": life, STRANGE: life})


def rows_by_life(directory):
    """What the record says of each life, as points."""
    rows = lifespan.read(directory).measurements().dropna(subset=["value", "age"])
    found = {}
    for _, row in rows.iterrows():
        point = (tag(row["probe"], row["task"], row["metric"]), int(row["age"]), row["value"])
        found.setdefault(f"{row['group']}-{row['individual']:03d}", []).append(point)
    return {life: sorted(points) for life, points in found.items()}


def values(said):
    """All values that a listener was given, with the life of each, in order of their names."""
    return sorted((life, *point) for verb, life, what in said[1:-1] if verb == "add" for point in what)


def ends(said):
    """(status, reason) of each life that was ended."""
    return {life: (facts["status"], facts["reason"]) for verb, life, facts in said[1:-1] if verb == "end"}


def test_a_study_is_logged_while_it_is_lived_and_its_rows_are_the_same(study, tmp_path, listener):
    warned = []
    plan = compile_study(study, precision="fp32")
    with followed(plan, tmp_path / "run/store", [("listener", tmp_path / "logs")], warned.append) as (follower,):
        lifespan.simulate(study, tmp_path / "run")
    lifespan.simulate(study, tmp_path / "plain")
    assert warned == [] and follower.session == tmp_path / "logs/live-1"
    one, other = (lifespan.read(tmp_path / name).measurements() for name in ("run", "plain"))
    assert one.equals(other)
    said = listener(follower.session)
    assert said[0][:2] == ["study", study.name] and said[-1] == ["close"]
    given = {}
    for verb, life, what in said[1:-1]:
        given.setdefault(life, []).extend([tuple(point) for point in what] if verb == "add" else [])
    assert {life: sorted(points) for life, points in given.items()} == rows_by_life(tmp_path / "run")
    for points in given.values():
        assert [age for _, age, _ in points] == sorted(age for _, age, _ in points)
    assert ends(said) == dict.fromkeys(given, ("done", "")) and any(STRANGE in life for life in given)


def test_a_second_use_gets_everything_anew_in_a_folder_of_its_own(study, tmp_path, listener):
    plan = compile_study(study, precision="fp32")
    for number in (1, 2):
        with followed(plan, tmp_path / "run/store", [("listener", tmp_path / "logs")], pytest.fail) as (follower,):
            lifespan.simulate(study, tmp_path / "run")
        assert follower.session == tmp_path / f"logs/live-{number}"
    first, second = (values(listener(tmp_path / f"logs/live-{number}")) for number in (1, 2))
    assert first == second and first


@pytest.mark.parametrize(
    ("how", "said"), [("LISTENER_FAILS", "ValueError: the disk of the tracker is full"), ("LISTENER_DIES", "has ended")]
)
def test_a_tracker_that_fails_is_a_warning_and_the_lives_go_on(study, tmp_path, listener, monkeypatch, how, said):
    monkeypatch.setenv(how, "plain-001")
    warned = []
    plan = compile_study(study, precision="fp32")
    with followed(plan, tmp_path / "run/store", [("listener", tmp_path / "logs")], warned.append):
        outcome = lifespan.simulate(study, tmp_path / "run")
    assert outcome.done == 4 and len(warned) == 1
    assert said in warned[0] and "The study goes on without it." in warned[0]


def test_a_tracker_that_hangs_is_ended(study, tmp_path, listener, monkeypatch):
    lifespan.simulate(study, tmp_path / "run")
    asked = threading.Event()

    def hangs(self, *_):
        asked.set()
        self._process.wait()
        raise OSError("the tracker has ended.")

    monkeypatch.setattr(TrackerProcess, "add", hangs)
    monkeypatch.setattr(following, "PATIENCE", 0.5)
    warned = []
    plan = compile_study(study, precision="fp32")
    with Follower(plan, tmp_path / "run/store", "listener", tmp_path / "logs", warned.append):
        assert asked.wait(60)
    assert len(warned) == 1 and "has ended" in warned[0]


def test_a_life_that_diverged_is_told_with_its_reason(study, tmp_path, listener):
    plan = compile_study(study, precision="fp32")
    lifespan.simulate(study, tmp_path / "run")
    store, lost = Store(tmp_path / "run/store"), plan.lives[1].steps[-1].digest
    (store.folder(lost) / "node.json").unlink()
    row = {"probe": "Training", "task": "t", "metric": "loss", "age": 5, "value": 2.5}
    store.save_ended(lost, {"status": "diverged", "reason": "the loss is NaN", "rows": [row, {**row, "value": None}]})
    with followed(plan, tmp_path / "run/store", [("listener", tmp_path / "logs")], pytest.fail) as (follower,):
        pass
    ended = ends(listener(follower.session))
    assert ended[plan.lives[1].name] == ("diverged", "the loss is NaN") and ("done", "") in ended.values()
    assert ["add", plan.lives[1].name, [["Training/t/loss", 5, 2.5]]] in listener(follower.session)


def test_nothing_is_told_of_where_else_to_send_it(tmp_path, listener, monkeypatch):
    for name in ELSEWHERE:
        monkeypatch.setenv(name, "https://example.org")
    tracker = TrackerProcess("listener", "s", tmp_path / "out")
    tracker.begin("a", {"group": "g"})
    tracker.close()
    environment = listener(tmp_path / "out")[0][2]
    assert not set(ELSEWHERE) & set(environment) and OFFLINE.items() <= environment.items()
    assert environment["TRACKIO_DIR"] == str(tmp_path / "out")


def test_what_is_asked_for_wrongly_is_said_before_anything_is_lived(run, tmp_path, monkeypatch):
    code, _, said = run("simulate", "first_life", "--out", tmp_path / "run", "--log-to", "wandbb")
    assert code == 2 and "Did you mean 'wandb'" in said and not (tmp_path / "run").exists()
    monkeypatch.setitem(sys.modules, "trackio", None)
    code, _, said = run("simulate", "first_life", "--out", tmp_path / "run", "--log-to", f"trackio:{tmp_path}")
    assert code == 2 and "pip install 'lifespan[trackio]'" in " ".join(said.split()) and not (tmp_path / "run").exists()


def test_a_destination_has_a_folder_of_its_own_or_that_of_the_run(tmp_path, monkeypatch):
    monkeypatch.setattr("lifespan.record.trackers.TRACKERS", {"x": Quiet})
    assert destination("x", tmp_path) == ("x", tmp_path / "logs")
    assert destination("x:/some/where:else", tmp_path)[1].as_posix() == "/some/where:else"


def test_values_of_one_name_and_age_are_all_kept_and_names_stay_apart():
    points = [Point("a", 1, 0.5), Point("a", 1, 0.25), Point("b", 1, 3.0), Point("a", 2, 1.0)]
    assert list(rows_of(points)) == [(1, {"a": 0.5}), (1, {"a": 0.25, "b": 3.0}), (2, {"a": 1.0})]
    names = [STRANGE, STRANGE.replace("/", ":"), "x" * 300, "x" * 301]
    assert len({plain(name, r"\w. -", 100) for name in names}) == 4 and all(len(plain(n, r"\w. -", 100)) < 120 for n in names)


@pytest.mark.parametrize("name", ["trackio", "wandb"])
def test_the_real_ones_take_a_record_without_a_network(name, tmp_path, monkeypatch):
    pytest.importorskip(name)
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    directory = write_record(tmp_path / "run", individuals=2)
    count = log(lifespan.read(directory), name, tmp_path / "out")
    assert count == len(lifespan.read(directory).measurements().dropna(subset=["value"]))
    if name == "trackio":
        (file,) = (tmp_path / "out").glob("*.db")
        with sqlite3.connect(file) as base:
            given = [json.loads(metrics) for (metrics,) in base.execute("SELECT metrics FROM metrics")]
            names = {life for (life,) in base.execute("SELECT DISTINCT run_name FROM metrics")}
        base.close()
        assert sum(map(len, given)) == count and "<b>over & pruned</b>-000" in names and len(names) == 6
    else:
        folders = list((tmp_path / "out/wandb").glob("offline-run-*"))
        assert len(folders) == 6 and all(list(folder.glob("*.wandb")) for folder in folders)
