"""The world's texts: task rows with answers, and passages without."""

from __future__ import annotations

import hashlib
import math
from dataclasses import replace
from functools import cache

from lifespan.tasks.world.dice import Dice
from lifespan.tasks.world.exercises import BEINGS, EXERCISES, LABELS_OF_ANSWERS, Texts
from lifespan.tasks.world.language import Speaker, sentence
from lifespan.tasks.world.lexicon import ARTEFACTS, EVERYTHING, Lexicon

SIZES = {"train": 2048, "dev": 512, "test": 4096}
FAMILIAR = 0.5
SIMPLE = ("statement", "kind", "restated", "generalised")
GENRES = (*SIMPLE, *EXERCISES)

# The answer that makes a passage coherent, where it is not 1.
COHERENT = {"similarity": 3, "inference": 0}

Passage = str | tuple[str, str]


def familiar(lexicon: Lexicon, name: str, share: float = FAMILIAR) -> Lexicon:
    """The part of the lexicon in one task's training split: the rest of its words appear only in dev and test."""
    dice = Dice(f"familiar/{name}")

    def some(items: tuple) -> tuple:
        return tuple(dice.shuffled(items)[: math.ceil(share * len(items))])

    return replace(
        lexicon,
        nouns={kind: some(synsets) for kind, synsets in lexicon.nouns.items()},
        names={kind: some(names) for kind, names in lexicon.names.items()},
        places=some(lexicon.places),
        times=some(lexicon.times),
        opposites={manner: some(pairs) for manner, pairs in lexicon.opposites.items()},
        positive=some(lexicon.positive),
        negative=some(lexicon.negative),
    )


def examined(text: str) -> bool:
    """Whether a sentence is one of those that dev and test splits may hold, and no passage: half of all, by their hash."""
    return hashlib.blake2b(text.encode(), digest_size=1).digest()[0] % 2 == 0


def splits_before(split: str) -> list[str]:
    """The splits with which a split shares no row: train comes first, test last."""
    return list(SIZES)[: list(SIZES).index(split)]


@cache
def rows(task: str, split: str) -> tuple[tuple[Texts, int], ...]:
    """A split of a task: every answer equally often, without repeats, no row of the splits before it."""
    seen = {texts for earlier in splits_before(split) for texts, _ in rows(task, earlier)}
    learned = split == "train"
    speaker = Speaker(familiar(EVERYTHING, task) if learned else EVERYTHING, Dice(f"{task}/{split}"))
    labels = LABELS_OF_ANSWERS[task]
    found: list[tuple[Texts, int]] = []
    while len(found) < SIZES[split]:
        answer = len(found) % len(labels)
        texts = EXERCISES[task](speaker, answer)
        if texts not in seen and (learned or all(examined(text) for text in texts if text is not None)):
            seen.add(texts)
            found.append((texts, labels[answer]))
    return tuple(speaker.dice.shuffled(found))


@cache
def passages(count: int) -> tuple[Passage, ...]:
    """Unlabelled text: statements, and pairs of sentences of which the second follows from the first."""
    speaker = Speaker(EVERYTHING, Dice("passages"), strict=False)
    found: list[Passage] = []
    while len(found) < count:
        passage = _passage(speaker, speaker.dice.pick(GENRES))
        if not any(examined(text) for text in ((passage,) if isinstance(passage, str) else passage)):
            found.append(passage)
    return tuple(found)


def _passage(speaker: Speaker, genre: str) -> Passage:
    if genre == "statement":
        return _statement(speaker)
    if genre == "kind":
        kind = speaker.dice.pick(BEINGS + ARTEFACTS)
        return sentence([speaker.noun([kind]), "is", "one", "kind", "of", kind])
    if genre in ("restated", "generalised"):
        clause = speaker.deed(many=False)
        noun = clause.subject.noun
        other = speaker.synonym(noun) if genre == "restated" else speaker.lexicon.kinds.get(noun, noun)
        subject = replace(clause.subject, noun=other, determiner=clause.subject.determiner or ("" if other == noun else "the"))
        again = replace(clause, subject=subject, verb=speaker.synonym(clause.verb))
        return clause.text(), again.text()
    answer = int(speaker.dice.chance(0.5)) if genre == "sentiment" else COHERENT.get(genre, 1)
    first, second = EXERCISES[genre](speaker, answer)
    if genre == "sentiment":
        second = _opinion(speaker, bool(answer))
    return first if second is None else (first, second)


def _statement(speaker: Speaker) -> str:
    clause = speaker.deed(adjective=0.4)
    if speaker.dice.chance(0.4):
        clause = speaker.located(clause) if speaker.dice.chance(0.5) else speaker.timed(clause)
    return clause.text()


def _opinion(speaker: Speaker, good: bool) -> str:
    feeling = speaker.dice.pick(("like", "enjoy") if good else ("dislike", "regret"))
    reason = speaker.dice.pick(speaker.lexicon.positive if good else speaker.lexicon.negative)
    return f"i {feeling} it because it is {reason} ."
