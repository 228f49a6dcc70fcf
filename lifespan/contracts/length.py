"""The number of tokens that is read of a text, where nobody says one."""

from __future__ import annotations


class StandardLength(int):
    """A length that its author left open: the study's, where that has one, and else this number of tokens.

    A class whose field has `STANDARD_LENGTH` as its default follows `Study(length=...)`; a number that somebody wrote, the
    same one included, is left alone.
    """


STANDARD_LENGTH = StandardLength(128)
