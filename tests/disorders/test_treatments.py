"""Treatments: what they restore, by hand; what they leave alone; and who may take them."""

import math
import re
from dataclasses import replace

import pytest
import torch
from conftest import TASKS, TINY, tiny_study

from lifespan import (
    Age,
    Develop,
    Generalisation,
    HomeostaticScaling,
    Items,
    Learn,
    LowerRate,
    Magnitude,
    Masks,
    MicroTask,
    MicroText,
    Probe,
    Recover,
    ReinitializeDormant,
    Replay,
    Scenario,
    Score,
    Treat,
    UserError,
    WeightNoise,
    Weights,
    WithheldItems,
    read,
    rehabilitate,
    simulate,
)
from lifespan.contracts import Course, Regimen
from lifespan.disorders._dormancy import activities, utilities
from lifespan.execution.step import StepContext, live
from lifespan.model.anatomy import anatomy_of
from lifespan.model.forward import batch_loss
from lifespan.randomness import Streams
from lifespan.study.plan import compile_study
from lifespan.tasks.items import left_out

STREAMS = Streams(0, "treat/x#0")
SLOW = Weights(steps=3, batch_size=8, rate=1e-3)


def newborn(**changes):
    events = ()
    life = Scenario(name="x", subject=replace(TINY, **changes), events=events)
    return live(None, compile_study(tiny_study(x=life), precision="fp32").lives[0].steps[0], "fp32", StepContext())[0]


def aged(sparsity=0.5, seed=0):
    subject = newborn(layers=2)
    generator = torch.Generator().manual_seed(seed)
    subject.alive = {n: torch.rand(w.shape, generator=generator) >= sparsity for n, w in subject.synapses.items()}
    return subject


def weights_of(subject):
    return {name: weight.data.clone() for name, weight in subject.synapses.items()}


def lived(path, *events, **settings):
    """The record of a tiny life."""
    outcome = simulate(tiny_study(life=Scenario(name="life", subject=TINY, events=events)), path, **settings)
    assert outcome.done == 1, "the life did not end well"
    return read(path)


def course(subject, task=None, step=0, plasticity=None):
    return Course(subject, plasticity, task, step, 10, STREAMS, {})


@pytest.mark.parametrize(("severity", "factor"), [(0.0, 1.0), (0.5, math.sqrt(0.1)), (1.0, 0.1)])
def test_a_lower_rate_is_a_power_of_its_least(severity, factor):
    found = LowerRate(severity=severity).regimen(Regimen(rate=3.0, clip=2.0, betas=(0.5, 0.6)), course(None))
    assert found == Regimen(rate=pytest.approx(3.0 * factor), clip=2.0, betas=(0.5, 0.6))
    assert severity > 0 or found.rate == 3.0


@pytest.mark.parametrize("within", ["neuron", "matrix"])
@pytest.mark.parametrize("strength", ["sum", "square"])
def test_homeostatic_scaling_restores_the_strength_of_inputs(within, strength):
    subject = aged()
    before, power = weights_of(subject), 1 if strength == "sum" else 2
    found = HomeostaticScaling(severity=1.0, within=within, strength=strength).strike(subject, STREAMS)
    for name, weight in subject.synapses.items():
        alive = subject.alive[name]
        assert torch.equal(weight.data[~alive], before[name][~alive]), "the dead keep what they died with"
        living = (weight.data * alive).double().abs() ** power
        whole = before[name].double().abs() ** power
        rows = alive.any(1)
        if within == "neuron":
            torch.testing.assert_close(living.sum(1)[rows], whole.sum(1)[rows], rtol=1e-5, atol=0)
        else:
            assert float(living.sum()) == pytest.approx(float(whole.sum()), rel=1e-5)
        ratio = (weight.data / before[name])[alive]
        assert float(ratio.min()) >= 1 - 1e-6
    assert found["entries"] == sum(int(mask.sum()) for mask in subject.alive.values())
    moved = sum(float((w.data.double() - before[n].double()).square().sum()) for n, w in subject.synapses.items())
    assert found["norm"] == pytest.approx(math.sqrt(moved)) and found["gain"] > 1


def test_homeostatic_scaling_goes_the_share_of_the_way_and_keeps_ratios():
    half, full = aged(), aged()
    before = weights_of(half)
    HomeostaticScaling(severity=0.5).strike(half, STREAMS)
    HomeostaticScaling(severity=1.0).strike(full, STREAMS)
    for name in before:
        middle = (before[name] + full.synapses[name].data) / 2
        torch.testing.assert_close(half.synapses[name].data, middle, rtol=1e-5, atol=1e-8)


def test_without_losses_and_without_severity_scaling_changes_nothing():
    for subject, severity in ((newborn(), 1.0), (aged(), 0.0)):
        before = weights_of(subject)
        found = HomeostaticScaling(severity=severity).strike(subject, STREAMS)
        assert found == {"entries": 0.0, "norm": 0.0, "gain": 1.0}
        assert all(torch.equal(weight.data, before[name]) for name, weight in subject.synapses.items())


def test_a_neuron_without_synapses_stays_as_it_is():
    subject = aged()
    name = next(iter(subject.alive))
    subject.alive[name][0] = False
    before = weights_of(subject)
    HomeostaticScaling(severity=1.0).strike(subject, STREAMS)
    assert torch.equal(subject.synapses[name].data[0], before[name][0])
    assert all(bool(weight.isfinite().all()) for weight in subject.synapses.values())


class Past:
    def __init__(self, subject):
        self.subject, self.asked = subject, []

    def at(self, moment):
        self.asked.append(moment)
        return self.subject


def test_scaling_towards_a_moment_of_the_past_may_be_repeated():
    subject, treatment = aged(), HomeostaticScaling(severity=1.0, since="development")
    subject.past = past = Past(newborn(layers=2))
    treatment.strike(subject, STREAMS)
    once = weights_of(subject)
    found = treatment.strike(subject, STREAMS)
    assert past.asked == ["development"] * 2 and treatment.moments == ("development",)
    assert found["norm"] < 1e-5
    HomeostaticScaling(severity=1.0).strike(subject, STREAMS)
    assert sum(float(w.data.abs().sum()) for w in subject.synapses.values()) > sum(float(w.abs().sum()) for w in once.values())


def test_scaling_towards_a_moment_is_lived(tmp_path):
    treatments = [(Age(to=to, by=Magnitude()), Treat(HomeostaticScaling(severity=1.0, since=1))) for to in (0.3, 0.6)]
    record = lived(tmp_path, Develop(MicroText(number=100), steps=3, batch_size=8), *(e for pair in treatments for e in pair))
    rows = record.measurements()
    gains = rows[(rows["probe"] == "Injury/HomeostaticScaling") & (rows["metric"] == "gain")]["value"].tolist()
    assert len(gains) == 2 and gains[0] > 1 and gains[1] > 1


def test_scaling_without_a_past_says_so():
    with pytest.raises(
        UserError, match=r"HomeostaticScaling\(since='birth'\): this subject has no recorded past.*write since=None"
    ):
        HomeostaticScaling(since="birth").strike(aged(), STREAMS)


def naive_utilities(subject):
    """Norm of incoming weights times sum of abs(outgoing), neuron by neuron."""
    found = []
    for layer in anatomy_of(subject.encoder):
        (first, _), second = layer.neurons.inputs[0], layer.neurons.output
        into = (subject.synapses[first].data * subject.alive[first]).double()
        out = (subject.synapses[second].data * subject.alive[second]).double()
        found.append([float(into[i].norm() * out[:, i].abs().sum()) for i in range(layer.neurons.number)])
    return found


def test_utility_by_weights_is_activation_bound_times_outgoing():
    subject = aged()
    found = [values.tolist() for _, values in utilities(subject, None)]
    assert found == [pytest.approx(values) for values in naive_utilities(subject)]


def test_the_least_useful_neurons_begin_anew():
    subject = aged(0.3)
    before, expected = weights_of(subject), naive_utilities(subject)
    for layer in anatomy_of(subject.encoder):
        subject.encoder.get_submodule(layer.neurons.module).bias.data.fill_(1.0)
    found = ReinitializeDormant(severity=0.5, largest=0.5).strike(subject, STREAMS)
    assert found["neurons"] == 2 * 8
    for layer, values in zip(anatomy_of(subject.encoder), expected, strict=True):
        (first, _), second = layer.neurons.inputs[0], layer.neurons.output
        chosen = torch.zeros(32, dtype=torch.bool)
        chosen[torch.tensor(values).argsort(stable=True)[:8]] = True
        bias = subject.encoder.get_submodule(layer.neurons.module).bias.data
        assert torch.equal(bias, (~chosen).float())
        for name, own in ((first, chosen[:, None].expand(32, 16)), (second, chosen[None, :].expand(16, 32))):
            now, touched = subject.synapses[name].data, own & subject.alive[name]
            assert torch.equal(now[~touched], before[name][~touched]), "others, and the dead, stay"
            assert name == first or bool((now[touched] == 0).all())
        fresh = subject.synapses[first].data[chosen[:, None] & subject.alive[first]]
        assert not set(fresh.tolist()) & set(before[first].flatten().tolist())
        assert 0.01 < float(fresh.std()) < 0.03
    others = [n for n in before if "intermediate" not in n and not re.search(r"\d\.output\.dense", n)]
    assert others and all(torch.equal(subject.synapses[name].data, before[name]) for name in others)


def test_more_severity_renews_more_neurons_the_same_way():
    light, heavy = aged(), aged()
    name = anatomy_of(light.encoder)[0].neurons.inputs[0][0]
    old = light.synapses[name].data.clone()
    ReinitializeDormant(severity=0.3).strike(light, STREAMS)
    ReinitializeDormant(severity=1.0).strike(heavy, STREAMS)
    some, more = (subject.synapses[name].data != old for subject in (light, heavy))
    assert 0 < int(some.sum()) < int(more.sum()) and not bool((some & ~more).any())
    assert torch.equal(light.synapses[name].data[some], heavy.synapses[name].data[some])


def test_dead_neurons_are_not_dormant():
    subject = aged(0.1)
    output = anatomy_of(subject.encoder)[0].neurons.output
    subject.alive[output][:, :30] = False
    before = weights_of(subject)
    found = ReinitializeDormant(severity=1.0, largest=0.5).strike(subject, STREAMS)
    first = anatomy_of(subject.encoder)[0].neurons.inputs[0][0]
    assert torch.equal(subject.synapses[first].data[:30], before[first][:30])
    assert found["neurons"] == 1 + 16


def test_utility_by_activations_asks_the_data():
    subject = newborn(layers=2)
    treatment = ReinitializeDormant(tasks=TASKS[:1], batches=2, batch_size=8)
    found = activities(subject, treatment, STREAMS)
    layer = anatomy_of(subject.encoder)[0].neurons
    seen = []
    hook = subject.encoder.get_submodule(layer.output.removesuffix(".weight")).register_forward_pre_hook(
        lambda _, given: seen.append(given[0].detach())
    )
    from lifespan.pruning._task_batches import task_batches

    total = torch.zeros(32, dtype=torch.float64)
    for _, batch in task_batches(subject, TASKS[:1], batches=2, batch_size=8, streams=STREAMS, who="test"):
        from lifespan.model.forward import token_states

        with torch.no_grad():
            token_states(subject, batch)
        real = batch["attention_mask"].bool()
        total += seen.pop()[real].double().square().sum(0)
    hook.remove()
    torch.testing.assert_close(found[layer.output], total.sqrt())
    before = weights_of(subject)
    assert treatment.strike(subject, STREAMS)["neurons"] == 2 * round(0.1 * 32)
    assert not torch.equal(subject.synapses[layer.output].data, before[layer.output])


class Moving:
    """A plasticity that moves these parameters."""

    def __init__(self, *parameters):
        self.parameters = parameters

    def groups(self):
        return [{"params": list(self.parameters), "lr": 1.0}]


def taught():
    subject = newborn()
    for task in TASKS:
        subject.skill_for(task, "weights", STREAMS)
    return subject


def test_a_rehearsal_is_the_weighted_loss_of_earlier_batches_in_turn():
    subject = taught()
    third = MicroTask("paraphrase", train_examples=32)
    subject.skill_for(third, "weights", STREAMS)
    plasticity = Moving(*subject.encoder.parameters())
    treatment = Replay(tasks=(*TASKS, third), severity=0.25, batch_size=8)
    from lifespan.training.batches import task_source

    for step, task in enumerate((TASKS[0], TASKS[1], TASKS[0], TASKS[1])):
        own = Streams(STREAMS.seed, f"{STREAMS.key}/{task.title}")
        batch = task_source(subject, task, length=128, batch_size=8, streams=own).batch(step // 2)
        expected = 0.25 * batch_loss(subject, task.title, batch)
        found = treatment.penalty(course(subject, third.title, step, plasticity))
        assert torch.equal(found, expected)


def test_nothing_is_rehearsed_before_it_is_learned_nor_while_it_is_nor_at_severity_zero():
    subject, plasticity = taught(), Moving()
    alone = Replay(tasks=TASKS[:1], batch_size=8)
    assert alone.penalty(course(subject, TASKS[0].title, 0, plasticity)) is None
    assert alone.penalty(course(newborn(), TASKS[1].title, 0, plasticity)) is None
    assert replace(alone, severity=0.0).penalty(course(subject, TASKS[1].title, 0, plasticity)) is None


def test_what_masks_hide_cannot_be_rehearsed():
    subject = taught()
    with pytest.raises(UserError, match=r"cannot be rehearsed while micro-entailment is learned through masks.*lasting=1"):
        Replay(tasks=TASKS[:1]).penalty(course(subject, TASKS[1].title, 0, Moving()))
    subject.skills[TASKS[0].title].mask = subject.alive
    with pytest.raises(UserError, match="micro-sentiment has a mask of its own, so it does not share W"):
        Replay(tasks=TASKS[:1]).penalty(course(subject, TASKS[1].title, 0, Moving(*subject.encoder.parameters())))


@pytest.mark.parametrize("by", [Masks(steps=2, batch_size=8), replace(SLOW, steps=2)])
def test_a_life_refuses_or_rehearses(tmp_path, by):
    events = (Learn(TASKS[0], by=SLOW), Treat(Replay(tasks=TASKS[:1], batch_size=8), lasting=1), Learn(TASKS[1], by=by))
    if isinstance(by, Masks):
        with pytest.raises(UserError, match=r"Replay\(.*cannot be rehearsed"):
            lived(tmp_path, *events)
    else:
        lived(tmp_path, *events, Age(to=0.2, by=Magnitude()), Recover(steps=2))


def test_rehearsal_slows_forgetting():
    """One step of plain gradient descent on the second task costs the first less when it is rehearsed."""
    subject = taught()
    from lifespan.training.batches import task_source

    first, second = (task_source(subject, t, length=32, batch_size=32, streams=STREAMS).batch(0) for t in TASKS)
    state = {name: p.data.clone() for name, p in subject.encoder.named_parameters()}
    plasticity = Moving(*subject.encoder.parameters())
    losses = {}
    for severity in (0.0, 1.0):
        for name, parameter in subject.encoder.named_parameters():
            parameter.data.copy_(state[name])
        subject.encoder.zero_grad()
        treatment = Replay(tasks=TASKS[:1], severity=severity, batch_size=48)
        term = treatment.penalty(course(subject, TASKS[1].title, 0, plasticity))
        loss = batch_loss(subject, TASKS[1].title, second)
        (loss if term is None else loss + term).backward()
        with torch.no_grad():
            for parameter in subject.encoder.parameters():
                if parameter.grad is not None:
                    parameter.sub_(2.0 * parameter.grad)
            losses[severity] = float(batch_loss(subject, TASKS[0].title, first))
    assert losses[1.0] < losses[0.0]


def test_items_fall_into_two_parts_that_make_up_the_whole():
    inner = MicroTask("sentiment", train_examples=40, eval_examples=12)
    task = Items(inner, share=0.3)
    treated, untreated, whole = (task.examples(split) for split in ("treated", "untreated", "train"))
    assert (len(treated), len(untreated)) == (12, 28)
    assert sorted([*treated.first, *untreated.first]) == sorted(whole.first)
    assert task.examples("dev").fingerprint == inner.examples("dev").fingerprint
    assert whole.fingerprint == inner.examples("train").fingerprint
    own = (task.title, task.labels, task.metrics, task.score_range)
    assert own == (inner.title, inner.labels, inner.metrics, inner.score_range)
    assert task.splits == (*inner.splits, "treated", "untreated")
    larger = Items(inner, share=0.6).examples("treated")
    assert set(treated.first) <= set(larger.first)
    assert len(replace(task, eval_examples=5).examples("untreated")) == 5


def test_withheld_items_are_the_untreated_ones():
    task = Items(MicroTask("entailment", train_examples=37), share=0.3)
    rows = task.examples("train")
    found = WithheldItems(severity=task.withheld).examples(rows, task, STREAMS)
    assert found.fingerprint == task.examples("treated").fingerprint
    assert WithheldItems(severity=0.0).examples(rows, task, STREAMS) is rows
    assert len(WithheldItems(severity=1.0).examples(rows, task, STREAMS)) == 1
    sizes = [len(left_out("x", 10, share)) for share in (0.0, 0.25, 0.5, 1.0)]
    assert sizes == [0, 2, 5, 9]
    assert set(left_out("x", 10, 0.25)) <= set(left_out("x", 10, 0.5)) and len(left_out("x", 1, 1.0)) == 0


def test_rehabilitation_trains_on_treated_items_alone_and_both_parts_are_scored(tmp_path):
    task = Items(TASKS[0], share=0.25)
    look = Probe(Score(), Generalisation())
    record = lived(
        tmp_path,
        Learn(task, by=SLOW),
        Learn(TASKS[1], by=SLOW),
        Treat(WeightNoise(severity=0.3)),
        look,
        *rehabilitate(task, by=replace(SLOW, steps=None, epochs=2.0)),
        look,
    )
    rows = record.measurements()
    seen = rows[rows["probe"] == "Generalisation"][["step", "task", "split", "metric", "n"]]
    assert seen.values.tolist() == [
        [step, task.title, split, "accuracy", n] for step in (3, 5) for split, n in (("treated", 12), ("untreated", 36))
    ]
    assert set(rows[rows["probe"] == "Score"]["split"]) == {"dev"}
    steps = record.steps().set_index("step")
    assert steps.loc[5, "optimizer_steps"] == 2 * 48 / 8


def test_the_retraining_meets_no_untreated_item():
    task = Items(TASKS[0], share=0.25)
    events = (Learn(task, by=SLOW), *rehabilitate(task, by=SLOW))
    life = Scenario(name="x", subject=TINY, events=events)
    steps = compile_study(tiny_study(x=life), precision="fp32").lives[0].steps
    from lifespan.execution.step import _training_rows

    rows = task.examples("train")
    assert _training_rows(task, rows, steps[1]).fingerprint == rows.fingerprint
    assert _training_rows(task, rows, steps[3]).fingerprint == task.examples("treated").fingerprint


BAD = [
    (lambda: LowerRate(least=0.0), r"LowerRate\(least=0.0\): must be a number above 0"),
    (lambda: LowerRate(least=1.0), r"LowerRate\(least=1.0\): must be a number in \[0, 1\)"),
    (lambda: HomeostaticScaling(within="layer"), r"HomeostaticScaling\(within='layer'\): is not known here. Known: neuron"),
    (lambda: HomeostaticScaling(strength="max"), r"strength='max'\): is not known here. Known: sum, square"),
    (lambda: ReinitializeDormant(largest=1.5), r"ReinitializeDormant\(largest=1.5\): must be a number in \[0, 1\]"),
    (lambda: ReinitializeDormant(tasks=TASKS[0]), r"tasks=.*must be a tuple of tasks. For example"),
    (lambda: ReinitializeDormant(batches=0), r"batches=0\): must be a whole number, at least 1"),
    (lambda: Replay(tasks=()), r"Replay\(tasks=\(\)\): must be a tuple of at least one task"),
    (lambda: Replay(tasks=TASKS[0]), r"must be a tuple of at least one task"),
    (lambda: Replay(tasks=TASKS, batch_size=0), r"batch_size=0\): must be a whole number"),
    (lambda: Items("rte"), r"Items\(task='rte'\): must be a Task. For example: Glue"),
    (lambda: Items(Items(TASKS[0])), r"is divided already. Hold the task itself"),
    (lambda: Items(TASKS[0], share=0.0), r"Items\(share=0.0\): must be above 0"),
    (lambda: Items(TASKS[0], share=1.0), r"must be a number in \[0, 1\)"),
    (lambda: Items(TASKS[0], train_examples=5), r"train_examples=5\): is the inner task's business"),
    (lambda: Items(MicroTask("sentiment", train_examples=2), share=0.9).examples("treated"), "leaves none untreated"),
    (lambda: rehabilitate(TASKS[0], by=SLOW), r"rehabilitate\(MicroTask.*must be an Items task.*learn that from the start"),
    (lambda: Generalisation(length=2), r"length=2\): must be a whole number, at least 8"),
]


@pytest.mark.parametrize(("make", "said"), BAD, ids=[said[:30] for _, said in BAD])
def test_bad_arguments_are_said(make, said):
    with pytest.raises(UserError, match=said):
        make()


def test_the_draw_of_items_is_one_per_task():
    assert left_out("micro-sentiment", 40, 0.5).tolist() == left_out("micro-sentiment", 40, 0.5).tolist()
    assert left_out("micro-sentiment", 40, 0.5).tolist() != left_out("micro-entailment", 40, 0.5).tolist()
