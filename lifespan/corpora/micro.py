"""Text of the built-in micro world, generated, without a download."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lifespan.contracts import Corpus, Passage
from lifespan.contracts.sources import Source

MOST = 5_000_000
"""Passages: generating them takes minutes, and a gigabyte."""


@dataclass(frozen=True, kw_only=True)
class MicroText(Corpus):
    """Statements, and pairs of sentences of which the second restates, follows from, answers or resolves the first.

    The text is unlabelled and coherent: it contains no mistake and no wrong answer, and no sentence of a task's dev or test
    split. Which words are synonyms, opposites, friendly or rude, singular, male or female is never spelled out. The same
    number of passages is always the same text, and a smaller text begins a larger one.
    """

    revision = 2

    number: int = 20_000

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_count("number", at_most=MOST)

    @property
    def title(self) -> str:
        """The corpus's short name in rows and figures."""
        return "micro-text"

    def sources(self) -> tuple[Source, ...]:
        """None: the text follows from this package, whose `revision` stands for it."""
        return ()

    def passages(self) -> Sequence[Passage]:
        """The text, in a fixed order."""
        from lifespan.tasks.world.library import passages

        return passages(self.number)
