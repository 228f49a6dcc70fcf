"""The promises, kept by a pretrained body with dropout: its dropout, its attention and its short last layer are its own."""

from dataclasses import replace

import pytest
import torch
from architectures import saved
from conftest import TASKS, tiny_study
from run_directories import KillAt, final_blobs, lines

from lifespan import (
    ActivationNoise,
    Age,
    Develop,
    Learn,
    Magnitude,
    Masks,
    MicroText,
    Pretrained,
    Probe,
    Recover,
    RepresentationSimilarity,
    Scenario,
    Score,
    Since,
    Suffer,
    Weights,
    load_pack,
    simulate,
)
from lifespan.model.compaction import shrink
from lifespan.model.forward import first_states
from lifespan.model.subject import Subject
from lifespan.packs.pack import save_pack
from lifespan.randomness import Streams
from lifespan.record.store import Store
from lifespan.study.plan import compile_study
from lifespan.training.loop import Interrupted

EVALUATION = Probe(Score(), Since("birth", RepresentationSimilarity(examples=10, length=32)))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return saved("bert", tmp_path_factory.mktemp("bodies"))


def life(folder, *first, looks=(EVALUATION,)):
    events = (
        Develop(MicroText(number=60), steps=4, batch_size=8),
        *first,
        Learn(TASKS[0], by=Masks(steps=6, rate=5e-3)),
        *looks,
        Learn(TASKS[1], by=Weights(steps=6)),
        *looks,
        Age(to=0.4, by=Magnitude()),
        Recover(steps=4),
        *looks,
    )
    return Scenario(name="life", subject=Pretrained(str(folder), dropout=0.2), events=events)


def study(life):
    return replace(tiny_study(life=life), precision="bf16")


@pytest.fixture(scope="module")
def whole(folder, tmp_path_factory):
    place = tmp_path_factory.mktemp("whole") / "run"
    simulate(study(life(folder)), place, threads=1)
    return place


def grown(folder, run):
    """The subject at the end of the life in a run directory."""
    last = compile_study(study(life(folder)), precision="bf16").lives[0].steps[-1]
    facts, state = Store(run / "store").load_state(last.digest)[:2]
    subject = Subject(Pretrained(str(folder), dropout=0.2).build(Streams(0, "birth")), precision="bf16")
    subject.load(facts, state)
    return subject


def test_killed_anywhere_and_resumed_it_has_the_same_bits(folder, whole, tmp_path):
    for _ in range(40):
        killer = KillAt(3)
        try:
            simulate(study(life(folder)), tmp_path, threads=1, observer=killer, should_stop=lambda k=killer: k.now)
            break
        except Interrupted:
            continue
    assert lines(tmp_path) == lines(whole) and final_blobs(tmp_path, "life") == final_blobs(whole, "life")


def test_looking_does_not_disturb(folder, whole, tmp_path):
    simulate(study(life(folder, looks=())), tmp_path, threads=1)
    assert final_blobs(tmp_path, "life") == final_blobs(whole, "life")


def test_severity_nothing_is_health(folder, whole, tmp_path):
    simulate(study(life(folder, Suffer(ActivationNoise(severity=0.0)))), tmp_path, threads=1)
    assert final_blobs(tmp_path, "life") == final_blobs(whole, "life")


def test_a_pack_answers_bit_for_bit(folder, whole, tmp_path):
    subject = grown(folder, whole)
    save_pack(subject, tmp_path / "pack")
    again = load_pack(tmp_path / "pack").subject()
    batch = subject.tokenizer(["the father and the dog are lovely .", "the dog ."], return_tensors="pt", padding=True)
    with torch.inference_mode():
        for task in TASKS:
            with subject.wearing(task.title), again.wearing(task.title):
                assert torch.equal(first_states(subject, dict(batch)), first_states(again, dict(batch)))


def test_a_shrunken_encoder_is_at_home_wherever_transformers_is(folder, whole):
    encoder = shrink(grown(folder, whole), TASKS[0].title)
    assert encoder.config._attn_implementation == "sdpa"
