"""A user's own task: a table of labelled sentences or sentence pairs."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Literal

import numpy as np

from lifespan.contracts import Examples, Task
from lifespan.contracts.sources import Files, Source, Stamp, stamps
from lifespan.errors import DataError, did_you_mean
from lifespan.stats.metrics import CLASS_METRICS, METRICS, OF_TWO_CLASSES, SCORE_METRICS
from lifespan.tasks.reading import (
    Table,
    as_written,
    is_saved,
    read_parquet,
    read_saved,
    read_separated,
    saved_files,
    saved_splits,
)

SUFFIXES = (".csv", ".tsv", ".parquet")
VALIDATION = ("validation", "dev", "valid", "val")
KINDS: Mapping[str, tuple[str, ...]] = {"classes": CLASS_METRICS, "score": SCORE_METRICS}
DEFAULT_METRICS: Mapping[str, tuple[str, ...]] = {"classes": ("accuracy",), "score": ("pearson", "spearman")}


@dataclass(frozen=True, kw_only=True)
class TableTask(Task):
    """Classify, or score, the sentences or sentence pairs of your own table.

    `path` is a .csv, .tsv or .parquet file, or a folder written by `save_to_disk` of the `datasets` library. `first`,
    `second` (for pairs) and `label` name its columns. CSV follows the usual quoting; TSV is split on tab and newline
    only, quotes being text, unless `quoted` says otherwise.

    `kind` is "classes" or "score". `classes` gives the class names as the label column writes them, in index order;
    None takes those met in `path`, numbers in numeric order. `scores` is the range of a score.

    The dev split is the file `dev`; or else the validation split of a `datasets` folder; or else the fraction
    `held_out` of `path`'s rows, the same rows for every individual and every run. `test` is one more labelled file.
    `scored_by` names metrics of `lifespan.stats.metrics`, the primary one first; None is accuracy, or Pearson's and
    Spearman's correlation for a score.

    >>> TableTask("reviews.csv", name="reviews", first="text", label="stars", scored_by=("matthews",)).metrics
    ('matthews',)
    """

    path: str | Path = field(kw_only=False)
    name: str
    first: str
    second: str | None = None
    label: str = "label"
    kind: Literal["classes", "score"] = "classes"
    classes: tuple[str, ...] | None = None
    scores: tuple[float, float] = (0.0, 1.0)
    dev: str | Path | None = None
    test: str | Path | None = None
    held_out: float = 0.2
    scored_by: tuple[str, ...] | None = None
    quoted: bool | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        simple = isinstance(self.name, str) and re.fullmatch(r"[a-z0-9][a-z0-9._-]*", self.name)
        self.require("name", bool(simple), "must be a short lower-case name.", "For example: 'reviews'.")
        for name in ("path", "dev", "test"):
            self._check_path(name)
        self.require_literal("kind")
        self.require_fraction("held_out", below_one=True)
        self.require("held_out", self.held_out > 0, "must be above 0.", "Rows to score on are needed, or a dev file.")
        self._check_answers()
        self._check_metrics()

    def _check_path(self, name: str) -> None:
        value = getattr(self, name)
        if value is None and name != "path":
            return
        typed = isinstance(value, str | Path) and str(value) != ""
        self.require(name, typed, "must be a path.")
        suffix = Path(value).suffix.lower()
        known = f"Known: {', '.join(SUFFIXES)}, or a folder written by save_to_disk."
        self.require(name, suffix in SUFFIXES or suffix == "" or Path(value).is_dir(), "is no table.", known)

    def _check_answers(self) -> None:
        if self.classes is not None:
            rule = "must be a tuple of at least two different class names (text)."
            named = isinstance(self.classes, tuple) and all(isinstance(name, str) for name in self.classes)
            self.require("classes", named and len(set(self.classes)) == len(self.classes) >= 2, rule)
            self.require("classes", self.kind == "classes", "has no use for a score.", "Write kind='classes'.")
        pair = isinstance(self.scores, tuple) and len(self.scores) == 2
        numbers = pair and all(isinstance(end, int | float) and math.isfinite(end) for end in self.scores)
        self.require("scores", numbers and self.scores[0] < self.scores[1], "must be (smallest, largest).")
        self.require("scores", self.kind == "score" or self.scores == (0, 1), "has no use for classes.")

    def _check_metrics(self) -> None:
        if self.scored_by is None:
            return
        self.require("scored_by", isinstance(self.scored_by, tuple) and len(self.scored_by) > 0, "must be a tuple.")
        for name in self.scored_by:
            self.require("scored_by", name in METRICS, f"{name!r} is no metric.", did_you_mean(name, METRICS))
            fits = f"For kind={self.kind!r}: {', '.join(KINDS[self.kind])}."
            self.require("scored_by", name in KINDS[self.kind], f"{name!r} does not measure {self.kind}.", fits)

    @property
    def title(self) -> str:
        """The name given."""
        return self.name

    @property
    def labels(self) -> tuple[str, ...]:
        """Class names, read from the table unless given; empty for a score."""
        if self.kind == "score":
            return ()
        return self.classes if self.classes is not None else self._content()[0]

    @property
    def metrics(self) -> tuple[str, ...]:
        """The metrics chosen, or the defaults of the kind."""
        return self.scored_by or DEFAULT_METRICS[self.kind]

    @property
    def score_range(self) -> tuple[float, float]:
        """`scores`."""
        return self.scores

    @property
    def splits(self) -> tuple[str, ...]:
        """Train and dev, and test where a file was given."""
        return ("train", "dev", "test") if self.test is not None else ("train", "dev")

    def sources_of(self, split: str) -> tuple[Source, ...]:
        """The split's file, and that of the training rows where it names the classes or holds the split."""
        folder = Path(self.path).expanduser()
        validation = next((name for name in VALIDATION if name in saved_splits(folder)), None)
        given = {"dev": self.dev, "test": self.test}.get(split)
        own: list[Source] = []
        if given is not None:
            own = [source_at(given, (validation or "validation") if split == "dev" else split)]
        elif split == "dev" and validation:
            own = [saved_files(folder, validation)]
        named = self.kind == "score" or self.classes is not None
        return tuple(own) if own and named else (*own, source_at(self.path, "train"))

    def load(self, split: str) -> Examples:
        """All rows of a split. The files are read again only when they change."""
        splits = self._content()[1]
        if split not in splits:
            raise DataError(self.describe(), f"has no split {split!r}.", f"Splits: {', '.join(self.splits)}.")
        return splits[split]

    def _content(self) -> tuple[tuple[str, ...], dict[str, Examples]]:
        places = [Path(path).expanduser() for path in (self.path, self.dev, self.test) if path is not None]
        return _content(replace(self, train_examples=None, eval_examples=None), stamps(*places))


@lru_cache(maxsize=16)
def _content(task: TableTask, stamps: tuple[Stamp, ...]) -> tuple[tuple[str, ...], dict[str, Examples]]:
    """Class names and every split, at once: a mistake in any file shows before learning starts."""
    tables = _tables(task)
    names = _class_names(task, tables["train"]) if task.kind == "classes" else ()
    binary = [metric for metric in task.metrics if metric in OF_TWO_CLASSES]
    if binary and len(names) != 2:
        what = f"has {len(names)} classes ({', '.join(names)}), but {binary[0]} needs exactly two."
        raise DataError(tables["train"].where, what, "Choose other metrics with scored_by=, such as macro_f1.")
    splits = {split: _examples(task, table, names) for split, table in tables.items()}
    if "dev" not in splits:
        splits |= held_out(splits["train"], task.held_out, tables["train"].where)
    return names, splits


def _tables(task: TableTask) -> dict[str, Table]:
    folder = Path(task.path).expanduser()
    inside = saved_splits(folder)
    tables = {"train": _read(task, task.path, "train")}
    validation = next((name for name in VALIDATION if name in inside), None)
    if task.dev is not None:
        tables["dev"] = _read(task, task.dev, validation or "validation")
    elif validation:
        tables["dev"] = read_saved(folder, validation)
    if task.test is not None:
        tables["test"] = _read(task, task.test, "test")
    return tables


def _read(task: TableTask, path: str | Path, split: str) -> Table:
    place = Path(path).expanduser()
    if not place.exists():
        raise DataError(str(place), "there is no such file or folder.", f"Looked in {place.absolute().parent}.")
    if place.is_dir():
        if not is_saved(place):
            raise DataError(str(place), "is no folder written by save_to_disk.", f"Files may be {', '.join(SUFFIXES)}.")
        return read_saved(place, split)
    suffix = place.suffix.lower()
    if suffix == ".parquet":
        return read_parquet([place])
    if suffix not in SUFFIXES:
        raise DataError(str(place), "is no table.", f"Files may be {', '.join(SUFFIXES)}.")
    quoted = suffix == ".csv" if task.quoted is None else task.quoted
    return read_separated(place, "," if suffix == ".csv" else "\t", quoted=quoted)


def _class_names(task: TableTask, table: Table) -> tuple[str, ...]:
    if task.classes is not None:
        return task.classes
    if task.label in table.classes:
        return table.classes[task.label]
    written = [as_written(value) for value in table.values(task.label)]
    for index, label in enumerate(written):
        if label == "":
            raise DataError(table.at(index), f"{task.label!r} is empty: the row has no label.", "Only labelled rows work.")
        if re.fullmatch(r"-?\d*\.\d+", label):
            what = f"{task.label!r} is {label}, a number with a fraction, which names no class."
            raise DataError(table.at(index), what, "Write kind='score', or name the classes.")
    names = set(written)
    if len(names) < 2:
        raise DataError(table.where, f"{task.label!r} has {len(names)} class; learning needs at least two.")
    whole = all(re.fullmatch(r"-?\d+", name) for name in names)
    return tuple(sorted(names, key=int)) if whole else tuple(sorted(names))


def _examples(task: TableTask, table: Table, names: tuple[str, ...]) -> Examples:
    first = table.texts(task.first)
    second = None if task.second is None else table.texts(task.second)
    if task.kind == "score":
        return Examples(first, second, table.numbers(task.label, *task.scores))
    coding = {name: index for index, name in enumerate(names)}
    for index, name in enumerate(table.classes.get(task.label, ())):
        # A ClassLabel column stores indices, in its own order.
        if name in coding:
            coding.setdefault(str(index), coding[name])
    return Examples(first, second, table.codes(task.label, coding))


def held_out(rows: Examples, fraction: float, where: str) -> dict[str, Examples]:
    """Train and dev parts. Which rows are held out depends on their number and the fraction only."""
    if len(rows) < 2:
        raise DataError(where, f"has {len(rows)} rows; at least 2 are needed to hold one out.", "Or give a dev file.")
    count = min(max(1, round(fraction * len(rows))), len(rows) - 1)
    draw = np.random.default_rng(int.from_bytes(hashlib.sha256(b"held out").digest()[:8], "big"))
    order = draw.permutation(len(rows))
    return {"dev": rows.take(np.sort(order[:count])), "train": rows.take(np.sort(order[count:]))}


def source_at(path: str | Path, split: str) -> Files:
    """The file of a table, or the files of a split in a folder written by `save_to_disk`."""
    place = Path(path).expanduser()
    return saved_files(place, split) if place.is_dir() else Files((place,))
