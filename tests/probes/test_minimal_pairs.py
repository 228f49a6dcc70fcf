"""Minimal pairs: pseudo-log-likelihoods against a slow loop, planted preferences, files in BLiMP's format."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from lifespan import Develop, MicroPairs, MicroText, MinimalPairs, PairFile
from lifespan.corpora.minimal_pairs import MinimalPair
from lifespan.errors import DataError, ScenarioError
from lifespan.probes.performance._likelihood import pseudo_log_likelihoods
from lifespan.randomness import Streams
from lifespan.tasks.world.library import passages
from lifespan.testing.lives import biography, newborn, reborn


def slowly(subject, text, later_pieces):
    """Token by token, as the papers say it: mask, predict, add."""
    encoded = subject.tokenizer(text, return_tensors="pt")
    ids, words = encoded["input_ids"][0], encoded.word_ids(0)
    total = 0.0
    for place, word in enumerate(words):
        if word is None:
            continue
        masked = ids.clone()
        for other in range(len(ids)):
            if other == place or (later_pieces and other > place and words[other] == word):
                masked[other] = subject.tokenizer.mask_token_id
        with torch.no_grad():
            states = subject.encoder(input_ids=masked[None], attention_mask=torch.ones_like(ids)[None]).last_hidden_state
            head = subject.language.cls(states)[0, place]
        total += float(head.log_softmax(-1)[ids[place]])
    return total


@pytest.fixture(scope="module")
def subject():
    return newborn()


@pytest.mark.parametrize("later_pieces", [True, False])
def test_a_sentences_likelihood_is_that_of_the_slow_loop(subject, later_pieces):
    texts = ["the owl naps .", "many proud owls near the lemon greet the dad at noon .", "unheardof words naps ."]
    found = pseudo_log_likelihoods(subject, texts, 64, later_pieces=later_pieces)
    assert found == pytest.approx([slowly(subject, text, later_pieces) for text in texts], abs=1e-4)


def test_with_a_word_of_pieces_the_later_pieces_are_masked_too(subject, monkeypatch):
    """The micro world's words are tokens, so two of them are declared to be one word."""
    from lifespan.probes.performance import _likelihood

    text = "the owl naps ."
    pieces = [None, 0, 1, 1, 2, None]
    monkeypatch.setattr(_likelihood, "_words", lambda *_: [pieces])
    apart = pseudo_log_likelihoods(subject, [text], 64, later_pieces=False)[0]
    together = pseudo_log_likelihoods(subject, [text], 64, later_pieces=True)[0]
    ids = subject.tokenizer(text, return_tensors="pt")["input_ids"][0]
    expected = 0.0
    for place, hidden in ((1, [1]), (2, [2, 3]), (3, [3]), (4, [4])):
        masked = ids.clone()
        masked[hidden] = subject.tokenizer.mask_token_id
        with torch.no_grad():
            states = subject.encoder(input_ids=masked[None], attention_mask=torch.ones_like(ids)[None]).last_hidden_state
            expected += float(subject.language.cls(states)[0, place].log_softmax(-1)[ids[place]])
    assert together == pytest.approx(expected, abs=1e-4) and together != pytest.approx(apart, abs=1e-6)


class Planted:
    """A set of pairs with given texts."""

    title = "planted"

    def __init__(self, pairs):
        self.kept = pairs

    def pairs(self):
        return self.kept


def test_accuracy_is_the_share_of_pairs_whose_acceptable_sentence_is_likelier(monkeypatch):
    from lifespan.probes.performance import _likelihood

    likelihoods = {"a": -1.0, "b": -2.0, "c": -5.0, "d": -3.0, "e": -1.0, "f": -1.0}
    monkeypatch.setattr(
        _likelihood, "pseudo_log_likelihoods", lambda _, texts, *__, **___: np.array([likelihoods[text] for text in texts])
    )
    pairs = [MinimalPair("a", "b", "one"), MinimalPair("c", "d", "one"), MinimalPair("e", "f", "two")]
    probe = MinimalPairs(MicroPairs(), examples=None)
    object.__setattr__(probe, "pairs", Planted(pairs))
    found = {reading.metric: (reading.value, reading.n) for reading in probe.read(SimpleNamespace(), {}, Streams(0, "test"))}
    assert found["accuracy"] == (0.5, 3) and found["accuracy/one"] == (0.5, 2) and found["accuracy/two"] == (0.5, 1)
    assert found["margin"] == (pytest.approx(-1 / 3), 3) and found["margin/one"] == (pytest.approx(-0.5), 2)


def test_development_teaches_the_order_of_words():
    order = [pair for pair in MicroPairs(number=60).pairs() if pair.kind == "word order"]
    probe = MinimalPairs(MicroPairs(number=60), examples=None)
    object.__setattr__(probe, "pairs", Planted(order))

    def accuracy(subject):
        return next(reading.value for reading in probe.read(subject, {}, Streams(0, "test")) if reading.metric == "accuracy")

    grown = reborn(biography([Develop(MicroText(number=2_000), steps=100, batch_size=16, rate=3e-3)]), -1)
    assert accuracy(grown) > 0.9 > accuracy(newborn())


def test_micro_pairs_differ_in_one_thing_and_are_in_no_corpus():
    pairs = MicroPairs(number=300).pairs()
    known = {text for passage in passages(5_000) for text in ((passage,) if isinstance(passage, str) else passage)}
    assert len({(pair.good, pair.kind) for pair in pairs}) == 300 and not known & {pair.good for pair in pairs}
    assert [sum(pair.kind == kind for pair in pairs) for kind in dict.fromkeys(p.kind for p in pairs)] == [100] * 3
    for pair in pairs:
        good, bad = pair.good.split(), pair.bad.split()
        if pair.kind == "word order":
            assert sorted(good) == sorted(bad) and good[:2] == bad[1::-1]
        else:
            assert sum(one != other for one, other in zip(good, bad, strict=True)) == 1 and good[-2] != bad[-2]
    assert MicroPairs(number=60).pairs() == pairs[:60]


def test_files_are_read_as_blimp_writes_them(tmp_path):
    row = {
        "sentence_good": "Cats sleep.",
        "sentence_bad": "Cats sleeps.",
        "UID": "agreement",
        "pairID": "0",
        "field": "syntax",
    }
    (tmp_path / "b.jsonl").write_text(json.dumps(row) + "\n")
    (tmp_path / "a.jsonl").write_text(json.dumps({**row, "UID": "other"}) + "\n")
    assert PairFile(tmp_path / "b.jsonl").pairs() == [MinimalPair("Cats sleep.", "Cats sleeps.", "agreement")]
    assert [pair.kind for pair in PairFile(tmp_path).pairs()] == ["other", "agreement"]
    assert PairFile(tmp_path / "b.jsonl", kind=None).pairs()[0].kind == "b"
    assert [file.name for source in PairFile(tmp_path).sources() for file in source.paths] == ["a.jsonl", "b.jsonl"]


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ('{"good": "a", "bad": "b", "UID": "x"}', "has no field 'sentence_good'"),
        ('{"sentence_good": "a", "sentence_bad": "a", "UID": "x"}', "line 1: has no two different sentences and a kind."),
        ('{"sentence_good": "a", "sentence_bad": null, "UID": "x"}', "line 1: has no two different sentences and a kind."),
    ],
)
def test_files_that_hold_no_pairs_are_refused(tmp_path, lines, said):
    (tmp_path / "pairs.jsonl").write_text(lines + "\n")
    with pytest.raises(DataError) as refused:
        PairFile(tmp_path / "pairs.jsonl").pairs()
    assert said in str(refused.value)


def test_a_folder_without_pairs_and_a_wrong_set_are_refused(tmp_path):
    with pytest.raises(DataError, match="holds no files of minimal pairs"):
        PairFile(tmp_path).pairs()
    with pytest.raises(ScenarioError, match="pairs"):
        MinimalPairs(MicroText())
