"""Physical removal computes what the masks compute, with fewer parameters."""

import pytest
import torch
from architectures import KINDS, born, sentences, states
from conftest import TASKS

from lifespan import Magnitude, UserError
from lifespan.model.anatomy import anatomy_of
from lifespan.model.compaction import Sizes, shrink, sizes
from lifespan.randomness import Streams

STREAMS = Streams(1, "age#0")


def kill(subject, layer, *, heads=(), neurons=()):
    """Take these units of a layer out of the alive masks."""
    part = anatomy_of(subject.encoder)[layer]
    for units, gone in ((part.heads, heads), (part.neurons, neurons)):
        living = torch.tensor([unit not in gone for unit in range(units.number)])
        masks = units.synapse_masks(living, subject.alive)
        subject.alive = subject.alive | {name: subject.alive[name] & mask for name, mask in masks.items()}


def worn_states(subject, task=None):
    with subject.wearing(task):
        return states(subject.encoder)


def parameters_of(subject, layer, *, heads=0, neurons=0):
    """Parameters that so many heads and neurons of a layer own, biases included."""
    part = anatomy_of(subject.encoder)[layer]
    total = 0
    for units, number in ((part.heads, heads), (part.neurons, neurons)):
        for name, parts in units.inputs:
            dense = subject.encoder.get_submodule(name.removesuffix(".weight"))
            total += number * units.size * parts * (dense.in_features + (dense.bias is not None))
        total += number * units.size * subject.width
    return total


EVERY = {"heads": (0, 1), "neurons": tuple(range(24))}
CASES = {
    "some of both": ({"heads": (1,), "neurons": (0, 3, 23)}, {"neurons": tuple(range(10))}),
    "no head left": ({"heads": (0, 1)}, {"heads": (0,)}),
    "no neuron left": ({"neurons": tuple(range(24))}, {}),
    "a dead layer": (EVERY, {"heads": (1,)}),
    "nothing left": (EVERY, EVERY),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("kind", KINDS)
def test_removal_equals_the_masks_and_takes_exactly_the_units(kind, case):
    subject = born(kind)
    layers = len(anatomy_of(subject.encoder))
    fewer = 0
    for layer, gone in enumerate(CASES[case][:layers]):
        kill(subject, layer, **gone)
        fewer += parameters_of(subject, layer, **{part: len(units) for part, units in gone.items()})
    subject.alive = Magnitude().choose(subject, max(0.0, subject.sparsity) + 0.05 * (1 - subject.sparsity), STREAMS, ())
    shrunk = shrink(subject)
    torch.testing.assert_close(states(shrunk), worn_states(subject), atol=1e-5, rtol=1e-5)
    assert sizes(subject.encoder).parameters - sizes(shrunk).parameters == fewer
    assert sizes(shrunk).bytes == 4 * sizes(shrunk).parameters


def test_a_berts_removed_parameters_by_hand():
    subject = born("bert")
    kill(subject, 0, heads=(0,), neurons=(1, 2))
    kill(subject, 1, **EVERY)
    shrunk = shrink(subject)
    head, neuron, layer = 3 * 8 * 17 + 16 * 8, 17 + 16, 4 * 16 * 17 + 24 * 17 + 16 * 25 + 4 * 16
    left = sum(p.numel() for p in shrunk.encoder.layer[0].parameters())
    assert left == layer - head - 2 * neuron
    assert sum(p.numel() for p in shrunk.encoder.layer[1].parameters()) == 6 * 16, "two biases and two LayerNorms"
    attention = shrunk.encoder.layer[0].attention.self
    assert (attention.num_attention_heads, attention.all_head_size, attention.query.out_features) == (1, 8, 8)
    assert shrunk.encoder.layer[0].attention.output.dense.in_features == 8


def test_distilbert_counts_its_heads_anew():
    subject = born("distilbert")
    kill(subject, 1, heads=(0,))
    attention = shrink(subject).transformer.layer[1].attention
    assert (attention.n_heads, attention.dim, attention.q_lin.out_features) == (1, 8, 8)


def test_a_head_that_lost_some_columns_stays_whole():
    subject = born("bert")
    name = "encoder.layer.0.attention.output.dense.weight"
    subject.alive[name][:, 1:8] = False
    shrunk = shrink(subject)
    assert sizes(shrunk) == sizes(subject.encoder)
    assert torch.equal(shrunk.get_parameter(name)[:, 1:8], torch.zeros(16, 7))
    torch.testing.assert_close(states(shrunk), worn_states(subject))


def test_dead_synapses_are_zero_in_the_copy_and_whole_in_the_subject():
    subject = born("electra")
    subject.alive = Magnitude().choose(subject, 0.5, STREAMS, ())
    kill(subject, 0, neurons=(2,))
    before = {name: weight.detach().clone() for name, weight in subject.encoder.named_parameters()}
    alive = {name: mask.clone() for name, mask in subject.alive.items()}
    shrunk = shrink(subject)
    query = "encoder.layer.0.attention.self.query.weight"
    assert torch.equal(shrunk.get_parameter(query), before[query] * alive[query])
    assert all(torch.equal(before[name], weight) for name, weight in subject.encoder.named_parameters())
    assert all(torch.equal(alive[name], mask) for name, mask in subject.alive.items())
    ours = {weight.data_ptr() for weight in subject.encoder.parameters()}
    assert not ours & {weight.data_ptr() for weight in shrunk.parameters()}


def test_every_task_has_a_size_of_its_own():
    subject = born("bert")
    kill(subject, 0, heads=(0,))
    skill = subject.skill_for(TASKS[0], "structure", STREAMS)
    units = anatomy_of(subject.encoder)[1].neurons
    everything = {name: torch.ones_like(mask) for name, mask in subject.alive.items()}
    skill.mask = everything | units.synapse_masks(torch.arange(24) < 4, subject.alive)
    title = TASKS[0].title
    torch.testing.assert_close(states(shrink(subject, title)), worn_states(subject, title), atol=1e-5, rtol=1e-5)
    without = sizes(shrink(subject)).parameters - sizes(shrink(subject, title)).parameters
    assert without == parameters_of(subject, 1, neurons=20)
    assert not torch.allclose(worn_states(subject), worn_states(subject, title), atol=1e-3)


def test_a_task_that_was_never_learned_is_named():
    with pytest.raises(UserError, match=r"shrink\(task='mrpc'\): was not learned"):
        shrink(born("bert"), "mrpc")


@pytest.mark.parametrize("kind", ["bert", "distilbert", "modernbert"])
def test_a_shrunk_encoder_learns_on(kind):
    subject = born(kind)
    kill(subject, 0, heads=(1,), neurons=(0,))
    kill(subject, 1, **EVERY)
    shrunk = shrink(subject).train()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        shrunk(**sentences()).last_hidden_state.float().square().mean().backward()
    # Behind it, a dead layer of a ModernBERT, which has no biases, is silent: nothing there can learn.
    stack = [p for name, p in shrunk.named_parameters() if ".0." in name or ("layer" in name and kind != "modernbert")]
    assert stack and all(parameter.grad is not None and parameter.grad.isfinite().all() for parameter in stack)


def test_a_shrunk_encoder_still_tells_the_states_of_every_layer():
    subject = born("bert")
    kill(subject, 0, **EVERY)
    with torch.inference_mode(), subject.wearing(None):
        whole = subject.encoder(**sentences(), output_hidden_states=True).hidden_states
    with torch.inference_mode():
        small = shrink(subject)(**sentences(), output_hidden_states=True).hidden_states
    assert len(whole) == len(small) == 3
    torch.testing.assert_close(small, whole, atol=1e-5, rtol=1e-5)


def test_shared_parameters_count_once():
    tied = torch.nn.ModuleList([torch.nn.Linear(3, 2), torch.nn.Linear(3, 2)])
    tied[1].weight = tied[0].weight
    assert sizes(tied) == Sizes(10, 40)
    assert sizes(torch.nn.Linear(3, 2).bfloat16()) == Sizes(8, 16)


def test_torch_pruning_removes_the_same():
    pruning = pytest.importorskip("torch_pruning")
    subject = born("bert")
    reference = born("bert").encoder
    kill(subject, 0, heads=(1,), neurons=(0, 7, 23))
    first = reference.encoder.layer[0]
    groups = pruning.DependencyGraph().build_dependency(reference, example_inputs=dict(sentences()))
    groups.get_pruning_group(first.intermediate.dense, pruning.prune_linear_out_channels, [0, 7, 23]).prune()
    attention = first.attention.self
    for part in (attention.query, attention.key, attention.value):
        pruning.prune_linear_out_channels(part, list(range(8, 16)))
    pruning.prune_linear_in_channels(first.attention.output.dense, list(range(8, 16)))
    attention.num_attention_heads, attention.all_head_size = 1, 8
    shrunk = shrink(subject)
    torch.testing.assert_close(states(shrunk), states(reference))
    pairs = zip(shrunk.named_parameters(), reference.named_parameters(), strict=True)
    assert all(one == other and torch.equal(ours, theirs) for (one, ours), (other, theirs) in pairs)
