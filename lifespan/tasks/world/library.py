"""The world's texts: task rows with answers, and passages without."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import cache

from lifespan.tasks.world.dice import Dice
from lifespan.tasks.world.exercises import ANSWERS, EXERCISES, Texts
from lifespan.tasks.world.language import Speaker, sentence
from lifespan.tasks.world.lexicon import ANIMALS, ARTEFACTS, EVERYTHING, PEOPLE, Lexicon

SIZES = {"train": 512, "dev": 256, "test": 256}
FAMILIAR = 0.5
GENRES = ("statement", *EXERCISES)

# The answer that makes a passage coherent, where it is not 1.
COHERENT = {"similarity": 5, "inference": 0}


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


@cache
def rows(task: str) -> dict[str, tuple[tuple[Texts, int], ...]]:
    """All splits of a task: disjoint, without repeats, every answer equally often."""
    seen: set[Texts] = set()
    splits = {}
    for split, size in SIZES.items():
        lexicon = familiar(EVERYTHING, task) if split == "train" else EVERYTHING
        speaker = Speaker(lexicon, Dice(f"{task}/{split}"))
        found: list[tuple[Texts, int]] = []
        while len(found) < size:
            answer = len(found) % ANSWERS[task]
            texts = EXERCISES[task](speaker, answer)
            if texts not in seen:
                seen.add(texts)
                found.append((texts, answer))
        splits[split] = tuple(speaker.dice.shuffled(found))
    return splits


@cache
def passages(count: int) -> tuple[str | tuple[str, str], ...]:
    """Unlabelled text: statements, and pairs of sentences of which the second follows from the first."""
    speaker = Speaker(EVERYTHING, Dice("passages"), strict=False)
    examined = {texts for task in EXERCISES for split in ("dev", "test") for texts, _ in rows(task)[split]}
    found: list[str | tuple[str, str]] = []
    while len(found) < count:
        texts, passage = _passage(speaker, speaker.dice.pick(GENRES))
        if texts not in examined:
            found.append(passage)
    return tuple(found)


def _statement(speaker: Speaker) -> str:
    if speaker.dice.chance(0.3):
        kind = speaker.dice.pick(PEOPLE + ANIMALS + ARTEFACTS)
        return sentence([speaker.noun([kind]), "is", "one", "kind", "of", kind])
    clause = speaker.deed(adjective=0.4)
    if speaker.dice.chance(0.4):
        clause = speaker.located(clause) if speaker.dice.chance(0.5) else speaker.timed(clause)
    return clause.text()


def _passage(speaker: Speaker, genre: str) -> tuple[Texts, str | tuple[str, str]]:
    """Texts as a task would have them, with the right answer, and the passage made of them."""
    if genre == "statement":
        statement = _statement(speaker)
        return (statement, None), statement
    answer = int(speaker.dice.chance(0.5)) if genre == "sentiment" else COHERENT.get(genre, 1)
    texts = EXERCISES[genre](speaker, answer)
    first, second = texts
    if genre == "sentiment":
        second = _opinion(speaker, bool(answer))
    return texts, first if second is None else (first, second)


def _opinion(speaker: Speaker, good: bool) -> str:
    feeling = speaker.dice.pick(("like", "enjoy") if good else ("dislike", "regret"))
    reason = speaker.dice.pick(speaker.lexicon.positive if good else speaker.lexicon.negative)
    return f"i {feeling} it because it is {reason} ."
