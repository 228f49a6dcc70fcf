"""Pruners of whole heads, neurons and layers: equal to slow versions, whole, nested, never beyond the sparsity."""

import pytest
import torch
from conftest import TASKS
from torch.nn.functional import cross_entropy

from lifespan import (
    Age,
    GreedyForward,
    Heads,
    Layers,
    Learn,
    Magnitude,
    Micro,
    Neurons,
    Scenario,
    Study,
    UserError,
    Weights,
    simulate,
)
from lifespan.model.compaction import shrink
from lifespan.model.subject import Subject, layer_of
from lifespan.pruning._task_batches import task_batches
from lifespan.pruning.forward_selection import selected
from lifespan.pruning.gates import gate_importance, units_of
from lifespan.pruning.whole_units import weakest_units
from lifespan.randomness import Streams

STREAMS = Streams(1, "age#0")
BODY = Micro(layers=2, width=16, heads=4, feed_forward=24)
FEW = {"batches": 2, "batch_size": 8}


@pytest.fixture
def subject():
    made = Subject(BODY.build(Streams(0, "birth")))
    with torch.no_grad():
        generator = torch.Generator().manual_seed(5)
        for parameter in made.encoder.encoder.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=generator), alpha=0.2)
    for task in TASKS:
        head = made.skill_for(task, "weights", STREAMS).head
        torch.nn.init.normal_(head.output.weight, std=0.5, generator=generator)
        head.eval()
    made.encoder.eval()
    return made


def pairs_of(subject, batches=2, batch_size=8):
    return list(task_batches(subject, TASKS, batches=batches, batch_size=batch_size, streams=STREAMS, who="test"))


def dead(masks):
    return sum(int((~mask).sum()) for mask in masks.values())


def plain_loss(subject, task, batch):
    inputs = {name: value for name, value in batch.items() if name != "labels"}
    return cross_entropy(subject.skills[task].head(subject.encoder(**inputs).last_hidden_state[:, 0]), batch["labels"])


def slow_importance(subject, kind, pairs):
    """abs(Att^T dL/dAtt), summed over tokens and channels of each unit, one example at a time."""
    units = units_of(subject, kind)
    sums, seen = [torch.zeros(each.number) for each in units], 0
    for task, batch in pairs:
        for row in range(len(batch["labels"])):
            kept = []
            hooks = [
                subject.encoder.get_submodule(each.output.removesuffix(".weight")).register_forward_pre_hook(
                    lambda module, inputs, kept=kept: kept.append(inputs[0])
                )
                for each in units
            ]
            loss = plain_loss(subject, task, {name: value[row : row + 1] for name, value in batch.items()})
            for hook in hooks:
                hook.remove()
            slopes = torch.autograd.grad(loss, kept)
            for total, each, output, slope in zip(sums, units, kept, slopes, strict=True):
                total += (output * slope).sum((0, 1)).view(each.number, each.size).sum(1).abs().detach()
            seen += 1
    return [total / seen for total in sums]


@pytest.mark.parametrize("kind", ["heads", "neurons"])
def test_importance_equals_equation_two_one_example_at_a_time(subject, kind):
    pairs = pairs_of(subject)
    units = units_of(subject, kind)
    slow = slow_importance(subject, kind, pairs)
    fast = gate_importance(subject, units, pairs, per="example", normalize=False)
    assert all(float(values.max()) > 1e-5 for values in slow), "importances of zero prove nothing"
    torch.testing.assert_close(fast, slow, atol=1e-7, rtol=1e-4)
    normal = gate_importance(subject, units, pairs, per="example", normalize=True)
    torch.testing.assert_close(normal, [values / values.norm() for values in slow], atol=1e-6, rtol=1e-4)


def test_importance_by_batch_is_the_slope_of_the_mean_loss(subject):
    pairs = pairs_of(subject)
    units = units_of(subject, "neurons")
    expected = [torch.zeros(each.number) for each in units]
    for task, batch in pairs:
        # dL/dxi of a neuron at 1 is also the inner product of its column and the column's gradient.
        weights = [subject.synapses[each.output] for each in units]
        for total, weight, slope in zip(
            expected, weights, torch.autograd.grad(plain_loss(subject, task, batch), weights), strict=True
        ):
            total += (weight.detach() * slope).sum(0).abs() / len(pairs)
    found = gate_importance(subject, units, pairs, per="batch", normalize=False)
    torch.testing.assert_close(found, expected, atol=1e-7, rtol=1e-4)
    apart = gate_importance(subject, units, pairs, per="example", normalize=False)
    assert all((a >= b - 1e-7).all() for a, b in zip(apart, found, strict=True)), "a mean of sizes is no less than its size"


def test_the_least_important_heads_die(subject):
    importance = torch.cat(
        gate_importance(subject, units_of(subject, "heads"), pairs_of(subject), per="example", normalize=True)
    )
    masks = Heads(**FEW).choose(subject, 0.22, STREAMS, TASKS)
    living = torch.cat([units.heard(masks) for units in units_of(subject, "heads")])
    assert int((~living).sum()) == 3
    assert importance[~living].max() < importance[living].min()


def test_half_the_heads_of_a_bert_with_wide_feed_forward_are_a_sixth():
    subject = Subject(Micro(layers=2, width=16, heads=4, feed_forward=64).build(Streams(0, "birth")))
    for task in TASKS:
        subject.skill_for(task, "weights", STREAMS)
    masks = Heads(**FEW, scope="layer").choose(subject, 1 / 6, STREAMS, TASKS)
    assert [int(units.heard(masks).sum()) for units in units_of(subject, "heads")] == [2, 2]
    assert dead(masks) == round(subject.count / 6)


def test_magnitude_needs_no_data_and_takes_the_smallest_neurons(subject):
    first = subject.encoder.encoder.layer[0]
    both = torch.cat([first.intermediate.dense.weight, first.output.dense.weight.T], 1).detach().norm(dim=1)
    masks = Neurons(criterion="magnitude", scope="layer").choose(subject, 0.2, STREAMS, ())
    living = units_of(subject, "neurons")[0].heard(masks)
    gone = int((~living).sum())
    assert 0 < gone < 24
    assert sorted(both.argsort()[:gone].tolist()) == (~living).nonzero().flatten().tolist()


EVERY = [
    Heads(**FEW),
    Heads(**FEW, per="batch", normalize=False, scope="layer"),
    Neurons(**FEW),
    Neurons(criterion="magnitude", normalize=False),
    Neurons(**FEW, scope="layer"),
    GreedyForward(units="heads", **FEW),
    GreedyForward(**FEW, block=8),
    Layers(),
    Layers(order="every-other"),
    Layers(order="importance", **FEW),
]


def kind_of(pruner):
    return pruner.units if isinstance(pruner, GreedyForward) else type(pruner).__name__.lower()


def pieces(subject, kind):
    """The synapses of every single unit, as masks True where the unit has them."""
    if kind == "layers":
        for layer in {layer_of(name): None for name in subject.alive}:
            yield {name: torch.full_like(mask, layer_of(name) == layer) for name, mask in subject.alive.items()}
        return
    nothing = {name: torch.zeros_like(mask) for name, mask in subject.alive.items()}
    for units in units_of(subject, kind):
        for unit in range(units.number):
            yield nothing | units.synapse_masks(torch.arange(units.number) == unit, subject.alive)


@pytest.mark.parametrize("pruner", EVERY, ids=lambda pruner: pruner.describe())
@pytest.mark.parametrize("earlier", [0.0, 0.15])
def test_whole_nested_and_as_many_as_fit(subject, pruner, earlier):
    kind = kind_of(pruner)
    subject.alive = before = Magnitude().choose(subject, earlier, STREAMS, ())
    to = {"heads": 0.28, "neurons": 0.35, "layers": 0.61}[kind]
    masks = pruner.choose(subject, to, STREAMS, TASKS)
    wanted = round(to * subject.count)
    assert dead(before) < dead(masks) <= wanted
    assert all(bool((masks[name] <= before[name]).all()) for name in before)
    costs = []
    for piece in pieces(subject, kind):
        was = sum(int((before[name] & piece[name]).sum()) for name in piece)
        now = sum(int((masks[name] & piece[name]).sum()) for name in piece)
        assert now in (0, was), "half a unit"
        costs += [now] if now else []
    assert wanted - dead(masks) < max(costs), "one more unit would have fitted"
    subject.alive = masks
    again = pruner.choose(subject, to, STREAMS, TASKS)
    assert wanted - dead(again) < max(costs) and dead(again) <= wanted


@pytest.mark.parametrize("pruner", EVERY, ids=lambda pruner: pruner.describe())
def test_choosing_changes_nothing_and_repeats_itself(subject, pruner):
    subject.encoder.train()
    before = {name: parameter.detach().clone() for name, parameter in subject.encoder.named_parameters()}
    to = 0.5 if kind_of(pruner) == "layers" else 0.2
    one, two = (pruner.choose(subject, to, STREAMS, TASKS) for _ in range(2))
    assert all(torch.equal(one[name], two[name]) for name in one)
    assert all(torch.equal(before[name], parameter) for name, parameter in subject.encoder.named_parameters())
    assert all(parameter.grad is None for parameter in subject.encoder.parameters())
    assert all(module.training for module in subject.encoder.modules())
    assert all(bool(mask.all()) for mask in subject.alive.values())
    assert not any(module._forward_pre_hooks for module in subject.encoder.modules())


@pytest.mark.parametrize(
    ("pruner", "most"),
    [
        (Heads(**FEW), 6 / 8 * 4 * 16**2 * 2),
        (Heads(**FEW, keep=2), 4 / 8 * 4 * 16**2 * 2),
        (Neurons(criterion="magnitude"), 2 * 23 * 32),
        (GreedyForward(units="heads", **FEW), 6 / 8 * 4 * 16**2 * 2),
        (Layers(), 4 * 16**2 + 24 * 32),
    ],
    ids=lambda value: value.describe() if hasattr(value, "describe") else "",
)
def test_what_cannot_be_reached_is_said_and_the_most_is_reached(subject, pruner, most):
    with pytest.raises(
        UserError, match=rf"cannot leave 0.9 of the synapses dead: .* must stay.*At most {most / subject.count:.4g}"
    ):
        pruner.choose(subject, 0.9, STREAMS, TASKS)
    assert dead(pruner.choose(subject, most / subject.count, STREAMS, TASKS)) == most
    assert dead(pruner.choose(subject, (most + 5) / subject.count, STREAMS, TASKS)) == most


@pytest.mark.parametrize("pruner", [Heads(), Neurons(), GreedyForward(), Layers(order="importance")], ids=kind_of)
def test_without_a_task_there_is_no_loss_to_ask(subject, pruner):
    with pytest.raises(UserError, match="needs a task learned before, and there is none"):
        pruner.choose(subject, 0.5 if kind_of(pruner) == "layers" else 0.2, STREAMS, ())


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Heads(per="token"), r"Heads\(per='token'\): is not known"),
        (lambda: Heads(keep=0), r"Heads\(keep=0\): must be a whole number, at least 1"),
        (lambda: Neurons(criterion="size"), "Known: taylor, magnitude"),
        (lambda: Layers(order="bottom"), "Known: top, every-other, importance"),
        (lambda: GreedyForward(units="layers"), "Known: neurons, heads"),
        (lambda: GreedyForward(block=0), r"GreedyForward\(block=0\)"),
    ],
)
def test_bad_arguments_are_named(make, message):
    with pytest.raises(UserError, match=message):
        make()


def deep(layers):
    return Subject(Micro(layers=layers, width=16, heads=2, feed_forward=16).build(Streams(0, "birth")))


def layers_gone(subject, masks):
    depth = {layer: number for number, layer in enumerate(dict.fromkeys(map(layer_of, masks)), start=1)}
    return sorted(depth[layer] for layer in depth if not any(bool(m.any()) for n, m in masks.items() if layer_of(n) == layer))


@pytest.mark.parametrize(
    ("order", "to", "gone"),
    [
        ("top", 0.5, [4, 5, 6]),
        ("top", 0.49, [5, 6]),
        ("every-other", 0.5, [2, 4, 6]),
        ("every-other", 0.34, [3, 6]),
        ("every-other", 0.67, [2, 4, 5, 6]),
        ("every-other", 0.17, [6]),
    ],
)
def test_layers_go_in_their_order(order, to, gone):
    subject = deep(6)
    assert layers_gone(subject, Layers(order=order).choose(subject, to, STREAMS, ())) == gone


def test_dead_layers_count(subject):
    subject = deep(6)
    subject.alive = Layers(order="every-other").choose(subject, 0.34, STREAMS, ())
    assert layers_gone(subject, Layers().choose(subject, 0.5, STREAMS, ())) == [3, 5, 6]
    subject.alive = Layers().choose(subject, 0.84, STREAMS, ())
    assert len(layers_gone(subject, subject.alive)) == 5


def test_layer_importance_is_the_loss_without_the_layer(subject):
    pairs = pairs_of(subject)
    losses = {}
    for number, layer in enumerate(subject.encoder.encoder.layer):
        matrices = [module for module in layer.modules() if isinstance(module, torch.nn.Linear)]
        whole = [module.weight.data for module in matrices]
        for module in matrices:
            module.weight.data = torch.zeros_like(module.weight.data)
        with torch.no_grad():
            losses[number + 1] = sum(float(plain_loss(subject, *pair)) for pair in pairs)
        for module, weight in zip(matrices, whole, strict=True):
            module.weight.data = weight
    masks = Layers(order="importance", **FEW).choose(subject, 0.5, STREAMS, TASKS)
    assert layers_gone(subject, masks) == [min(losses, key=losses.get)]


def test_a_single_layer_cannot_go():
    with pytest.raises(UserError, match=r"one of 1 must stay.*At most 0 can"):
        Layers().choose(deep(1), 0.2, STREAMS, ())


def test_greedy_heads_equal_trying_everything_by_hand(subject):
    pairs = pairs_of(subject)
    living = [torch.ones(4, dtype=torch.bool), torch.ones(4, dtype=torch.bool)]

    def loss():
        total = 0.0
        whole = [layer.attention.output.dense.weight.data for layer in subject.encoder.encoder.layer]
        for layer, mask in zip(subject.encoder.encoder.layer, living, strict=True):
            dense = layer.attention.output.dense
            dense.weight.data = dense.weight.data * mask.repeat_interleave(4)
        with torch.no_grad():
            total = sum(float(plain_loss(subject, *pair)) for pair in pairs)
        for layer, weight in zip(subject.encoder.encoder.layer, whole, strict=True):
            layer.attention.output.dense.weight.data = weight
        return total

    for layer in (0, 1):
        living[layer][:] = False
        for _ in range(2):
            found = {}
            for head in (~living[layer]).nonzero().flatten().tolist():
                living[layer][head] = True
                found[head] = loss()
                living[layer][head] = False
            living[layer][min(found, key=found.get)] = True
    masks = GreedyForward(units="heads", **FEW).choose(subject, 4 / 8 * 4 * 16**2 * 2 / subject.count, STREAMS, TASKS)
    assert [units.heard(masks).tolist() for units in units_of(subject, "heads")] == [mask.tolist() for mask in living]


def test_greedy_neurons_take_the_steepest_falls_block_by_block(subject):
    pairs = pairs_of(subject)
    units = units_of(subject, "neurons")
    dense = [layer.output.dense for layer in subject.encoder.encoder.layer]
    living = [torch.ones(24), torch.ones(24)]
    for layer in (0, 1):
        living[layer] = torch.zeros(24)
        for size in (5, 5, 2):
            slope = torch.zeros(24)
            for task, batch in pairs:
                whole = [part.weight.data for part in dense]
                for part, mask in zip(dense, living, strict=True):
                    part.weight.data = part.weight.data * mask
                gradient = torch.autograd.grad(plain_loss(subject, task, batch), dense[layer].weight)[0]
                for part, weight in zip(dense, whole, strict=True):
                    part.weight.data = weight
                slope += (gradient * dense[layer].weight.detach()).sum(0)
            slope[living[layer] > 0] = torch.inf
            living[layer][slope.argsort()[:size]] = 1.0
    found = selected(subject, units, [12, 12], pairs, block=5, exact=False)
    assert [(order > 0).float().tolist() for order in found] == [mask.tolist() for mask in living]
    assert sorted(found[0].tolist()) == [0.0] * 12 + [float(rank) for rank in range(1, 13)]


def test_selection_by_hand():
    """Two layers of heads; unheard heads die first, the last head of a layer stays, the budget is never exceeded."""
    subject = Subject(BODY.build(Streams(0, "birth")))
    units = units_of(subject, "heads")
    cost = int(units[0].total(subject.alive)[0])
    subject.alive[units[1].output][:, 12:] = False
    strength = [torch.tensor([4.0, 1.0, 2.0, 3.0]), torch.tensor([8.0, 7.0, 6.0, 0.5])]

    def left(dead_heads, scope):
        to = dead_heads * cost / subject.count
        masks = weakest_units(subject, units, strength, to, scope=scope, who="test")
        return [each.heard(masks).nonzero().flatten().tolist() for each in units]

    assert left(1, "global") == [[0, 1, 2, 3], [0, 1, 2]]
    assert left(3, "global") == [[0, 3], [0, 1, 2]]
    assert left(5, "global") == [[0], [0, 1]]
    assert left(4, "layer") == [[0, 3], [0, 1]]
    assert left(6, "layer") == [[0], [0]]


def test_a_life_with_whole_units_dying(tmp_path):
    school = (Learn(TASKS[0], by=Weights(steps=2)), Age(to=0.1, by=Heads(**FEW)), Age(to=0.3, by=Neurons(**FEW)))
    life = Scenario(name="whole", subject=BODY, events=school)
    assert simulate(Study(name="whole", groups={"whole": life}, individuals=1), tmp_path / "run").done == 1


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
@pytest.mark.parametrize("pruner", EVERY, ids=lambda pruner: pruner.describe())
def test_a_subject_on_a_gpu_loses_whole_units_too(pruner):
    subject = Subject(BODY.build(Streams(0, "birth")), device="cuda")
    for task in TASKS:
        subject.skill_for(task, "weights", STREAMS)
    subject.alive = pruner.choose(subject, 0.5 if kind_of(pruner) == "layers" else 0.2, STREAMS, TASKS)
    assert 0 < subject.sparsity <= 0.5 and all(mask.is_cuda for mask in subject.alive.values())
    inputs = {name: value.cuda() for name, value in pairs_of(subject)[0][1].items() if name != "labels"}
    subject.encoder.eval()
    with torch.inference_mode():
        small = shrink(subject)(**inputs).last_hidden_state
        with subject.wearing(None):
            torch.testing.assert_close(small, subject.encoder(**inputs).last_hidden_state, atol=1e-4, rtol=1e-4)
