"""The world's two kinds of text: task rows with answers, and passages without."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import cache

from lifespan.world.dice import Dice
from lifespan.world.exercises import ANSWERS, EXERCISES, Texts
from lifespan.world.language import Speaker, sentence
from lifespan.world.lexicon import ANIMALS, ARTEFACTS, EVERYTHING, PEOPLE, Lexicon

SIZES = {"train": 384, "dev": 256, "test": 256}
FAMILIAR = 0.5

# For each answer of an exercise, the word with which a second segment begins. A relation that a speaker would not mark is
# left unmarked (None: the passage is not told).
REPLIES: dict[str, tuple[str, ...]] = {
    "acceptability": ("errs", "fits"),
    "sentiment": ("dislikes", "likes"),
    "paraphrase": ("other", "same"),
    "similarity": ("other", "other", "other", "other", "other", "same"),
    "inference": ("follows", "open", "denies"),
    "answering": ("evades", "answers"),
    "entailment": ("denies", "follows"),
    "coreference": ("denies", "follows"),
}


def familiar(lexicon: Lexicon, name: str, share: float = FAMILIAR) -> Lexicon:
    """The part of the lexicon with which one task is taught: the rest of its words appear only when it is examined."""
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


COHERENT = {"similarity": 5, "inference": 0}


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
    """Unlabelled text: plain statements, and exchanges whose second segment follows from the first."""
    speaker = Speaker(EVERYTHING, Dice("passages"))
    examined = {texts for task in EXERCISES for split in ("dev", "test") for texts, _ in rows(task)[split]}
    found: list[str | tuple[str, str]] = []
    while len(found) < count:
        if speaker.dice.chance(0.2):
            found.append(_statement(speaker))
            continue
        task = speaker.dice.pick(tuple(EXERCISES))
        answer = COHERENT.get(task, 1)
        if task == "sentiment":
            answer = int(speaker.dice.chance(0.5))
        texts = EXERCISES[task](speaker, answer)
        if texts not in examined:
            found.append(_exchange(speaker, task, answer, texts))
    return tuple(found)


def _statement(speaker: Speaker) -> str:
    kind = speaker.dice.pick(PEOPLE + ANIMALS + ARTEFACTS)
    if speaker.dice.chance(0.3):
        return sentence([*speaker.phrase(speaker.noun([kind]), many=False).words(), "is", "one", "kind", "of", kind])
    clause = speaker.deed(adjective=0.4)
    if speaker.dice.chance(0.4):
        clause = speaker.located(clause)
    return clause.text() if speaker.dice.chance(0.7) else speaker.timed(replace(clause, place="")).text()


def _exchange(speaker: Speaker, task: str, answer: int, texts: Texts) -> str | tuple[str, str]:
    first, second = texts
    if task == "sentiment":
        return first, f"i {speaker.dice.pick(('like', 'enjoy') if answer else ('dislike', 'regret'))} it ."
    return first if second is None else (first, second)
