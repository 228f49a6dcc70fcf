"""Disorders of the pruning schedule: exact counts in tiny lives, nested masks, and the criterion gone wrong."""

from dataclasses import replace

import pytest
import torch
from conftest import TASKS, weights
from small_lives import born, lived, same

from lifespan import (
    Age,
    EarlyPruning,
    Fisher,
    LatePruning,
    Learn,
    Magnitude,
    Neurons,
    NofM,
    NoRefit,
    OverPruning,
    Random,
    Recover,
    Regrow,
    Suffer,
    Treat,
    UnderPruning,
    WrongCriterion,
)
from lifespan.disorders._misguided import Misguided
from lifespan.errors import ScenarioError
from lifespan.execution.step import checked_ageing
from lifespan.pruning.scopes import SCOPES
from lifespan.randomness import Streams

STREAMS = Streams(3, "age#0")
AGEING = [OverPruning(), UnderPruning(), LatePruning(), WrongCriterion(), WrongCriterion(rival="random")]
SCHEDULE = [*AGEING, EarlyPruning(), EarlyPruning(by=Random()), NoRefit()]
IDS = {"ids": lambda disorder: disorder.describe()}


def age(to, by=None):
    return Age(to=to, by=by or Magnitude())


def dead(subject):
    return sum(int((~mask).sum()) for mask in subject.alive.values())


def gone(masks):
    return torch.cat([~mask.flatten() for mask in masks.values()])


@pytest.mark.parametrize("disorder", SCHEDULE, **IDS)
def test_severity_zero_is_health_bit_for_bit_and_a_larger_one_is_not(disorder):
    events = [Learn(TASKS[0], by=weights(2)), age(0.3), age(0.5), Recover(steps=4)]
    healthy, _ = lived(*events)
    assert same(healthy, lived(Suffer(disorder.healthy()), *events)[0])
    assert not same(healthy, lived(Suffer(disorder), *events)[0])


@pytest.mark.parametrize("severity", [0.25, 1.0])
def test_over_pruning_takes_a_share_of_what_should_live_and_the_loss_stays(severity):
    ill = Suffer(OverPruning(severity=severity), lasting=1)
    subject, _ = lived(ill, age(0.3))
    reached = 0.3 + 0.9 * severity * 0.7
    assert dead(subject) == round(reached * subject.count)
    later, _ = lived(ill, age(0.3), age(0.4))
    assert dead(later) == max(dead(subject), round(0.4 * subject.count))
    assert dead(lived(ill, age(0.3), age(0.95))[0]) == round(0.95 * subject.count)


@pytest.mark.parametrize("severity", [0.25, 1.0])
def test_under_pruning_stays_short_and_never_revives(severity):
    ill = Suffer(UnderPruning(severity=severity))
    subject, _ = lived(ill, age(0.4), age(0.6))
    assert dead(subject) == round(0.6 * (1 - severity) * subject.count)
    late, _ = lived(age(0.4), ill, age(0.5))
    assert dead(late) == max(round(0.4 * late.count), round(0.5 * (1 - severity) * late.count))


def test_late_pruning_leaves_out_a_share_of_the_step_and_the_first_age_after_it_catches_up():
    ill = Suffer(LatePruning(severity=0.75), lasting=2)
    counts = []
    for number in range(1, 4):
        subject, _ = lived(age(0.2), ill, *[age(to) for to in (0.4, 0.6, 0.8)[:number]])
        counts.append(dead(subject))
    first = 0.4 - 0.75 * 0.2
    second = 0.6 - 0.75 * (0.6 - first)
    assert counts == [round(share * subject.count) for share in (first, second, 0.8)]
    kept, _ = lived(age(0.2), Suffer(LatePruning(severity=1.0)), age(0.7))
    assert dead(kept) == round(0.2 * kept.count)


@pytest.mark.parametrize("pruner", [*(Magnitude(scope=scope) for scope in SCOPES), Random(), Neurons()], **IDS)
def test_an_age_to_less_than_is_dead_already_changes_nothing(pruner):
    events = [Learn(TASKS[0], by=weights(1)), Suffer(EarlyPruning(severity=0.8))]
    before, _ = lived(*events)
    for disorder in (OverPruning(severity=0.1), UnderPruning(), LatePruning()):
        after, _ = lived(*events, Suffer(disorder), age(0.3, pruner))
        assert all(torch.equal(mask, after.alive[name]) for name, mask in before.alive.items())


def test_a_pruner_that_fixes_its_sparsity_says_that_it_cannot_be_over_pruned():
    with pytest.raises(ScenarioError, match=r"fixes the sparsity at 0\.5, not 0\.725"):
        lived(Suffer(OverPruning(severity=0.5)), age(0.5, NofM()))


@pytest.mark.parametrize("by", [Magnitude(), Random()], **IDS)
def test_early_pruning_is_the_pruners_own_choice_at_once_and_reports_it(by):
    subject, twin = born(), born()
    before = {name: weight.data.clone() for name, weight in subject.synapses.items()}
    twin.alive = subject.alive = Random().choose(subject, 0.2, Streams(9, "x"), ())
    injuries = EarlyPruning(severity=0.5, by=by).strike(subject, STREAMS)
    expected = by.choose(twin, 0.45, STREAMS, ())
    died = {name: twin.alive[name] & ~mask for name, mask in expected.items()}
    assert all(torch.equal(mask, expected[name]) for name, mask in subject.alive.items())
    assert all(torch.equal(weight.data, before[name]) for name, weight in subject.synapses.items())
    assert injuries["entries"] == sum(int(mask.sum()) for mask in died.values()) == dead(subject) - dead(twin) > 0
    weight = torch.cat([before[name][mask] for name, mask in died.items()])
    assert injuries["norm"] == pytest.approx(float(weight.double().norm()))


def test_early_pruning_is_nested_spares_the_dead_and_can_be_regrown():
    subject, few = born(), None
    for severity in (0.2, 0.5, 1.0):
        EarlyPruning(severity=severity, by=Random()).strike(subject, STREAMS)
        assert dead(subject) == round(0.9 * severity * subject.count)
        assert few is None or bool((few <= gone(subject.alive)).all())
        few = gone(subject.alive)
    assert EarlyPruning(severity=0.5).strike(subject, STREAMS) == {"entries": 0.0, "norm": 0.0}
    revived, _ = lived(Suffer(EarlyPruning(severity=0.5)), Treat(Regrow(severity=1.0)), age(0.3))
    assert dead(revived) == round(0.3 * revived.count)


def test_the_control_of_an_early_loss_is_as_large_and_random():
    one, control = EarlyPruning(severity=0.4), EarlyPruning(severity=0.4).control()
    assert control == EarlyPruning(severity=0.4, by=Random()) and control.control() is None
    subjects = [lived(Suffer(each))[0] for each in (one, control)]
    assert dead(subjects[0]) == dead(subjects[1]) and not same(*subjects)


@pytest.fixture(scope="module")
def worn():
    subject = born(*TASKS)
    subject.alive = Random().choose(subject, 0.1, Streams(9, "x"), ())
    return subject


PRUNERS = [*(kind(scope=scope) for kind in (Magnitude, Random) for scope in SCOPES), Fisher(examples=4)]


@pytest.mark.parametrize("rival", ["opposite", "random"])
@pytest.mark.parametrize("pruner", PRUNERS, **IDS)
@pytest.mark.parametrize("share", [0.3, 1.0])
def test_a_wrong_criterion_is_exact_and_nested(worn, pruner, rival, share):
    for sparsity in (0.0, 0.1, 0.35, 0.9):
        to, by = WrongCriterion(severity=share, rival=rival).ageing(sparsity, pruner, worn)
        assert to == sparsity
        masks = by.choose(worn, to, STREAMS, TASKS)
        checked_ageing(worn, masks, to, exact=type(by).exact)
        repeated = by.choose(worn, to, STREAMS, TASKS)
        assert all(torch.equal(mask, repeated[name]) for name, mask in masks.items())


@pytest.mark.parametrize("share", [0.25, 0.5, 1.0])
def test_the_opposite_takes_the_strongest_by_sorting(worn, share):
    strength = torch.cat([weight.data.abs().flatten() for weight in worn.synapses.values()])
    alive = ~gone(worn.alive)
    order = strength.masked_fill(~alive, torch.inf).argsort()[: int(alive.sum())]
    due = round(0.4 * worn.count) - dead(worn)
    wrong = round(share * due)
    expected = gone(worn.alive)
    expected[order[: due - wrong]] = True
    expected[order[len(order) - wrong :]] = True
    _, by = WrongCriterion(severity=share).ageing(0.4, Magnitude(), worn)
    assert torch.equal(gone(by.choose(worn, 0.4, STREAMS, ())), expected)


def test_random_victims_are_drawn_among_those_the_criterion_does_not_take_first(worn):
    _, by = WrongCriterion(severity=0.5, rival="random").ageing(0.5, Magnitude(), worn)
    masks = gone(by.choose(worn, 0.5, STREAMS, ()))
    due = round(0.5 * worn.count) - dead(worn)
    first = gone(Magnitude().choose(worn, (dead(worn) + due - round(0.5 * due)) / worn.count, STREAMS, ()))
    assert bool((first <= masks).all())
    strength = torch.cat([weight.data.abs().flatten() for weight in worn.synapses.values()])
    victims, spared = masks & ~first, ~masks
    assert int(victims.sum()) == round(0.5 * due)
    assert float(strength[victims].mean()) == pytest.approx(float(strength[spared].mean()), rel=0.1), "of any size"


def test_more_wrong_deaths_contain_fewer_and_cost_larger_weights(worn):
    strength = torch.cat([weight.data.abs().flatten() for weight in worn.synapses.values()])
    right = gone(Magnitude().choose(worn, 0.4, STREAMS, ()))
    before, lost = torch.zeros_like(right), float(strength[right].sum())
    for share in (0.2, 0.6, 1.0):
        masks = gone(Misguided(by=Magnitude(), share=share).choose(worn, 0.4, STREAMS, ()))
        wrong = masks & ~right
        assert bool((before <= wrong).all()) and float(strength[masks].sum()) > lost
        before, lost = wrong, float(strength[masks].sum())


def test_a_wrong_criterion_refuses_whole_units_and_has_a_random_control(worn):
    with pytest.raises(ScenarioError, match=r"WrongCriterion\(\).*single synapses, and Neurons\(\) removes whole units"):
        WrongCriterion().ageing(0.5, Neurons(), worn)
    assert WrongCriterion(severity=0.0).ageing(0.5, Neurons(), worn) == (0.5, Neurons())
    control = WrongCriterion(severity=0.3).control()
    assert control == WrongCriterion(severity=0.3, rival="random") and control.control() is None


def test_a_recovery_is_cut_short_or_left_out():
    events = [Learn(TASKS[0], by=weights(2)), age(0.5)]
    assert [NoRefit(severity=s).refit(10) for s in (0.0, 0.2, 0.55, 0.99, 1.0)] == [10, 8, 4, 0, 0]
    none, _ = lived(*events)
    full, _ = lived(*events, Recover(steps=10))
    short, _ = lived(*events, Suffer(NoRefit(severity=0.6)), Recover(steps=10))
    four, _ = lived(*events, Recover(steps=4))
    left_out, _ = lived(*events, Suffer(NoRefit(severity=1.0)), Recover(steps=10))
    assert (full.age, short.age, left_out.age) == (none.age + 10, none.age + 4, none.age)
    assert same(left_out, none) and same(short, four) and not same(short, full)


@pytest.mark.parametrize("disorder", AGEING[:3], **IDS)
def test_the_native_dose_is_monotone(worn, disorder):
    doses = [replace(disorder, severity=i / 10).ageing(0.6, Magnitude(), worn)[0] for i in range(11)]
    assert doses in (sorted(doses), sorted(doses, reverse=True)) and len(set(doses)) > 5 and doses[0] == 0.6
    assert all(worn.sparsity - 1e-12 <= dose < 1 for dose in doses)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda: WrongCriterion(rival="opposit"), r"WrongCriterion\(rival='opposit'\).*opposite"),
        (lambda: EarlyPruning(by=Magnitude), r"is a class, not an object"),
        (lambda: EarlyPruning(by="magnitude"), r"must be a Pruner.*Magnitude\(\)"),
        (lambda: OverPruning(severity=60), r"OverPruning\(severity=60\).*0\.6"),
        (lambda: EarlyPruning(by=Fisher()).strike(born(), STREAMS), r"Fisher\(\).*Magnitude\(\)"),
    ],
)
def test_mistakes_are_named(wrong, said):
    with pytest.raises(ScenarioError, match=said):
        wrong()
