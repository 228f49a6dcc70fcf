"""Publications that classes of other packages bring along as BibTeX, read leniently: what cannot be read is shown as it is."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lifespan.report.references import REFERENCES, Reference, unescaped

_OPENING = re.compile(r"@([A-Za-z]+)\s*\{\s*([^\s,{}\"#%'()=\\]+)\s*,")
_FIELD = re.compile(r"\s*([A-Za-z][\w-]*)\s*=\s*")
_NO_ENTRY = ("comment", "preamble", "string")
_VENUES = ("journal", "booktitle", "publisher", "school", "institution", "howpublished")


@dataclass(frozen=True)
class Foreign:
    """One publication in another package's words. `parsed` says whether they are one entry with author, title and year."""

    key: str
    raw: str
    parsed: bool = False
    fields: Mapping[str, str] = field(default_factory=dict)

    @property
    def cited(self) -> str:
        """How a sentence cites it."""
        if not self.parsed:
            return self.text
        names = [_surname(name) for name in self.fields["author"].split(" and ")]
        who = names[0] if len(names) == 1 else " & ".join(names) if len(names) == 2 else f"{names[0]} et al."
        return f"{who}, {self.fields['year']}"

    @property
    def text(self) -> str:
        """The entry of a reference list."""
        if not self.parsed:
            return " ".join(self.raw.split())
        known = self.fields
        issue = f"({known['number']})" if "number" in known else ""
        place = " ".join([known.get("venue", ""), f"{known.get('volume', '')}{issue}"]).strip()
        pages = re.sub(r"-+", chr(0x2013), known.get("pages", ""))
        place = ", ".join(part for part in (place, pages) if part)
        return f"{known['author'].replace(' and ', '; ')} ({known['year']}). {known['title']}." + (
            f" {place}." if place else ""
        )

    @property
    def link(self) -> str:
        """Where to read it; only DOIs and web addresses are links."""
        doi = re.sub(r"^(https?://(dx\.)?doi\.org/|doi:)", "", self.fields.get("doi", ""))
        if re.fullmatch(r"10\.\d+/\S+", doi):
            return f"https://doi.org/{doi}"
        url = self.fields.get("url", "")
        return url if re.fullmatch(r"https?://\S+", url) else ""

    def bibtex(self) -> str:
        """The entry of a BibTeX file; a comment where there is none."""
        text = self.raw.strip()
        # An at sign would open an entry even in a comment.
        return f"{text}\n" if self.parsed else f"% No BibTeX entry: {self.text.replace('@', '(at)')}\n"


Publication = Reference | Foreign


def publication(text: str) -> Foreign:
    """One citation of a foreign class. Never fails: see `Foreign.parsed`.

    >>> work = publication('@misc{doe2020, author = "Doe, Jane", title = {On {Ears}}, year = 2020}')
    >>> work.cited, work.text
    ('Doe, 2020', 'Doe, Jane (2020). On Ears.')
    >>> publication("Jane Doe, personal communication").parsed
    False
    """
    raw = text.strip()
    opening = _OPENING.match(raw)
    if opening is None or opening[1].lower() in _NO_ENTRY or not raw.endswith("}"):
        return Foreign(key=raw, raw=raw)
    known = _fields(raw[opening.end() : -1])
    complete = {"author", "title", "year"} <= known.keys() and re.fullmatch(r"\d{4}[a-z]?", known["year"])
    if not complete:
        return Foreign(key=raw, raw=raw)
    known["venue"] = next((known[name] for name in _VENUES if known.get(name)), "")
    return Foreign(key=opening[2], raw=raw, parsed=True, fields=known)


def brought(studies: Iterable[Mapping[str, Any]]) -> tuple[set[str], list[Foreign]]:
    """What the classes of other packages cite, from `study.json`: keys known here, and publications of their own."""
    keys: set[str] = set()
    own: dict[str, Foreign] = {}
    for study in studies:
        citations = study.get("citations")
        for name, text in citations.items() if isinstance(citations, Mapping) else ():
            if str(name).startswith("lifespan:") or not isinstance(text, str) or not text.strip():
                continue
            work = publication(text)
            if work.key in REFERENCES:
                keys.add(work.key)
            else:
                own.setdefault(work.raw, work)
    return keys, list(own.values())


def bibliography(works: Sequence[Publication]) -> str:
    """A BibTeX file of these publications; of several with one key the first."""
    entries = {work.key: work.bibtex() for work in reversed(works)}
    return "\n".join(entries[key] for key in dict.fromkeys(work.key for work in works))


def _fields(body: str) -> dict[str, str]:
    """Field values by lower-case name, braces and line breaks taken out; nothing where the text is malformed."""
    known: dict[str, str] = {}
    position = 0
    while body[position:].strip():
        opening = _FIELD.match(body, position)
        end = _value_end(body, opening.end()) if opening is not None else -1
        if opening is None or end < 0:
            return {}
        value = body[opening.end() : end].strip().strip('"')
        known.setdefault(opening[1].lower(), " ".join(unescaped(re.sub(r"[{}]", "", value)).split()))
        rest = body[end:].lstrip()
        if rest and not rest.startswith(","):
            return {}
        position = len(body) - len(rest) + (1 if rest else 0)
    return known


def _value_end(body: str, start: int) -> int:
    """Where a value that begins here ends: in braces, in quotation marks or bare; -1 where it does not."""
    quoted, depth = body[start : start + 1] == '"', 0
    for i in range(start, len(body)):
        depth += {"{": 1, "}": -1}.get(body[i], 0)
        if depth < 0:
            return -1
        closed = depth == 0 and (body[i] == "}" if not quoted else i > start and body[i] == '"')
        if closed:
            return i + 1
        if depth == 0 and not quoted and body[i] == ",":
            return i if i > start else -1
    return len(body) if depth == 0 and not quoted and body[start:].strip() else -1


def _surname(name: str) -> str:
    return name.split(",")[0].strip() if "," in name else (name.split() or [""])[-1]
