"""Many workers, one record: rows do not depend on who lived what, and nothing is lost when somebody dies."""

import errno
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass

import pytest
from conftest import TASKS, TINY, long_life, tiny_life, tiny_study, weights

from lifespan import Disorder, Learn, Scenario, Suffer, WeightNoise, simulate
from lifespan.engines.inline import Inline
from lifespan.engines.local import Local
from lifespan.errors import RecordError, ScenarioError
from lifespan.execution.observer import Observer
from lifespan.record.leases import Leases, holders
from lifespan.record.store import Store
from lifespan.study.plan import compile_study

TABLES = ("measurements.jsonl", "participants.tsv")


def rows(directory):
    return [(directory / name).read_bytes() for name in TABLES]


def cohort(individuals=2):
    healthy = tiny_life()
    doses = {f"noise-{dose}": healthy.with_events(after=2, add=Suffer(WeightNoise(severity=dose))) for dose in (0.2, 0.6)}
    return tiny_study(individuals=individuals, healthy=healthy, **doses)


class Witness(Observer):
    def __init__(self):
        self.lived, self.begun, self.ended, self.said = [], [], [], []

    def life_begins(self, life):
        self.begun.append(life.name)

    def step_ends(self, life, step, seconds):
        self.lived.append(step.digest)

    def life_ends(self, life, status, reason):
        self.ended.append((life.name, status))

    def warns(self, text):
        self.said.append(text)


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    directory = tmp_path_factory.mktemp("alone")
    simulate(cohort(), directory, threads=1)
    return rows(directory)


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2, 4])
def test_any_number_of_workers_leaves_the_same_rows(tmp_path, alone, workers):
    witness = Witness()
    outcome = simulate(cohort(), tmp_path, threads=1, engine=Local(workers=workers), observer=witness)
    assert outcome.done == 6
    assert rows(tmp_path) == alone
    nodes = compile_study(cohort(), precision="fp32").nodes
    assert sorted(witness.lived) == sorted(nodes), "a step was told twice, or never"
    assert sorted(witness.begun) == sorted(name for name, _ in witness.ended) and len(set(witness.begun)) == 6
    assert not list(holders(tmp_path / "store")), "a claim was left behind"


def drive(directory, told):
    witness = Witness()
    simulate(cohort(), directory, threads=1, observer=witness)
    told.put((witness.lived, witness.ended))


@pytest.mark.slow
def test_two_drivers_at_once_share_the_work(tmp_path, alone):
    # Processes, as drivers are: threads of one process would share torch's global generator.
    spawn = multiprocessing.get_context("spawn")
    told = spawn.Queue()
    drivers = [spawn.Process(target=drive, args=(tmp_path, told)) for _ in range(2)]
    for driver in drivers:
        driver.start()
    witnesses = [told.get(timeout=240) for _ in drivers]
    for driver in drivers:
        driver.join(timeout=60)
    assert rows(tmp_path) == alone
    lived = [digest for own, _ in witnesses for digest in own]
    assert sorted(lived) == sorted(compile_study(cohort(), precision="fp32").nodes)
    assert all(len(ended) == 6 for _, ended in witnesses)


class Assassin(Observer):
    """Kills the worker that holds a claim, each time a step has been told of, so many times."""

    def __init__(self, store, kills):
        self.store, self.kills, self.said, self.killed = store, kills, [], set()

    def step_ends(self, life, step, seconds):
        for lease in holders(self.store):
            if self.kills and lease["alive"] and lease["pid"] not in self.killed:
                self.kills -= 1
                self.killed.add(lease["pid"])
                os.kill(lease["pid"], signal.SIGKILL)
                break

    def warns(self, text):
        self.said.append(text)


@pytest.mark.slow
def test_killed_workers_are_replaced_and_the_rows_are_the_same(tmp_path, alone):
    assassin = Assassin(tmp_path / "store", kills=2)
    outcome = simulate(cohort(), tmp_path, threads=1, every=2, engine=Local(workers=2), observer=assassin)
    assert outcome.done == 6 and rows(tmp_path) == alone
    assert assassin.kills == 0 and sum("a worker died (killed by signal 9)" in text for text in assassin.said) == 2


@dataclass(frozen=True, kw_only=True)
class Deadly(Disorder):
    """Ends the process that lives it, as a lack of memory would."""

    def strike(self, subject, streams):
        os.kill(os.getpid(), signal.SIGKILL)


@dataclass(frozen=True, kw_only=True)
class Unfit(Disorder):
    """Refuses to strike, with a message to the user."""

    def strike(self, subject, streams):
        raise ScenarioError("Unfit()", "does not fit this subject.", "Choose another.")


@pytest.mark.slow
def test_a_step_that_kills_every_worker_counts_as_failed_and_the_others_live(tmp_path):
    study = tiny_study(calm=tiny_life(), deadly=tiny_life().with_events(after=1, add=Suffer(Deadly())))
    outcome = simulate(study, tmp_path, threads=1, engine=Local(workers=1))
    assert (outcome.done, outcome.failed) == (1, 1)
    assert "its worker died 3 times (killed by signal 9)" in (tmp_path / "participants.tsv").read_text()


def test_wrong_input_late_in_one_life_does_not_stop_the_others(tmp_path):
    study = tiny_study(unfit=tiny_life().with_events(after=1, add=Suffer(Unfit())), calm=tiny_life())
    outcome = simulate(study, tmp_path, threads=1)
    assert (outcome.done, outcome.failed) == (1, 1)
    assert "Unfit(): does not fit this subject. Choose another." in (tmp_path / "participants.tsv").read_text()


FIT = False


@dataclass(frozen=True, kw_only=True)
class Mended(Disorder):
    """Fails until its author has mended it."""

    def strike(self, subject, streams):
        if not FIT:
            raise RuntimeError("not mended yet")
        return {}


def test_failed_lives_are_tried_again_when_asked_and_only_then(tmp_path, monkeypatch):
    study = tiny_study(ill=tiny_life().with_events(after=1, add=Suffer(Mended())))
    assert simulate(study, tmp_path).failed == 1
    monkeypatch.setitem(globals(), "FIT", True)
    assert simulate(study, tmp_path).failed == 1
    assert simulate(study, tmp_path, retry={"diverged"}).failed == 1
    assert simulate(study, tmp_path, retry={"failed"}).done == 1
    assert not list((tmp_path / "store").glob("*/ended.json"))


def test_fail_fast_begins_nothing_more_once_a_life_has_failed(tmp_path):
    study = tiny_study(ill=tiny_life().with_events(after=1, add=Suffer(Unfit())), calm=tiny_life())
    outcome = simulate(study, tmp_path, fail_fast=True)
    assert (outcome.failed, outcome.pending) == (1, 1)
    assert simulate(study, tmp_path).done == 1


@pytest.mark.slow
def test_a_worker_cannot_outlive_its_driver_and_another_driver_goes_on(tmp_path):
    study = tiny_study(individuals=2, life=long_life())
    simulate(study, tmp_path / "whole", threads=1)
    script = (
        f"import sys; sys.path.insert(0, {os.path.dirname(os.path.dirname(__file__))!r})\n"
        "from conftest import long_life, tiny_study\n"
        "from lifespan import simulate\n"
        "from lifespan.engines.local import Local\n"
        f"simulate(tiny_study(individuals=2, life=long_life()), {str(tmp_path / 'cut')!r}, threads=1, every=2, "
        "engine=Local(workers=2))"
    )
    driver = subprocess.Popen([sys.executable, "-c", script])
    store = tmp_path / "cut" / "store"
    while driver.poll() is None and not list(store.glob("*/partial.json")):
        time.sleep(0.01)
    assert driver.poll() is None
    pids = {lease["pid"] for lease in holders(store)}
    driver.kill()
    driver.wait()
    deadline = time.monotonic() + 60
    while list(holders(store)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert pids and not list(holders(store)), "an orphan worked on"
    simulate(study, tmp_path / "cut", threads=1)
    assert rows(tmp_path / "cut") == rows(tmp_path / "whole")


def test_a_wrong_number_of_workers_is_refused():
    with pytest.raises(ScenarioError, match="workers=0: must be a whole number, at least 1"):
        Local(workers=0)
    assert Local(workers=4).threads_for(8) == 2 and Inline().threads_for(8) == 8


@pytest.mark.parametrize("threads", [0, -1, 99_999, 2.5, True])
def test_a_wrong_number_of_threads_is_refused_before_anything_is_written(tmp_path, threads):
    with pytest.raises(ScenarioError, match=r"threads .*: must be a whole number from 1 to 512"):
        simulate(cohort(), tmp_path / "run", threads=threads)
    assert not (tmp_path / "run").exists()


def test_one_claim_has_one_holder_and_is_free_when_released(tmp_path):
    one, other = Leases(tmp_path), Leases(tmp_path)
    lease = one.take("a", stage="birth")
    assert lease is not None and other.take("a") is None
    (holder,) = holders(tmp_path)
    assert holder["pid"] == os.getpid() and holder["alive"] is True and holder["stage"] == "birth"
    one.release(lease)
    assert other.take("a") is not None


def foreign(leases, digest, **changes):
    """Make a claim look like one of another process."""
    path = leases.folder / f"{digest}.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


@pytest.mark.parametrize("reason", [errno.EPERM, errno.ENOTSUP, errno.ENOSYS])
def test_a_file_system_without_hard_links_has_claims_all_the_same(tmp_path, monkeypatch, reason):
    def refuse(*names, **options):
        raise OSError(reason, os.strerror(reason))

    monkeypatch.setattr(os, "link", refuse)
    one, other = Leases(tmp_path), Leases(tmp_path)
    held = one.take("step", stage="age")
    assert held is not None and other.take("step") is None
    assert [holder["stage"] for holder in holders(tmp_path)] == ["age"]
    one.release(held)
    assert other.take("step") is not None
    other.close()
    (tmp_path / "claims" / "half.json").touch()
    assert one.take("half") is None, "another is just writing it"
    one.close()


@pytest.mark.parametrize(
    ("reason", "remedy"), [(errno.ENOSPC, "Free some space"), (errno.EROFS, r"Choose an --out that you may write")]
)
def test_a_claim_that_cannot_be_written_says_what_to_do(tmp_path, monkeypatch, reason, remedy):
    def refuse(*names, **options):
        raise OSError(reason, os.strerror(reason))

    monkeypatch.setattr(os, "link", refuse)
    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(RecordError, match=remedy):
        Leases(tmp_path).take("step")


def test_the_claim_of_a_dead_process_of_this_machine_is_taken_over_at_once(tmp_path):
    leases = Leases(tmp_path)
    leases.take("a")
    foreign(leases, "a", born="1", token="of another")
    (holder,) = holders(tmp_path)
    assert holder["alive"] is False
    assert Leases(tmp_path).take("a") is not None


@pytest.mark.parametrize("clock", [0, 10**9, 4 * 10**9])
def test_a_silent_claim_of_another_machine_is_taken_over_after_patience_whatever_its_clock_says(tmp_path, clock):
    held = Leases(tmp_path, heartbeat=0.02)
    lease = held.take("a")
    path = held.folder / "a.json"
    foreign(held, "a", machine="elsewhere", token="of another")
    os.utime(path, (clock, clock))
    watcher = Leases(tmp_path, patience=0.3)
    assert watcher.take("a") is None
    for tick in range(4):  # It beats, so it lives, though more time than patience goes by.
        time.sleep(0.1)
        os.utime(path, (clock + tick, clock + tick))
        assert watcher.take("a") is None
    time.sleep(0.35)
    assert watcher.take("a") is not None
    time.sleep(0.1)
    assert lease.lost, "the former holder did not notice"


@pytest.mark.slow
def test_a_worker_whose_step_was_taken_over_leaves_it(tmp_path):
    study = tiny_study(life=long_life())
    store = tmp_path / "store"
    said = Witness()

    class Thief(Witness):
        def advances(self, done, steps, loss):
            if done == 5 and not self.said:
                for path in (store / "claims").glob("*.json"):
                    path.write_text(json.dumps({**json.loads(path.read_text()), "machine": "elsewhere", "token": "thief"}))
                self.said.append("stolen")
                time.sleep(2.5)
                for path in (store / "claims").glob("*.json"):
                    path.unlink()

        def warns(self, text):
            said.warns(text)

    simulate(study, tmp_path, threads=1, every=2, observer=Thief())
    assert any("another worker has taken this step over" in text for text in said.said)
    simulate(study, tmp_path / "whole", threads=1)
    assert rows(tmp_path) == rows(tmp_path / "whole")


def test_a_worker_stays_with_its_subject_and_loads_nothing_down_a_chain(tmp_path, monkeypatch):
    loads = []
    monkeypatch.setattr(Store, "load_state", lambda self, digest: loads.append(digest))
    simulate(tiny_study(life=tiny_life()), tmp_path)
    assert loads == []


def test_a_diverged_life_is_final_unless_asked(tmp_path):
    wild = Scenario(name="w", subject=TINY, events=(Learn(TASKS[0], by=weights().__class__(steps=12, rate=1e30, warmup=0.0)),))
    study = tiny_study(wild=wild)
    assert simulate(study, tmp_path).diverged == 1
    witness = Witness()
    assert simulate(study, tmp_path, retry={"failed"}, observer=witness).diverged == 1 and witness.lived == []
    path = next((tmp_path / "store").glob("*/ended.json"))
    before = path.stat().st_mtime_ns
    assert simulate(study, tmp_path, retry={"diverged"}).diverged == 1 and path.stat().st_mtime_ns != before
