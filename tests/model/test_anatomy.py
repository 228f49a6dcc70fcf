"""Heads and neurons as rows and columns, in every architecture of the promise."""

import pytest
import torch
from architectures import KINDS, born, states

from lifespan import UserError
from lifespan.model.anatomy import Units, anatomy_of
from lifespan.pruning.gates import gated


def all_units(subject):
    return [units for layer in anatomy_of(subject.encoder) for units in (layer.heads, layer.neurons)]


@pytest.fixture(scope="module", params=KINDS)
def subject(request):
    return born(request.param)


def test_every_synapse_belongs_to_exactly_one_unit(subject):
    layers = anatomy_of(subject.encoder)
    assert len(layers) == (1 if subject.encoder.config.model_type == "albert" else 2)
    assert [(layer.heads.number, layer.heads.size, layer.neurons.number) for layer in layers] == [(2, 8, 24)] * len(layers)
    assert sum(int(units.total(subject.alive).sum()) for units in all_units(subject)) == subject.count
    owned = [name for units in all_units(subject) for name in units.matrices]
    assert sorted(owned) == sorted(subject.synapses)


def test_unit_masks_become_synapse_masks_and_come_back(subject):
    generator = torch.Generator().manual_seed(1)
    for units in all_units(subject):
        living = torch.rand(units.number, generator=generator) < 0.5
        living[0] = True
        masks = units.synapse_masks(living, subject.alive)
        assert torch.equal(units.heard(masks), living)
        whole = units.total(subject.alive)
        assert torch.equal(units.total(masks), whole * living)
        assert {name: mask.shape for name, mask in masks.items()} == {n: subject.alive[n].shape for n in units.matrices}


def test_dead_synapses_of_a_unit_do_what_closing_its_gate_does(subject):
    for units in all_units(subject):
        living = torch.arange(units.number) % 2 == 1
        with gated(subject, [(units, living.float())]):
            closed = states(subject.encoder)
        before = subject.alive
        subject.alive = {**before, **units.synapse_masks(living, before)}
        try:
            with subject.wearing(None):
                dead = states(subject.encoder)
        finally:
            subject.alive = before
        torch.testing.assert_close(dead, closed)
        assert not torch.allclose(closed, states(subject.encoder), atol=1e-3), "a unit without effect proves nothing"


def test_the_second_head_and_neuron_of_a_bert_by_hand():
    subject = born("bert")
    first = anatomy_of(subject.encoder)[0]
    masks = first.heads.synapse_masks(torch.tensor([True, False]), subject.alive)
    for part in ("query", "key", "value"):
        rows = masks[f"encoder.layer.0.attention.self.{part}.weight"]
        assert rows[:8].all() and not rows[8:].any()
    columns = masks["encoder.layer.0.attention.output.dense.weight"]
    assert columns[:, :8].all() and not columns[:, 8:].any()
    only = first.neurons.synapse_masks(torch.arange(24) == 5, subject.alive)
    assert only["encoder.layer.0.intermediate.dense.weight"].nonzero()[:, 0].unique().tolist() == [5]
    assert only["encoder.layer.0.output.dense.weight"].nonzero()[:, 1].unique().tolist() == [5]


def test_joined_matrices_by_hand():
    subject = born("modernbert")
    first = anatomy_of(subject.encoder)[0]
    rows = first.heads.synapse_masks(torch.tensor([True, False]), subject.alive)["layers.0.attn.Wqkv.weight"].all(1)
    assert rows.tolist() == ([True] * 8 + [False] * 8) * 3
    pairs = first.neurons.synapse_masks(torch.arange(24) == 5, subject.alive)["layers.0.mlp.Wi.weight"].all(1)
    assert pairs.nonzero().flatten().tolist() == [5, 29]


def test_a_head_with_one_living_column_is_heard():
    units = Units(kind="heads", inputs=(("in", 1),), output="out", number=2, size=3, module="self")
    columns = torch.zeros(4, 6, dtype=torch.bool)
    columns[2, 4] = True
    assert units.heard({"out": columns}).tolist() == [False, True]
    assert units.total({"in": columns.T, "out": columns}).tolist() == [0, 2]


@pytest.mark.parametrize("kind", ["mpnet", "deberta"])
def test_an_architecture_that_is_not_mapped_says_so(kind):
    subject = born(kind)
    with pytest.raises(UserError, match=rf"type '{kind}': its heads and neurons are not known.*Supported: albert, bert, "):
        anatomy_of(subject.encoder)


def test_a_bert_with_more_than_the_usual_parts_is_refused():
    from transformers import BertConfig, BertModel

    sizes = {"num_hidden_layers": 1, "num_attention_heads": 2, "hidden_size": 16, "intermediate_size": 24, "vocab_size": 30}
    crossed = BertModel(BertConfig(**sizes, is_decoder=True, add_cross_attention=True))
    with pytest.raises(UserError, match="as transformers builds them"):
        anatomy_of(crossed)
