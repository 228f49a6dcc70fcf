"""Bytes of a file as text: gzip, byte order marks, encodings, and which encoding to try where one does not fit."""

from __future__ import annotations

import codecs
import gzip
import zlib
from pathlib import Path

from lifespan.errors import DataError, did_you_mean
from lifespan.reading import plain_bytes, why

GZIP = b"\x1f\x8b"
ZIP = b"PK\x03\x04"
CP1252_ONLY = frozenset(range(0x80, 0xA0))
"""Bytes that are letters and quotes in Windows' code page, and control characters in Latin-1."""


def is_encoding(name: object) -> bool:
    """Whether Python knows an encoding of text by this name."""
    try:
        return isinstance(name, str) and codecs.lookup(name)._is_text_encoding
    except LookupError:
        return False


def content_of(path: Path) -> bytes:
    """The bytes of a file, unpacked where they are gzip's, whatever its name. Raises `DataError` where there are none."""
    try:
        content = plain_bytes(path)
    except OSError as error:
        if why(error).startswith("is "):
            raise DataError(str(path), f"{why(error)}.", "Save the rows in a file.") from None
        near = did_you_mean(path.name, sorted(entry.name for entry in path.parent.glob("*"))[:20])
        raise DataError(str(path), f"cannot be read ({why(error)}).", near if path.parent.is_dir() else "") from None
    if content.startswith(ZIP):
        remedy = "Unpack the archive, or save the workbook's sheet as CSV."
        raise DataError(str(path), "is a zip archive or an Excel workbook, whatever its name.", remedy)
    if not content.startswith(GZIP):
        return content
    try:
        return gzip.decompress(content)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(str(path), f"is no complete gzip file ({error}).", "Fetch it again.") from None


def decoded(path: Path, content: bytes, encoding: str = "utf-8") -> str:
    """The text of a file's bytes, without a byte order mark. A `DataError` names the line and an encoding to try."""
    strict = "utf-8-sig" if codecs.lookup(encoding).name == "utf-8" else encoding
    try:
        text = content.decode(strict)
    except UnicodeError as error:
        start = getattr(error, "start", 0)
        line = content[:start].count(b"\n") + 1
        shown = "UTF-8" if strict == "utf-8-sig" else encoding
        raise DataError(f"{path}, line {line}", f"is not {shown}.", _advice(content, start, encoding)) from None
    if "\0" in text:
        wide = "utf-16-le" if content[1::2].count(0) > content[::2].count(0) else "utf-16-be"
        raise DataError(str(path), "holds zero bytes.", f"Write encoding={wide!r}, or save the file as UTF-8.")
    return text


def _advice(content: bytes, start: int, tried: str) -> str:
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        guess = "utf-16"
    elif codecs.lookup(tried).name != "utf-8" and _fits(content, "utf-8"):
        guess = "utf-8"
    elif not CP1252_ONLY.isdisjoint(content) and _fits(content, "cp1252"):
        guess = "cp1252"
    else:
        guess = "latin-1"
    shown = ""
    if guess in ("cp1252", "latin-1"):
        begin = content.rfind(b"\n", 0, start) + 1
        around = content[max(begin, start - 12) : start + 12].split(b"\n")[0]
        shown = f", which reads {around.decode(guess).strip()!r} here"
    return f"Try encoding={guess!r}{shown}; or save the file as UTF-8."


def _fits(content: bytes, encoding: str) -> bool:
    try:
        content.decode(encoding)
    except UnicodeError:
        return False
    return True
