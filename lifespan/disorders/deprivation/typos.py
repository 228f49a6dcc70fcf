"""A chronic disorder of deprivation: words are misspelt."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from lifespan.contracts import Disorder, Examples, Passage, Task

if TYPE_CHECKING:
    import numpy

    from lifespan.randomness import Streams

KEYS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
WORD = re.compile(r"[^\W\d_]{4,}")
"""A word that may be misspelt. Those of fewer letters are mostly function words (Pruthi et al. 2019)."""


@dataclass(frozen=True, kw_only=True)
class Typos(Disorder):
    """Words of the texts are misspelt: two inner letters swapped, one dropped, one doubled, or one hit beside its key.

    Native parameter: the share of words of at least four letters that get one typo, equal to `severity`; which words and which
    of the four kinds is drawn once for an event, and a larger severity contains the typos of a smaller one. First and last
    letters stay (Pruthi et al. 2019; Belinkov & Bisk 2018). A rare spelling falls into other word pieces. As a measure of
    robustness: `Probe(Response(Typos()))`.
    """

    aetiology = "sensory deprivation"
    citation = "pruthi2019misspellings"
    revision = 2

    def examples(self, examples: Examples, task: Task, streams: Streams) -> Examples:
        if self.severity == 0:
            return examples
        draw = streams.numpy("disorder")
        first = [self._misspelt(text, draw) for text in examples.first]
        second = None if examples.second is None else [self._misspelt(text, draw) for text in examples.second]
        return replace(examples, first=first, second=second)

    def passages(self, passages: Sequence[Passage], streams: Streams) -> Sequence[Passage]:
        if self.severity == 0:
            return passages
        draw = streams.numpy("disorder")

        def altered(passage: Passage) -> Passage:
            if isinstance(passage, str):
                return self._misspelt(passage, draw)
            return self._misspelt(passage[0], draw), self._misspelt(passage[1], draw)

        return [altered(passage) for passage in passages]

    def _misspelt(self, text: str, draw: numpy.random.Generator) -> str:
        def written(found: re.Match[str]) -> str:
            # Drawn for every word, so that a larger severity contains the typos of a smaller one.
            typo = misspelt(found[0], draw)
            return typo if draw.random() < self.severity else found[0]

        return WORD.sub(written, text)


def misspelt(word: str, draw: numpy.random.Generator) -> str:
    """A word of at least four letters with one typo inside; the first and last letter stay. A swap may be of equal letters.

    >>> import numpy
    >>> [misspelt("school", numpy.random.default_rng(seed)) for seed in range(4)]
    ['schpol', 'schol', 'scgool', 'sxhool']
    """
    kind = int(draw.integers(4))
    # A swap takes the letter behind as well, which must not be the last.
    place = int(draw.integers(1, len(word) - (2 if kind == 0 else 1)))
    before, letter, after = word[:place], word[place], word[place + 1 :]
    if kind == 0:
        return before + after[0] + letter + after[1:]
    if kind == 1:
        return before + after
    if kind == 2:
        return before + letter + letter + after
    return before + _beside(letter, draw) + after


def _beside(letter: str, draw: numpy.random.Generator) -> str:
    row = next((row for row in KEYS if letter.lower() in row), None)
    if row is None:
        return letter + letter
    place = row.index(letter.lower())
    near = [row[i] for i in (place - 1, place + 1) if 0 <= i < len(row)]
    found = near[int(draw.integers(len(near)))]
    return found.upper() if letter.isupper() else found
