"""Disorders of data and curriculum: by hand, doses, the number of rows, and what stays the same for a life."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from conftest import TASKS, weights
from small_lives import lived, same

from lifespan import (
    Develop,
    ImbalancedClasses,
    LabelNoise,
    Learn,
    MicroTask,
    MicroText,
    NarrowDomain,
    PoorCorpus,
    Recover,
    Suffer,
)
from lifespan.contracts import Examples
from lifespan.errors import ScenarioError
from lifespan.randomness import Streams

STREAMS = Streams(3, "suffer/test#0/learn#0")
LATER = Streams(3, "suffer/test#0/recover#0")
SCORE = MicroTask("similarity", train_examples=60)
THREE = MicroTask("inference", train_examples=60)
SCHOOL = [LabelNoise(), NarrowDomain(), PoorCorpus(), ImbalancedClasses()]
READING = [NarrowDomain(), PoorCorpus()]
IDS = {"ids": lambda disorder: type(disorder).__name__}
PASSAGES = MicroText(number=90).passages()


def rows_of(task):
    return task.examples("train")


def listed(examples):
    second = [""] * len(examples) if examples.second is None else examples.second
    return list(zip(examples.first, second, examples.labels.tolist(), strict=True))


@pytest.mark.parametrize("disorder", SCHOOL, **IDS)
def test_severity_zero_is_health_bit_for_bit_and_a_larger_one_is_not(disorder):
    events = [Develop(MicroText(number=60), steps=2, batch_size=8), Learn(TASKS[1], by=weights(2)), Recover(steps=2)]
    healthy, _ = lived(*events)
    assert same(healthy, lived(Suffer(disorder.healthy()), *events)[0])
    assert not same(healthy, lived(Suffer(disorder), *events)[0])


@pytest.mark.parametrize("task", [*TASKS, SCORE, THREE], ids=lambda task: task.title)
@pytest.mark.parametrize("disorder", SCHOOL, **IDS)
def test_as_many_rows_the_same_at_every_meeting_and_the_healthy_ones_untouched(disorder, task):
    rows = rows_of(task)
    before = rows.labels.copy()
    for severity in (0.3, 1.0):
        ill = replace(disorder, severity=severity)
        once, again = ill.examples(rows, task, STREAMS), ill.examples(rows, task, LATER)
        assert len(once) == len(rows) and once.labels.dtype == rows.labels.dtype
        assert listed(once) == listed(again) != listed(rows)
        assert listed(once) != listed(ill.examples(rows, task, Streams(4, STREAMS.key)))
    assert np.array_equal(rows.labels, before)


@pytest.mark.parametrize("task", [TASKS[0], THREE], ids=lambda task: task.title)
@pytest.mark.parametrize("severity", [0.1, 0.5, 1.0])
def test_label_noise_is_exact_and_takes_another_class(task, severity):
    rows, classes = rows_of(task), len(task.labels)
    after = LabelNoise(severity=severity).examples(rows, task, STREAMS)
    assert (after.first, after.second) == (rows.first, rows.second)
    assert int((after.labels != rows.labels).sum()) == round(severity * (classes - 1) / classes * len(rows))
    assert set(after.labels.tolist()) <= set(range(classes))


def test_label_noise_is_nested_uniform_and_at_one_tells_nothing():
    labels = np.arange(3000) % 3
    many = Examples([str(i) for i in range(3000)], None, labels)
    some, all_of_it = (LabelNoise(severity=s).examples(many, THREE, STREAMS).labels for s in (0.4, 1.0))
    wrong = some != labels
    assert np.array_equal(some[wrong], all_of_it[wrong])
    table = Counter(zip(labels.tolist(), all_of_it.tolist(), strict=True))
    assert all(table[told, said] == pytest.approx(1000 / 3, abs=60) for told in range(3) for said in range(3))


def test_scores_are_permuted_among_the_rows_chosen():
    rows = rows_of(SCORE)
    before = rows.labels + np.arange(len(rows)) * 1e-3
    rows = replace(rows, labels=before)
    after = LabelNoise(severity=0.5).examples(rows, SCORE, STREAMS).labels
    assert sorted(after) == sorted(before)
    assert 0.3 * len(rows) < int((after != before).sum()) <= round(0.5 * len(rows))


def distinct_share(severity):
    return 1 - 0.9 * severity


@pytest.mark.parametrize("task", [*TASKS, THREE], ids=lambda task: task.title)
@pytest.mark.parametrize("disorder", READING, **IDS)
def test_fewer_distinct_rows_of_every_class_repeat_in_the_places_of_the_others(disorder, task):
    rows = rows_of(task)
    numbered = replace(rows, first=[f"{text} #{i}" for i, text in enumerate(rows.first)])
    kept_before = None
    for severity in (0.2, 0.6, 1.0):
        after = replace(disorder, severity=severity).examples(numbered, task, STREAMS)
        assert np.array_equal(after.labels, numbered.labels), "a row is replaced by one of its own class"
        kept = {i for i, text in enumerate(after.first) if text == numbered.first[i]}
        for label in range(len(task.labels)):
            members = np.flatnonzero(rows.labels == label)
            own = [i for i in members if i in kept]
            assert len(own) == max(1, round(distinct_share(severity) * len(members)))
            counts = Counter(after.first[i] for i in members)
            assert set(counts) == {numbered.first[i] for i in own} and max(counts.values()) - min(counts.values()) <= 1
        assert kept_before is None or kept < kept_before, "a poorer set is contained in a richer one"
        kept_before = kept


@pytest.mark.parametrize("disorder", READING, **IDS)
def test_a_corpus_keeps_its_length_with_fewer_passages(disorder):
    numbered = [(*p, str(i)) if isinstance(p, tuple) else f"{p} #{i}" for i, p in enumerate(PASSAGES)]
    sizes = []
    for severity in (0.0, 0.3, 1.0):
        after = replace(disorder, severity=severity).passages(numbered, STREAMS)
        assert len(after) == len(numbered) and set(after) <= set(numbered)
        sizes.append(len(set(after)))
        assert list(after) == list(replace(disorder, severity=severity).passages(numbered, LATER))
    assert sizes == [90, round(0.73 * 90), 9]
    assert list(replace(disorder, severity=1.0).passages(["alone"], STREAMS)) == ["alone"]


def jaccard(one, other):
    one, other = ({w.lower() for w in (" ".join(t) if isinstance(t, tuple) else t).split()} for t in (one, other))
    return len(one & other) / len(one | other)


def test_a_narrow_domain_is_the_most_alike_by_the_slow_definition():
    anchor = int(Streams(3, "disorder/NarrowDomain").numpy("disorder").integers(len(PASSAGES)))
    after = NarrowDomain(severity=0.8).passages(PASSAGES, STREAMS)
    order = sorted(range(len(PASSAGES)), key=lambda i: (-jaccard(PASSAGES[i], PASSAGES[anchor]), i))
    kept = sorted(order[: round(distinct_share(0.8) * len(PASSAGES))])
    assert anchor in kept
    turns = iter(kept * len(PASSAGES))
    expected = [PASSAGES[i] if i in kept else PASSAGES[next(turns)] for i in range(len(PASSAGES))]
    assert list(after) == expected


def test_a_narrow_domain_is_narrower_than_its_control():
    def words(passages):
        return len({w for p in passages for w in (" ".join(p) if isinstance(p, tuple) else p).split()})

    narrow = NarrowDomain(severity=0.7)
    control = narrow.control()
    assert control == PoorCorpus(severity=0.7) and control.control() is None
    corpus = MicroText(number=300).passages()
    assert words(narrow.passages(corpus, STREAMS)) < 0.9 * words(control.passages(corpus, STREAMS))
    assert len(set(narrow.passages(corpus, STREAMS))) == len(set(control.passages(corpus, STREAMS)))


@pytest.mark.parametrize("severity", [0.25, 0.5, 1.0])
def test_rare_classes_keep_their_share_and_the_common_one_fills_the_places(severity):
    labels = np.arange(600) % 3
    many = Examples([str(i) for i in range(600)], None, labels)
    after = ImbalancedClasses(severity=severity).examples(many, THREE, STREAMS)
    kept = max(1, round(200 * 100.0**-severity))
    assert sorted(Counter(after.labels.tolist()).values()) == [kept, kept, 600 - 2 * kept]
    common = Counter(after.labels.tolist()).most_common(1)[0][0]
    rare = [text for text, label in zip(after.first, after.labels, strict=True) if label != common]
    assert len(set(rare)) == len(rare)
    assert len({t for t, label in zip(after.first, after.labels, strict=True) if label == common}) == 200
    assert all(labels[int(text)] == label for text, label in zip(after.first, after.labels, strict=True))


def test_rarer_is_contained_in_rare_and_high_scores_can_be_rare():
    rows = rows_of(SCORE)
    numbered = replace(rows, first=[f"{text} #{i}" for i, text in enumerate(rows.first)])
    middle = float(np.median(rows.labels))

    def halves(severity):
        after = ImbalancedClasses(severity=severity).examples(numbered, SCORE, STREAMS)
        return [{t for t, s in zip(after.first, after.labels, strict=True) if (s > middle) == high} for high in (False, True)]

    some, all_of_it = halves(0.3), halves(1.0)
    sizes = [len(half) for half in some]
    rare = sizes.index(min(sizes))
    assert all_of_it[rare] < some[rare] and len(all_of_it[rare]) == 1


def test_a_single_row_always_stays():
    one = Examples(["alone"], None, np.array([1]))
    for disorder in (NarrowDomain(severity=1.0), PoorCorpus(severity=1.0), ImbalancedClasses(severity=1.0)):
        assert listed(disorder.examples(one, TASKS[0], STREAMS)) == listed(one)


@pytest.mark.parametrize("disorder", SCHOOL, **IDS)
def test_bad_severity_is_named(disorder):
    with pytest.raises(ScenarioError, match=rf"{type(disorder).__name__}\(severity=-1\)"):
        replace(disorder, severity=-1)
