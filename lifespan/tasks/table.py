"""A user's own task: a table of labelled sentences or sentence pairs."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import numpy as np

from lifespan.contracts import Examples, Task
from lifespan.contracts.sources import Files, Source, Stamp, stamps
from lifespan.errors import DataError, did_you_mean
from lifespan.stats.metrics import CLASS_METRICS, METRICS, SCORE_METRICS
from lifespan.tasks._decoding import is_encoding
from lifespan.tasks._refused import advice
from lifespan.tasks._table_content import UNDIVIDED, Content, content_of_task, pairs_of
from lifespan.tasks._table_files import Place, files_of, inner_splits, source_at, validation_of

KINDS: Mapping[str, tuple[str, ...]] = {"classes": CLASS_METRICS, "score": SCORE_METRICS}
DEFAULT_METRICS: Mapping[str, tuple[str, ...]] = {"classes": ("accuracy",), "score": ("pearson", "spearman")}


@dataclass(frozen=True, kw_only=True)
class TableTask(Task):
    """Classify, or score, the sentences or sentence pairs of your own table.

    `path` is a .csv, .tsv, .json or .jsonl file, any of them also gzipped (.gz), a .parquet file, a folder written by
    `save_to_disk` of the `datasets` library, or (texts, labels), (firsts, seconds, labels): text files with a line for each
    row. Paths are relative to the working directory. `first`, `second` (for pairs) and `label` name the columns; a field of a
    nested record is "question.stem".

    `encoding`, `delimiter` and `quoted` say how text files are written. By itself CSV has commas and the usual quoting; in
    files with tabs, quotes are the format's where the file cannot be read otherwise, and text where it can, and the record
    says which; `quoted` decides. `unlabelled="drop"` leaves out rows whose label is empty, "-" or, of named classes, -1.

    `kind` is "classes" or "score". `classes` gives the class names as the label column writes them, in index order, or names
    for the whole numbers from 0 on, or maps labels to names, several to one if need be; None takes those found in `path`,
    numbers in numeric order. 1.0 is the class 1. `scores` is the range of a score.

    The dev split is the file `dev`; or else the validation split of a `datasets` folder; or else the fraction `held_out` of
    `path`'s rows, the same rows for every individual and every run. With `group`, a column, rows of one group are held out
    together; `stratified` holds out the fraction of every class. `held_out=1.0` is a table to evaluate on only. `test` is one
    more labelled file, or else the test split of a `datasets` folder, if it has labels.

    `parts` is a column by whose values `OutOfDomain` separates accuracies; `pair_id` one that names the pair, or set, of
    edited rows to which a row belongs, for `consistency`. `scored_by` names metrics of `lifespan.stats.metrics`, the primary
    one first; None is accuracy, or Pearson's and Spearman's correlation for a score.

    >>> TableTask("reviews.csv", name="reviews", first="text", label="stars", scored_by=("matthews",)).metrics
    ('matthews',)
    """

    revision = 2

    path: Place = field(kw_only=False)
    name: str
    first: str
    second: str | None = None
    label: str = "label"
    kind: Literal["classes", "score"] = "classes"
    classes: tuple[str, ...] | Mapping[str | int, str] | None = None
    scores: tuple[float, float] = (0.0, 1.0)
    dev: Place | None = None
    test: Place | None = None
    held_out: float = 0.2
    scored_by: tuple[str, ...] | None = None
    quoted: bool | None = None
    encoding: str = "utf-8"
    delimiter: str | None = None
    unlabelled: Literal["refuse", "drop"] = "refuse"
    group: str | None = None
    stratified: bool = False
    parts: str | None = None
    pair_id: str | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        simple = isinstance(self.name, str) and re.fullmatch(r"[a-z0-9][a-z0-9._-]*", self.name)
        self.require("name", bool(simple), "must be a short lower-case name.", "For example: 'reviews'.")
        for name in ("path", "dev", "test"):
            self._check_path(name)
        self.require_literal("kind")
        self.require_fraction("held_out", below_one=self.held_out != 1)
        self.require("held_out", self.held_out > 0, "must be above 0.", "Rows to score on are needed, or a dev file.")
        self._check_format()
        self._check_division()
        self._check_answers()
        self._check_metrics()

    def __hash__(self) -> int:
        # `classes` may be a mapping, which has no hash of its own.
        return hash((self.name, str(self.path), self.first, self.label))

    def _check_path(self, name: str) -> None:
        value = getattr(self, name)
        if value is None and name != "path":
            return
        files = value if isinstance(value, tuple) else (value,)
        typed = all(isinstance(each, str | Path) and str(each) != "" for each in files)
        self.require(name, typed, "must be a path.")
        if isinstance(value, tuple):
            rule = f"must be {len(self.columns)} files with a line for each row: {', '.join(self.columns)}."
            self.require(name, len(files) == len(self.columns), rule)
            return
        folder = Path(value).is_dir()
        remedy = "" if folder else advice(value, self.delimiter)
        self.require(name, remedy == "", "is no table.", remedy)

    def _check_format(self) -> None:
        remedy = "For example: 'utf-8', 'latin-1', 'cp1252' or 'utf-16'."
        self.require("encoding", is_encoding(self.encoding), "is no encoding of text.", remedy)
        one = isinstance(self.delimiter, str) and len(self.delimiter) == 1 and self.delimiter not in '"\r\n'
        remedy = "For example: ';' or '\\t'."
        self.require("delimiter", self.delimiter is None or one, "must be one character, and no quote or line break.", remedy)
        self.require("quoted", self.quoted in (None, True, False), "must be True, False or None.")
        self.require_literal("unlabelled")

    def _check_division(self) -> None:
        for name in ("group", "parts", "pair_id"):
            value = getattr(self, name)
            self.require(name, value is None or (isinstance(value, str) and value != ""), "must name a column.")
        self.require("stratified", isinstance(self.stratified, bool), "must be True or False.")
        self.require("stratified", not (self.stratified and self.kind == "score"), "has no classes to divide evenly.")
        both = self.stratified and self.group is not None
        self.require("stratified", not both, "cannot keep groups together as well.", "Leave out group= or stratified=.")
        apart = not (self.stratified and self.dev is not None)
        self.require("stratified", apart, "has nothing to hold out beside a dev file.", "Leave one of them out.")
        alone = self.held_out != 1 or (self.dev is None and self.test is None)
        self.require("held_out", alone, "leaves nothing to learn beside a dev or test file.", "Leave out held_out=.")

    def _check_answers(self) -> None:
        if self.classes is not None:
            rule = "must be a tuple of at least two different class names (text)."
            if isinstance(self.classes, Mapping):
                rule = "must map labels, as the table writes them, to at least two different class names (text)."
                keyed = all(isinstance(label, str | int) for label in self.classes)
                named = keyed and all(isinstance(name, str) and name for name in self.classes.values())
                self.require("classes", named and len(set(self.classes.values())) >= 2, rule)
            else:
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
        return self.classes if isinstance(self.classes, tuple) else self._content().names

    @property
    def metrics(self) -> tuple[str, ...]:
        """The metrics chosen, or the defaults of the kind."""
        return self.scored_by or DEFAULT_METRICS[self.kind]

    @property
    def score_range(self) -> tuple[float, float]:
        """`scores`."""
        return self.scores

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are read: of the first sentence, the second one of pairs, and the label."""
        return tuple(name for name in (self.first, self.second, self.label) if name is not None)

    @property
    def splits(self) -> tuple[str, ...]:
        """Train and dev, and test where there is one with labels; all rows twice where nothing is to be learned."""
        if self.held_out == 1:
            return (UNDIVIDED, UNDIVIDED)
        tested = self.test is not None or ("test" in inner_splits(self.path) and "test" in self._content().splits)
        return ("train", "dev", "test") if tested else ("train", "dev")

    @property
    def evaluated_split(self) -> str:
        """All rows, "all", of a file that its author did not divide; or else the last split."""
        divided = self.dev is not None or validation_of(self.path) is not None or "test" in self.splits
        return self.splits[-1] if divided else UNDIVIDED

    @property
    def holds_out(self) -> bool:
        """Whether the dev split is drawn from the training file."""
        return self.held_out != 1 and self.dev is None and validation_of(self.path) is None

    def sources_of(self, split: str) -> tuple[Source, ...]:
        """The split's file, and that of the training rows where it names the classes or holds the split."""
        own = self._own_source(split)
        named = self.kind == "score" or self.classes is not None
        train = source_at(self.path, "train")
        return (train,) if own is None else (own,) if named else (own, train)

    def _own_source(self, split: str) -> Files | None:
        """The files of a split that is no part of the training file."""
        if split == "dev":
            validation = validation_of(self.path)
            place = self.dev or (self.path if validation else None)
            return None if place is None else source_at(place, validation or "validation")
        if split == "test":
            place = self.test or (self.path if "test" in inner_splits(self.path) else None)
            return None if place is None else source_at(place, "test")
        return None

    def load(self, split: str) -> Examples:
        """All rows of a split. The files are read again only when they change."""
        splits = self._content().splits
        if split not in splits:
            raise DataError(self.describe(), f"has no split {split!r}.", f"Splits: {', '.join(self.splits)}.")
        return splits[split]

    def strata(self) -> Mapping[str, np.ndarray]:
        """The rows of each value of the column `parts`, over those of `evaluated_split`."""
        if self.parts is None:
            return {}
        values = self._beside(self.parts)
        return {name: np.array([value == name for value in values]) for name in dict.fromkeys(values) if name}

    def edited_pairs(self) -> np.ndarray | None:
        """The number of each row's pair, over the rows of `evaluated_split`, where `pair_id` names the pairs."""
        if self.pair_id is None:
            return None
        return pairs_of(self._beside(self.pair_id), self.describe(), self.pair_id)

    def groups_of(self, split: str) -> Sequence[str] | None:
        """The group of each row of a split, where a column `group` names it."""
        return None if self.group is None else self._content().beside[split].get(self.group)

    @property
    def facts(self) -> Mapping[str, Any]:
        """How the files were read, by split: quoting that was found out, rows that were dropped, splits left out."""
        return self._content().facts

    def _beside(self, column: str) -> Sequence[str]:
        beside = self._content().beside[self.evaluated_split]
        if column not in beside:
            raise DataError(self.describe(), f"has no column {column!r} in the split {self.evaluated_split!r}.")
        return beside[column]

    def _content(self) -> Content:
        places = [path for place in (self.path, self.dev, self.test) for path in files_of(place)]
        return _content(replace(self, train_examples=None, eval_examples=None, resample=False), stamps(*places))


@lru_cache(maxsize=16)
def _content(task: TableTask, stamps: tuple[Stamp, ...]) -> Content:
    return content_of_task(task)
