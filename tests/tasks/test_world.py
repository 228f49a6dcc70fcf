"""The micro world: reproducible, balanced, disjoint, labelled as an independent reading would label it."""

from __future__ import annotations

import importlib.util
from collections import Counter
from itertools import pairwise
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from lifespan.corpora.micro import MicroText
from lifespan.errors import DataError, ScenarioError
from lifespan.tasks.micro import MicroTask
from lifespan.tasks.world import library
from lifespan.tasks.world.dice import Dice
from lifespan.tasks.world.exercises import EXERCISES, LABELS_OF_ANSWERS
from lifespan.tasks.world.language import Speaker
from lifespan.tasks.world.lexicon import EVERYTHING, HERE_AND_NOW, PRONOUNS, plural, third_person
from lifespan.tasks.world.vocabulary import SPECIAL, all_tokens, tokenizer

NAMES = tuple(EXERCISES)
ORDERED = tuple(name for name in NAMES if name != "sentiment")

GOLDEN = {
    "acceptability": ["9e2f4dc170a1262b", "f1cd5c1753979d29", "a97dbd0b4ba321c4"],
    "sentiment": ["319be04733458d98", "e91e79b8d9da96cb", "84aaad02b0365d11"],
    "paraphrase": ["9a4f8c0d9de29335", "66588cab4470ebf0", "b212ca23f7da5b74"],
    "similarity": ["579dccc9b7eb2cc1", "5fccb5c60761330c", "b67cffee17cafef4"],
    "inference": ["f96744b0c02f765f", "ea6b19a4cd1c4276", "4fafae4e48f15402"],
    "answering": ["dcd9bb974aecff59", "7252464498baa61e", "2b4a6cd37f793d6d"],
    "entailment": ["2df4c919673cb7d7", "a7af543e17080646", "1193809162f0b8da"],
    "coreference": ["bbd528c7fbd85d52", "351e521a8338ff44", "d8162a1727cec463"],
    "tagging": ["148fc0f1bdaac00f", "2feb1aa524f55772", "645340fcbc731faf"],
}

GOLDEN_TEXT = (
    "the mum near the lemon works and the ratters near the poem come .",
    ("the pigeon adores this dad .", "the pigeon adores this man ."),
    (
        "at midnight the sorcerer there arrives and at teatime the pigeon there sleeps .",
        "the sorcerer arrives at midnight and the pigeon sleeps at teatime .",
    ),
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


def meaning(word: str) -> str:
    """A word that stands for all those of the same meaning and form."""
    return min(EVERYTHING.synonyms.get(LEMMAS.get(word, word), (word,)))


def kind(noun: str) -> str:
    return EVERYTHING.kinds.get(LEMMAS[noun], LEMMAS[noun])


def clauses(words: list[str]) -> list[list[str]]:
    """What stands on either side of the first `and`, without articles, places in the here and now, and the full stop."""
    told = [word for word in words if word not in ("the", ".", "?", *HERE_AND_NOW)]
    cut = told.index("and")
    return [told[:cut], told[cut + 1 :]]


@pytest.mark.parametrize("name", GOLDEN)
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


def test_a_split_is_made_without_those_that_come_after_it() -> None:
    library.rows.cache_clear()
    library.rows("sentiment", "train")
    assert library.rows.cache_info().currsize == 1
    assert len(library.rows("sentiment", "test")) == 4096


@pytest.mark.parametrize("name", (*NAMES, "tagging"))
def test_no_examined_sentence_is_in_the_text(name: str) -> None:
    told = {sentence for passage in MicroText().passages() for sentence in np.atleast_1d(passage)}
    for split in ("dev", "test"):
        assert not told & {sentence for row in texts(name, split) for sentence in row}


def test_every_word_is_known_and_used() -> None:
    known = set(all_tokens())
    used = {word for passage in MicroText().passages() for word in " ".join(np.atleast_1d(passage)).split()}
    assert used == known - set(SPECIAL)
    for name in NAMES:
        for split in MicroTask(name).splits:
            assert {word for row in texts(name, split) for word in " ".join(row).split()} <= known


def test_no_word_has_two_meanings() -> None:
    words = [word for synset in EVERYTHING.synsets() for word in synset]
    words += [*EVERYTHING.positive, *EVERYTHING.negative, *EVERYTHING.nouns]
    assert len(words) == len(set(words))


@pytest.mark.parametrize("name", NAMES)
def test_most_rows_hold_words_never_taught(name: str) -> None:
    taught = {word for row in texts(name, "train") for word in " ".join(row).split()}
    unseen = [any(word not in taught for word in " ".join(row).split()) for row in texts(name, "dev")]
    assert np.mean(unseen) > 0.5


def test_acceptability_follows_the_grammar() -> None:
    for words, _, label in labelled("acceptability"):
        agree = [(verb in VERBS) == (subject not in EVERYTHING.kinds) for subject, _, _, verb in clauses(words)]
        assert agree == [bool(label)] * 2


def test_sentiment_follows_the_last_judgement_and_what_turns_it() -> None:
    judgements = EVERYTHING.positive + EVERYTHING.negative
    for words, _, label in labelled("sentiment"):
        said = words[: words.index("and")] if "and" in words else words
        places = [place for place, word in enumerate(said) if word in judgements]
        turned = ("not" in said[places[-2] if len(places) > 1 else 0 :]) + ("nobody" in words)
        assert (said[places[-1]] in EVERYTHING.positive) == (label == 1) ^ bool(turned % 2)


def test_paraphrases_tell_the_same_deeds() -> None:
    for first, second, label in labelled("paraphrase"):
        one, other = ([[meaning(word) for word in clause] for clause in clauses(words)] for words in (first, second))
        assert (one == other) == label


def test_similarity_counts_deeds_and_times() -> None:
    for first, second, label in labelled("similarity"):
        one = {meaning(verb): (meaning(noun), meaning(time)) for _, time, noun, verb in clauses(first)}
        other = {meaning(verb): (meaning(noun), meaning(time)) for noun, verb, _, time in clauses(second)}
        same = [{one[verb][place] == other[verb][place] for verb in one} for place in (0, 1)]
        assert label == 3 * (same[0] == {True}) + 2 * (same[1] == {True})


def test_inference_follows_what_is_said_of_the_kind() -> None:
    for first, second, label in labelled("inference"):
        quality, noun, verb = second[1:4]
        assert first.count(quality) == 3 and first[-2] == verb
        said = first[: first.index(kind(noun))]
        assert next(word for word in reversed(said) if word in ("every", "some", "no")) == ("every", "some", "no")[int(label)]


def test_answering_gives_who_or_to_whom() -> None:
    for question, reply, label in labelled("answering"):
        actor, target = meaning(reply[1]), meaning(reply[-3])
        known = meaning(question[-3] if "does" in question else question[-2])
        assert {actor, target} > {known} and label == (known == (actor if "does" in question else target))


def test_entailment_generalises_to_the_right_kind() -> None:
    for first, second, label in labelled("entailment"):
        told = [(kind(noun), meaning(verb)) for noun, verb in clauses(first)]
        assert ([(noun, meaning(verb)) for noun, verb in clauses(second)] == told) == label


def test_coreference_follows_gender() -> None:
    for first, second, label in labelled("coreference"):
        told = [(PRONOUNS.get(kind(noun), "it"), meaning(verb)) for noun, verb in clauses(first)]
        assert ([(pronoun, meaning(verb)) for pronoun, verb in clauses(second)] == told) == label


def neighbours(text: str | None) -> Counter[tuple[str, str]]:
    return Counter([] if text is None else pairwise(["<", *text.split(), ">"]))


@pytest.mark.parametrize("name", ORDERED)
def test_the_answer_decides_nothing_but_the_order(name: str) -> None:
    """The same dice give the same words and the same pairs of neighbouring words, in each sentence, for every answer."""
    for number in range(50):
        made = [
            EXERCISES[name](Speaker(EVERYTHING, Dice(f"test/{number}")), answer)
            for answer in range(len(LABELS_OF_ANSWERS[name]))
        ]
        assert len(set(made)) == len(made)
        for side in (0, 1):
            assert all(neighbours(texts[side]) == neighbours(made[0][side]) for texts in made)


def bag_of_words() -> ModuleType:
    """The benchmark of learners without word order."""
    place = Path(__file__).parents[2] / "benchmarks" / "bag_of_words.py"
    spec = importlib.util.spec_from_file_location("bag_of_words", place)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
@pytest.mark.parametrize("name", ORDERED)
def test_words_alone_do_not_tell_the_answer(name: str) -> None:
    """Learners without word order stay at chance: a small version of `benchmarks/bag_of_words.py`."""
    benchmark = bag_of_words()
    for learner in ("tree, words", "linear, bigrams", "forest, both"):
        found, chance = benchmark.scored(MicroTask(name), *benchmark.learner(name, learner))
        assert abs(found - chance) < 0.05, learner


def test_a_learner_without_word_order_finds_an_answer_that_words_do_tell() -> None:
    """The control of the control: `not` and the words of judgement say something about sentiment."""
    benchmark = bag_of_words()
    found, chance = benchmark.scored(MicroTask("sentiment"), *benchmark.learner("sentiment", "forest, both"))
    assert found > chance + 0.1


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
