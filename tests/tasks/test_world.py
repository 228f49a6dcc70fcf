"""The micro world: reproducible, balanced, disjoint, labelled as an independent reading would label it."""

from __future__ import annotations

import numpy as np
import pytest

from lifespan.corpora.micro import MicroText
from lifespan.errors import DataError, ScenarioError
from lifespan.tasks.micro import MicroTask
from lifespan.tasks.world.exercises import EXERCISES
from lifespan.tasks.world.lexicon import BLAME, EVERYTHING, PLURAL, PRAISE, PRONOUNS, SINGULAR, plural, third_person
from lifespan.tasks.world.vocabulary import SPECIAL, all_tokens, tokenizer

NAMES = tuple(EXERCISES)
PAIRED = tuple(name for name in NAMES if name not in ("acceptability", "sentiment", "similarity"))

GOLDEN = {
    "acceptability": ["8609eba3785af2ac", "328898aa7fe7e86f", "d5e914082dac4caf"],
    "sentiment": ["6be610bb7144f7ae", "475da497261c4151", "74fdab9a354c1f3c"],
    "paraphrase": ["084f4b3136059161", "e66fd82cd8b9ce63", "8214a49a4e163d4c"],
    "similarity": ["afd11ff5bcee0005", "e88917c9ff782b75", "ef21de36632378e6"],
    "inference": ["7bd7f848749d7d1b", "5895a2f48381e000", "e9ffa698fda58b27"],
    "answering": ["1b9b1075e9071a3a", "1307f590e4d71d95", "1320978d42c3aeef"],
    "entailment": ["c09a67844f3f823e", "08425300fd7c0748", "588828d34df6cd33"],
    "coreference": ["53fadd2ba9e77bf7", "b27e02105f4b24b6", "76ac7a2fcd619d72"],
}

GOLDEN_TEXT = (
    "movie is one kind of creation .",
    ("the stories are splendid but horrible .", "i regret it because it is dull ."),
    ("the queen relaxes .", "the woman relaxes ."),
)

VERBS = {word: word for manner in ("resting", "meeting", "handling") for pair in EVERYTHING.opposites[manner]
         for synset in pair for word in synset}  # fmt: skip
LEMMAS = {noun: noun for noun in (*EVERYTHING.kinds, *EVERYTHING.nouns)}
LEMMAS |= {plural(noun): noun for noun in LEMMAS} | VERBS | {third_person(verb): verb for verb in VERBS}


def texts(name: str, split: str) -> list[tuple[str, ...]]:
    rows = MicroTask(name).load(split)
    return list(zip(rows.first, rows.second or [""] * len(rows), strict=True))


def labelled(name: str) -> list[tuple[list[str], list[str], float]]:
    rows = MicroTask(name).load("dev")
    pairs = zip(texts(name, "dev"), rows.labels, strict=True)
    return [(first.split(), second.split(), label) for (first, second), label in pairs]


def nouns(words: list[str]) -> list[str]:
    return [LEMMAS[word] for word in words if word in LEMMAS and LEMMAS[word] not in VERBS]


def deed(words: list[str]) -> set[str]:
    verb = next(LEMMAS[word] for word in words if LEMMAS.get(word) in VERBS)
    return set(EVERYTHING.synonyms[verb])


def kind(noun: str) -> str:
    return EVERYTHING.kinds.get(noun, noun)


def grammatical(words: list[str]) -> bool:
    verb = next(place for place, word in enumerate(words) if LEMMAS.get(word) in VERBS)
    subject, rest = words[:verb], words[verb + 1 :]
    many = subject[-1] not in EVERYTHING.kinds
    determiners = {*SINGULAR, *PLURAL} & set(subject)
    agrees = (words[verb] in VERBS) == many and determiners <= set(PLURAL if many else SINGULAR)
    inanimate = ("fruit", "tool", "garment", "creation")
    return agrees and kind(LEMMAS[subject[-1]]) not in inanimate and bool(rest)


@pytest.mark.parametrize("name", NAMES)
def test_a_task_is_the_same_for_ever(name: str) -> None:
    task = MicroTask(name)
    assert [task.load(split).fingerprint[:16] for split in task.splits] == GOLDEN[name]


def test_the_text_is_the_same_for_ever_and_grows_at_its_end() -> None:
    text = MicroText(number=500).passages()
    assert text == MicroText(number=800).passages()[:500]
    assert len(text) == 500
    assert text[:3] == GOLDEN_TEXT


@pytest.mark.parametrize("name", NAMES)
def test_answers_are_balanced(name: str) -> None:
    for split in MicroTask(name).splits:
        counts = np.unique(MicroTask(name).load(split).labels, return_counts=True)[1]
        assert counts.max() - counts.min() <= 1


@pytest.mark.parametrize("name", NAMES)
def test_splits_share_no_row(name: str) -> None:
    rows = [row for split in MicroTask(name).splits for row in texts(name, split)]
    assert len(rows) == len(set(rows))


def test_no_examined_row_is_in_the_text() -> None:
    told = {passage if isinstance(passage, tuple) else (passage, "") for passage in MicroText().passages()}
    for name in NAMES:
        for split in ("dev", "test"):
            assert not told & set(texts(name, split))


def test_every_word_is_known_and_used() -> None:
    known = set(all_tokens())
    used = {word for passage in MicroText().passages() for word in " ".join(np.atleast_1d(passage)).split()}
    assert used == known - set(SPECIAL)
    for name in NAMES:
        for split in MicroTask(name).splits:
            assert {word for row in texts(name, split) for word in " ".join(row).split()} <= known


def test_no_word_has_two_meanings() -> None:
    words = [word for synset in EVERYTHING.synsets() for word in synset]
    words += [*EVERYTHING.positive, *EVERYTHING.negative, *EVERYTHING.nouns, *PRAISE, *BLAME]
    assert len(words) == len(set(words))


@pytest.mark.parametrize("name", NAMES)
def test_most_rows_hold_words_never_taught(name: str) -> None:
    taught = {word for row in texts(name, "train") for word in " ".join(row).split()}
    unseen = [any(word not in taught for word in " ".join(row).split()) for row in texts(name, "dev")]
    assert np.mean(unseen) > 0.5


def test_acceptability_follows_the_grammar() -> None:
    assert all(grammatical(words) == label for words, _, label in labelled("acceptability"))


def test_sentiment_follows_the_last_judgement_and_negation() -> None:
    for words, _, label in labelled("sentiment"):
        last = next(word for word in reversed(words) if word in EVERYTHING.positive + EVERYTHING.negative)
        assert (last in EVERYTHING.positive) == (label == 1) ^ ("not" in words)


def test_paraphrases_tell_the_same_deed() -> None:
    assert all((deed(first) == deed(second)) == label for first, second, label in labelled("paraphrase"))


def test_similarity_counts_deed_and_details() -> None:
    for first, second, label in labelled("similarity"):
        details = ("in" in second) + ("at" in second)
        assert label == 3 * (deed(first) == deed(second)) + 2 - details


def test_inference_follows_kind_and_judgement() -> None:
    for first, second, label in labelled("inference"):
        agree = bool({*first} & {*EVERYTHING.positive}) == bool({*second} & {*PRAISE})
        same_kind = kind(nouns(first)[0]) == nouns(second)[0]
        assert label == (1 if not same_kind else 0 if agree else 2)


def test_answering_gives_place_time_or_actor() -> None:
    for question, reply, label in labelled("answering"):
        expected = {"where": "in" in reply, "when": "at" in reply, "who": question[-2] == reply[-2]}
        assert expected[question[0]] == label


def test_entailment_generalises_to_the_right_kind() -> None:
    for first, second, label in labelled("entailment"):
        pairs = zip(nouns(first), nouns(second), strict=True)
        assert all(right in (left, kind(left)) for left, right in pairs) == label


def test_coreference_follows_gender() -> None:
    for first, second, label in labelled("coreference"):
        pronoun = first[first.index("because") + 1]
        assert (PRONOUNS.get(kind(nouns(second)[0]), "it") == pronoun) == label


@pytest.mark.parametrize("name", ("acceptability", *PAIRED))
def test_words_alone_do_not_tell_the_answer(name: str) -> None:
    task = MicroTask(name)
    train, dev = (bags(name, split) for split in ("train", "dev"))
    answers, truth = (task.load(split).labels.astype(float) for split in ("train", "dev"))
    center, classes = train.mean(0), np.unique(answers)
    targets = (answers[:, None] == classes) - 1 / len(classes)
    shifted = train - center
    weights = np.linalg.solve(shifted.T @ shifted + 5 * np.eye(train.shape[1]), shifted.T @ targets)
    guesses = classes[((dev - center) @ weights).argmax(1)]
    assert np.mean(guesses == truth) < 1 / len(classes) + 0.15


def bags(name: str, split: str) -> np.ndarray:
    """Word counts of both sides, their absolute differences and their overlap."""
    index = {word: place for place, word in enumerate(all_tokens())}
    sides = np.zeros((2, len(texts(name, split)), len(index)))
    for row, pair in enumerate(texts(name, split)):
        for side, text in enumerate(pair):
            np.add.at(sides[side, row], [index[word] for word in text.split()], 1)
    left, right = sides
    shared = np.minimum(left, right).sum(1, keepdims=True)
    return np.concatenate([left, right, np.abs(left - right), shared], axis=1)


def test_an_unknown_task_is_refused_by_name() -> None:
    with pytest.raises(ScenarioError, match="Did you mean 'sentiment'"):
        MicroTask("sentimant")
    with pytest.raises(DataError, match="has no split 'exam'"):
        MicroTask("sentiment").load("exam")
    with pytest.raises(ScenarioError, match="number=0"):
        MicroText(number=0)


def test_thinned_rows_are_nested() -> None:
    few, more = (MicroTask("answering", train_examples=count).examples("train").first for count in (20, 60))
    assert set(few) <= set(more)


def test_the_tokenizer_frames_pairs_as_bert_does() -> None:
    words = tokenizer()
    assert words.convert_tokens_to_ids(list(SPECIAL)) == [0, 1, 2, 3, 4]
    encoded = words("the owl sleeps .", "the bird dozes .")
    assert words.decode(encoded["input_ids"]) == "[CLS] the owl sleeps . [SEP] the bird dozes . [SEP]"
    assert encoded["token_type_ids"] == [0] * 6 + [1] * 5
    assert words.unk_token_id not in words(list(MicroTask("inference").load("dev").first))["input_ids"][0]
