"""What a plan says of its cost, by parts whose truth is known."""

import json
import runpy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from architectures import saved
from conftest import tiny_study

from lifespan import Develop, Learn, Micro, MicroTask, MicroText, MiniLM, Pretrained, Probe, Scenario, Score, Study, Weights
from lifespan.execution import estimate as estimating
from lifespan.execution.estimate import estimate
from lifespan.randomness import Streams
from lifespan.simulation import plan_for, simulate
from lifespan.study.plan import Birth

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
LEARNING = Learn(MicroTask("sentiment"), by=Weights(steps=50))


@pytest.fixture(autouse=True)
def steady(monkeypatch):
    """A machine whose speed does not depend on what else it does."""
    monkeypatch.setattr(estimating, "_throughput", lambda: 1e11)


def study(*events, subject=None, individuals=1):
    life = Scenario(name="life", subject=subject or Micro(), events=events)
    return Study(name="study", individuals=individuals, groups={"life": life})


def cost(event, **settings):
    plan = plan_for(study(event, **settings))
    return estimate(plan).nodes[plan.lives[0].steps[-1].digest]


def test_time_grows_with_steps_and_with_what_the_language_head_reads():
    childhood = Develop(MicroText(), steps=100)
    once, twice = cost(childhood), cost(replace(childhood, steps=200))
    assert twice.seconds - estimating.EVENT_OVERHEAD == pytest.approx(2 * (once.seconds - estimating.EVENT_OVERHEAD), rel=0.05)
    assert cost(replace(childhood, masking=0.6)).seconds > once.seconds


def test_bodies_that_are_born_alike_are_kept_once():
    def births(subject):
        plan = plan_for(study(LEARNING, subject=subject, individuals=3))
        found = estimate(plan).nodes
        return [found[digest].bytes for digest, step in plan.nodes.items() if isinstance(step.event, Birth)]

    assert [size > 0 for size in births(MiniLM())] == [True, False, False]
    assert all(size > 0 for size in births(Micro()))


def test_what_is_said_to_be_born_alike_is(tmp_path):
    place = str(saved("bert", tmp_path))

    def born(random, seed):
        encoder = Pretrained(place, random=random).build(Streams(seed, "birth")).encoder
        return np.concatenate([parameter.detach().numpy().ravel() for parameter in encoder.parameters()])

    assert Pretrained(place).born_alike and np.array_equal(born(False, 0), born(False, 1))
    assert not Pretrained(place, random=True).born_alike and not np.array_equal(born(True, 0), born(True, 1))


def test_large_subjects_share_out_the_cores_and_small_ones_keep_to_one(monkeypatch):
    monkeypatch.setattr(estimating.hardware, "cores", lambda: 8)

    def products(subject, workers):
        plan = plan_for(study(LEARNING, subject=subject))
        fixed = estimating.OVERHEAD + estimating.PARAMETER * estimating.parameters_of(plan.lives[0].steps[0].event)
        seconds = estimate(plan, workers=workers).nodes[plan.lives[0].steps[-1].digest]
        return seconds.seconds - estimating.EVENT_OVERHEAD - estimating.SAVING * seconds.bytes - 50 * fixed

    assert products(MiniLM(), 4) == pytest.approx(4 * products(MiniLM(), 1))
    assert products(Micro(), 4) == pytest.approx(products(Micro(), 1))


def test_a_start_is_counted_while_something_is_left_to_live(tmp_path):
    tiny = tiny_study()
    plan = plan_for(tiny)
    found = estimate(plan)
    assert found.wall == pytest.approx(estimating.START + found.remaining.total_seconds)
    simulate(tiny, tmp_path / "run", threads=1)
    assert estimate(plan, tmp_path / "run").wall == 0


def test_looks_that_were_measured_are_taken_from_there(tmp_path):
    tiny = study(LEARNING, Probe(Score()))
    simulate(tiny, tmp_path / "run", threads=1)
    path = tmp_path / "run" / "steps.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    path.write_text("".join(json.dumps({**row, "look_seconds": 12.0 * (row["look_seconds"] > 0)}) + "\n" for row in rows))
    plan = plan_for(study(LEARNING, Probe(Score()), individuals=2))
    known = estimate(plan, tmp_path / "run").nodes[plan.lives[1].steps[-1].digest]
    assert known.measured and known.evaluation_seconds == 12


def test_the_page_of_speeds_is_that_of_the_results():
    table = runpy.run_path(str(BENCHMARKS / "speed_table.py"))
    assert table["PAGE"].read_text(encoding="utf-8") == table["page"](), "write it anew: python benchmarks/speed_table.py"
