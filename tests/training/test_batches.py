"""Batches by step number: complete, reproducible, bucketed, masked as BERT's."""

import numpy as np
import pytest
import torch
from conftest import TASKS
from small_lives import born

from lifespan.randomness import Streams
from lifespan.tasks.world.vocabulary import tokenizer
from lifespan.training.batches import BUCKET, Shuffle, TaskSource, Tokens, TurnSource
from lifespan.training.objectives._masked import MaskedSource

STREAMS = Streams(0, "develop#0")


def test_an_epoch_shows_every_example_once_and_the_next_in_another_order():
    shuffle = Shuffle(np.arange(50) % 7, 8, STREAMS)
    epochs = [np.concatenate([shuffle.index(e * 7 + s) for s in range(7)]) for e in range(2)]
    assert all(sorted(epoch.tolist()) == list(range(50)) for epoch in epochs)
    assert epochs[0].tolist() != epochs[1].tolist()
    assert shuffle.index(3).tolist() == Shuffle(np.arange(50) % 7, 8, STREAMS).index(3).tolist()


def test_bucketing_wastes_little_padding():
    lengths = np.random.default_rng(0).integers(5, 100, 32 * BUCKET)
    shuffle = Shuffle(lengths, 32, STREAMS)
    padded = sum(lengths[i].max() * len(i) for i in (shuffle.index(s) for s in range(shuffle.per_epoch)))
    assert padded / lengths.sum() < 1.06


def test_masking_follows_80_10_10_and_spares_special_tokens():
    words = tokenizer(32)
    passages = ["the cat is lovely and the dog is lovely and the cat is lovely ."] * 256
    source = MaskedSource(passages, words, length=32, batch_size=256, masking=0.15, streams=STREAMS)
    whole = source.tokens.collate(source.order.index(0))["input_ids"]
    batch = source.batch(0)
    chosen = batch["labels"] != -100
    special = torch.isin(whole, torch.tensor(words.all_special_ids))
    assert not (chosen & special).any()
    assert torch.equal(batch["labels"][chosen], whole[chosen])
    assert torch.equal(batch["input_ids"][~chosen], whole[~chosen])
    assert float(chosen.sum() / (~special).sum()) == pytest.approx(0.15, abs=0.02)
    kept = batch["input_ids"][chosen]
    assert float((kept == words.mask_token_id).float().mean()) == pytest.approx(0.8, abs=0.04)
    assert float((kept == whole[chosen]).float().mean()) == pytest.approx(0.1, abs=0.04)
    assert not torch.equal(source.batch(0)["labels"], source.batch(1)["labels"]), "masking must be dynamic"
    assert torch.equal(source.batch(0)["labels"], batch["labels"])


def test_a_batch_that_no_draw_hits_still_asks_for_one_token():
    source = MaskedSource(["the cat ."], tokenizer(32), length=32, batch_size=1, masking=1e-9, streams=STREAMS)
    assert (source.batch(0)["labels"] != -100).sum() == 1


def test_single_sentences_and_pairs_mix():
    tokens = Tokens(tokenizer(32), ["the cat .", "the dog ."], [None, "the cat ."], 32)
    batch = tokens.collate(np.array([0, 1]))
    assert batch["input_ids"].shape == (2, 16)
    assert tokens.lengths.tolist() == [5, 9]
    assert batch["token_type_ids"].sum(1).tolist() == [0, 4]
    assert batch["attention_mask"].sum(1).tolist() == [5, 9]


def test_tasks_take_turns():
    words = tokenizer(32)
    sources = [TaskSource(t, t.examples("train"), words, length=32, batch_size=8, streams=STREAMS) for t in TASKS]
    turns = TurnSource(sources)
    assert [(turns.at(step)[0].task, turns.at(step)[1]) for step in range(4)] == [
        ("micro-sentiment", 0),
        ("micro-entailment", 0),
        ("micro-sentiment", 1),
        ("micro-entailment", 1),
    ]


def test_a_batch_of_nothing_but_unknown_words_teaches_nothing():
    subject = born()
    source = MaskedSource(
        ["\u4e2d \u6587"] * 4, subject.tokenizer, length=8, batch_size=4, masking=0.15, streams=Streams(0, "develop")
    )
    batch = source.batch(0)
    assert (batch["labels"] == -100).all(), "something can be predicted after all"
    loss = source.loss(subject, batch)
    loss.backward()
    assert loss.item() == 0.0
