"""The grammar of the micro-language: meanings (`Clause`), their texts, and random choices of both (`Speaker`).

A sentence is made meaning first. Relations between sentences (same, other, follows, ...) are relations between clauses,
so the label of every example is known by construction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from lifespan.tasks.world.dice import Dice
from lifespan.tasks.world.lexicon import ANIMALS, ARTEFACTS, PEOPLE, PLURAL, SINGULAR, Lexicon, Synset, plural, third_person


@dataclass(frozen=True)
class Phrase:
    """A noun phrase: `many old owls`. A name stands alone."""

    noun: str
    determiner: str = ""
    many: bool = False
    adjective: str = ""

    def words(self) -> list[str]:
        """The phrase as words, determiner first."""
        noun = plural(self.noun) if self.many else self.noun
        return [word for word in (self.determiner, self.adjective, noun) if word]


@dataclass(frozen=True)
class Clause:
    """Somebody does something (`verb`), or something has a quality (`quality`), somewhere, at some time."""

    subject: Phrase
    verb: str = ""
    object: Phrase | None = None
    quality: str = ""
    place: str = ""
    time: str = ""

    def predicate(self) -> list[str]:
        """The words after the subject, agreeing with it in number."""
        many = self.subject.many
        if self.quality:
            return ["are" if many else "is", self.quality]
        return [self.verb if many else third_person(self.verb), *self.rest()]

    def rest(self) -> list[str]:
        """Object, place and time."""
        words = self.object.words() if self.object else []
        words += ["in", "the", self.place] if self.place else []
        return words + (["at", self.time] if self.time else [])

    def words(self) -> list[str]:
        """The clause as words, without a full stop."""
        return self.subject.words() + self.predicate()

    def text(self) -> str:
        """The clause as a sentence."""
        return sentence(self.words())


def sentence(words: Sequence[str], end: str = ".") -> str:
    """Words and a final sign, separated by spaces."""
    return " ".join((*words, end))


class Speaker:
    """Makes clauses with the words of one lexicon and the choices of one pair of dice."""

    def __init__(self, lexicon: Lexicon, dice: Dice, strict: bool = True) -> None:
        self.lexicon, self.dice, self.strict = lexicon, dice, strict
        self._manners = {
            "resting": (PEOPLE + ANIMALS, ()),
            "meeting": (PEOPLE + ANIMALS, PEOPLE + ANIMALS),
            "handling": (PEOPLE, ARTEFACTS),
        }

    def word(self, synsets: Sequence[Synset]) -> str:
        """Any word of any of these synsets."""
        return self.dice.pick(self.dice.pick(synsets))

    def noun(self, kinds: Sequence[str]) -> str:
        """A noun of one of these kinds."""
        return self.word(self.lexicon.nouns[self.dice.pick(kinds)])

    def phrase(self, noun: str, many: bool | None = None, adjective: float = 0.0) -> Phrase:
        """A noun with a fitting determiner and, with probability `adjective`, a quality."""
        if noun in (name for names in self.lexicon.names.values() for name in names):
            return Phrase(noun)
        many = self.dice.chance(0.4) if many is None else many
        quality = self.quality() if self.dice.chance(adjective) else ""
        return Phrase(noun, self.dice.pick(PLURAL if many else SINGULAR), many, quality)

    def someone(self, kinds: Sequence[str], many: bool | None = None, adjective: float = 0.0) -> Phrase:
        """A phrase about one of these kinds; people are sometimes called by name."""
        kind = self.dice.pick(kinds)
        if kind in self.lexicon.names and many is not True and self.dice.chance(0.3):
            return Phrase(self.dice.pick(self.lexicon.names[kind]))
        return self.phrase(self.noun([kind]), many, adjective)

    def verb(self, manner: str) -> str:
        """A verb of one of the three manners: resting, meeting, handling."""
        return self.word(self.synsets(manner))

    def synsets(self, manner: str) -> list[Synset]:
        """The synsets of the verbs of a manner, or of the qualities."""
        return [synset for pair in self.lexicon.opposites[manner] for synset in pair]

    def quality(self) -> str:
        """A neutral adjective."""
        return self.word(self.synsets("quality"))

    def deed(self, manner: str = "", many: bool | None = None, adjective: float = 0.0) -> Clause:
        """Somebody does something of this manner (any, if not said)."""
        manner = manner or self.dice.pick(tuple(self._manners))
        actors, patients = self._manners[manner]
        subject = self.someone(actors, many, adjective)
        target = None
        if patients:
            target = self.someone(patients, None, adjective)
            while self.same_thing(target.noun, subject.noun):
                target = self.someone(patients, None, adjective)
        return Clause(subject, self.verb(manner), target)

    def located(self, clause: Clause) -> Clause:
        """The clause, somewhere."""
        return replace(clause, place=self.word(self.lexicon.places))

    def timed(self, clause: Clause) -> Clause:
        """The clause, at some time."""
        return replace(clause, time=self.word(self.lexicon.times))

    def same_thing(self, left: str, right: str) -> bool:
        """Whether two words mean the same."""
        return left == right or right in self.lexicon.synonyms.get(left, ())

    def synonym(self, word: str, always: bool = False) -> str:
        """A word of the same meaning; another one, if there is any and it must be."""
        synset = self.lexicon.synonyms.get(word, (word,))
        others = [other for other in synset if other != word]
        return self.dice.pick(others if others and always and self.strict else synset)

    def unrelated(self, word: str) -> str:
        """A word of the same class that means neither the same nor the opposite."""
        related = (*self.lexicon.synonyms[word], *self.lexicon.antonyms.get(word, ()))
        return self.dice.pick_other(self.peers(word), *related)

    def peers(self, word: str) -> list[str]:
        """All words that could stand in the place of this one."""
        for pairs in self.lexicon.opposites.values():
            peers = [peer for pair in pairs for synset in pair for peer in synset]
            if word in peers:
                return peers
        groups = (self.lexicon.places, self.lexicon.times, *self.lexicon.nouns.values())
        return next(peers for group in groups if word in (peers := [w for synset in group for w in synset]))
