"""Sensory deprivation: slow versions of every alteration of a batch, doses, controls that lose nothing, windows."""

from collections import Counter
from dataclasses import replace

import pytest
import torch
from conftest import TASKS, TINY, weights
from small_lives import born, lived, same

from lifespan import (
    Develop,
    Learn,
    MicroText,
    Suffer,
    TokenBlur,
    VocabularyLoss,
    VocabularySwap,
    WordOrderMirror,
    WordOrderShuffle,
)
from lifespan.contracts import Course, Plasticity
from lifespan.errors import ScenarioError
from lifespan.randomness import Streams
from lifespan.training.batches import task_source
from lifespan.training.objectives._masked import MaskedSource

STREAMS = Streams(3, "suffer/test#0/learn#0")
BLIND = [TokenBlur(), VocabularyLoss(), VocabularySwap(), WordOrderMirror(), WordOrderShuffle()]
ORDER = BLIND[3:]
IDS = {"ids": lambda disorder: type(disorder).__name__}
PAD, UNK, CLS, SEP, MASK = range(5)


@pytest.fixture(scope="module")
def subject():
    return born(*TASKS)


def course(subject, task=None, step=0, streams=STREAMS):
    return Course(subject, Plasticity(), task, step, 10, streams, {})


def masked(subject, number=120):
    passages = MicroText(number=number).passages()
    source = MaskedSource(passages, subject.tokenizer, length=32, batch_size=64, masking=0.3, streams=STREAMS)
    return source.batch(0)


def labelled(subject, task=TASKS[1]):
    return task_source(subject, task, length=32, batch_size=32, streams=STREAMS).batch(0)


def both(subject):
    return [masked(subject), labelled(subject)]


def segments(row):
    """Positions of the texts between framing tokens; masked and unknown words belong to them."""
    found, own = [], []
    for position, token in enumerate(row.tolist()):
        if token in (PAD, CLS, SEP):
            found, own = [*found, own], []
        else:
            own.append(position)
    return [part for part in (*found, own) if part]


@pytest.mark.parametrize("disorder", BLIND, **IDS)
def test_severity_zero_is_health_bit_for_bit_and_a_larger_one_is_not(disorder):
    events = [Develop(MicroText(number=100), steps=2, batch_size=8), Learn(TASKS[1], by=weights(2))]
    healthy, _ = lived(*events)
    assert same(healthy, lived(Suffer(disorder.healthy()), *events)[0])
    assert not same(healthy, lived(Suffer(disorder), *events)[0])


@pytest.mark.parametrize("disorder", BLIND, **IDS)
@pytest.mark.parametrize("severity", [0.3, 1.0])
def test_frames_padding_and_the_labels_of_tasks_stay_and_the_input_is_not_written_on(subject, disorder, severity):
    for batch in both(subject):
        before = {name: value.clone() for name, value in batch.items()}
        after = replace(disorder, severity=severity).batch(batch, course(subject))
        assert all(torch.equal(value, before[name]) for name, value in batch.items())
        assert after.keys() == batch.keys()
        frames = torch.isin(before["input_ids"], torch.tensor([PAD, CLS, SEP]))
        assert torch.equal(after["input_ids"][frames], before["input_ids"][frames])
        assert not torch.isin(after["input_ids"][~frames], torch.tensor([PAD, CLS, SEP])).any()
        assert all(torch.equal(after[name], before[name]) for name in before if name not in ("input_ids", "labels"))
        if before["labels"].dim() == 1:
            assert torch.equal(after["labels"], before["labels"])


@pytest.mark.parametrize("disorder", BLIND, **IDS)
def test_the_dose_is_monotone(subject, disorder):
    batch = labelled(subject)
    altered = []
    for severity in (0.0, 0.1, 0.3, 0.6, 1.0):
        ids = replace(disorder, severity=severity).batch(batch, course(subject))["input_ids"]
        altered.append(int((ids != batch["input_ids"]).sum()))
    assert altered[0] == 0 and altered == sorted(altered) and altered[-1] > altered[1]


@pytest.mark.parametrize("disorder", [TokenBlur(), *ORDER], **IDS)
def test_draws_repeat_with_their_step_and_differ_between_steps(subject, disorder):
    batch = labelled(subject)
    first = disorder.batch(batch, course(subject, step=4))["input_ids"]
    assert torch.equal(first, disorder.batch(batch, course(subject, step=4))["input_ids"])
    assert not torch.equal(first, disorder.batch(batch, course(subject, step=5))["input_ids"])


def test_blur_by_hand(subject):
    for batch in both(subject):
        draw = torch.rand(batch["input_ids"].shape, generator=STREAMS.torch("disorder", 7), dtype=torch.float64)
        after = TokenBlur(severity=0.4).batch(batch, course(subject, step=7))
        for row, (old, new) in enumerate(zip(batch["input_ids"].tolist(), after["input_ids"].tolist(), strict=True)):
            expected = [MASK if token > MASK and draw[row, i] < 0.4 else token for i, token in enumerate(old)]
            assert new == expected
        assert torch.equal(after["labels"], batch["labels"])
    everything = TokenBlur(severity=1.0).batch(batch, course(subject))["input_ids"]
    assert set(everything.unique().tolist()) == {PAD, CLS, SEP, MASK}


@pytest.mark.parametrize("disorder", ORDER, **IDS)
@pytest.mark.parametrize("severity", [0.5, 1.0])
def test_words_move_inside_their_segment_with_what_is_asked_about_them(subject, disorder, severity):
    for batch in both(subject):
        ids = batch["input_ids"]
        after = replace(disorder, severity=severity).batch(batch, course(subject))
        for row in range(len(ids)):
            for part in segments(ids[row]):
                asked = batch["labels"][row] if batch["labels"].dim() == 2 else torch.zeros_like(ids[row])
                answers = after["labels"][row] if batch["labels"].dim() == 2 else asked
                old = Counter(zip(ids[row, part].tolist(), asked[part].tolist(), strict=True))
                new = Counter(zip(after["input_ids"][row, part].tolist(), answers[part].tolist(), strict=True))
                assert old == new


def test_shuffle_by_hand(subject):
    batch = masked(subject)
    ids, generator = batch["input_ids"], STREAMS.torch("disorder", 2)
    part_takers, keys = (torch.rand(ids.shape, generator=generator, dtype=torch.float64) for _ in range(2))
    after = WordOrderShuffle(severity=0.6).batch(batch, course(subject, step=2))
    for name in ("input_ids", "labels"):
        for row in range(len(ids)):
            expected = batch[name][row].clone()
            for part in segments(ids[row]):
                places = [i for i in part if part_takers[row, i] < 0.6]
                for place, source in zip(places, sorted(places, key=lambda i: keys[row, i]), strict=True):
                    expected[place] = batch[name][row, source]
            assert torch.equal(after[name][row], expected)


def test_a_mirror_reads_each_segment_backwards_and_twice_is_health(subject):
    for batch in both(subject):
        after = WordOrderMirror(severity=1.0).batch(batch, course(subject))
        for row in range(len(batch["input_ids"])):
            for part in segments(batch["input_ids"][row]):
                assert after["input_ids"][row, part].tolist() == batch["input_ids"][row, part].tolist()[::-1]
        again = WordOrderMirror(severity=1.0).batch(after, course(subject))
        assert all(torch.equal(value, batch[name]) for name, value in again.items())


def test_a_share_of_the_texts_is_mirrored(subject):
    batch = labelled(subject)
    rows = (WordOrderMirror(severity=0.5).batch(batch, course(subject))["input_ids"] != batch["input_ids"]).any(1)
    draw = torch.rand(len(rows), 1, generator=STREAMS.torch("disorder", 0), dtype=torch.float64)[:, 0]
    assert torch.equal(rows, draw < 0.5)


def lost(subject, severity, streams=STREAMS, task=None):
    """Ids that become unknown, asked one by one."""
    size = len(subject.tokenizer)
    batch = {"input_ids": torch.arange(size)[None], "attention_mask": torch.ones(1, size).long()}
    batch["labels"] = torch.full((1, size), -100) if task is None else torch.zeros(1)
    after = VocabularyLoss(severity=severity).batch(batch, course(subject, task, streams=streams))["input_ids"][0]
    changed = (after != torch.arange(size)).nonzero().squeeze(1)
    assert bool((after[changed] == UNK).all())
    return set(changed.tolist())


def test_the_same_words_are_lost_for_a_whole_life_and_a_larger_share_contains_a_smaller_one(subject):
    ordinary = len(subject.tokenizer) - 5
    few, many = lost(subject, 0.2), lost(subject, 0.7)
    assert len(few) == round(0.2 * ordinary) and len(many) == round(0.7 * ordinary) and few < many
    assert lost(subject, 0.2, Streams(3, "suffer/test#0/recover#0"), TASKS[0].title) == few
    assert lost(subject, 0.2, Streams(4, STREAMS.key)) != few
    assert lost(subject, 1.0) == set(range(5, len(subject.tokenizer)))


def test_a_lost_word_is_not_asked_for_either(subject):
    batch = masked(subject)
    gone = torch.tensor(sorted(lost(subject, 0.5)))
    after = VocabularyLoss(severity=0.5).batch(batch, course(subject))
    asked = batch["labels"] >= 0
    assert torch.equal(after["labels"] >= 0, asked)
    assert torch.equal(after["labels"][asked], torch.where(torch.isin(batch["labels"], gone), UNK, batch["labels"])[asked])
    assert torch.isin(batch["labels"][asked], gone).any()


def test_a_swap_alters_exactly_the_words_that_would_be_lost_and_can_be_undone(subject):
    control = VocabularyLoss(severity=0.4).control()
    assert control == VocabularySwap(severity=0.4)
    for batch in both(subject):
        lossy = VocabularyLoss(severity=0.4).batch(batch, course(subject))
        swapped = control.batch(batch, course(subject))
        for name in ("input_ids", "labels"):
            if batch[name].dim() == 2:
                assert torch.equal(lossy[name] != batch[name], swapped[name] != batch[name])
        pairs = set(zip(batch["input_ids"].flatten().tolist(), swapped["input_ids"].flatten().tolist(), strict=True))
        assert len({new for _, new in pairs}) == len(pairs) == len({old for old, _ in pairs}), "one for one"


def test_controls_have_the_same_severity_and_lose_no_information():
    for disorder in (TokenBlur(severity=0.3), WordOrderShuffle(severity=0.3)):
        assert disorder.control() == WordOrderMirror(severity=0.3)
    assert WordOrderMirror().control() is None and VocabularySwap().control() is None


def test_a_window_ends():
    first, second = Develop(MicroText(number=60), steps=1, batch_size=8), Learn(TASKS[0], by=weights(1))
    blind = TokenBlur(severity=0.8)
    healthy, short, long = (lived(*begin, first, second)[0] for begin in ((), (Suffer(blind, lasting=1),), (Suffer(blind),)))
    assert not same(healthy, short) and not same(short, long)
    late, _ = lived(first, Suffer(blind, lasting=1), second)
    assert not same(late, long) and not same(late, healthy)


def test_a_tokenizer_without_an_unknown_token_loses_words_to_the_mask(subject, monkeypatch):
    monkeypatch.setattr(type(subject.tokenizer), "unk_token_id", None, raising=False)
    batch = labelled(subject)
    assert MASK in VocabularyLoss(severity=1.0).batch(batch, course(subject))["input_ids"]


@pytest.mark.parametrize("disorder", BLIND, **IDS)
def test_bad_severity_is_named(disorder):
    with pytest.raises(ScenarioError, match=rf"{type(disorder).__name__}\(severity=30\).*0\.3"):
        replace(disorder, severity=30)


def test_texts_are_altered_on_the_smallest_subject():
    subject, _ = lived(Suffer(TokenBlur(severity=1.0)), Develop(MicroText(number=20), steps=2, batch_size=4), origin=TINY)
    assert all(bool(torch.isfinite(p).all()) for p in subject.encoder.parameters())
