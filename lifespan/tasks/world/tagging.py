"""The world's tagging task: who does something, to whom, where and when, as spans of words."""

from __future__ import annotations

from functools import cache

from lifespan.tasks.world.dice import Dice
from lifespan.tasks.world.language import Phrase, Speaker, sentence
from lifespan.tasks.world.lexicon import EVERYTHING
from lifespan.tasks.world.library import SIZES, examined, familiar, splits_before

NAME = "tagging"
TAGS = ("O", "B-ACTOR", "I-ACTOR", "B-TARGET", "I-TARGET", "B-PLACE", "I-PLACE", "B-TIME")

Tagged = list[tuple[str, str]]
"""Words with their tags."""


@cache
def tagged_rows(split: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """(sentence, tags) of a split, without repeats and without the sentences of the splits before it."""
    seen = {text for earlier in splits_before(split) for text, _ in tagged_rows(earlier)}
    learned = split == "train"
    speaker = Speaker(familiar(EVERYTHING, NAME) if learned else EVERYTHING, Dice(f"{NAME}/{split}"))
    found: list[tuple[str, tuple[str, ...]]] = []
    while len(found) < SIZES[split]:
        words, tags = zip(*_deed(speaker), strict=True)
        text = sentence(words[:-1], words[-1])
        if text not in seen and (learned or examined(text)):
            seen.add(text)
            found.append((text, tags))
    return tuple(found)


def _deed(speaker: Speaker) -> Tagged:
    """A deed behind its place or its time, as no passage begins; sometimes the other one stands at the end.

    Whoever acts could as well be acted on: only the place in the sentence tells which.
    """
    clause = speaker.deed("meeting", adjective=0.3)
    place = [("in", "O"), ("the", "B-PLACE"), (speaker.word(speaker.lexicon.places), "I-PLACE")]
    time = [("at", "O"), (speaker.word(speaker.lexicon.times), "B-TIME")]
    first, last = (place, time) if speaker.dice.chance(0.5) else (time, place)
    said = [*first, *_span(clause.subject, "ACTOR"), (clause.predicate()[0], "O")]
    said += _span(clause.object, "TARGET") if clause.object is not None else []
    return [*said, *(last if speaker.dice.chance(0.5) else []), (".", "O")]


def _span(phrase: Phrase, kind: str) -> Tagged:
    return [(word, f"{'I' if place else 'B'}-{kind}") for place, word in enumerate(phrase.words())]
