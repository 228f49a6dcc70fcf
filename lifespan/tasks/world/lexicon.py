"""The words of the micro-language and what they mean: kinds, synonyms, opposites, gender, number and polarity.

All open-class words are listed here as lemmas. Words inside one pair of parentheses mean the same. Meaning is latent:
a model is never given it, and can only infer it from the words that occur together.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

Synset = tuple[str, ...]

NOUNS: dict[str, tuple[Synset, ...]] = {
    "man": (("boy", "lad"), ("father", "dad"), ("king", "ruler"), ("wizard", "sorcerer")),
    "woman": (("girl", "lass"), ("mother", "mum"), ("queen", "empress"), ("witch", "sorceress")),
    "dog": (("poodle", "lapdog"), ("hound", "beagle"), ("terrier", "ratter"), ("puppy", "pup")),
    "bird": (("robin", "redbreast"), ("crow", "raven"), ("owl", "owlet"), ("pigeon", "dove")),
    "fruit": (("apple",), ("plum",), ("cherry",), ("lemon",)),
    "tool": (("hammer", "mallet"), ("saw",), ("spade", "shovel"), ("axe", "hatchet")),
    "garment": (("coat", "jacket"), ("hat", "cap"), ("shirt",), ("gown", "robe")),
    "creation": (("film", "movie"), ("song", "tune"), ("story", "tale"), ("poem",)),
}

NAMES: dict[str, tuple[str, ...]] = {
    "man": ("paul", "tom", "karl", "hugo"),
    "woman": ("anna", "lucy", "ruth", "clara"),
}

PLACES: tuple[Synset, ...] = (
    ("garden", "yard"), ("forest", "wood"), ("shop", "store"), ("street", "road"), ("kitchen",), ("castle",),
)  # fmt: skip

TIMES: tuple[Synset, ...] = (("noon", "midday"), ("dawn", "sunrise"), ("midnight",), ("teatime",))

# Each line is a synset and its opposite.
RESTING: tuple[tuple[Synset, Synset], ...] = (
    (("sleep", "doze"), ("wake", "stir")),
    (("laugh", "giggle"), ("cry", "weep")),
    (("arrive", "come"), ("leave", "depart")),
    (("rise", "ascend"), ("fall", "drop")),
    (("work", "toil"), ("rest", "relax")),
    (("hurry", "rush"), ("wait", "linger")),
)

MEETING: tuple[tuple[Synset, Synset], ...] = (
    (("help", "aid"), ("harm", "hurt")),
    (("chase", "pursue"), ("flee", "escape")),
    (("love", "adore"), ("hate", "detest")),
    (("praise", "admire"), ("blame", "scold")),
)

HANDLING: tuple[tuple[Synset, Synset], ...] = (
    (("buy", "purchase"), ("sell", "trade")),
    (("mend", "repair"), ("break", "smash")),
    (("find", "discover"), ("lose", "misplace")),
    (("hide", "conceal"), ("show", "reveal")),
)

QUALITIES: tuple[tuple[Synset, Synset], ...] = (
    (("big", "large"), ("small", "little")),
    (("old", "ancient"), ("new", "modern")),
    (("hot", "warm"), ("cold", "chilly")),
    (("wet", "damp"), ("dry", "parched")),
    (("loud", "noisy"), ("quiet", "silent")),
    (("strong", "mighty"), ("weak", "feeble")),
)

POSITIVE: tuple[str, ...] = (
    "lovely", "superb", "charming", "splendid", "delightful", "brilliant", "graceful", "pleasant", "wonderful",
    "elegant", "marvellous", "excellent", "witty", "radiant", "thrilling", "gorgeous",
)  # fmt: skip

NEGATIVE: tuple[str, ...] = (
    "awful", "dreadful", "boring", "horrid", "dull", "terrible", "clumsy", "nasty", "horrible", "tedious",
    "shabby", "rotten", "bland", "gloomy", "ghastly", "dismal",
)  # fmt: skip

PRONOUNS = {"man": "he", "woman": "she"}
PEOPLE = ("man", "woman")
ANIMALS = ("dog", "bird")
ARTEFACTS = ("fruit", "tool", "garment", "creation")

SINGULAR = ("the", "this", "every")
PLURAL = ("the", "these", "many")

HERE_AND_NOW = ("here", "there", "now", "today")

FUNCTION_WORDS = (
    ".", "?", "the", "this", "every", "these", "many", "is", "are", "not", "very", "and",
    "but", "because", "in", "at", "near", "it", "he", "she", "i", "who", "does",
    "never", "some", "no", "nobody", "everybody", "says", "that", *HERE_AND_NOW,
    "like", "dislike", "enjoy", "regret", "kind", "of", "one",
)  # fmt: skip

_IRREGULAR = {"man": "men", "woman": "women"}


def plural(noun: str) -> str:
    """The plural of a noun.

    >>> plural("cherry"), plural("witch"), plural("man")
    ('cherries', 'witches', 'men')
    """
    if noun in _IRREGULAR:
        return _IRREGULAR[noun]
    if noun.endswith("y") and noun[-2] not in "aeiou":
        return noun[:-1] + "ies"
    return noun + ("es" if noun.endswith(("s", "ch", "sh", "x")) else "s")


def third_person(verb: str) -> str:
    """The form of a verb that goes with one actor.

    >>> third_person("hurry"), third_person("rush")
    ('hurries', 'rushes')
    """
    return plural(verb)


@dataclass(frozen=True)
class Lexicon:
    """A choice of synsets: all of the language's, or those of a training split."""

    nouns: dict[str, tuple[Synset, ...]]
    names: dict[str, tuple[str, ...]]
    places: tuple[Synset, ...]
    times: tuple[Synset, ...]
    opposites: dict[str, tuple[tuple[Synset, Synset], ...]]
    positive: tuple[str, ...]
    negative: tuple[str, ...]

    def synsets(self) -> Iterator[Synset]:
        """Every set of synonyms known here."""
        for kind in self.nouns.values():
            yield from kind
        yield from self.places
        yield from self.times
        for pairs in self.opposites.values():
            for pair in pairs:
                yield from pair

    @cached_property
    def synonyms(self) -> dict[str, Synset]:
        """The synset of each word that has one."""
        return {word: synset for synset in self.synsets() for word in synset}

    @cached_property
    def antonyms(self) -> dict[str, Synset]:
        """The words that mean the opposite."""
        found: dict[str, Synset] = {}
        for pairs in self.opposites.values():
            for left, right in pairs:
                found.update({word: right for word in left} | {word: left for word in right})
        return found

    @cached_property
    def kinds(self) -> dict[str, str]:
        """The hypernym of each noun and name: `poodle` is a `dog`."""
        found = {noun: kind for kind, synsets in self.nouns.items() for synset in synsets for noun in synset}
        return found | {name: kind for kind, names in self.names.items() for name in names}


EVERYTHING = Lexicon(
    nouns=NOUNS,
    names=NAMES,
    places=PLACES,
    times=TIMES,
    opposites={"resting": RESTING, "meeting": MEETING, "handling": HANDLING, "quality": QUALITIES},
    positive=POSITIVE,
    negative=NEGATIVE,
)
