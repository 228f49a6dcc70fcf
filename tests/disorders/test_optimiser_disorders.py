"""Disorders of optimiser dynamics: health at severity 0, doses by hand, the effect itself, and resuming after a kill."""

import math
from dataclasses import dataclass, replace
from functools import cache

import pytest
import torch
from afflicted import Witness, born, course, differing, killed, learn, outcome
from conftest import TASKS, TINY
from torch import nn

import lifespan.training
from lifespan import (
    Both,
    HighRate,
    Learn,
    LossSpikes,
    LostClipping,
    Lottery,
    Masks,
    MissetMomentum,
    NoisyGradients,
    NoWarmup,
    OscillatingRate,
    Rewire,
    RigL,
    Scenario,
    SignFlips,
    StaleUpdates,
    Study,
    Suffer,
    UserError,
    Weights,
    read,
    simulate,
)
from lifespan.contracts import Disorder, Plasticity, Regimen
from lifespan.report.references import REFERENCES
from lifespan.training.loop import Recipe

DISORDERS = (
    HighRate(),
    NoWarmup(),
    MissetMomentum(),
    MissetMomentum(beta1=0.9, beta2=0.5),
    NoisyGradients(),
    StaleUpdates(max_delay=4),
    SignFlips(),
    LostClipping(),
    OscillatingRate(period=5),
    LossSpikes(severity=1.0, chance=0.5),
)
LEARNERS = {
    "weights": Weights(rate=1e-3, clip=0.1),
    "both": Both(rate=1e-3, masks=Masks(rate=5e-3)),
    "rigl": RigL(rate=1e-3, weights=True, every=2),
}


def named(disorders):
    return pytest.mark.parametrize("disorder", disorders, ids=Disorder.describe)


@cache
def healthy(name):
    return outcome(learn(LEARNERS[name]))


def holding(*gradients):
    parameters = [nn.Parameter(torch.zeros(1 if g is None else g.shape)) for g in gradients]
    for parameter, gradient in zip(parameters, gradients, strict=True):
        parameter.grad = None if gradient is None else gradient.clone()
    return parameters


@named(DISORDERS)
@pytest.mark.parametrize("name", LEARNERS)
def test_severity_zero_is_health_bit_for_bit(disorder, name):
    assert differing(outcome(learn(LEARNERS[name], disorder.healthy())), healthy(name)) == []


@named(DISORDERS)
def test_every_disorder_disturbs_learning(disorder):
    assert differing(outcome(learn(LEARNERS["weights"], disorder)), healthy("weights"))


@named(DISORDERS)
def test_a_killed_learning_resumes_with_the_same_bits(disorder):
    whole = outcome(learn(LEARNERS["both"], disorder))
    assert differing(outcome(killed(LEARNERS["both"], disorder, after=3)), whole) == []


@named(DISORDERS)
def test_tasks_in_turn_with_heads_that_have_no_gradient(disorder):
    subject = born(TASKS)
    before = {name: weight.data.clone() for name, weight in subject.synapses.items()}
    learn(Rewire(rate=1e-3, heads=True), disorder, subject=subject, tasks=TASKS)
    assert all(torch.equal(before[name], weight.data) for name, weight in subject.synapses.items())
    heads = [skill.head.output.weight for skill in subject.skills.values()]
    assert all(bool(head.isfinite().all()) for head in heads)


@named(DISORDERS)
def test_what_it_says_of_itself(disorder):
    assert disorder.aetiology == "optimiser dynamics"
    assert disorder.citation in REFERENCES
    assert "Native parameter" in type(disorder).__doc__
    assert disorder.control() is None


@pytest.mark.parametrize(
    ("disorder", "dose", "expected"),
    [
        (HighRate(), "rate", {0.0: 1.0, 0.5: 10.0, 1.0: 100.0}),
        (HighRate(factor=4), "rate", {0.5: 2.0, 1.0: 4.0}),
        (LostClipping(), "clip", {0.0: 2.0, 1 / 3: 20.0, 1.0: 2000.0}),
        (OscillatingRate(period=4), "rate", {0.0: 1.0, 0.25: 1.25, 1.0: 2.0}),
    ],
    ids=["rate", "factor", "clip", "swing"],
)
def test_doses_by_hand_rise_with_severity(disorder, dose, expected):
    for severity, value in expected.items():
        regimen = replace(disorder, severity=severity).regimen(Regimen(clip=2.0), course(step=1))
        assert getattr(regimen, dose) == pytest.approx(value)
    assert list(expected.values()) == sorted(expected.values())


def test_rates_multiply_with_what_was_there():
    for disorder in (HighRate(severity=0.5), OscillatingRate(severity=0.5, period=4), NoWarmup(severity=0.5)):
        once = disorder.regimen(Regimen(), course(step=1, warmup=0.5)).rate
        assert disorder.regimen(Regimen(rate=3.0), course(step=1, warmup=0.5)).rate == pytest.approx(3 * once)
        assert once > 1


def test_without_warm_up_the_rise_begins_at_the_severity():
    recipe = Recipe(10, 0.4, 1.0)
    factors = {}
    for severity in (0.0, 0.5, 1.0):
        regimens = [NoWarmup(severity=severity).regimen(Regimen(), course(step=t, warmup=0.4)) for t in range(10)]
        factors[severity] = [recipe.factor(t) * regimen.rate for t, regimen in enumerate(regimens)]
    assert factors[0.0] == [recipe.factor(t) for t in range(10)]
    assert factors[0.5][:4] == pytest.approx([0.6, 0.7, 0.8, 0.9])
    assert factors[1.0][:4] == pytest.approx([1.0] * 4)
    assert factors[0.5][4:] == factors[1.0][4:] == factors[0.0][4:]


def test_every_cycle_of_rates_lacks_its_rise():
    plasticity = Plasticity()
    plasticity.cycle = 5
    rates = [
        NoWarmup(severity=1.0).regimen(Regimen(), course(step=t, warmup=0.4, plasticity=plasticity)).rate for t in range(10)
    ]
    assert rates == pytest.approx([3.0, 1.5, 1.0, 1.0, 1.0] * 2)


def test_the_loop_tells_its_warm_up():
    Witness.forget()
    learn(Weights(), NoWarmup(severity=1.0), Witness(), warmup=0.5)
    assert [regimen.rate for regimen in Witness.regimens] == pytest.approx([4.0, 2.0, 4 / 3, 1.0, 1.0, 1.0])


@pytest.mark.parametrize("betas", [(0.0, 0.999), (0.9, 0.5), (0.3, 0.7)])
def test_misset_momenta_equal_an_optimizer_built_with_them(betas, monkeypatch):
    ill = outcome(learn(LEARNERS["weights"], MissetMomentum(severity=1.0, beta1=betas[0], beta2=betas[1])))
    # Healthy lives are kept for all tests: this one must not be lived under the patch.
    well = healthy("weights")
    monkeypatch.setattr(lifespan.training.loop, "BETAS", betas)
    reference = outcome(learn(LEARNERS["weights"]))
    for name, value in reference.items():
        torch.testing.assert_close(ill[name], value)
    assert differing(reference, well)


def test_momenta_move_geometrically_in_their_horizon():
    both = MissetMomentum(severity=0.5, beta1=0.0, beta2=0.9)
    assert both.regimen(Regimen(), course()).betas == pytest.approx((1 - 0.1**0.5, 0.99))
    first = [replace(MissetMomentum(), severity=s).regimen(Regimen(), course()).betas for s in (0.25, 0.5, 1.0)]
    assert [beta[0] for beta in first] == sorted([beta[0] for beta in first], reverse=True)
    assert all(beta[1] == 0.999 for beta in first) and first[-1][0] == 0.0
    assert both.regimen(Regimen(betas=(0.0, 0.9)), course()).betas == (0.0, 0.9)


def test_noise_has_the_size_it_promises_and_spares_what_has_no_gradient():
    gradient = 3e-4 * torch.randn(200, 100, generator=torch.Generator().manual_seed(0))
    gradient[0] = 0.0
    added = {}
    for severity in (0.25, 0.5):
        parameters = holding(gradient, None)
        NoisyGradients(severity=severity, ratio=4).gradient(parameters, course())
        added[severity] = parameters[0].grad - gradient
        assert parameters[1].grad is None and not added[severity][0].any()
        ratio = added[severity][1:].std() / gradient.square().mean().sqrt()
        assert float(ratio) == pytest.approx(4 * severity, rel=0.03)
    torch.testing.assert_close(added[0.5], 2 * added[0.25], atol=1e-7, rtol=1e-3)
    later = holding(gradient)
    NoisyGradients(severity=0.5, ratio=4).gradient(later, course(step=1))
    assert not torch.equal(later[0].grad - gradient, added[0.5])


def test_dead_synapses_stay_out_of_noise():
    subject = born()
    for name in subject.alive:
        subject.alive[name][0] = False
    before = {name: weight.data.clone() for name, weight in subject.synapses.items()}
    Witness.forget()
    learn(Weights(rate=1e-3, weight_decay=0.0), NoisyGradients(severity=1.0), Witness(), subject=subject)
    assert all(not state[f"encoder/{name}"][0].any() for state in Witness.states for name in before)
    assert all(torch.equal(before[name][0], weight.data[0]) for name, weight in subject.synapses.items())


def arrivals(disorder, given, plasticity=None):
    """Which gradient arrives at each step, by the number it carries; a parameter's gradient may be missing."""
    memory, came = {}, []
    for step, number in enumerate(given):
        parameters = holding(None if number is None else torch.tensor([float(number)]))
        disorder.gradient(parameters, course(step, len(given), memory=memory, plasticity=plasticity))
        came.append(None if parameters[0].grad is None else float(parameters[0].grad))
    return came


def test_stale_updates_come_after_the_delay():
    assert arrivals(StaleUpdates(severity=0.0), range(8)) == list(range(8))
    assert arrivals(StaleUpdates(severity=0.1), range(8)) == [None, *range(7)]
    assert arrivals(StaleUpdates(severity=0.3), range(8)) == [None] * 3 + list(range(5))
    assert [StaleUpdates(severity=s, max_delay=6).delay for s in (0, 0.2, 0.5, 1)] == [0, 1, 3, 6]


def test_a_step_without_a_gradient_does_not_count_and_gets_none():
    given = [0, 1, None, 3, None, 5, 6, None]
    assert arrivals(StaleUpdates(severity=0.1), given) == [None, 0, None, 1, None, 3, 5, None]
    assert arrivals(StaleUpdates(severity=0.2), given) == [None, None, None, 0, None, 1, 3, None]


def test_every_head_learns_late_where_tasks_take_turns():
    Witness.forget()
    subject = born(TASKS)
    plasticity = learn(Rewire(rate=1e-3, heads=True), StaleUpdates(severity=0.1), Witness(), subject=subject, tasks=TASKS)
    moving = [id(parameter) for group in plasticity.groups() for parameter in group["params"]]
    came = []
    for task in TASKS:
        position = moving.index(id(subject.skills[task.title].head.output.weight))
        came.append([step for step, gradients in enumerate(Witness.gradients) if gradients[position] is not None])
    assert came == [[2, 4], [3, 5]]
    assert [gradients[0] is not None for gradients in Witness.gradients] == [False] + [True] * 5


def test_no_gradient_outlives_its_cycle():
    plasticity = Plasticity()
    plasticity.cycle = 4
    came = arrivals(StaleUpdates(severity=0.2), range(8), plasticity)
    assert came == [None, None, 0, 1, None, None, 4, 5]


def test_a_ticket_stays_closed_to_stale_gradients():
    Witness.forget()
    learn(Lottery(rate=1e-2, sparsity=0.5, rounds=1), StaleUpdates(severity=0.2), Witness(), steps=8)
    last = Witness.states[-1]
    for name, ticket in last.items():
        if name.startswith("ticket/"):
            assert not last[f"encoder/{name.removeprefix('ticket/')}"][~ticket].any()


def test_a_delay_as_long_as_the_event_learns_nothing():
    subject = born()
    before = {name: p.data.clone() for name, p in subject.encoder.named_parameters()}
    learn(Weights(rate=1e-2), StaleUpdates(severity=1.0, max_delay=6), subject=subject)
    assert all(torch.equal(before[name], p.data) for name, p in subject.encoder.named_parameters())


def test_sign_flips_flip_the_share_and_nest():
    gradient = 1 + torch.rand(100, 100, generator=torch.Generator().manual_seed(0))
    flipped = {}
    for severity in (0.2, 0.6, 1.0):
        parameters = holding(gradient, None)
        SignFlips(severity=severity).gradient(parameters, course())
        assert torch.equal(parameters[0].grad.abs(), gradient) and parameters[1].grad is None
        flipped[severity] = parameters[0].grad < 0
        assert float(flipped[severity].float().mean()) == pytest.approx(severity, abs=0.02)
    assert bool((flipped[0.2] <= flipped[0.6]).all()) and bool(flipped[1.0].all())
    again = holding(gradient)
    SignFlips(severity=0.2).gradient(again, course(step=1))
    assert not torch.equal(again[0].grad < 0, flipped[0.2])


def test_the_swing_is_fair_and_never_negative():
    rates = [OscillatingRate(severity=1.0, period=8).regimen(Regimen(), course(step=t)).rate for t in range(16)]
    assert sum(rates) / 16 == pytest.approx(1.0) and min(rates) >= 0.0 and max(rates) == pytest.approx(2.0)
    assert rates[:8] == pytest.approx(rates[8:])


def test_spikes_enlarge_the_gradient_and_lift_the_clipping_at_the_same_steps():
    struck = {}
    for severity in (0.2, 0.8):
        disorder = LossSpikes(severity=severity, chance=0.5, size=50)
        struck[severity] = set()
        for step in range(300):
            parameters = holding(torch.tensor([2.0]), None)
            disorder.gradient(parameters, course(step))
            regimen = disorder.regimen(Regimen(), course(step))
            assert (float(parameters[0].grad), regimen.clip) in ((2.0, 1.0), (100.0, math.inf))
            assert parameters[1].grad is None and regimen.rate == 1.0
            if regimen.clip > 1:
                struck[severity].add(step)
    assert struck[0.2] < struck[0.8]
    assert len(struck[0.2]) == pytest.approx(30, abs=15) and len(struck[0.8]) == pytest.approx(120, abs=25)


def test_a_spike_reaches_the_optimizer_unclipped(monkeypatch):
    norms = []

    def clip(parameters, largest):
        norm = clip_healthily(parameters, largest)
        norms.append(float(nn.utils.get_total_norm([p.grad for p in parameters if p.grad is not None])))
        return norm

    clip_healthily = nn.utils.clip_grad_norm_
    monkeypatch.setattr(nn.utils, "clip_grad_norm_", clip)
    Witness.forget()
    learn(Weights(rate=1e-4, clip=1e-6), LossSpikes(severity=0.5, chance=1.0, size=50), Witness(), steps=12)
    spikes = [regimen.clip == math.inf for regimen in Witness.regimens]
    assert 0 < sum(spikes) < 12
    assert [norm > 1.001e-6 for norm in norms] == spikes and max(norms) > 1e-3


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: HighRate(factor=0.5), r"HighRate\(factor=0.5\): must be at least 1"),
        (lambda: HighRate(severity=2), r"HighRate\(severity=2\): must be a number in \[0, 1\]"),
        (lambda: LostClipping(factor=0), r"LostClipping\(factor=0\): must be a number above 0"),
        (lambda: LostClipping(factor=0.1), r"LostClipping\(factor=0.1\): must be at least 1: a higher severity means less"),
        (lambda: MissetMomentum(beta1=1.0), r"MissetMomentum\(beta1=1.0\): must be a number in \[0, 1\)"),
        (lambda: MissetMomentum(beta2=-1), r"MissetMomentum\(beta2=-1\): must be a number in \[0, 1\)"),
        (lambda: NoisyGradients(ratio=0), r"NoisyGradients\(ratio=0\): must be a number above 0"),
        (lambda: StaleUpdates(max_delay=0), r"StaleUpdates\(max_delay=0\): must be a whole number, at least 1"),
        (lambda: OscillatingRate(period=2), r"OscillatingRate\(period=2\): must be a whole number, at least 3"),
        (lambda: LossSpikes(chance=0), r"LossSpikes\(chance=0\): must be above 0"),
        (lambda: LossSpikes(chance=5), r"LossSpikes\(chance=5\): must be a number in \[0, 1\]"),
        (lambda: LossSpikes(size=0.5), r"LossSpikes\(size=0.5\): must be at least 1: a spike enlarges"),
    ],
)
def test_bad_arguments_say_so(make, said):
    with pytest.raises(UserError, match=said):
        make()


@dataclass(frozen=True, kw_only=True)
class LastStepExplodes(Disorder):
    """The last update is not a number. Native parameter: none."""

    def gradient(self, parameters, course):
        if course.step == course.steps - 1:
            parameters[0].grad.fill_(float("nan"))


@pytest.mark.parametrize("by", [Masks(steps=3), Weights(steps=3)], ids=["masks", "weights"])
def test_a_last_update_that_is_not_a_number_is_a_divergence(by, tmp_path):
    """No later loss tells, and a mask made of scores that are no numbers is finite."""
    life = Scenario(name="life", subject=TINY, events=(Suffer(LastStepExplodes()), Learn(TASKS[0], by=by)))
    simulate(Study(name="late", groups={"life": life}), tmp_path, threads=1)
    person = read(tmp_path).participants().iloc[0]
    assert person["status"] == "diverged" and "not finite" in person["reason"]
