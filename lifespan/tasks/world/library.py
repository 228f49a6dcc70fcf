"""The world's texts: task rows with answers, and passages without."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from dataclasses import replace
from functools import cache

from lifespan.tasks.world.dice import Dice
from lifespan.tasks.world.exercises import BEINGS, EXERCISES, LABELS_OF_ANSWERS, Texts
from lifespan.tasks.world.language import Phrase, Speaker, sentence
from lifespan.tasks.world.lexicon import ARTEFACTS, EVERYTHING, Lexicon

SIZES = {"train": 2048, "dev": 512, "test": 4096}
FAMILIAR = 0.5
COHERENT = {"sentiment": (0, 1), "similarity": (3,), "inference": (0, 2)}
"""The answers that make a coherent passage, where it is not 1 alone."""

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
    genres = (*PLAIN, *EXERCISES)
    found: list[Passage] = []
    while len(found) < count:
        genre = speaker.dice.pick(genres)
        passage = PLAIN[genre](speaker) if genre in PLAIN else _worked(speaker, genre)
        if not any(examined(text) for text in ((passage,) if isinstance(passage, str) else passage)):
            found.append(passage)
    return tuple(found)


def _statement(speaker: Speaker) -> Passage:
    clause = speaker.deed(adjective=0.4)
    if speaker.dice.chance(0.4):
        clause = speaker.located(clause) if speaker.dice.chance(0.5) else speaker.timed(clause)
    return clause.text()


def _kind(speaker: Speaker) -> Passage:
    kind = speaker.dice.pick(BEINGS + ARTEFACTS)
    return sentence([speaker.noun([kind]), "is", "one", "kind", "of", kind])


def _opinion(speaker: Speaker, good: bool | None = None) -> str:
    good = speaker.dice.chance(0.5) if good is None else good
    feeling = speaker.dice.pick(("like", "enjoy") if good else ("dislike", "regret"))
    one, other = speaker.dice.pick_two(speaker.lexicon.positive if good else speaker.lexicon.negative)
    return f"i {feeling} it because it is {one} and {other} ."


def _restated(speaker: Speaker) -> Passage:
    clause = speaker.deed()
    subject = replace(clause.subject, noun=speaker.synonym(clause.subject.noun))
    return clause.text(), replace(clause, subject=subject, verb=speaker.synonym(clause.verb)).text()


def _generalised(speaker: Speaker) -> Passage:
    """A deed, and the same said of the kind of its subject, or of its object."""
    clause = speaker.deed()
    again = replace(clause, verb=speaker.synonym(clause.verb))
    if clause.object is not None and speaker.dice.chance(0.5):
        return clause.text(), replace(again, object=_of_its_kind(speaker, clause.object)).text()
    return clause.text(), replace(again, subject=_of_its_kind(speaker, clause.subject)).text()


def _of_its_kind(speaker: Speaker, phrase: Phrase) -> Phrase:
    return replace(phrase, noun=speaker.lexicon.kinds[phrase.noun], determiner=phrase.determiner or "the")


def _worked(speaker: Speaker, task: str) -> Passage:
    """An example of a task with a right answer. A judgement has its reason, and what cannot hold is denied."""
    answer = speaker.dice.pick(COHERENT.get(task, (1,)))
    first, second = EXERCISES[task](speaker, answer)
    if task == "sentiment":
        second = _opinion(speaker, bool(answer))
    if task == "inference" and answer == 2 and second is not None:
        *words, verb, stop = second.split()
        second = " ".join((*words, "never", verb, stop))
    return first if second is None else (first, second)


PLAIN: dict[str, Callable[[Speaker], Passage]] = {
    "statement": _statement,
    "kind": _kind,
    "opinion": _opinion,
    "restated": _restated,
    "generalised": _generalised,
}
