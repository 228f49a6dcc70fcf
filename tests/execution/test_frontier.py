"""The frontier: what is open, who finds what others complete, and what a look costs in a large cohort."""

import pytest
from conftest import TASKS, TINY, tiny_study, weights

from lifespan import Age, Learn, Magnitude, MaskOverlap, Scenario, Suffer, WeightNoise
from lifespan.execution.frontier import SWEEP, Frontier
from lifespan.study.plan import compile_study
from lifespan.study.scenario import Between, Study


class Shelf:
    """A store in memory that counts how often it is asked."""

    def __init__(self):
        self.done, self.ends, self.asked = set(), {}, 0

    def complete(self, step):
        self.asked += 1
        return step.digest in self.done

    def ended(self, digest):
        return self.ends.get(digest)


def plan(individuals=1):
    life = Scenario(name="life", subject=TINY, events=(Learn(TASKS[0], by=weights(1)), Age(to=0.3, by=Magnitude())))
    ill = life.with_events(after=1, add=Suffer(WeightNoise(severity=0.5)))
    return compile_study(tiny_study(individuals=individuals, life=life, ill=ill), precision="fp32")


def test_steps_open_in_the_order_of_the_plan_and_those_below_the_subject_in_memory_first():
    tree, shelf = plan(2), Shelf()
    frontier = Frontier(tree, shelf)
    births = [digest for digest, step in tree.nodes.items() if step.parent is None]
    assert list(frontier.candidates(None)) == births == list(frontier.candidates(None))
    shelf.done.update(births)
    assert [done.step.digest for done in frontier.refresh(births)] == births
    school = [digest for digest, step in tree.nodes.items() if step.parent in births]
    assert list(frontier.candidates(None)) == school
    assert list(frontier.candidates(births[1])) == school[::-1]
    next(frontier.candidates(None))
    assert list(frontier.candidates(None)) == school, "a candidate that nobody took was lost"


def test_a_chain_that_others_lived_is_found_at_one_look():
    tree, shelf = plan(), Shelf()
    frontier = Frontier(tree, shelf)
    shelf.done.update(tree.nodes)
    found = list(frontier.refresh([next(iter(tree.nodes))], 0))
    assert {done.step.digest for done in found} == set(tree.nodes) and not frontier.open
    assert [done.life.group for done in found if done.life is not None] == ["life", "ill"]


def test_lives_end_together_where_their_common_step_ended_and_nothing_opens_below():
    tree, shelf = plan(2), Shelf()
    frontier = Frontier(tree, shelf)
    birth = tree.lives[0].steps[0].digest
    shelf.ends[birth] = {"status": "failed", "reason": "broken"}
    ends = [(done.life.name, done.status, done.reason) for done in frontier.refresh() if done.life is not None]
    assert ends == [("life-000", "failed", "broken"), ("ill-000", "failed", "broken")]
    assert frontier.failed == 1 and list(frontier.open) == [tree.lives[1].steps[0].digest]


@pytest.mark.parametrize("individuals", [10, 1000])
def test_a_refresh_asks_of_as_many_steps_in_a_cohort_of_any_size(individuals):
    tree, shelf = plan(individuals), Shelf()
    frontier = Frontier(tree, shelf)
    for _ in range(5):
        digest = next(frontier.candidates(None))
        shelf.done.add(digest)
        before = shelf.asked
        list(frontier.refresh([digest], SWEEP))
        assert shelf.asked - before <= SWEEP + 3


def test_what_others_complete_anywhere_is_found_in_turn():
    tree, shelf = plan(300), Shelf()
    frontier = Frontier(tree, shelf)
    last = tree.lives[299].steps[0].digest
    shelf.done.add(last)
    looks = 0
    while last in frontier.open:
        list(frontier.refresh((), SWEEP))
        looks += 1
    assert looks <= -(-300 // SWEEP)


def test_pairs_are_those_of_every_two_lives_tried():
    life = Scenario(name="life", subject=TINY, events=(Learn(TASKS[0], by=weights(1)),))
    other = life.with_events(after=1, add=Suffer(WeightNoise(severity=0.5)))
    between = (Between(MaskOverlap()), Between(MaskOverlap(), pairs="individuals"))
    study = Study(name="x", groups={"a": other, "b": life, "c": other}, control="b", individuals=3, between=between)
    named = [(pair.first.name, pair.second.name) for pair in compile_study(study, precision="fp32").pairs]
    twins = [(f"b-00{n}", f"{group}-00{n}") for n in range(3) for group in "ac"]
    fellows = [(f"{group}-00{n}", f"{group}-00{m}") for group in "abc" for n in range(3) for m in range(n + 1, 3)]
    assert named == twins + fellows
