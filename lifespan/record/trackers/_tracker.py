"""What all trackers have in common: their interface, and names that they take."""

from __future__ import annotations

import hashlib
import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, NamedTuple


class Point(NamedTuple):
    """One value: its name `<probe>/<task>/<metric>`, the age in optimizer steps, and the value."""

    name: str
    age: int
    value: float


class Tracker(ABC):
    """Takes the values of lives, several at a time, a run for each. `study` names them all; files go below `folder`.

    Raises whatever its package raises; `RecordError` where the folder holds this study already.
    """

    modules: ClassVar[tuple[str, ...]]
    """What must be importable."""
    package: ClassVar[str]
    """What the user is to install, in words."""

    def __init__(self, study: str, folder: Path) -> None:
        self.study, self.folder = study, folder

    @abstractmethod
    def begin(self, life: str, facts: Mapping[str, Any]) -> None:
        """Open the run of a life; `facts` has at least its `group` and `seed`."""

    @abstractmethod
    def add(self, life: str, points: Sequence[Point]) -> None:
        """Take values of a life, ages rising."""

    @abstractmethod
    def end(self, life: str, facts: Mapping[str, Any]) -> None:
        """Close the run of a life that has ended as `facts` say (`status`, `reason`)."""

    def close(self) -> None:  # noqa: B027
        """Write what is left; no more is added."""

    @classmethod
    @abstractmethod
    def viewer(cls, folder: Path) -> str:
        """The command that shows what lies below a folder."""


def tag(probe: str, task: str, metric: str) -> str:
    """A point's name.

    >>> tag("Score", "mrpc", "f1"), tag("Sparsity", "", "sparsity")
    ('Score/mrpc/f1', 'Sparsity/sparsity')
    """
    return "/".join(part for part in (probe, task, metric) if part)


def plain(name: str, allowed: str = r"\w/. -", room: int = 240) -> str:
    """A name of these characters and length alone; two different names never share one.

    >>> plain("Score/mrpc/f1"), plain("recall of a:b")
    ('Score/mrpc/f1', 'recall of a_b fb0cd89c')
    """
    found = re.sub(f"[^{allowed}]", "_", name)[:room]
    return found if found == name else f"{found} {hashlib.sha256(name.encode()).hexdigest()[:8]}"


def rows_of(points: Sequence[Point]) -> Iterator[tuple[int, dict[str, float]]]:
    """(age, values by name), as few as keep the order; a name that comes again at one age begins another.

    >>> list(rows_of([Point("a", 1, 0.5), Point("b", 1, 2.0), Point("a", 1, 0.25)]))
    [(1, {'a': 0.5, 'b': 2.0}), (1, {'a': 0.25})]
    """
    age, row = 0, dict[str, float]()
    for point in points:
        if row and (point.age != age or point.name in row):
            yield age, row
            row = {}
        age, row[point.name] = point.age, point.value
    if row:
        yield age, row
