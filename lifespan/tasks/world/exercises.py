"""One example generator per miniature task: (speaker, answer) -> sentence, or pair of sentences, with that answer.

In all but `sentiment` the answer lies in how words are arranged and not in which words there are: all words are chosen
before the answer is read, and the answer decides their order alone. So the same dice give the same words, in each of the
two sentences, for every answer, and whatever can be said of an example without its order says nothing about its answer.
Where two sentences share a pair of neighbouring words, they do so for every answer as well.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from lifespan.tasks.world.language import Speaker, sentence
from lifespan.tasks.world.lexicon import ANIMALS, ARTEFACTS, HERE_AND_NOW, PEOPLE, PRONOUNS, Synset, plural, third_person

T = TypeVar("T")
Texts = tuple[str, str | None]
Exercise = Callable[[Speaker, int], Texts]
Words = list[str]
BEINGS = PEOPLE + ANIMALS


def acceptability(speaker: Speaker, answer: int) -> Texts:
    """Two clauses in which each verb agrees with its own subject (1), or with that of the other clause (0).

    A noun of either number stands between a verb and its subject.
    """
    many = speaker.dice.chance(0.5)
    numbers = (many, not many)
    subjects = [_noun(speaker, BEINGS, each) for each in numbers]
    nearby = [_noun(speaker, BEINGS + ARTEFACTS, speaker.dice.chance(0.5)) for _ in numbers]
    verbs = [verb if each else third_person(verb) for verb, each in zip(_two_verbs(speaker), numbers, strict=True)]
    placed = zip(_turned(subjects, not answer), nearby, verbs, strict=True)
    return sentence(_joined([["the", one, "near", "the", other, verb] for one, other, verb in placed])), None


def sentiment(speaker: Speaker, answer: int) -> Texts:
    """A favourable judgement (1) or not (0): the last word wins, and `not` and `nobody` turn what they reach."""
    form = speaker.dice.pick(("plain", "not", "but", "not but", "and not", "nobody", "everybody", "near"))
    good = bool(answer) != (form in ("not", "nobody"))
    meant, contrary = (_judgement(speaker, each) for each in (good, not good))
    very = ["very"] if speaker.dice.chance(0.3) else []
    subject = speaker.someone(PEOPLE + ARTEFACTS, adjective=0.3)
    start = subject.words()
    if form == "near":
        start += ["near", "the", contrary, speaker.noun(ARTEFACTS)]
    said = {
        "not": ["not", *very, meant],
        "but": [contrary, "but", *very, meant],
        "not but": ["not", contrary, "but", *very, meant],
        "and not": [*very, meant, "and", "not", contrary],
    }.get(form, [*very, meant])
    words = [*start, "are" if subject.many else "is", *said]
    return sentence([form, "says", "that", *words] if form.endswith("body") else words), None


def _judgement(speaker: Speaker, good: bool) -> str:
    return speaker.dice.pick(speaker.lexicon.positive if good else speaker.lexicon.negative)


def paraphrase(speaker: Speaker, answer: int) -> Texts:
    """Two sentences in which each of two beings does the same (1), or what the other did (0)."""
    nouns, verbs = _two_nouns(speaker), _two_verbs(speaker)
    again = [speaker.synonym(noun, always=True) for noun in nouns]
    done = _restated(speaker, verbs)
    return _deeds(_turned(nouns, not answer), verbs, _here(speaker)), _deeds(again, done)


def similarity(speaker: Speaker, answer: int) -> Texts:
    """Two sentences: 2 more if the same beings do it (answers 2 and 3), 1 more if they do it at the same time (1 and 3)."""
    nouns, verbs, times = _two_nouns(speaker), _two_verbs(speaker), _two_of(speaker, speaker.lexicon.times)
    here = _here(speaker)
    told = zip(_turned(times, not answer % 2), _turned(nouns, answer < 2), verbs, strict=True)
    first = [["at", time, "the", noun, here, third_person(verb)] for time, noun, verb in told]
    again = zip(*(_restated(speaker, words) for words in (nouns, verbs, times)), strict=True)
    second = [["the", noun, third_person(verb), "at", time] for noun, verb, time in again]
    return sentence(_joined(first)), sentence(_joined(second))


def inference(speaker: Speaker, answer: int) -> Texts:
    """A premise, and a hypothesis that follows (0), may or may not hold (1), or cannot hold with it (2).

    The premise says what every being of one kind does, some of another, and none of a third; the hypothesis is about one.
    """
    kind, *others = _some_of(speaker, BEINGS, 3)
    noun, verb = speaker.noun([kind]), third_person(speaker.verb("resting"))
    quality, here = speaker.quality(), _here(speaker)
    every, some, no = ([quality, word, here] for word in (*others[:answer], kind, *others[answer:]))
    words = ["every", *every, "and", "some", *some, "but", "no", *no, verb]
    return sentence(words), sentence(["the", quality, noun, verb])


def answering(speaker: Speaker, answer: int) -> Texts:
    """A question about who did it or to whom it was done, and a sentence that answers it (1) or does not (0)."""
    known, other = _two_nouns(speaker)
    verb, here = speaker.verb("meeting"), _here(speaker)
    actor = speaker.dice.chance(0.5)
    question = ["who", third_person(verb), "the", known] if actor else ["who", "does", "the", known, verb]
    one, two = _turned([speaker.synonym(known), speaker.synonym(other)], actor == bool(answer))
    reply = ["the", one, here, third_person(speaker.synonym(verb)), "the", two, here]
    return sentence(question, "?"), sentence(reply)


def entailment(speaker: Speaker, answer: int) -> Texts:
    """A sentence about what two beings do, and the same said of their kinds (1), or with the two exchanged (0)."""
    nouns, verbs = _two_nouns(speaker), _two_verbs(speaker)
    kinds = [speaker.lexicon.kinds[noun] for noun in nouns]
    done = _restated(speaker, verbs)
    return _deeds(_turned(nouns, not answer), verbs, _here(speaker)), _deeds(kinds, done)


def coreference(speaker: Speaker, answer: int) -> Texts:
    """A sentence about two, and one in which each pronoun means the one who did it (1), or the other one (0)."""
    kinds = (
        speaker.dice.pick_two(PEOPLE) if speaker.dice.chance(0.5) else (speaker.dice.pick(PEOPLE), speaker.dice.pick(ANIMALS))
    )
    nouns, verbs = [speaker.noun([kind]) for kind in speaker.dice.shuffled(kinds)], _two_verbs(speaker)
    pronouns = [PRONOUNS.get(speaker.lexicon.kinds[noun], "it") for noun in nouns]
    clauses = [[pronoun, third_person(verb)] for pronoun, verb in zip(pronouns, _restated(speaker, verbs), strict=True)]
    return _deeds(_turned(nouns, not answer), verbs, _here(speaker)), sentence(_joined(clauses))


def _some_of(speaker: Speaker, kinds: Sequence[str], count: int) -> Words:
    """So many kinds, all different, in random order."""
    chosen: Words = []
    for _ in range(count):
        chosen.append(speaker.dice.pick_other(kinds, *chosen))
    return chosen


def _two_nouns(speaker: Speaker) -> Words:
    """Two beings of different kinds."""
    return [speaker.noun([kind]) for kind in _some_of(speaker, BEINGS, 2)]


def _noun(speaker: Speaker, kinds: Sequence[str], many: bool) -> str:
    noun = speaker.noun([speaker.dice.pick(kinds)])
    return plural(noun) if many else noun


def _two_of(speaker: Speaker, synsets: Sequence[Synset]) -> Words:
    return [speaker.dice.pick(synset) for synset in speaker.dice.pick_two(synsets)]


def _two_verbs(speaker: Speaker) -> Words:
    return _two_of(speaker, speaker.synsets("resting"))


def _restated(speaker: Speaker, words: Sequence[str]) -> Words:
    return [speaker.synonym(word) for word in words]


def _here(speaker: Speaker) -> str:
    """A word that follows every noun of a sentence, so that no noun's neighbours tell what it does."""
    return speaker.dice.pick(HERE_AND_NOW)


def _deeds(nouns: Sequence[str], verbs: Sequence[str], here: str = "") -> str:
    pairs = zip(nouns, verbs, strict=True)
    return sentence(_joined([["the", noun, *([here] if here else []), third_person(verb)] for noun, verb in pairs]))


def _turned(pair: Sequence[T], really: bool) -> list[T]:
    return list(pair[::-1] if really else pair)


def _joined(clauses: Sequence[Words]) -> Words:
    first, second = clauses
    return [*first, "and", *second]


EXERCISES: dict[str, Exercise] = {
    "acceptability": acceptability,
    "sentiment": sentiment,
    "paraphrase": paraphrase,
    "similarity": similarity,
    "inference": inference,
    "answering": answering,
    "entailment": entailment,
    "coreference": coreference,
}

LABELS_OF_ANSWERS: dict[str, tuple[int, ...]] = {
    name: {"similarity": (0, 2, 3, 5), "inference": (0, 1, 2)}.get(name, (0, 1)) for name in EXERCISES
}

__all__ = ["EXERCISES", "LABELS_OF_ANSWERS", "Exercise", "Texts"]
