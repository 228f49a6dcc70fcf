"""Rules for names that are identities, and texts of others made neutral for terminals, tables, figures and file systems.

A group, task, study or probe is known by its name in every file, so that a name is either kept as it is everywhere or refused
where it is typed. Texts that come with a record may be anybody's: where they are shown, nothing in them acts.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable

LONGEST = 200
"""Characters of a name."""
LONGEST_FILE_NAME = 120
"""Bytes of a file name that is made of a name; file systems take 255, temporary names and endings included."""

_REORDERING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_SHOWN = {code: 0x2400 + code for code in range(0x20)} | {0x7F: 0x2421}
_ACTING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_NO_XML = re.compile("[^\t\n\x20-\x7e\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._ -]*(?<![. ])")
_DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)


def wrong_with(name: object, *, longest: int | None = LONGEST) -> str:
    """Which rule a name breaks, as the end of a sentence; empty where it can be an identity.

    Kept are all letters, marks and signs of Unicode and single or repeated spaces inside. Refused is what a table, a terminal
    or a figure cannot show as it is: line ends and control characters, marks that reorder text, what a spreadsheet computes.

    >>> wrong_with("noise   0.5"), wrong_with("r\\u00e9gime \\u03b1"), wrong_with("two\\nlines")
    ('', '', 'must not hold U+000A: control characters and line ends break tables and terminals.')
    """
    if not isinstance(name, str):
        return "must be text."
    if not name.strip():
        return "must be text that can be seen."
    if name != name.strip():
        return "must not begin or end with white space."
    if longest is not None and len(name) > longest:
        return f"has {len(name)} characters; at most {longest} fit tables and figures."
    for character in name:
        why = _refused(character)
        if why:
            return f"must not hold U+{ord(character):04X}: {why}"
    if acts_in_a_cell(name):
        return f"must not begin with {name[0]!r}: spreadsheets would compute it."
    return ""


def _refused(character: str) -> str:
    kind = unicodedata.category(character)
    if kind in ("Cc", "Zl", "Zp"):
        return "control characters and line ends break tables and terminals."
    if kind == "Cs" or (kind == "Cn" and ord(character) & 0xFFFE == 0xFFFE) or 0xFDD0 <= ord(character) <= 0xFDEF:
        return "it is no character that files can hold."
    if character in _REORDERING:
        return "it reorders the text around it."
    return ""


def alike(names: Iterable[str]) -> tuple[str, str] | None:
    """The first two names that differ and look the same: by white space, or by how a letter is composed; None where none do.

    >>> alike(["noise  1", "noise 1", "noise"])
    ('noise  1', 'noise 1')
    """
    met: dict[str, str] = {}
    for name in names:
        seen = " ".join(unicodedata.normalize("NFC", _without_marks(name)).split())
        if met.setdefault(seen, name) != name:
            return met[seen], name
    return None


def _without_marks(name: str) -> str:
    """A name without the marks that cannot be seen, except the joiners that change how letters around them look."""
    return "".join(each for each in name if unicodedata.category(each) != "Cf" or each in "\u200c\u200d")


def neutral(text: str) -> str:
    """Text in which control characters, escape sequences and reordering marks are shown instead of obeyed.

    Tabs and line ends stay.

    >>> neutral("\\x1b[2Jgone")
    '\\u241b[2Jgone'
    """
    return _ACTING.sub(lambda found: chr(_SHOWN.get(ord(found[0]), 0xFFFD)), text)


def neutral_xml(document: str) -> str:
    """An XML document without the characters that XML forbids: each becomes the replacement character.

    >>> neutral_xml("<text>a\\x0cb</text>")
    '<text>a\\ufffdb</text>'
    """
    return _NO_XML.sub("\N{REPLACEMENT CHARACTER}", document)


def acts_in_a_cell(text: str) -> bool:
    """Whether a spreadsheet would compute a cell of this text. Signs before plain words or numbers do nothing.

    >>> acts_in_a_cell("=1+1"), acts_in_a_cell("-10 dB"), acts_in_a_cell("+SUM(A1)"), acts_in_a_cell("-1")
    (True, False, True, False)
    """
    first = text[:1]
    return first in ("=", "@", "\t", "\r") or (first in ("+", "-") and any(sign in text for sign in "(|!="))


def cell(value: object) -> object:
    """A value for a CSV table: neutral text, with an apostrophe before what a spreadsheet would compute; all else as it is.

    >>> cell("=HYPERLINK(0)"), cell("healthy"), cell(-0.5)
    ("'=HYPERLINK(0)", 'healthy', -0.5)
    """
    if not isinstance(value, str):
        return value
    return f"'{neutral(value)}" if acts_in_a_cell(value) else neutral(value)


def file_name(name: str) -> str:
    """A file or folder name for a name: the name itself where every file system takes it, else a plain one with a checksum.

    Two different names never share one, where upper and lower case differ.

    >>> file_name("healthy-000"), file_name("../x")
    ('healthy-000', 'x-d6b96a97')
    """
    fits = len(name) <= LONGEST_FILE_NAME and _PLAIN.fullmatch(name) and not _DEVICES.fullmatch(name)
    if fits and not re.search("-[0-9a-f]{8}$", name):
        return name
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-. ")[: LONGEST_FILE_NAME - 9].rstrip("-. ")
    return f"{plain or 'name'}-{hashlib.sha256(name.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"
