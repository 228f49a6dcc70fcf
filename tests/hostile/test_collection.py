"""`lifespan gc` beside anything: studies that begin meanwhile, links, stores in a circle, what stopped workers leave."""

import os
import shutil
import threading
import time

import pytest
from conftest import TASKS, TINY, rows_of, tiny_study, weights

from lifespan import Learn, Probe, Scenario, Score, UserError, simulate
from lifespan.errors import RecordError
from lifespan.record import sessions
from lifespan.record import shared_store as sharing
from lifespan.record.leases import Leases, holders
from lifespan.record.sessions import collecting_in, living_in


def study(name="small", steps=2):
    events = (Learn(TASKS[0], by=weights(steps)), Probe(Score()))
    return tiny_study(name, life=Scenario(name="life", subject=TINY, events=events))


@pytest.fixture(scope="module")
def lived(tmp_path_factory):
    directory = tmp_path_factory.mktemp("lived") / "run"
    simulate(study(), directory, threads=1)
    return directory


@pytest.fixture
def directory(tmp_path, lived):
    """A run directory with one blob that nothing needs."""
    shutil.copytree(lived, tmp_path / "run")
    (tmp_path / "run" / "store" / "blobs" / f"{'0' * 64}.safetensors").write_bytes(b"x" * 10)
    return tmp_path / "run"


def garbage(directory):
    return directory / "store" / "blobs" / f"{'0' * 64}.safetensors"


def test_a_study_that_began_after_the_question_is_seen(directory):
    found = sharing.find_garbage(directory)
    with living_in(directory / "store"), pytest.raises(RecordError, match=r"is in use \(process \d+"):
        sharing.remove(found)
    assert garbage(directory).exists()
    assert sharing.remove(found) == 10 and not garbage(directory).exists()


def test_a_step_that_is_taken_after_the_question_is_seen(directory):
    found = sharing.find_garbage(directory)
    leases = Leases(directory / "store")
    lease = leases.take("a" * 64)
    with pytest.raises(RecordError, match="is in use"):
        sharing.remove(found)
    leases.release(lease)
    assert sharing.remove(found) == 10


def test_a_study_that_begins_during_a_collection_waits_for_its_end(directory):
    begun = threading.Event()

    def begin():
        with living_in(directory / "store"):
            begun.set()

    with collecting_in(directory / "store"):
        thread = threading.Thread(target=begin)
        thread.start()
        assert not begun.wait(0.4)
    assert begun.wait(10)
    thread.join()
    assert not list((directory / "store" / "sessions").glob("*.json"))


def test_of_two_collections_one_refuses(directory):
    with collecting_in(directory / "store"), pytest.raises(RecordError, match="is in use"):
        sharing.find_garbage(directory)


def test_what_a_study_needs_by_now_stays(directory):
    found = sharing.find_garbage(directory)
    longer = study(steps=3)
    simulate(longer, directory, threads=1)
    before = rows_of(directory)
    garbage(directory).unlink()
    old = [path for path in (directory / "store").iterdir() if len(path.name) == 64]
    sharing.remove(type(found)(**{**vars(found), "steps": old}))
    simulate(longer, directory, threads=1)
    assert rows_of(directory) == before


def test_a_simulation_is_seen_from_its_beginning_to_its_end(tmp_path, monkeypatch):
    seen = []
    whole = sharing.enter

    def enter(place, name):
        seen.extend(sessions.sessions_of(place / "store"))
        whole(place, name)

    monkeypatch.setattr("lifespan.simulation.enter", enter)
    simulate(study(), tmp_path, threads=1)
    assert [each["role"] for each in seen] == ["study"] and seen[0]["pid"] == os.getpid()
    assert not sessions.sessions_of(tmp_path / "store")


def test_files_of_sessions_that_were_killed_are_garbage(directory):
    left = Leases(directory / "store", name="sessions")
    left.take("b" * 32, role="study")
    path = directory / "store" / "sessions" / f"{'b' * 32}.json"
    path.write_text(path.read_text().replace(f'"pid": {os.getpid()}', '"pid": 0'))
    assert path in sharing.find_garbage(directory).files


@pytest.mark.parametrize("name", ["blobs", "claims", "runs", "sessions"])
def test_nothing_is_removed_through_a_link(tmp_path, directory, name):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    for file in ("mine.safetensors", ".half.json.17", f"{'1' * 64}.safetensors"):
        (elsewhere / file).write_text("mine")
    place = directory / "store" / name
    shutil.rmtree(place, ignore_errors=True)
    place.symlink_to(elsewhere)
    try:
        sharing.remove(sharing.find_garbage(directory))
    except UserError as error:
        assert "is a link" in str(error)
    assert len(list(elsewhere.iterdir())) == 3


def test_a_link_in_the_place_of_a_step_is_left_alone(tmp_path, directory):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "node.json").write_text("mine")
    (directory / "store" / ("2" * 64)).symlink_to(elsewhere)
    sharing.remove(sharing.find_garbage(directory))
    assert (elsewhere / "node.json").read_text() == "mine"


def test_what_a_stopped_worker_left_beside_a_finished_step_is_garbage(directory):
    step = next(path.parent for path in (directory / "store").glob("*/node.json"))
    unfinished = directory / "store" / ("3" * 64)
    for name in ("partial.json", "partial.safetensors"):
        (step / name).write_text("{}")
    assert {path.name for path in sharing.find_garbage(directory).files if path.parent == step} == {
        "partial.json",
        "partial.safetensors",
    }
    assert not unfinished.exists()


def test_a_run_directory_is_no_store_of_its_own(tmp_path):
    with pytest.raises(RecordError, match="is the run directory itself"):
        simulate(study(), tmp_path / "x", store=tmp_path / "x")
    assert not (tmp_path / "x" / "store").exists()


@pytest.mark.parametrize("target", [".", "store"])
def test_stores_in_a_circle_are_said(directory, target):
    shutil.rmtree(directory / "store")
    (directory / "store").symlink_to(target)
    with pytest.raises(RecordError, match=r"is a link to a run directory|is not there"):
        sharing.find_garbage(directory)


def test_a_store_that_is_a_loop_of_links_is_said(tmp_path, run):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "store").symlink_to("store")
    (tmp_path / "loop").symlink_to("loop")
    for more in (("--out", tmp_path / "out"), ("--out", tmp_path / "new", "--store", tmp_path / "loop")):
        code, _, err = run("simulate", "first_life", "--no-report", "--engine", "inline", *more)
        assert code == 2 and "unexpected" not in err, err
        assert "is not there" in err or "lead in a circle" in err


@pytest.mark.parametrize("lives", ["[]", "{}", '{"life-000": 3}', "null"])
def test_nothing_is_removed_by_a_record_that_does_not_name_its_lives(directory, lives):
    import json

    path = directory / "study.json"
    known = json.loads(path.read_text())
    path.write_text(json.dumps({**known, "lives": json.loads(lives)}) if lives != "{}" else json.dumps({**known, "lives": 1}))
    with pytest.raises(RecordError):
        sharing.find_garbage(directory)


def test_a_session_ends_with_an_error_too(tmp_path):
    with pytest.raises(ZeroDivisionError), living_in(tmp_path):
        assert list(holders(tmp_path, "sessions"))
        raise ZeroDivisionError
    assert not list(holders(tmp_path, "sessions"))


def test_who_is_asked_to_stop_does_not_wait(tmp_path):
    with collecting_in(tmp_path):
        begun = time.monotonic()
        with living_in(tmp_path, should_stop=lambda: True):
            assert time.monotonic() - begun < 5
