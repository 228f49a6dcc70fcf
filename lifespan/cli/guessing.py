"""Which columns of a table hold the texts and the labels: a guess, with its reasons, for `lifespan new --task`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil, floor, isfinite
from pathlib import Path
from typing import Any

from lifespan.errors import DataError
from lifespan.study.scenario_errors import nearest
from lifespan.tasks._table_files import Format, read_place
from lifespan.tasks.table import TableTask

LABELS = ("label", "labels", "gold_label", "gold", "class", "category", "target", "sentiment", "stars", "rating", "score", "y")
TEXTS = ("text", "sentence", "review", "content", "body", "comment", "tweet", "utterance", "document", "question", "title")
PAIRS = (
    *(("premise", "hypothesis"), ("sentence1", "sentence2"), ("sentence_1", "sentence_2"), ("question1", "question2")),
    *(("question", "sentence"), ("question", "passage"), ("question", "answer"), ("query", "document")),
    *(("text1", "text2"), ("text_a", "text_b"), ("first", "second"), ("context", "response")),
)
MOST_CLASSES = 50


@dataclass(frozen=True)
class Guess:
    """What of a table is what. `scores` is the range of a score, None for classes; `length` is in tokens."""

    first: str
    second: str | None
    label: str
    scores: tuple[float, float] | None
    first_why: str
    label_why: str
    length: int
    longest: str

    def task(self, path: str, name: str) -> TableTask:
        """The task that was guessed."""
        columns: dict[str, Any] = {"first": self.first, "second": self.second, "label": self.label}
        answers: dict[str, Any] = {} if self.scores is None else {"kind": "score", "scores": self.scores}
        return TableTask(path, name=name, **columns, **answers)


def guess(path: str) -> Guess:
    """The most likely columns of a table. Raises `DataError` where none looks like a text, or like a label."""
    columns = _columns(path)
    label, label_why = _label(path, columns)
    first, second, first_why = _texts(path, {name: values for name, values in columns.items() if name != label})
    counts = [_words(value) for value in columns[first]]
    if second is not None:
        counts = [one + _words(other) for one, other in zip(counts, columns[second], strict=True)]
    usual = sorted(counts)[int(0.95 * (len(counts) - 1))]
    length = min(128, max(16, -(-round(1.4 * usual + 3) // 8) * 8))
    longest = f"19 of 20 have at most {usual} words"
    return Guess(first, second, label, _scores(columns[label]), first_why, label_why, length, longest)


def _columns(path: str) -> dict[str, list[str]]:
    """Every column as text."""
    place = Path(path).expanduser()
    if not place.exists():
        near = nearest(path, [str(each) for each in place.parent.glob("*")])
        raise DataError(path, "there is no such file or folder.", near or f"Looked in {place.absolute().parent}.")
    table = read_place(path, "train", Format(encoding="utf-8", delimiter=None, quoted=None, columns=()))
    if len(table) == 0:
        raise DataError(table.where, "holds no row.")
    return {name: ["" if value is None else str(value) for value in table.values(name)] for name in table.columns}


def _label(path: str, columns: Mapping[str, Sequence[str]]) -> tuple[str, str]:
    lowered = {name.lower().strip(): name for name in columns}
    named = next((lowered[name] for name in LABELS if name in lowered and _mean_words(columns[lowered[name]]) <= 3), None)
    if named is not None:
        return named, f"by its name; {_kinds(columns[named])}"
    found = {
        name: kinds
        for name, values in columns.items()
        if 2 <= (kinds := len(set(values))) <= min(MOST_CLASSES, max(2, len(values) // 3)) and _mean_words(values) <= 3
    }
    if not found:
        raise DataError(path, "has no column that looks like a label.", _remedy(columns))
    name = min(found, key=lambda each: found[each])
    return name, f"the column with the fewest different values; {_kinds(columns[name])}"


def _texts(path: str, columns: Mapping[str, Sequence[str]]) -> tuple[str, str | None, str]:
    lowered = {name.lower().strip(): name for name in columns}
    for one, other in PAIRS:
        if one in lowered and other in lowered and _mean_words(columns[lowered[one]]) >= 2:
            return lowered[one], lowered[other], "a pair, by the names"
    named = next((lowered[name] for name in TEXTS if name in lowered and _mean_words(columns[lowered[name]]) >= 2), None)
    if named is not None:
        return named, None, "by its name"
    longest = max(columns, key=lambda name: _mean_words(columns[name]), default="")
    if not longest or _mean_words(columns[longest]) < 2:
        raise DataError(path, "has no column that looks like texts.", _remedy(columns))
    return longest, None, "the column with the most words"


def _remedy(columns: Mapping[str, Sequence[str]]) -> str:
    described = ", ".join(f"{name!r} (such as {values[0][:30]!r})" for name, values in columns.items())
    return f"Columns: {described}. Write the scenario by `lifespan new NAME`, and name the columns in a TableTask there."


def _scores(labels: Sequence[str]) -> tuple[float, float] | None:
    """The range, in whole numbers, of a label with fractions, or with many whole numbers; None for classes."""
    try:
        numbers = [float(label) for label in labels if label]
    except ValueError:
        return None
    if not all(map(isfinite, numbers)):
        return None
    whole = all(number.is_integer() for number in numbers)
    kinds = len(set(numbers))
    return None if (whole and kinds <= 20) or kinds < 2 else (float(floor(min(numbers))), float(ceil(max(numbers))))


def _kinds(labels: Sequence[str]) -> str:
    scores = _scores(labels)
    if scores is not None:
        return f"a score from {scores[0]:g} to {scores[1]:g}"
    kinds = sorted(set(labels) - {""})
    gaps = all(re.fullmatch(r"-?\d+", kind) for kind in kinds) and len(kinds) > 2
    also = '; where they are a scale, write kind="score"' if gaps and _even(kinds) else ""
    shown = ", ".join(map(repr, kinds[:4])) + (", ..." if len(kinds) > 4 else "")
    return f"{len(kinds)} classes: {shown}{also}"


def _even(kinds: Sequence[str]) -> bool:
    numbers = sorted(map(int, kinds))
    return all(after - before == 1 for before, after in pairwise(numbers))


def _mean_words(values: Sequence[str]) -> float:
    return sum(map(_words, values)) / max(1, len(values))


def _words(value: str) -> int:
    return len(value.split())


def name_for(path: str) -> str:
    """A task's name from its file's: lower case, as `TableTask` takes it."""
    return re.sub(r"[^a-z0-9._-]+", "-", Path(path).name.partition(".")[0].lower()).strip("-._") or "task"
