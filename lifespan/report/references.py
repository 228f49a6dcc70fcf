"""Publications by citation key, as text and as BibTeX, and which of them a study used. They stand in references.bib."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import resources
from typing import Any

import lifespan
from lifespan.errors import LifespanError

_VENUES = {"article": "journal", "inproceedings": "booktitle"}
_OPENING = re.compile(rf"@({'|'.join(_VENUES)})\{{([a-z]+\d{{4}}[a-z0-9]+),")
_FIELD = re.compile(r"  (\w+) = \{\{?([^\s{}](?:[^{}]*[^\s{}])?)\}?\},?")
_SCHEDULE = "zhu2017prune"
_INSIDE = "delange2023continual"
_TOLERANCE = 1e-9


@dataclass(frozen=True, kw_only=True)
class Reference:
    """One publication: its fields in BibTeX. `venue` is the journal or the book; `doi` or `url` makes the link."""

    key: str
    kind: str
    author: str
    year: int
    title: str
    venue: str
    pages: str = ""
    doi: str = ""
    url: str = ""

    @property
    def link(self) -> str:
        """Where to read it."""
        return f"https://doi.org/{self.doi}" if self.doi else self.url

    @property
    def cited(self) -> str:
        """How a sentence cites it.

        >>> REFERENCES["zhu2017prune"].cited
        'Zhu & Gupta, 2017'
        """
        names = [name.split(",")[0] for name in self.author.split(" and ")]
        who = names[0] if len(names) == 1 else " & ".join(names) if len(names) == 2 else f"{names[0]} et al."
        return f"{who}, {self.year}"

    @property
    def text(self) -> str:
        """The entry of a reference list."""
        who = self.author.replace(" and ", "; ")
        pages = f", {self.pages.replace('--', chr(0x2013))}" if self.pages else ""
        return unescaped(f"{who} ({self.year}). {self.title}. {self.venue}{pages}.")

    def bibtex(self) -> str:
        """The entry of a BibTeX file."""
        venue = _VENUES[self.kind]
        entries = {"author": self.author, "title": "{" + self.title + "}", venue: self.venue, "year": str(self.year)}
        entries |= {"pages": self.pages, "doi": self.doi, "url": "" if self.doi else self.url}
        lines = [f"  {name} = {{{value}}}" for name, value in entries.items() if value]
        return f"@{self.kind}{{{self.key},\n" + ",\n".join(lines) + "\n}\n"


def unescaped(text: str) -> str:
    """Text of BibTeX as people read it.

    >>> unescaped("Progress \\\\& Compress")
    'Progress & Compress'
    """
    return re.sub(r"\\([&%$#_])", r"\1", text)


class _Library(Mapping[str, Reference]):
    """Every publication by key, read from references.bib when one is first asked for."""

    @cached_property
    def _known(self) -> dict[str, Reference]:
        return parsed(resources.files("lifespan.report").joinpath("references.bib").read_text(encoding="utf-8"))

    def __getitem__(self, key: str) -> Reference:
        return self._known[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._known)

    def __len__(self) -> int:
        return len(self._known)


REFERENCES: Mapping[str, Reference] = _Library()

_BESIDE = {
    "Distilled": ("furlanello2018born",),
    "Lottery": ("frankle2020linear", "chen2020lottery"),
    "Develop": ("devlin2019bert",),
    "EWC": ("schwarz2018progress",),
    "Fisher": ("lecun1990optimal",),
    "Glue": ("wang2018glue",),
    "HomeostaticScaling": ("turrigiano2008self",),
    "Layers": ("fan2020reducing",),
    "Masks": ("mallya2018piggyback", "zhao2020masking", "radiyadixit2020fine"),
    "Neurons": ("li2017pruning",),
    "Rewire": ("radiyadixit2020fine",),
    "Typos": ("belinkov2018synthetic",),
}
"""Publications behind a class of a scenario, beside the one that the class itself cites."""


def cited_by(scenarios: Iterable[Mapping[str, Any]]) -> list[str]:
    """Citation keys behind the classes that these scenarios (as data) use, in alphabetical order.

    Ageing along the cubic schedule, as `gradually` writes it, cites the schedule; probes inside an event cite continual
    evaluation.

    >>> cited_by([{"class": "lifespan:Scenario", "events": [{"class": "lifespan:Develop", "steps": 5}]}])
    ['devlin2019bert']
    """
    keys: list[str] = []
    for scenario in scenarios:
        specs = list(_specs(scenario))
        keys += [key for name, _ in specs for key in (*_BESIDE.get(name, ()), _own(name))]
        keys += [_SCHEDULE] if any(map(_is_cubic, _courses(specs))) else []
        keys += [_INSIDE] if any(name == "Probe" and "every" in spec for name, spec in specs) else []
    return [key for key in REFERENCES if key in keys]


def bibliography(keys: Iterable[str]) -> str:
    """A BibTeX file of these entries."""
    return "\n".join(REFERENCES[key].bibtex() for key in keys)


def parsed(text: str) -> dict[str, Reference]:
    """The entries of a BibTeX file by key, each as `Reference.bibtex` writes it, in alphabetical order of their keys.

    Raises `LifespanError`, which names the line, for anything else.
    """
    references: dict[str, Reference] = {}
    line, latest = 1, ""
    for block in text.removesuffix("\n").split("\n\n"):
        lines = block.split("\n")
        entry = _entry(lines, line)
        if entry.key <= latest:
            raise _malformed(line, lines[0], f"each key stands once, in alphabetical order, and {latest!r} came before")
        references[entry.key] = entry
        line, latest = line + len(lines) + 1, entry.key
    return references


def _entry(lines: Sequence[str], first: int) -> Reference:
    opening = _OPENING.fullmatch(lines[0])
    if opening is None:
        kinds = " or ".join(f"'@{kind}{{key,'" for kind in _VENUES)
        raise _malformed(first, lines[0], f"one empty line, then {kinds} must open an entry, with a key like {_SCHEDULE!r}")
    kind, key = opening.groups()
    required = ("author", "title", _VENUES[kind], "year")
    values: dict[str, str] = {}
    for number, line in enumerate(lines[1:-1], first + 1):
        field = _FIELD.fullmatch(line)
        if field is None:
            raise _malformed(number, line, "a field must read '  name = {value},', and no further brace or outer space")
        name, value = field.groups()
        if name in values or name not in (*required, "pages", "doi", "url"):
            raise _malformed(number, line, f"'@{kind}' has {', '.join(required)}, and perhaps pages and doi or url, each once")
        values[name] = value
    missing = [name for name in required if name not in values]
    if missing or not values["year"].isdecimal():
        raise _malformed(first, lines[0], f"the entry lacks {', '.join(missing) or 'a year in digits'}")
    author, title, venue, year = (values.pop(name) for name in required)
    reference = Reference(key=key, kind=kind, author=author, year=int(year), title=title, venue=venue, **values)
    expected = reference.bibtex().removesuffix("\n").split("\n")
    for number, (line, right) in enumerate(itertools.zip_longest(lines, expected, fillvalue=""), first):
        if line != right:
            raise _malformed(number, line, f"here the one form of an entry has {right!r}")
    return reference


def _malformed(line: int, text: str, rule: str) -> LifespanError:
    return LifespanError(f"references.bib, line {line}: {text!r}: {rule}")


def _own(name: str) -> str:
    """The citation that a built-in class declares. Classes of other packages are not imported on a record's word."""
    return str(getattr(getattr(lifespan, name, None), "citation", ""))


def _specs(data: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Class name and data of every spec, in the order of life."""
    if isinstance(data, Mapping):
        name = str(data.get("class", ""))
        if name:
            # Other packages may have a class of the same name: it keeps its package.
            yield name.removeprefix("lifespan:"), data
        if name == "lifespan:Recover" and "by" not in data:
            yield "Rewire", {}
        for value in data.values():
            yield from _specs(value)
    elif isinstance(data, list):
        for value in data:
            yield from _specs(value)


def _courses(specs: Iterable[tuple[str, Mapping[str, Any]]]) -> Iterator[list[float]]:
    """Every stretch of two or more changes of sparsity in a life, the sparsity before them first."""
    sparsities = [0.0]
    for name, data in specs:
        kind = getattr(lifespan, name, None)
        if name == "Age":
            sparsities.append(float(data.get("to", math.nan)))
        elif getattr(kind, "regrows", False):
            sparsities.append(sparsities[-1] * (1 - float(data.get("severity", getattr(kind, "severity", 0.0)))))
    for first, last in itertools.combinations(range(len(sparsities)), 2):
        if last - first >= 2:
            yield sparsities[first : last + 1]


def _is_cubic(course: Sequence[float]) -> bool:
    """Whether sparsities rise from the first to the last as `lifespan.study.schedules.gradually` writes them."""
    start, end, steps = course[0], course[-1], len(course) - 1
    due = (end + (start - end) * (1 - k / steps) ** 3 for k in range(steps + 1))
    return end - start > _TOLERANCE and all(abs(value - right) <= _TOLERANCE for value, right in zip(course, due, strict=True))
