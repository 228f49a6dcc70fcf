"""Disorders of plasticity: health at severity 0, what stands still and what moves, and resuming after a kill."""

import itertools
from functools import cache

import pytest
import torch
from afflicted import STREAMS, Witness, born, course, differing, killed, learn, outcome
from conftest import TASKS, TINY
from torch import nn

from lifespan import (
    SET,
    Anchoring,
    BernoulliMasks,
    Both,
    Distilled,
    FailedHomeostasis,
    FrozenLayers,
    HeadOnly,
    L0Close,
    Learn,
    LostStructuralPlasticity,
    Lottery,
    Masks,
    Micro,
    MovementMasks,
    PrematureClosure,
    Rewire,
    RigL,
    Scenario,
    SoftMovementMasks,
    Suffer,
    TopKMasks,
    UserError,
    Weights,
    simulate,
)
from lifespan.contracts import Disorder, Plasticity
from lifespan.model.subject import layer_of
from lifespan.report.references import REFERENCES

DISORDERS = (
    PrematureClosure(),
    FrozenLayers(severity=1.0),
    Anchoring(),
    Anchoring(importance="gradient", batches=2),
    FailedHomeostasis(),
    LostStructuralPlasticity(),
)
LEARNERS = {
    "weights": Weights(rate=1e-3),
    "both": Both(rate=1e-3, masks=Masks(rate=5e-3)),
    "rigl": RigL(rate=1e-3, weights=True, every=2),
}
TALL = Micro(layers=4, width=16, heads=2, feed_forward=16)
LAYERS = [f"encoder.layer.{i}" for i in range(4)]


def named(disorders):
    return pytest.mark.parametrize("disorder", disorders, ids=Disorder.describe)


@cache
def healthy(name):
    return outcome(learn(LEARNERS[name]))


def weights_of(subject):
    return {name: weight.data.clone() for name, weight in subject.synapses.items()}


@named(DISORDERS)
@pytest.mark.parametrize("name", LEARNERS)
def test_severity_zero_is_health_bit_for_bit(disorder, name):
    assert differing(outcome(learn(LEARNERS[name], disorder.healthy())), healthy(name)) == []


@named(DISORDERS)
def test_every_disorder_disturbs_learning(disorder):
    assert differing(outcome(learn(LEARNERS["both"], disorder)), healthy("both"))


@named(DISORDERS)
@pytest.mark.parametrize("after", [1, 3])
def test_a_killed_learning_resumes_with_the_same_bits(disorder, after):
    whole = outcome(learn(LEARNERS["both"], disorder))
    assert differing(outcome(killed(LEARNERS["both"], disorder, after=after)), whole) == []


@named(DISORDERS)
@pytest.mark.parametrize("by", [Rewire(rate=1e-3, heads=True), RigL(anatomy=True, every=2)], ids=["rewire", "rigl"])
def test_a_recovery_in_turns_keeps_weights_and_their_number(disorder, by):
    subject = born(TASKS)
    for name in subject.alive:
        subject.alive[name][::2] = False
    before, living = weights_of(subject), sum(int(mask.sum()) for mask in subject.alive.values())
    learn(by, disorder, subject=subject, tasks=TASKS)
    assert all(torch.equal(before[name], weight.data) for name, weight in subject.synapses.items())
    assert sum(int(mask.sum()) for mask in subject.alive.values()) == living


@named(DISORDERS)
def test_what_it_says_of_itself(disorder):
    assert disorder.aetiology == "plasticity"
    assert disorder.citation in REFERENCES
    assert "Native parameter" in type(disorder).__doc__


@named(DISORDERS)
def test_a_life_with_it_can_be_lived(disorder, tmp_path):
    from conftest import tiny_study

    events = (Suffer(disorder), Learn(TASKS[0], by=Masks(steps=4, rate=5e-3)), Learn(TASKS[1], by=Weights(steps=4)))
    assert simulate(tiny_study(ill=Scenario(name="ill", subject=TINY, events=events)), tmp_path).done == 1


@pytest.mark.parametrize(("severity", "left"), [(1.0, 0), (0.7, 2), (0.5, 3), (0.0, 6)])
@pytest.mark.parametrize("name", ["weights", "both"])
def test_after_an_early_closure_nothing_moves_and_before_it_all_is_healthy(name, severity, left):
    Witness.forget()
    learn(LEARNERS[name], Witness())
    well = list(Witness.states)
    Witness.forget()
    learn(LEARNERS[name], PrematureClosure(severity=severity), Witness())
    ill = list(Witness.states)
    for step in range(left):
        assert differing(ill[step], well[step]) == []
    for step in range(max(1, left), 6):
        assert differing(ill[step], ill[step - 1]) == []


def moved_layers(subject, before):
    now = dict(subject.encoder.named_parameters())
    moved = {name for name, value in before.items() if not torch.equal(value, now[name].data)}
    return {layer for layer in LAYERS if any(name.startswith(layer) for name in moved)} | (
        {"embeddings"} if any(name.startswith("embeddings") for name in moved) else set()
    )


@pytest.mark.parametrize(
    ("order", "severity", "still"),
    [
        ("bottom", 0.5, {"embeddings", *LAYERS[:2]}),
        ("bottom", 0.3, {"embeddings", *LAYERS[:1]}),
        ("top", 0.75, {*LAYERS[1:]}),
        ("top", 1.0, {"embeddings", *LAYERS}),
    ],
)
def test_frozen_layers_stay_bit_for_bit_and_the_others_learn(order, severity, still):
    subject = born(origin=TALL)
    before = {name: p.data.clone() for name, p in subject.encoder.named_parameters()}
    head = subject.skills[TASKS[0].title].head.output.weight.detach().clone()
    learn(Weights(rate=1e-2, weight_decay=0.5), FrozenLayers(severity=severity, order=order), subject=subject, steps=3)
    assert moved_layers(subject, before) == {"embeddings", *LAYERS} - still
    assert not torch.equal(head, subject.skills[TASKS[0].title].head.output.weight)


@pytest.mark.parametrize(
    "by",
    [
        Both(rate=1e-3, masks=Masks(rate=5e-3)),
        MovementMasks(),
        Distilled(by=Both(rate=1e-3, masks=Masks(rate=5e-3)), teacher=1),
    ],
    ids=["both", "movement", "wrapped"],
)
def test_scores_and_masters_of_frozen_layers_stay(by, monkeypatch):
    subject = born(origin=TALL)
    subject.past = type("Past", (), {"at": lambda self, moment: born(origin=TALL)})()
    started, plasticities = {}, []
    attach = type(by).attach

    def noted(self, *arguments):
        plasticity = attach(self, *arguments)
        started.update({name: value.clone() for name, value in plasticity.state().items()})
        plasticities.append(plasticity)
        return plasticity

    monkeypatch.setattr(type(by), "attach", noted)
    learn(by, FrozenLayers(severity=0.5), subject=subject, steps=3)
    for name, value in plasticities[0].state().items():
        kind, _, rest = name.partition("/")
        if kind in ("score", "master"):
            frozen = layer_of(rest) in LAYERS[:2]
            assert torch.equal(started[name], value) == frozen, name


def test_more_random_layers_contain_fewer_and_are_the_same_in_every_event():
    drawn = [FrozenLayers(severity=s, order="random").frozen(LAYERS, course()) for s in (0.25, 0.5, 0.75, 1.0)]
    assert [len(layers) for layers in drawn] == [1, 2, 3, 4]
    assert all(set(less) < set(more) for less, more in itertools.pairwise(drawn))
    other = course(step=7, key="suffer/x#0/recover#1")
    assert FrozenLayers(severity=0.5, order="random").frozen(LAYERS, other) == drawn[1]
    assert FrozenLayers(severity=0.5, order="top").control() == FrozenLayers(severity=0.5, order="random")
    assert FrozenLayers(order="random").control() is None


def textbook_anchor(parameters, anchors, importance, stiffness):
    """The gradient of the penalty by autograd."""
    total = sum(
        (f * (p - a).square()).sum() for p, a, f in zip(parameters, anchors, importance, strict=True) if p.grad is not None
    )
    return torch.autograd.grad(stiffness / 2 * total, parameters, allow_unused=True)


@pytest.mark.parametrize("importance", ["equal", "gradient"])
def test_the_anchor_equals_the_penalty_of_the_textbook(importance):
    generator = torch.Generator().manual_seed(0)
    parameters = [nn.Parameter(torch.randn(3, 4, generator=generator)), nn.Parameter(torch.randn(5, generator=generator))]
    anchors = [p.detach().clone() for p in parameters]
    disorder = Anchoring(severity=0.4, strength=5.0, importance=importance, batches=2)
    memory, squares = {}, [torch.zeros_like(p) for p in anchors]
    for step in range(5):
        gradients = [torch.randn(p.shape, generator=generator) for p in parameters]
        for i, (parameter, gradient) in enumerate(zip(parameters, gradients, strict=True)):
            parameter.grad = None if (step, i) in ((0, 1), (3, 0)) else gradient.clone()
            if step < 2 and parameter.grad is not None:
                squares[i] += gradient.square()
        disorder.gradient(parameters, course(step, subject=born(), memory=memory))
        mean = torch.cat([s.flatten() for s in squares]).mean()
        weight = [torch.ones_like(s) if importance == "equal" else s / mean for s in squares]
        pulls = textbook_anchor(parameters, anchors, weight, 2.0)
        for parameter, gradient, pull in zip(parameters, gradients, pulls, strict=True):
            if parameter.grad is not None:
                idle = importance == "gradient" and step < 2
                torch.testing.assert_close(parameter.grad, gradient if idle else gradient + pull)
        with torch.no_grad():
            for parameter in parameters:
                parameter.add_(torch.randn(parameter.shape, generator=generator))
    assert parameters[1].grad is not None


@pytest.mark.parametrize(("name", "kind"), [("weights", "encoder/"), ("both", "score/"), ("both", "master/")])
def test_the_stiffer_the_anchor_the_less_is_moved_on_average(name, kind):
    distances = []
    for severity in (0.0, 0.1, 1.0):
        Witness.forget()
        learn(LEARNERS[name], Anchoring(severity=severity, strength=1e4), Witness(), steps=10, warmup=0.0)
        first, last = Witness.states[0], Witness.states[-1]
        distances.append(sum(float((last[n] - first[n]).square().sum()) for n in first if n.startswith(kind)))
    assert distances[0] > distances[2] and distances[0] > distances[1]


@pytest.mark.parametrize("heads", [False, True])
def test_a_new_head_is_free_unless_asked_for(heads):
    subject = born()
    head = subject.skills[TASKS[0].title].head.output.weight
    head.grad = torch.ones_like(head)
    memory, disorder = {}, Anchoring(heads=heads)
    disorder.gradient([head], course(0, subject=subject, memory=memory))
    with torch.no_grad():
        head.add_(1.0)
    disorder.gradient([head], course(1, subject=subject, memory=memory))
    assert float(head.grad[0, 0]) == pytest.approx(6.0 if heads else 1.0)
    assert bool(memory) == heads


def test_without_any_gradient_nothing_is_important():
    parameter = nn.Parameter(torch.zeros(3))
    memory, disorder = {}, Anchoring(importance="gradient", batches=1)
    disorder.gradient([parameter], course(0, subject=born(), memory=memory))
    parameter.data += 1
    parameter.grad = torch.ones(3)
    disorder.gradient([parameter], course(1, subject=born(), memory=memory))
    assert parameter.grad.tolist() == [1.0] * 3
    assert Anchoring(importance="gradient").control() == Anchoring() and Anchoring().control() is None


@pytest.mark.parametrize("by", [Weights(), L0Close(share=1.0, unit="matrix")], ids=["weights", "l0"])
def test_failed_homeostasis_lets_matrices_grow_at_its_pace(by):
    subject = born()
    for name in subject.alive:
        subject.alive[name][0] = False
    expected, others = weights_of(subject), subject.encoder.embeddings.word_embeddings.weight.detach().clone()
    for name in expected:
        for _ in range(6):
            expected[name][1:] *= 1 + 0.5 * 0.02
    ill = (PrematureClosure(severity=1.0), FailedHomeostasis(severity=0.5, drift=0.02))
    learn(by, *ill, subject=subject)
    for name, weight in subject.synapses.items():
        torch.testing.assert_close(weight.data, expected[name])
    assert torch.equal(others, subject.encoder.embeddings.word_embeddings.weight)


@pytest.mark.parametrize(
    "by",
    [HeadOnly(), Masks(rate=5e-3), RigL(every=2), SET(every=2), MovementMasks(weights=False), BernoulliMasks()],
    ids=lambda by: by.describe(),
)
def test_frozen_weights_do_not_drift(by):
    subject = born()
    before = weights_of(subject)
    well = outcome(learn(by))
    assert differing(outcome(learn(by, FailedHomeostasis(severity=1.0, drift=0.5), subject=subject)), well) == []
    assert all(torch.equal(before[name], weight.data) for name, weight in subject.synapses.items())


def test_a_recovery_without_heads_or_weights_has_nothing_that_drifts():
    def recovered(*disorders):
        subject = born()
        for name in subject.alive:
            subject.alive[name][::2] = False
        return outcome(learn(RigL(anatomy=True, every=3), *disorders, subject=subject, steps=5))

    assert differing(recovered(FailedHomeostasis(severity=1.0, drift=0.5)), recovered()) == []


def test_masters_drift_where_weights_and_masks_learn_together():
    subject = born()
    before = weights_of(subject)
    learn(LEARNERS["both"], PrematureClosure(severity=1.0), FailedHomeostasis(severity=1.0, drift=0.1), subject=subject)
    for name, weight in subject.synapses.items():
        torch.testing.assert_close(weight.data, before[name] * 1.1**6)


@pytest.mark.parametrize(
    "by",
    [Masks(rate=5e-3), Both(rate=1e-3, masks=Masks(rate=5e-3)), TopKMasks(), SoftMovementMasks(), BernoulliMasks(), Rewire()],
    ids=lambda by: type(by).__name__,
)
def test_scores_of_lost_synapses_rest_bit_for_bit(by):
    drawn = []
    for severity in (0.3, 0.6):
        disorder, subject, lost = LostStructuralPlasticity(severity=severity), born(), {}
        plasticity = by.attach(subject, TASKS[:1], 3, STREAMS)
        first = {name: score.data.clone() for name, score in plasticity.scores.items()}
        for score in plasticity.scores.values():
            score.grad = torch.ones_like(score)
        disorder.gradient([], course(subject=subject, plasticity=plasticity, memory=lost))
        assert all(torch.equal(score.grad == 0, lost[name]) for name, score in plasticity.scores.items())
        share = torch.cat([mask.flatten() for mask in lost.values()]).float().mean()
        assert float(share) == pytest.approx(severity, abs=0.03)
        Witness.forget()
        learn(by, disorder, Witness(), steps=3)
        for name, start in first.items():
            moved = start != Witness.states[-1][f"score/{name}"]
            assert not moved[lost[name]].any() and moved[~lost[name]].float().mean() > 0.5
        drawn.append(lost)
    assert all(bool((drawn[0][name] <= drawn[1][name]).all()) for name in drawn[0])


def test_the_lost_are_the_same_in_every_event():
    lost = []
    for key in ("suffer/x#0/learn/y#0", "suffer/x#0/recover#0"):
        subject, memory = born(), {}
        plasticity = Masks().attach(subject, TASKS[:1], 3, course().streams)
        LostStructuralPlasticity().gradient([], course(subject=subject, plasticity=plasticity, memory=memory, key=key))
        lost.append(memory)
    assert all(torch.equal(lost[0][name], lost[1][name]) for name in lost[0])


def test_where_all_structural_plasticity_is_lost_nothing_flips():
    by = Masks(rate=5e-3)
    assert learn(by).report()["flips"] > 0
    assert learn(by, LostStructuralPlasticity(severity=1.0)).report()["flips"] == 0


@pytest.mark.parametrize("by", [Weights(), HeadOnly(), RigL(every=2), Lottery(rounds=1)], ids=lambda by: type(by).__name__)
def test_who_has_no_scores_cannot_lose_them(by):
    assert differing(outcome(learn(by, LostStructuralPlasticity(severity=1.0))), outcome(learn(by))) == []


@named([FrozenLayers(severity=1.0), FailedHomeostasis(), LostStructuralPlasticity()])
def test_a_plasticity_of_others_that_exposes_nothing_is_left_alone(disorder):
    class Foreign(Plasticity):
        def __init__(self):
            self.own = nn.Parameter(torch.ones(2))

        def groups(self):
            return [{"params": [self.own], "lr": 0.1, "weight_decay": 0.0}]

    subject, plasticity = born(), Foreign()
    before = weights_of(subject)
    plasticity.own.grad = torch.ones(2)
    here = course(subject=subject, plasticity=plasticity)
    disorder.gradient([plasticity.own], here)
    disorder.after(here)
    assert plasticity.own.grad.tolist() == [1.0, 1.0] and here.memory == {}
    assert all(torch.equal(before[name], weight.data) for name, weight in subject.synapses.items())


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: PrematureClosure(severity=50), r"PrematureClosure\(severity=50\).* For 50 percent write 0.5"),
        (lambda: FrozenLayers(order="botom"), r"FrozenLayers\(order='botom'\): is not known here. Did you mean 'bottom'"),
        (lambda: Anchoring(strength=0), r"Anchoring\(strength=0\): must be a number above 0"),
        (
            lambda: Anchoring(importance="fisher"),
            r"Anchoring\(importance='fisher'\): .* Known: equal, gradient",
        ),
        (lambda: Anchoring(batches=0), r"Anchoring\(batches=0\): must be a whole number, at least 1"),
        (lambda: Anchoring(heads=None), r"Anchoring\(heads=None\): is not known here"),
        (lambda: FailedHomeostasis(drift=-1), r"FailedHomeostasis\(drift=-1\): must be a number above 0"),
        (lambda: LostStructuralPlasticity(severity="much"), r"LostStructuralPlasticity\(severity='much'\): must be a number"),
    ],
)
def test_bad_arguments_say_so(make, said):
    with pytest.raises(UserError, match=said):
        make()
