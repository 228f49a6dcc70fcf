"""A user's own tagging task: a label for every word, from CoNLL-style files or `datasets`."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from lifespan.contracts import Examples, Head, Task, sequences
from lifespan.contracts.sources import Source, Stamp, stamps
from lifespan.errors import DataError, did_you_mean
from lifespan.stats.metrics import METRICS, TAG_METRICS
from lifespan.tasks._holdout import held_out_rows
from lifespan.tasks._table_files import VALIDATION, source_at
from lifespan.tasks.conll import read_conll
from lifespan.tasks.reading import HUB_ID, Table, as_written, is_saved, read_hub, read_parquet, read_saved, saved_splits
from lifespan.tasks.tags import TagHead

SCHEME = re.compile(r"O|[BIES]-.+")
"""A tag of IOB2 or IOBES."""


@dataclass(frozen=True, kw_only=True)
class TokenTask(Task):
    """Tag every word: named entities, parts of speech, roles.

    `path` is a CoNLL-style text file (a word a line, an empty line behind each sentence, columns parted by tabs, or by blanks
    where a line has no tab; lines of -DOCSTART- and comments are skipped), a .parquet file, a folder written by
    `save_to_disk` of the `datasets` library, or the name of a dataset on the Hugging Face hub (`config` is its
    configuration). `token` and `label` name the columns of words and tags: by position (0, or -1 for the last) or by name,
    for text files from `columns` or from a line "# global.columns = ID FORM ..."; None is 0 and -1 in text files, and
    "tokens" and "ner_tags", columns of lists, elsewhere.

    `tags` gives the tags in index order; None takes those of a ClassLabel, or those found in `path`, "O" first. Splits are as
    of `TableTask`: `dev` and `test` are files of the same kind; without `dev` it is the validation split of a dataset, or the
    fraction `held_out` of the sentences. `scored_by` names `span_f1` and `tag_accuracy`, the primary one first; None is both
    where all tags are of IOB2 or IOBES ("O", "B-PER", ...), else `tag_accuracy`.

    A word is tagged where its first token stands. Words behind the length at which texts are cut get no tag, which counts as
    wrong. A blank inside a word becomes a no-break space, as the words of a sentence are joined by blanks.
    """

    path: str | Path = field(kw_only=False)
    name: str
    token: int | str | None = None
    label: int | str | None = None
    columns: tuple[str, ...] | None = None
    tags: tuple[str, ...] | None = None
    config: str | None = None
    dev: str | Path | None = None
    test: str | Path | None = None
    held_out: float = 0.2
    scored_by: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        simple = isinstance(self.name, str) and re.fullmatch(r"[a-z0-9][a-z0-9._-]*", self.name)
        self.require("name", bool(simple), "must be a short lower-case name.", "For example: 'entities'.")
        for name in ("path", "dev", "test"):
            value = getattr(self, name)
            missing = value is None and name != "path"
            self.require(name, missing or (isinstance(value, str | Path) and str(value) != ""), "must be a path.")
        for name in ("token", "label"):
            value = getattr(self, name)
            fine = value is None or (isinstance(value, int | str) and not isinstance(value, bool))
            self.require(name, fine, "must be a column's position or name.", "For example: 0, -1 or 'ner_tags'.")
        for name, least in (("tags", 2), ("columns", 1)):
            value = getattr(self, name)
            fine = value is None or (isinstance(value, tuple) and all(isinstance(each, str) and each for each in value))
            fine = fine and (value is None or len(set(value)) == len(value) >= least)
            self.require(name, fine, f"must be a tuple of at least {least} different names (text).")
        self.require_fraction("held_out", below_one=True)
        self.require("held_out", self.held_out > 0, "must be above 0.", "Sentences to score on are needed, or a dev file.")
        self._check_metrics()

    def _check_metrics(self) -> None:
        if self.scored_by is None:
            return
        self.require("scored_by", isinstance(self.scored_by, tuple) and len(self.scored_by) > 0, "must be a tuple.")
        for name in self.scored_by:
            self.require("scored_by", name in METRICS, f"{name!r} is no metric.", did_you_mean(name, METRICS))
            fits = f"For tags: {', '.join(TAG_METRICS)}."
            self.require("scored_by", name in TAG_METRICS, f"{name!r} does not measure tags.", fits)

    @property
    def title(self) -> str:
        """The name given."""
        return self.name

    @property
    def labels(self) -> tuple[str, ...]:
        """The tags in index order, read from the data unless given."""
        return self.tags if self.tags is not None else self._content()[0]

    @property
    def head(self) -> Head:
        """A tag for every word."""
        return TagHead(labels=self.labels)

    @property
    def metrics(self) -> tuple[str, ...]:
        """The metrics chosen; or span F1 and accuracy, or accuracy alone where tags mark no spans."""
        if self.scored_by is not None:
            return self.scored_by
        return ("span_f1", "tag_accuracy") if _mark_spans(self.labels) else ("tag_accuracy",)

    @property
    def splits(self) -> tuple[str, ...]:
        """Train and dev, and test where a file was given."""
        return ("train", "dev", "test") if self.test is not None else ("train", "dev")

    def sources_of(self, split: str) -> tuple[Source, ...]:
        """The split's file, and that of the training sentences, which names the tags; data of the hub are loaded."""
        given = {"dev": self.dev, "test": self.test}.get(split)
        places = [Path(path).expanduser() for path in (given, self.path) if path is not None]
        if not all(place.exists() for place in places):
            return super().sources_of(split)
        known = saved_splits(places[-1]) if places[-1].is_dir() else ()
        validation = next((name for name in VALIDATION if name in known), "validation")
        inside = [source_at(self.path, validation)] if split == "dev" and given is None and validation in known else []
        named = [] if given is None else [source_at(given, validation if split == "dev" else split)]
        return (*named, *inside, source_at(self.path, "train"))

    def load(self, split: str) -> Examples:
        """All sentences of a split. Files are read again only when they change."""
        splits = self._content()[1]
        if split not in splits:
            raise DataError(self.describe(), f"has no split {split!r}.", f"Splits: {', '.join(self.splits)}.")
        return splits[split]

    def _content(self) -> tuple[tuple[str, ...], dict[str, Examples]]:
        places = [Path(path).expanduser() for path in (self.path, self.dev, self.test) if path is not None]
        return _content(replace(self, train_examples=None, eval_examples=None, resample=False), stamps(*places))


def _mark_spans(tags: tuple[str, ...]) -> bool:
    return all(SCHEME.fullmatch(tag) for tag in tags) and any(tag != "O" for tag in tags)


@lru_cache(maxsize=16)
def _content(task: TokenTask, stamps: tuple[Stamp, ...]) -> tuple[tuple[str, ...], dict[str, Examples]]:
    """Tags and every split, at once: a mistake in any file shows before learning starts."""
    tables = _tables(task)
    named = {split: _sentences(task, table) for split, table in tables.items()}
    where = tables["train"].where
    tags = task.tags or _tags(task, tables["train"], named["train"][1])
    if len(tags) < 2:
        raise DataError(where, f"has the one tag {tags[0]!r}; learning needs at least two.")
    if "span_f1" in (task.scored_by or ()) and not _mark_spans(tags):
        odd = next((tag for tag in tags if not SCHEME.fullmatch(tag)), tags[0])
        what = f"has the tag {odd!r}, but span_f1 needs tags of IOB2 or IOBES, such as 'O' and 'B-PER'."
        raise DataError(where, what, "Score by tag_accuracy.")
    splits = {}
    for split, (texts, rows) in named.items():
        for index, row in enumerate(rows):
            unknown = next((tag for tag in row if tag not in tags), None)
            if unknown is not None:
                hint = f"{did_you_mean(unknown, tags)} Or name all tags: tags=(...)."
                raise DataError(tables[split].at(index), f"the tag {unknown!r} is not among those of the training data.", hint)
        splits[split] = Examples(texts, None, sequences(rows))
    if "dev" not in splits:
        sentences = splits["train"]
        parts = zip(("train", "dev"), held_out_rows(len(sentences), task.held_out, where), strict=True)
        splits |= {split: sentences.take(index) for split, index in parts}
    return tags, splits


def _tags(task: TokenTask, table: Table, rows: list[list[str]]) -> tuple[str, ...]:
    named = table.classes.get(_column(task, table, "label"))
    return named or tuple(sorted({tag for row in rows for tag in row}, key=lambda tag: (tag != "O", tag)))


def _tables(task: TokenTask) -> dict[str, Table]:
    place = Path(task.path).expanduser()
    tables = {"train": _read(task, task.path, "train")}
    inside = saved_splits(place) if place.is_dir() else () if place.exists() else ("validation",)
    validation = next((name for name in VALIDATION if name in inside), None)
    if task.dev is not None:
        tables["dev"] = _read(task, task.dev, validation or "validation")
    elif validation:
        tables["dev"] = _read(task, task.path, validation)
    if task.test is not None:
        tables["test"] = _read(task, task.test, "test")
    return tables


def _read(task: TokenTask, path: str | Path, split: str) -> Table:
    place = Path(path).expanduser()
    if place.is_dir():
        if not is_saved(place):
            raise DataError(str(place), "is no folder written by save_to_disk.", "Name a file, or a dataset of the hub.")
        return read_saved(place, split)
    if place.is_file():
        return read_parquet([place]) if place.suffix.lower() == ".parquet" else read_conll(place, task.columns)
    if not isinstance(path, str) or not re.fullmatch(rf"{HUB_ID.pattern}|[\w-]+", path):
        raise DataError(str(place), "there is no such file or folder.", f"Looked in {place.absolute().parent}.")
    try:
        return read_hub(path, task.config, split)
    except DataError as error:
        remedy = "Is there such a file? Where the hub cannot be reached, write load_dataset(...).save_to_disk(DIR) elsewhere."
        raise DataError(error.where, error.what, remedy) from None


def _column(task: TokenTask, table: Table, which: str) -> str:
    """The name of a column of words ("token") or tags ("label")."""
    column, text = getattr(task, which), table.unit == "line"
    if column is None:
        column = (0 if which == "token" else -1) if text else ("tokens" if which == "token" else "ner_tags")
    names = list(table.columns)
    if isinstance(column, int):
        if not -len(names) <= column < len(names):
            raise DataError(table.where, f"has {len(names)} columns, of which {which}={column} is none.", "Count from 0.")
        return names[column]
    if column not in names:
        unnamed = text and names == [str(i) for i in range(len(names))]
        hint = f"Its columns have no names: write columns=(...), or {which}=0." if unnamed else did_you_mean(column, names)
        raise DataError(table.where, f"has no column {column!r}.", hint)
    return str(column)


def _sentences(task: TokenTask, table: Table) -> tuple[list[str], list[list[str]]]:
    """Texts, and the tags of each."""
    words, tags = (table.values(_column(task, table, which)) for which in ("token", "label"))
    names = table.classes.get(_column(task, table, "label"))
    if not words:
        raise DataError(table.where, "holds no sentence.")
    texts, rows = [], []
    for index, (own, given) in enumerate(zip(words, tags, strict=True)):
        at = table.at(index)
        if not isinstance(own, list) or not isinstance(given, list):
            raise DataError(at, "holds no list of words and list of tags.", "Name columns of lists: token=, label=.")
        if len(own) != len(given) or not own:
            raise DataError(at, f"has {len(own)} words and {len(given)} tags.", "Give one tag a word, and at least one word.")
        texts.append(" ".join(_word(word, at) for word in own))
        rows.append([_tag(tag, names, at) for tag in given])
    return texts, rows


def _word(word: Any, at: str) -> str:
    if not isinstance(word, str) or not word.strip():
        raise DataError(at, f"holds the word {word!r}, but words must be text that is not empty.")
    return re.sub(r"\s", "\N{NO-BREAK SPACE}", word.strip())


def _tag(tag: Any, names: tuple[str, ...] | None, at: str) -> str:
    if names is not None and isinstance(tag, int):
        if not 0 <= tag < len(names):
            raise DataError(at, f"holds the tag {tag}, where tags are 0 to {len(names) - 1}.", "Only labelled words work.")
        return names[tag]
    written = as_written(tag)
    if not written:
        raise DataError(at, "holds a word without a tag.", "Only labelled words work.")
    return written
