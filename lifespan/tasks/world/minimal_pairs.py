"""Minimal pairs of the micro world."""

from __future__ import annotations

from functools import cache

from lifespan.tasks.world.dice import Dice
from lifespan.tasks.world.exercises import BEINGS
from lifespan.tasks.world.language import Speaker, sentence
from lifespan.tasks.world.lexicon import ARTEFACTS, EVERYTHING, plural, third_person
from lifespan.tasks.world.library import examined

KINDS = ("agreement", "agreement across a noun", "word order")


@cache
def minimal_pairs(count: int) -> tuple[tuple[str, str, str], ...]:
    """(acceptable, not acceptable, kind), the kinds in turn, without repeats; fewer pairs begin more.

    All acceptable sentences are among those that passages never hold.
    """
    speaker = Speaker(EVERYTHING, Dice("minimal pairs"))
    found: dict[tuple[str, str, str], None] = {}
    while len(found) < count:
        kind = KINDS[len(found) % len(KINDS)]
        good, bad = _pair(speaker, kind)
        if examined(good):
            found.setdefault((good, bad, kind))
    return tuple(found)


def _pair(speaker: Speaker, kind: str) -> tuple[str, str]:
    many = speaker.dice.chance(0.5)
    subject = _noun(speaker, BEINGS, many)
    lemma = speaker.verb("resting")
    right, wrong = (lemma, third_person(lemma)) if many else (third_person(lemma), lemma)
    if kind == "word order":
        return sentence(["the", subject, right]), sentence([subject, "the", right])
    between = ["near", "the", _noun(speaker, ARTEFACTS, not many)] if kind == "agreement across a noun" else []
    return sentence(["the", subject, *between, right]), sentence(["the", subject, *between, wrong])


def _noun(speaker: Speaker, kinds: tuple[str, ...], many: bool) -> str:
    noun = speaker.noun(kinds)
    return plural(noun) if many else noun
