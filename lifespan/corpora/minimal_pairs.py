"""Minimal pairs: two sentences that differ in one thing, of which one is acceptable."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lifespan.contracts import Corpus, Passage
from lifespan.contracts.sources import Files, Source
from lifespan.errors import DataError, did_you_mean
from lifespan.tasks._json import columns_of_lines
from lifespan.tasks.reading import read_text

MOST = 1_500
"""Pairs of the micro world: its words allow about 2,200."""


@dataclass(frozen=True)
class MinimalPair:
    """An acceptable sentence and one that is not, and the kind of difference between them."""

    good: str
    bad: str
    kind: str


class PairSet(Corpus):
    """Minimal pairs in a fixed order. As a corpus it is the acceptable sentences alone."""

    @abstractmethod
    def pairs(self) -> Sequence[MinimalPair]:
        """All pairs, in a fixed order."""

    def passages(self) -> Sequence[Passage]:
        """The acceptable sentences, in the order of the pairs."""
        return [pair.good for pair in self.pairs()]


@dataclass(frozen=True, kw_only=True)
class PairFile(PairSet):
    """Minimal pairs from JSON lines, as BLiMP (Warstadt et al. 2020) and its kin are published.

    Each line is a record with the acceptable sentence under `good`, the other under `bad`, and the kind of difference under
    `kind`; None makes the file's name the kind of all. `path` may be a folder, of which all files `*.jsonl` are read in the
    order of their names.
    """

    path: str | Path = field(kw_only=False)
    good: str = "sentence_good"
    bad: str = "sentence_bad"
    kind: str | None = "UID"

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require("path", isinstance(self.path, str | Path) and str(self.path) != "", "must be a file or a folder.")
        for name in ("good", "bad"):
            self.require(name, isinstance(getattr(self, name), str) and getattr(self, name) != "", "must be a field's name.")
        self.require("kind", self.kind is None or (isinstance(self.kind, str) and self.kind != ""), "must be a name or None.")

    @property
    def title(self) -> str:
        """The file's or folder's name without its ending."""
        return Path(self.path).stem

    def files(self) -> tuple[Path, ...]:
        """The files, in their order. Raises `DataError` for a folder without any."""
        place = Path(self.path).expanduser()
        found = tuple(sorted(place.glob("*.jsonl"))) if place.is_dir() else (place,)
        if not found:
            raise DataError(str(place), "holds no files of minimal pairs.", "Give it files that end in .jsonl.")
        return found

    def sources(self) -> tuple[Source, ...]:
        """The files."""
        return (Files(self.files()),)

    def pairs(self) -> Sequence[MinimalPair]:
        """The pairs, file after file. Raises `DataError` for a file without them, or a line without both sentences."""
        return [pair for path in self.files() for pair in self._of_file(path)]

    def _of_file(self, path: Path) -> list[MinimalPair]:
        columns, places, counted = columns_of_lines(path, read_text(path, "utf-8"))
        for name in filter(None, (self.good, self.bad, self.kind)):
            if name not in columns:
                remedy = f"{did_you_mean(name, columns)} Say its name: PairFile({path.name!r}, good=..., bad=..., kind=...)."
                raise DataError(str(path), f"has no field {name!r}.", remedy)
        kinds = [path.stem] * len(columns[self.good]) if self.kind is None else columns[self.kind]
        found = []
        for place, good, bad, kind in zip(places, columns[self.good], columns[self.bad], kinds, strict=True):
            if not all(isinstance(text, str) and text.strip() for text in (good, bad, kind)) or good == bad:
                what = "has no two different sentences and a kind."
                raise DataError(f"{path}, {counted} {place}", what, "Each record holds one acceptable sentence and another.")
            found.append(MinimalPair(good, bad, kind))
        return found


@dataclass(frozen=True, kw_only=True)
class MicroPairs(PairSet):
    """Minimal pairs of the micro world, generated: as many of each kind, none of whose sentences is in `MicroText`.

    Kinds: "agreement" (a verb that agrees with its subject, or not), "agreement across a noun" (the same with a noun of the
    other number between them) and "word order" (the noun before or after its article).
    """

    number: int = 300

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_count("number", at_least=3, at_most=MOST)

    @property
    def title(self) -> str:
        """The name in rows and figures."""
        return "micro-pairs"

    def sources(self) -> tuple[Source, ...]:
        """None: the pairs follow from this package, whose `revision` stands for them."""
        return ()

    def pairs(self) -> Sequence[MinimalPair]:
        """The pairs, the kinds in turn."""
        from lifespan.tasks.world.minimal_pairs import minimal_pairs

        return [MinimalPair(*texts) for texts in minimal_pairs(self.number)]
