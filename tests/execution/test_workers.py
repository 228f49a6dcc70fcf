"""How many workers `simulate` takes by itself: as many as pay for what is left, and as have cores and memory."""

import json
from dataclasses import replace

import pytest
from conftest import tiny_life, tiny_study

from lifespan import Pretrained, hardware
from lifespan.engines import Inline, Local
from lifespan.execution.estimate import Cost, estimate
from lifespan.execution.workers import choose, worker_bytes
from lifespan.simulation import plan_for


def choice(study=None, seconds=1000.0, longest=100.0, **options):
    plan = plan_for(study or tiny_study(individuals=8))
    found = replace(estimate(plan), remaining=Cost(seconds=seconds), longest=longest)
    return choose(plan, found, **options)


@pytest.fixture
def machine(monkeypatch):
    """Set what there is: machine(cores, bytes of memory)."""

    def make(cores, memory=64e9):
        monkeypatch.setattr(hardware, "cores", lambda: cores)
        monkeypatch.setattr(hardware, "available_memory", lambda: memory)

    return make


@pytest.mark.parametrize("cores", [1, 2, 4])
def test_every_core_has_a_worker_where_there_is_enough_to_live(machine, cores):
    machine(cores)
    found = choice()
    assert (found.workers, found.threads) == (cores, 1) and f"{cores} core" in found.reason


def test_no_more_workers_than_lives(machine):
    machine(64)
    assert choice(longest=1.0).workers == len(plan_for(tiny_study(individuals=8)).lives)


def test_workers_that_would_wait_for_the_longest_life_are_not_taken(machine):
    machine(16)
    found = choice(seconds=1000.0, longest=480.0)
    assert found.workers == 2 and found.reason == "what is left to live"


def test_a_few_seconds_are_lived_here(machine):
    machine(8)
    assert choice(seconds=8.0, longest=1.0).workers == 1


def test_memory_bounds_workers(machine):
    machine(8, memory=2.0e9)
    found = choice()
    assert found.workers == 3 and "2.0 GB of free memory" in found.text
    machine(8, memory=0.1e9)
    assert choice().workers == 1


def test_threads_that_are_asked_for_leave_room_for_fewer_workers(machine):
    machine(8)
    assert (choice(threads=4).workers, choice(threads=4).threads) == (2, 4)
    assert choice(threads=16).workers == 1


def test_large_subjects_take_more_memory_and_share_the_cores(machine, tmp_path):
    machine(8, memory=9e9)
    (tmp_path / "config.json").write_text(
        json.dumps(
            {
                **{"model_type": "bert", "hidden_size": 384, "num_hidden_layers": 6, "num_attention_heads": 12},
                **{"intermediate_size": 1536, "vocab_size": 30522},
            }
        )
    )
    (tmp_path / "tokenizer.json").write_text("{}")
    life = replace(tiny_life(), subject=Pretrained(str(tmp_path), random=True))
    large = tiny_study(individuals=8, large=life)
    small, big = (worker_bytes(plan_for(study)) for study in (tiny_study(individuals=1), large))
    assert small < 0.7e9 and 2.5e9 < big < 3e9
    found = choice(large)
    assert (found.workers, found.threads) == (3, 2)


def test_rows_are_those_of_one_worker(run, tmp_path, machine, monkeypatch):
    machine(2)
    monkeypatch.setattr("lifespan.execution.workers.START", 0.0)
    taken = []
    monkeypatch.setattr(Local, "run", lambda self, plan, job: (taken.append(self.workers), Inline().run(plan, job)))
    scenario = tmp_path / "tiny.py"
    scenario.write_text("from conftest import tiny_study\n\nstudy = tiny_study(individuals=2)\n")
    for name, more in (("auto", ()), ("one", ("--workers", 1))):
        code, said, _ = run("simulate", scenario, "--out", tmp_path / name, "--no-report", *more)
        assert code == 0 and ("2 workers of 1 thread" in said) == (name == "auto")
    assert taken == [2, 1]
    auto, one = ((tmp_path / name / "measurements.jsonl").read_text() for name in ("auto", "one"))
    assert auto == one


def test_plan_says_the_choice(run, machine):
    machine(2)
    assert "takes 2 workers of 1 thread" in " ".join(run("plan", "first_life")[1].split())
    assert json.loads(run("plan", "first_life", "--json")[1])["workers"] == 2
    assert "takes" not in run("plan", "first_life", "--workers", 2)[1]
