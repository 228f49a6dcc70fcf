"""The time left of a running study."""

from dataclasses import replace

import pytest
from conftest import tiny_life, tiny_study

from lifespan.execution.estimate import Cost, estimate
from lifespan.execution.time_left import TimeLeft
from lifespan.simulation import plan_for


def running(workers=1, individuals=2, cost=10.0):
    """(plan, its time left, a clock to turn): every step is said to cost 10 seconds."""
    plan = plan_for(tiny_study(individuals=individuals, one=tiny_life(), other=tiny_life()))
    found = estimate(plan)
    found = replace(found, nodes={digest: Cost(seconds=cost) for digest in found.nodes})
    clock = [0.0]
    return plan, TimeLeft(plan, found, workers, now=lambda: clock[0]), clock


def test_nothing_is_said_before_anything_was_lived():
    assert running()[1].seconds() is None


@pytest.mark.parametrize("cost", [10.0, 0.1])
def test_an_estimate_that_is_wrong_by_a_factor_is_made_up_for(cost):
    plan, left, clock = running(cost=cost)
    for step in list(plan.nodes.values())[:4]:
        clock[0] += 3.0
        left.step_ends(step.digest)
    assert left.seconds() == pytest.approx(3.0 * (len(plan.nodes) - 4))
    clock[0] += 2.0
    assert left.seconds() == pytest.approx(3.0 * (len(plan.nodes) - 4) - 2.0)
    clock[0] += 1e6
    assert left.seconds() == 0.0


def test_the_longest_life_bounds_many_workers():
    plan, left, clock = running(workers=8)
    first = plan.lives[0].steps
    clock[0] = 4.0
    left.step_ends(first[0].digest)
    # One worker of eight takes eight times the pace of all for the other life's chain.
    assert left.seconds() == pytest.approx(8 * 4.0 * len(plan.lives[-1].steps))


def test_what_ended_early_is_not_waited_for():
    plan, left, clock = running()
    failed, other = plan.lives[0], plan.lives[-1]
    assert not {step.digest for step in failed.steps} & {step.digest for step in other.steps}
    left.life_ends(failed)
    for step in other.steps[:2]:
        clock[0] += 1.0
        left.step_ends(step.digest)
    assert left.seconds() == pytest.approx(len(plan.nodes) - len(failed.steps) - 2)


def test_steps_that_a_failed_life_shares_with_its_twin_are_still_waited_for():
    plan, left, clock = running()
    failed = plan.lives[0]
    assert sum(life.seed == failed.seed for life in plan.lives) == 2
    left.life_ends(failed, done=False)
    clock[0] += 1.0
    left.step_ends(failed.steps[0].digest)
    assert left.seconds() == pytest.approx(len(plan.nodes) - 1)


def test_a_step_that_was_lived_before_changes_nothing():
    plan, left, clock = running()
    digest = plan.lives[0].steps[0].digest
    clock[0] += 3.0
    left.step_ends(digest)
    clock[0] += 1.0
    before = left.seconds()
    left.step_ends(digest)
    assert left.seconds() == before == pytest.approx(3.0 * (len(plan.nodes) - 1) - 1.0)
