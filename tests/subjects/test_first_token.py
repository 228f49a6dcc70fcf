import copy

import pytest
import torch
from architectures import KINDS, born, sentences
from torch import nn

from lifespan.model.forward import first_states, token_states
from lifespan.subjects.first_token import LAYERS, first_token_only

BUILT_ALIKE = ("bert", "camembert", "electra", "roberta", "xlm-roberta")


def last_layer(subject):
    return subject.encoder.encoder.layer[-1]


@pytest.mark.parametrize("kind", [*BUILT_ALIKE, *(kind for kind in KINDS if kind not in BUILT_ALIKE)])
def test_the_first_token_has_the_state_that_the_whole_pass_gives_it(kind):
    subject, batch = born(kind, quick=True), dict(sentences())
    with torch.inference_mode():
        whole = token_states(subject, batch)
        assert torch.allclose(first_states(subject, batch), whole[:, 0], atol=1e-5)
        with first_token_only(subject.encoder):
            short = token_states(subject, batch)
    assert short.shape[1] == (1 if kind in BUILT_ALIKE else whole.shape[1])


@pytest.mark.parametrize("kind", BUILT_ALIKE)
def test_gradients_are_those_of_the_whole_pass(kind):
    subject, batch = born(kind, quick=True), dict(sentences())
    parameters = {name: p for name, p in subject.encoder.named_parameters() if "pooler" not in name}
    pull = torch.randn(2, subject.width, generator=torch.Generator().manual_seed(0))
    ways = []
    for state in (token_states(subject, batch)[:, 0], first_states(subject, batch)):
        ways.append(torch.autograd.grad((state * pull).sum(), list(parameters.values()), allow_unused=True))
    for name, one, other in zip(parameters, *ways, strict=True):
        assert (one is None) == (other is None), name
        assert one is None or torch.allclose(one, other, atol=2e-4), name


@pytest.mark.parametrize("kind", KINDS)
def test_a_quick_body_is_the_body_it_was_and_drops_by_our_dropout(kind):
    quick, plain, batch = born(kind, quick=True), born(kind), dict(sentences())
    with torch.inference_mode():
        assert torch.allclose(token_states(quick, batch), token_states(plain, batch), atol=1e-5)
    assert not [module for module in quick.encoder.modules() if type(module) is nn.Dropout]
    assert set(quick.synapses) == set(plain.synapses)


def test_it_leaves_nothing_behind_even_after_an_error():
    subject = born("bert", quick=True)
    with pytest.raises(ValueError, match="on purpose"), first_token_only(subject.encoder):
        assert "forward" in last_layer(subject).__dict__
        raise ValueError("on purpose")
    assert "forward" not in last_layer(subject).__dict__


def test_hooks_on_layers_and_on_their_matrices_are_called():
    subject, batch = born("bert", quick=True), dict(sentences())
    called = []
    for name, module in [("layer", last_layer(subject)), *last_layer(subject).named_modules()]:
        if isinstance(module, nn.Linear) or name == "layer":
            module.register_forward_hook(lambda module, inputs, output, name=name: called.append(name))
    first_states(subject, batch)
    assert len(called) == 7 and "layer" in called


def test_a_layer_that_somebody_took_over_or_whose_attention_is_gone_keeps_its_own_way():
    subject, batch = born("bert", quick=True), dict(sentences())
    other = copy.deepcopy(subject.encoder)
    other.encoder.layer[-1].__dict__["forward"] = lambda states, *_, **__: states
    with first_token_only(other):
        assert other(**batch).last_hidden_state.shape[1] == batch["input_ids"].shape[1]
    del subject.encoder.encoder.layer[-1].attention.self.query
    with first_token_only(subject.encoder):
        assert "forward" not in last_layer(subject).__dict__


def test_bodies_with_torchs_own_attention_keep_their_own_way():
    subject, batch = born("bert"), dict(sentences())
    with first_token_only(subject.encoder):
        assert token_states(subject, batch).shape[1] == batch["input_ids"].shape[1]


def test_the_layers_named_exist():
    import transformers

    for name in LAYERS:
        family = name.removesuffix("Layer")
        module = f"transformers.models.{family.lower().replace('xlmroberta', 'xlm_roberta')}.modeling_"
        module += family.lower().replace("xlmroberta", "xlm_roberta")
        assert hasattr(__import__(module, fromlist=[name]), name), transformers.__version__
