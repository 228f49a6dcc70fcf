"""What can befall a run directory: damaged files of every kind, kills at any moment, disks that refuse."""

import errno
import os
import random
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
from conftest import TASKS, TINY, tiny_study, weights

from lifespan import Age, Learn, Magnitude, Masks, Outputs, Probe, Scenario, Score, UserError, WeightNoise, simulate
from lifespan.execution.observer import Observer
from lifespan.record.store import Store
from lifespan.study.events import Suffer
from lifespan.study.plan import compile_study
from lifespan.training.loop import Interrupted

TABLES = ("measurements.jsonl", "participants.tsv")


def rows(directory):
    return [(directory / name).read_bytes() for name in TABLES]


def life(steps=6):
    events = (
        Learn(TASKS[0], by=Masks(steps=steps, rate=5e-3)),
        Probe(Score(), Outputs()),
        Age(to=0.4, by=Magnitude()),
    )
    return Scenario(name="short", subject=TINY, events=(*events, Learn(TASKS[1], by=weights(steps)), Probe(Score())))


class Listener(Observer):
    def __init__(self, stop_after=None):
        self.said, self.lived, self.left = [], [], stop_after

    def warns(self, text):
        self.said.append(text)

    def step_ends(self, life, step, seconds):
        self.lived.append(step.digest)

    def advances(self, done, steps, loss):
        if self.left is not None:
            self.left -= 1

    def tired(self):
        return self.left is not None and self.left <= 0


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    directory = tmp_path_factory.mktemp("whole")
    simulate(tiny_study(life=life()), directory, threads=1)
    return directory


def damage(path, how, place=0.5):
    data = bytearray(path.read_bytes())
    if how == "truncate":
        data = data[: int(len(data) * place)]
    else:
        data[int((len(data) - 1) * place)] ^= 4
    path.write_bytes(bytes(data))


@pytest.mark.parametrize("how", ["flip", "truncate"])
@pytest.mark.parametrize("kind", ["node.json", "looks/*.json", "looks/*.parquet"])
def test_damage_to_a_finished_step_is_said_and_made_good(tmp_path, whole, kind, how):
    study = tiny_study(life=life())
    simulate(study, tmp_path, threads=1)
    path = sorted((tmp_path / "store").glob(f"*/{kind}"))[0]
    damage(path, how)
    listener = Listener()
    simulate(study, tmp_path, threads=1, observer=listener)
    assert len([text for text in listener.said if str(path) in text and "does not match its checksum" in text]) == 1
    assert rows(tmp_path) == rows(whole)
    assert listener.lived == ([path.parent.name] if kind == "node.json" else [])


@pytest.mark.parametrize("place", [0.0, 0.01, 0.3, 0.9, 0.999, 1.0])
def test_a_flipped_byte_anywhere_in_a_stored_json_is_noticed(tmp_path, place):
    said = []
    store = Store(tmp_path, warn=said.append)
    store.save_node("a", {}, {"facts": {"age": 3}, "rows": []})
    assert store.node("a")["facts"] == {"age": 3} and said == []
    damage(tmp_path / "a" / "node.json", "flip", place)
    assert store.node("a") is None and len(said) == 1


def test_files_of_before_there_were_seals_are_read(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "node.json").write_text('{"facts": {"age": 3}}')
    assert Store(tmp_path).node("a") == {"facts": {"age": 3}}


@dataclass(frozen=True, kw_only=True)
class Broken(WeightNoise):
    """Fails."""

    def strike(self, subject, streams):
        raise RuntimeError("broken")


@pytest.mark.parametrize("how", ["flip", "truncate"])
def test_damage_to_how_a_life_ended_makes_it_live_again(tmp_path, how):
    broken = tiny_study(life=life().with_events(after=1, add=Suffer(Broken())))
    assert simulate(broken, tmp_path).failed == 1
    path = next((tmp_path / "store").glob("*/ended.json"))
    before = path.read_bytes()
    damage(path, how)
    listener = Listener()
    assert simulate(broken, tmp_path, observer=listener).failed == 1
    assert sum(str(path) in text for text in listener.said) == 1
    assert path.read_bytes() != before or Store(tmp_path / "store").ended(path.parent.name) is not None


@pytest.mark.parametrize("how", ["flip", "truncate"])
@pytest.mark.parametrize("name", ["partial.json", "partial.safetensors"])
def test_damage_to_an_unfinished_step_starts_it_anew(tmp_path, whole, name, how):
    study, listener = tiny_study(life=life()), Listener(stop_after=4)
    with pytest.raises(Interrupted):
        simulate(study, tmp_path, threads=1, every=2, observer=listener, should_stop=listener.tired)
    path = next((tmp_path / "store").glob(f"*/{name}"))
    damage(path, how)
    again = Listener()
    simulate(study, tmp_path, threads=1, observer=again)
    assert sum(str(path) in text for text in again.said) == 1
    assert rows(tmp_path) == rows(whole)


@pytest.mark.parametrize("how", ["flip", "truncate"])
def test_damage_to_tensors_is_said_and_lived_again(tmp_path, whole, how):
    study = tiny_study(life=life())
    simulate(study, tmp_path, threads=1)
    store = Store(tmp_path / "store")
    steps = compile_study(study, precision="fp32").lives[0].steps
    path = store._blob_path(store.node(steps[2].digest)["blobs"]["alive"])
    damage(path, how, 0.95)
    (tmp_path / "store" / steps[3].digest / "node.json").unlink()
    listener = Listener()
    simulate(study, tmp_path, threads=1, observer=listener)
    assert any(str(path) in text and "does not match its checksum" in text for text in listener.said)
    assert rows(tmp_path) == rows(whole)


REFUSALS = [(errno.ENOSPC, "No space left"), (errno.EROFS, "Read-only"), (errno.EACCES, "Permission denied")]


@pytest.mark.parametrize("number, said", REFUSALS)
def test_a_disk_that_refuses_ends_the_run_with_one_message_and_nothing_is_lost(tmp_path, whole, monkeypatch, number, said):
    study, replace = tiny_study(life=life()), os.replace

    def refuse(source, target):
        if Path(target).name == "node.json" and len(list((tmp_path / "store").glob("*/node.json"))) == 2:
            raise OSError(number, os.strerror(number))
        replace(source, target)

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(UserError, match=rf"node\.json: cannot be written \({said}.*MiB free\)"):
        simulate(study, tmp_path, threads=1)
    assert not list((tmp_path / "store").glob("*/ended.json")), "a full disk is no outcome of a life"
    assert not list(tmp_path.rglob(".*.*.*")), "a half-written file was left"
    monkeypatch.setattr(os, "replace", replace)
    simulate(study, tmp_path, threads=1)
    assert rows(tmp_path) == rows(whole)


SCRIPT = """
import sys
sys.path[:0] = {places!r}
from conftest import tiny_study
from test_kills_and_damage import life
from lifespan import simulate
simulate(tiny_study(individuals=2, life=life(40)), {out!r}, every=3, threads=1)
"""


@pytest.mark.slow
def test_kills_at_random_moments_leave_the_same_rows(tmp_path):
    """A short version of `benchmarks/kills.py`."""
    moments = random.Random(0)
    study = tiny_study(individuals=2, life=life(40))
    simulate(study, tmp_path / "whole", threads=1)
    out = tmp_path / "cut"
    here = os.path.dirname(__file__)
    script, kills = SCRIPT.format(places=[os.path.dirname(here), here], out=str(out)), 0
    for _ in range(4):
        process = subprocess.Popen([sys.executable, "-c", script])
        before = _state(out)
        while process.poll() is None and _state(out) == before:
            time.sleep(0.005)
        time.sleep(moments.uniform(0, 0.5))
        kills += process.poll() is None
        process.kill()
        process.wait()
    assert kills >= 2, "the lives ended before they could be killed"
    simulate(study, out, threads=1)
    assert rows(out) == rows(tmp_path / "whole")


def _state(out):
    return {(path.name, path.stat().st_mtime_ns) for path in out.glob("store/*/*.json")}
