"""Corpora from the sentences of tasks, plain text files, or any data set of text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from lifespan.contracts import Corpus, Passage, Task
from lifespan.contracts.sources import Files, Source
from lifespan.errors import DataError
from lifespan.tasks._decoding import is_encoding
from lifespan.tasks.glue import Glue
from lifespan.tasks.reading import HUB_ID, Table, is_saved, read_hub, read_parquet, read_saved, read_text, saved_files

HEADING = re.compile(r"(= )+.+( =)+")


@dataclass(frozen=True, init=False)
class TaskText(Corpus):
    """The training sentences of tasks, without their labels: adaptation to the text of what will be learned.

    Each argument is a task, or the name of a GLUE task. Pairs stay pairs. A task's `train_examples` holds here too.

    >>> TaskText("rte", "mrpc").title
    'rte+mrpc'
    """

    tasks: tuple[Task | str, ...]

    def __init__(self, *tasks: Task | str) -> None:
        object.__setattr__(self, "tasks", tasks)
        self.__post_init__()

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require("tasks", len(self.tasks) > 0, "must name at least one task.", "For example: TaskText('rte').")
        fine = all(isinstance(task, Task | str) for task in self.tasks)
        self.require("tasks", fine, "must be tasks, or names of GLUE tasks.", "For example: TaskText('rte', my_task).")
        self._resolved()

    def _resolved(self) -> list[Task]:
        return [Glue(task) if isinstance(task, str) else task for task in self.tasks]

    @property
    def title(self) -> str:
        """The tasks' titles, joined by "+"."""
        return "+".join(task.title for task in self._resolved())

    def sources(self) -> tuple[Source, ...]:
        """Those of the tasks' training splits."""
        return tuple(source for task in self._resolved() for source in task.sources_of(task.splits[0]))

    def passages(self) -> Sequence[Passage]:
        """Sentences and pairs, task after task."""
        passages: list[Passage] = []
        for task in self._resolved():
            rows = task.examples(task.splits[0])
            passages += rows.first if rows.second is None else zip(rows.first, rows.second, strict=True)
        return passages


@dataclass(frozen=True, init=False)
class TextFiles(Corpus):
    """Plain text files, gzipped or not. A passage is a line that is not blank, or a paragraph: lines between blank lines.

    `by` is "line" or "paragraph". `skip_headings` leaves out headings as WikiText writes them, such as
    ` = = Career = = `. Passages carry no white space at their ends. `encoding` is that of all files.

    >>> TextFiles("wiki.train.raw", "letters.txt", by="paragraph").title
    'wiki.train+letters'
    """

    paths: tuple[str | Path, ...]
    by: Literal["line", "paragraph"] = "line"
    skip_headings: bool = False
    encoding: str = "utf-8"

    def __init__(self, *paths: str | Path, by: str = "line", skip_headings: bool = False, encoding: str = "utf-8") -> None:
        object.__setattr__(self, "paths", paths)
        object.__setattr__(self, "by", by)
        object.__setattr__(self, "skip_headings", skip_headings)
        object.__setattr__(self, "encoding", encoding)
        self.__post_init__()

    def __post_init__(self) -> None:
        super().__post_init__()
        fine = len(self.paths) > 0 and all(isinstance(path, str | Path) and str(path) for path in self.paths)
        self.require("paths", fine, "must name at least one file.", "For example: TextFiles('letters.txt').")
        self.require_literal("by")
        self.require("skip_headings", isinstance(self.skip_headings, bool), "must be True or False.")
        remedy = "For example: 'utf-8', 'latin-1' or 'utf-16'."
        self.require("encoding", is_encoding(self.encoding), "is no encoding of text.", remedy)

    @property
    def title(self) -> str:
        """The files' names without their endings, joined by "+"."""
        return "+".join(Path(path).stem for path in self.paths)

    def sources(self) -> tuple[Source, ...]:
        """The files."""
        return (Files(tuple(Path(path).expanduser() for path in self.paths)),)

    def passages(self) -> Sequence[Passage]:
        """Passages, file after file. Raises `DataError` for a file that holds none."""
        passages: list[Passage] = []
        for path in self.paths:
            found = list(self._split(read_text(Path(path).expanduser(), self.encoding)))
            if not found:
                raise DataError(str(path), f"holds no {self.by} of text.")
            passages += found
        return passages

    def _split(self, text: str) -> Iterator[str]:
        """Passages of one file. A heading that is skipped ends a paragraph, as a blank line does."""
        paragraph: list[str] = []
        for line in [*text.split("\n"), ""]:
            content = line.strip()
            if self.skip_headings and HEADING.fullmatch(content):
                content = ""
            if content and self.by == "paragraph":
                paragraph.append(content)
            elif content:
                yield content
            elif paragraph:
                yield " ".join(paragraph)
                paragraph = []


@dataclass(frozen=True, kw_only=True)
class DatasetText(Corpus):
    """One text column of a data set: every row that is not blank is a passage.

    `path_or_id` is a folder written by `save_to_disk`, a Parquet file, a folder of data files that the `datasets`
    library can load, or an id on the Hugging Face hub. `split` may be a slice, such as "train[:1%]", except in a
    folder written by `save_to_disk`. `config` names one of the configurations of a hub data set.
    """

    path_or_id: str | Path = field(kw_only=False)
    column: str = "text"
    split: str = "train"
    config: str | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        given = isinstance(self.path_or_id, str | Path) and str(self.path_or_id) != ""
        self.require("path_or_id", given, "must be a path or the id of a data set.", "Such as 'Salesforce/wikitext'.")
        for name in ("column", "split"):
            self.require(name, isinstance(getattr(self, name), str) and getattr(self, name) != "", "must be a name.")
        self.require("config", self.config is None or isinstance(self.config, str), "must be a name or None.")

    @property
    def title(self) -> str:
        """The last part of the path or id, with the configuration where there is one."""
        name = Path(self.path_or_id).stem if Path(self.path_or_id).is_file() else Path(self.path_or_id).name
        return f"{name}/{self.config}" if self.config else name

    def sources(self) -> tuple[Source, ...]:
        """The Parquet file, or the files of the folder; a data set of the hub is fingerprinted by its rows."""
        place = Path(self.path_or_id).expanduser()
        if is_saved(place):
            return (saved_files(place, self.split),)
        return (Files((place,)),) if place.is_file() else super().sources()

    def passages(self) -> Sequence[Passage]:
        """The column's texts, in the data set's order, without blank ones."""
        table = self._table()
        passages = [text for text in table.texts(self.column, may_be_empty=True) if text.strip()]
        if not passages:
            raise DataError(table.where, f"the column {self.column!r} holds no text.")
        return passages

    def _table(self) -> Table:
        place = Path(self.path_or_id).expanduser()
        if is_saved(place):
            return read_saved(place, self.split)
        if place.is_file() and place.suffix.lower() == ".parquet":
            return read_parquet([place])
        if place.is_file():
            raise DataError(str(place), "is no Parquet file.", f"For plain text write TextFiles({str(place)!r}).")
        name = str(place if place.exists() else self.path_or_id)
        if not place.exists() and not re.fullmatch(rf"{HUB_ID.pattern}|[\w-]+", name):
            raise DataError(self.describe(), "there is no such file or folder.", f"Looked for {place.absolute()}.")
        try:
            return read_hub(name, self.config, self.split)
        except DataError as error:
            remedy = (
                "Check the name, config= and split=. Without network: go online once, and the datasets library keeps "
                "the data; or give a folder written by save_to_disk, or a Parquet file; or use TextFiles(...)."
            )
            raise DataError(self.describe(), f"{error.where} {error.what}", remedy) from error
