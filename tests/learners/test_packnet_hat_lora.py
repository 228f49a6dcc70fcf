"""PackNet, HAT and LoRA: a task's own place in the body; earlier tasks stay bit for bit."""

from __future__ import annotations

import pytest
import torch
from conftest import TASKS
from small_lives import CHILDHOOD, SCHOOL, born, content, learn, lived, same

from lifespan import (
    HAT,
    Age,
    Develop,
    Footprint,
    FrozenLayers,
    GainReduction,
    HeadOnly,
    LoRA,
    Magnitude,
    Masks,
    Micro,
    MicroText,
    PackNet,
    Probe,
    Recover,
    Score,
    Suffer,
    Weights,
    load_pack,
    save_pack,
)
from lifespan.errors import ScenarioError
from lifespan.learners._hat import Gating
from lifespan.learners._packnet import TAKEN, largest
from lifespan.model.anatomy import anatomy_of
from lifespan.model.forward import batch_loss, token_states
from lifespan.randomness import Streams
from lifespan.training.batches import task_source
from lifespan.training.loop import Recipe, train

STREAMS = Streams(0, "test")
RECIPE = {"steps": 8, "batch_size": 8}
LEARNERS = (PackNet(rate=2e-3, **RECIPE), HAT(rate=2e-3, cost=5.0, gate_rate=0.5, **RECIPE), LoRA(rate=2e-3, **RECIPE))
NAMES = [type(by).__name__ for by in LEARNERS]


def batch_of(subject, task):
    return task_source(subject, task, length=32, batch_size=8, streams=STREAMS).batch(0)


def answer(subject, task):
    with torch.no_grad(), subject.wearing(task.title):
        return subject.skills[task.title].head(token_states(subject, batch_of(subject, task))[:, 0])


@pytest.mark.parametrize("by", LEARNERS, ids=NAMES)
def test_later_tasks_change_no_answer_of_an_earlier_one(by):
    early, _ = lived(CHILDHOOD, *learn(by, TASKS[0]))
    late, _ = lived(CHILDHOOD, *learn(by, *SCHOOL))
    assert torch.equal(answer(early, TASKS[0]), answer(late, TASKS[0]))
    late.skills[TASKS[0].title].mask = late.skills[TASKS[0].title].addition = None
    assert not torch.equal(answer(late, TASKS[0]), answer(early, TASKS[0])), "the task has no place of its own"


@pytest.mark.parametrize("by", LEARNERS, ids=NAMES)
def test_aged_subjects_learn_inside_what_lives(by):
    aged = (CHILDHOOD, *learn(by, TASKS[0]), Age(to=0.5, by=Magnitude()))
    before, _ = lived(*aged)
    after, _ = lived(*aged, *learn(by, *SCHOOL[1:]))
    for task in SCHOOL[1:]:
        mask = after.skills[task.title].mask or {}
        assert not any(bool((mask[name] & ~after.alive[name]).any()) for name in mask)
    for name, weight in before.synapses.items():
        dead = ~before.alive[name]
        assert torch.equal(weight.data[dead], after.synapses[name].data[dead])
    assert torch.equal(answer(before, TASKS[0]), answer(after, TASKS[0]))


# PackNet


def test_each_task_takes_half_of_what_is_free():
    subject, _ = lived(CHILDHOOD, *learn(LEARNERS[0], *SCHOOL))
    before = {name: torch.zeros_like(mask) for name, mask in subject.alive.items()}
    for task in SCHOOL:
        mask = subject.skills[task.title].mask
        for name in mask:
            assert not bool((before[name] & ~mask[name]).any()), "a later mask holds all earlier ones"
            free = int((~before[name]).sum())
            assert int((mask[name] & ~before[name]).sum()) == round(free / 2)
        before = mask
    for name, weight in subject.synapses.items():
        assert torch.equal(subject.remembered[TAKEN + name], before[name])
        assert not bool(weight.data[~before[name]].any()), "what nobody took starts the next task at zero"


def test_packnet_keeps_the_largest_of_the_free():
    values, free = torch.tensor([[3.0, -4.0, 1.0], [9.0, 2.0, 0.5]]), torch.tensor([[True, True, True], [False, True, True]])
    assert largest(values, free, 0.4).tolist() == [[True, True, False], [False, False, False]]


def test_biases_learn_with_the_first_task_alone():
    one, _ = lived(CHILDHOOD, *learn(LEARNERS[0], TASKS[0]))
    two, _ = lived(CHILDHOOD, *learn(LEARNERS[0], *TASKS))
    newborn, _ = lived(CHILDHOOD)
    first, second, before = (dict(subject.encoder.named_parameters()) for subject in (one, two, newborn))
    others = [name for name in first if name not in one.synapses]
    assert all(torch.equal(first[name], second[name]) for name in others)
    assert any(not torch.equal(first[name], before[name]) for name in others)


def test_packnet_is_its_textbook():
    """Eight steps of AdamW written out: four on all free synapses, then four on the largest half."""
    subject, textbook = born(TASKS[0]), born(TASKS[0])
    by = LEARNERS[0]
    source = task_source(subject, TASKS[0], length=32, batch_size=8, streams=STREAMS)
    train(subject, by.attach(subject, TASKS[:1], 8, STREAMS), source, Recipe(8, 0.1, 1.0), STREAMS)
    head = textbook.skills[TASKS[0].title].head
    body = dict(textbook.encoder.named_parameters())
    masks = {name: torch.ones_like(weight) for name, weight in textbook.synapses.items()}
    for _half in range(2):
        every = [*body.values(), *head.parameters()]
        groups = [
            {"params": [p for p in every if p.dim() > 1], "weight_decay": 0.01},
            {"params": [p for p in every if p.dim() == 1], "weight_decay": 0.0},
        ]
        optimizer = torch.optim.AdamW(groups, lr=by.rate)
        for step in range(4):
            loss = batch_loss(textbook, TASKS[0].title, source.batch(4 * _half + step))
            loss.backward()
            for name, mask in masks.items():
                body[name].grad.mul_(mask)
            torch.nn.utils.clip_grad_norm_(every, 1.0)
            for group in optimizer.param_groups:
                group["lr"] = by.rate * Recipe(4, 0.1, 1.0).factor(step)
            optimizer.step()
            optimizer.zero_grad()
            for name, mask in masks.items():
                body[name].data.mul_(mask)
        if _half == 0:
            for name in masks:
                count = masks[name].numel() // 2
                cut = body[name].data.abs().flatten().sort(descending=True).values[count]
                masks[name] = (body[name].data.abs() > cut).float()
                body[name].data.mul_(masks[name])
    for name, parameter in subject.encoder.named_parameters():
        torch.testing.assert_close(parameter.data, body[name].data, rtol=1e-4, atol=1e-6)


def test_packnet_warns_when_nothing_is_free_and_refuses_to_take_nothing():
    subject = born(TASKS[0])
    subject.remembered = {TAKEN + name: torch.ones_like(mask) for name, mask in subject.alive.items()}
    (warning,) = PackNet().attach(subject, TASKS[:1], 4, STREAMS).warnings()
    assert warning == "only 0.00% of the synapses are free, and the task takes 50% of them; lower `share`"
    with pytest.raises(ScenarioError, match="must be above 0: the task needs synapses"):
        PackNet(share=0.0)


# HAT


def gated(subject, steps=8, **changes):
    return Gating(subject, TASKS[:1], HAT(**{"rate": 2e-3, **RECIPE, **changes}), steps, STREAMS)


def test_gates_and_weights_get_the_gradients_of_gated_units():
    subject, reference = born(TASKS[0]), born(TASKS[0])
    plasticity = gated(subject, cost=0.0)
    plasticity.done = 3
    batch = batch_of(subject, TASKS[0])
    plasticity.enter(TASKS[0].title)
    batch_loss(subject, TASKS[0].title, batch).backward()
    plasticity.translate()
    gates, hooks = {}, []
    for layer in anatomy_of(reference.encoder):
        for units in (layer.heads, layer.neurons):
            e = plasticity.attention[units.output].data
            gates[units.output] = gate = (plasticity.scale * e).sigmoid().requires_grad_(True)
            module = reference.encoder.get_submodule(units.output.removesuffix(".weight"))
            spread = gate.repeat_interleave(units.size)
            hooks.append(module.register_forward_pre_hook(lambda _, inputs, spread=spread: (inputs[0] * spread,)))
    batch_loss(reference, TASKS[0].title, batch).backward()
    for name, gate in gates.items():
        plain = plasticity.attention[name].data.sigmoid()
        torch.testing.assert_close(plasticity.attention[name].grad, gate.grad * plain * (1 - plain), rtol=1e-4, atol=1e-7)
    wanted = dict(reference.encoder.named_parameters())
    for name, parameter in plasticity.parameters.items():
        torch.testing.assert_close(parameter.grad, wanted[name].grad, rtol=1e-4, atol=1e-7)


def test_the_compensated_gradient_is_the_papers():
    """smax (cosh(s e) + 1) / (s (cosh(e) + 1)) times the plain one, but for the factor smax."""
    e, s = torch.linspace(-2, 2, 9, dtype=torch.double), 3.7
    plain = s * (s * e).sigmoid() * (1 - (s * e).sigmoid())
    compensated = plain * ((s * e).cosh() + 1) / (s * (e.cosh() + 1))
    torch.testing.assert_close(e.sigmoid() * (1 - e.sigmoid()), compensated)


def test_masks_are_whole_units_and_used_units_are_remembered():
    subject, _ = lived(CHILDHOOD, *learn(LEARNERS[1], *TASKS))
    used = {}
    for task in TASKS:
        mask = subject.skills[task.title].mask
        for layer in anatomy_of(subject.encoder):
            for units in (layer.heads, layer.neurons):
                heard = units.heard(mask)
                whole = units.synapse_masks(heard, subject.alive)
                assert all(torch.equal(mask[name], whole[name]) for name in units.matrices)
                used[units.output] = used.get(units.output, torch.zeros_like(heard)) | heard
    assert all(torch.equal(subject.remembered[f"HAT/used/{name}"], units) for name, units in used.items())


def test_the_cost_frees_units():
    few, many = (gated(born(TASKS[0]), cost=cost, gate_rate=0.5) for cost in (500.0, 0.0))
    for plasticity in (few, many):
        source = task_source(plasticity.subject, TASKS[0], length=32, batch_size=8, streams=STREAMS)
        train(plasticity.subject, plasticity, source, Recipe(8, 0.1, 1.0), STREAMS)
    assert few.report()["units"] < many.report()["units"]


def test_hardness_rises_through_every_epoch():
    plasticity = gated(born(TASKS[0]), steps=12)
    plasticity.epoch = 6
    scales = []
    for plasticity.done in range(12):
        scales.append(plasticity.scale)
    assert scales[:6] == scales[6:]
    assert scales[0] == pytest.approx(1 / 400) and scales[5] == pytest.approx(400)


# LoRA


def test_the_factors_answer_as_pefts_layers_do():
    subject = born(TASKS[0])
    by = LoRA(rate=2e-3, rank=3, alpha=5.0, **RECIPE)
    plasticity = by.attach(subject, TASKS[:1], 8, STREAMS)
    answers = []
    settle = plasticity.settle

    def settling():
        with torch.no_grad():
            subject.encoder.eval()
            subject.skills[TASKS[0].title].head.eval()
            states = token_states(subject, batch_of(subject, TASKS[0]))
            answers.append(subject.skills[TASKS[0].title].head(states[:, 0]))
        settle()

    plasticity.settle = settling
    source = task_source(subject, TASKS[0], length=32, batch_size=8, streams=STREAMS)
    train(subject, plasticity, source, Recipe(8, 0.1, 1.0), STREAMS)
    torch.testing.assert_close(answer(subject, TASKS[0]), answers[0])
    plain = born(TASKS[0])
    for name, parameter in plain.encoder.named_parameters():
        assert torch.equal(parameter, dict(subject.encoder.named_parameters())[name]), "W stays bit for bit"
    up, down = next(iter(subject.skills[TASKS[0].title].addition.values()))
    assert up.shape[1] == down.shape[0] == 3 and bool(up.any())


def test_an_adapter_is_state_and_has_a_footprint():
    subject, readings = lived(CHILDHOOD, *learn(LEARNERS[2], TASKS[0]), Probe(Footprint(), Score(length=32)))
    twin = born(TASKS[0])
    twin.load(subject.facts(), {group: dict(part) for group, part in subject.state().items()})
    assert same(twin, subject) and any(group.startswith("addition/") for group, _ in content(subject))
    assert torch.equal(answer(twin, TASKS[0]), answer(subject, TASKS[0]))
    head = sum(parameter.numel() for parameter in subject.skills[TASKS[0].title].head.parameters())
    factors = sum(8 * sum(weight.shape) for weight in subject.synapses.values())
    assert [value for *_, metric, value in readings if metric == "bytes"] == [4 * (head + factors)]


def test_learning_anew_drops_the_adapter_and_a_new_head_keeps_it():
    for by, kept in ((Weights(**RECIPE), False), (Masks(**RECIPE), False), (HeadOnly(**RECIPE), True)):
        subject, _ = lived(CHILDHOOD, *learn(LEARNERS[2], TASKS[0]), *learn(by, TASKS[0]))
        assert (subject.skills[TASKS[0].title].addition is not None) == kept
    before, _ = lived(CHILDHOOD, *learn(LEARNERS[2], TASKS[0]))
    skill = before.skills[TASKS[0].title]
    assert skill.addition.keys() == subject.skills[TASKS[0].title].addition.keys()


def test_recovery_moves_the_anatomy_under_an_adapter():
    events = (CHILDHOOD, *learn(LEARNERS[2], TASKS[0]), Age(to=0.5, by=Magnitude()))
    aged, _ = lived(*events)
    recovered, _ = lived(*events, Recover(steps=8, length=32))
    assert recovered.living == aged.living
    one, two = (subject.skills[TASKS[0].title].addition for subject in (aged, recovered))
    assert all(torch.equal(x, y) for name in one for x, y in zip(one[name], two[name], strict=True))


def test_an_adapter_travels_in_a_pack(tmp_path):
    subject, _ = lived(CHILDHOOD, *learn(LEARNERS[2], TASKS[0]), *learn(Masks(**RECIPE), TASKS[1]))
    report = save_pack(subject, tmp_path / "pack", tasks=TASKS)
    packed = load_pack(tmp_path / "pack").subject()
    for task in TASKS:
        assert torch.equal(answer(packed, task), answer(subject, task))
    assert [part.kind for part in report.parts if part.name == TASKS[0].title] == ["head", "adapter"]


def test_disorders_find_heads_and_neurons_under_an_adapter():
    healthy, _ = lived(CHILDHOOD, *learn(LEARNERS[2], TASKS[0]))
    dulled, _ = lived(CHILDHOOD, Suffer(GainReduction(severity=0.5)), *learn(LEARNERS[2], TASKS[0]))
    assert healthy.synapses.keys() == dulled.synapses.keys() and not same(healthy, dulled)


def test_adapters_move_with_their_layers():
    from lifespan.disorders._exchange import exchange_layers

    subject = born(TASKS[0], origin=Micro(layers=2, width=16, heads=2))
    factors = {name: (torch.full((2, 1), float(i)), torch.ones(1, 2)) for i, name in enumerate(subject.synapses)}
    subject.skills[TASKS[0].title].addition = dict(factors)
    exchange_layers(subject, ["encoder.layer.0", "encoder.layer.1"])
    for name, two in subject.skills[TASKS[0].title].addition.items():
        other = name.replace("layer.0", "layer.x").replace("layer.1", "layer.0").replace("layer.x", "layer.1")
        assert two is factors[other]


def test_adapters_are_for_tasks():
    with pytest.raises(ScenarioError, match="adapts to tasks only, not to language"):
        lived(Develop(MicroText(number=100), steps=4, batch_size=8, by=LoRA(steps=4)))


def test_without_peft_the_extra_is_named(monkeypatch):
    monkeypatch.setattr("lifespan.errors.find_spec", lambda name: None)
    with pytest.raises(ScenarioError, match=r"the package peft is not installed\. Run: pip install 'lifespan\[peft\]'"):
        LoRA()


def test_gates_start_from_draws_that_the_head_has_not_seen():
    subject = born(TASKS[0])
    streams = Streams(0, f"learn/{TASKS[0].title}")
    gates = Gating(subject, (TASKS[0],), HAT(**RECIPE), 8, streams)
    drawn = torch.randn(1_000, generator=streams.torch("init"))
    for e in gates.attention.values():
        centred = e.data - e.data.mean()
        assert not torch.allclose(centred, drawn[: len(e)] - drawn[: len(e)].mean(), atol=1e-4)


@pytest.mark.parametrize("by", LEARNERS[1:], ids=NAMES[1:])
def test_frozen_layers_stay_bit_for_bit_whatever_learns(by):
    """PackNet empties places for later tasks at its end, without a gradient."""
    alone, _ = lived(CHILDHOOD)
    frozen, _ = lived(CHILDHOOD, Suffer(FrozenLayers(severity=1.0)), *learn(by, TASKS[0]))
    assert all(torch.equal(weight, frozen.synapses[name]) for name, weight in alone.synapses.items())
