"""GLUE: nine English tasks of sentence understanding (Wang et al. 2018, https://arxiv.org/abs/1804.07461)."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from lifespan.contracts import Examples, Task
from lifespan.contracts.sources import Files, Source, Stamp, stamps
from lifespan.errors import DataError, did_you_mean
from lifespan.tasks.glue_formats import ALIASES, FORMATS, SCORES, Format
from lifespan.tasks.reading import HUB_ID, Table, is_saved, read_hub, read_parquet, read_saved, read_separated, saved_files

VARIABLE = "LIFESPAN_GLUE_DIR"
HUB = "nyu-mll/glue"


@dataclass(frozen=True, kw_only=True)
class Glue(Task):
    """One task of GLUE, by name: cola, sst2, mrpc, qqp, stsb, mnli, mnli-mm, qnli, rte or wnli.

    `mnli` and `mnli-mm` share their training rows; their dev rows are the matched and mismatched genres. `mrpc` has a
    labelled test split too. Sentences are given exactly as written.

    `source` says where the data is: a folder, or the id of a dataset on the Hugging Face hub. None tries the folder
    named by the environment variable LIFESPAN_GLUE_DIR and then the hub's "nyu-mll/glue". A folder may hold any of

    - the classic layout: `RTE/train.tsv`, `RTE/dev.tsv`, `SST-2/train.tsv`, ...
    - what `datasets` wrote with `save_to_disk`: one task, or a folder for each (`rte/`, `sst2/`, ...)
    - Parquet files as on the hub: `rte/train-00000-of-00001.parquet` or `rte/train.parquet`, ...

    >>> Glue("stsb").metrics
    ('pearson', 'spearman')
    """

    name: str = field(kw_only=False)
    source: str | Path | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        plain = re.sub(r"[\s_-]", "", str(self.name)).lower()
        remedy = did_you_mean(ALIASES.get(plain, self.name), FORMATS)
        self.require("name", isinstance(self.name, str) and self.name in FORMATS, "is not a task of GLUE.", remedy)
        fine = self.source is None or (isinstance(self.source, str | Path) and str(self.source) != "")
        self.require("source", fine, "must be a folder or the id of a dataset on the hub.", f"For example: {HUB!r}.")

    @property
    def title(self) -> str:
        """The task's name."""
        return self.name

    @property
    def labels(self) -> tuple[str, ...]:
        """Class names in the hub's order; empty for stsb, whose answer is a score in [0, 5]."""
        return FORMATS[self.name].labels

    @property
    def metrics(self) -> tuple[str, ...]:
        """GLUE's official metrics, the primary one first."""
        return FORMATS[self.name].metrics

    @property
    def score_range(self) -> tuple[float, float]:
        """[0, 5], for stsb."""
        return SCORES

    @property
    def splits(self) -> tuple[str, ...]:
        """Labelled splits: train, dev, and for mrpc test."""
        return tuple(FORMATS[self.name].files)

    def sources_of(self, split: str) -> tuple[Source, ...]:
        """The files of the split in whichever layout the folder has; rows of the hub are loaded to be known."""
        place = os.path.expanduser(self.source) if self.source is not None else os.environ.get(VARIABLE)
        files = _files(FORMATS[self.name], split, Path(place)) if place and split in self.splits else ()
        return (Files(files),) if files else super().sources_of(split)

    def load(self, split: str) -> Examples:
        """All rows of a split. A folder's files are read again only when they change."""
        if split not in self.splits:
            raise DataError(self.describe(), f"has no split {split!r}.", f"Splits: {', '.join(self.splits)}.")
        if self.source is None:
            return _load(self.name, split, None, os.environ.get(VARIABLE), self._stamps(split))
        return _load(self.name, split, os.path.expanduser(self.source), None, self._stamps(split))

    def _stamps(self, split: str) -> tuple[Stamp, ...]:
        return stamps(*(path for source in self.sources_of(split) if isinstance(source, Files) for path in source.paths))


@lru_cache(maxsize=64)
def _load(name: str, split: str, source: str | None, fallback: str | None, at: tuple[Stamp, ...]) -> Examples:
    """Rows of a split; `at` changes where its files do."""
    form = FORMATS[name]
    if source is None:
        return _from_environment(name, split, fallback)
    if Path(source).exists():
        return _from_folder(form, split, Path(source))
    where = f"Glue({name!r}, source={source!r})"
    if not HUB_ID.fullmatch(source):
        raise DataError(where, "there is no such folder.", _layouts(form))
    return _from_hub(form, split, source, where, "is no folder here")


def _from_environment(name: str, split: str, folder: str | None) -> Examples:
    """Rows from the folder that the environment variable names, or else from the hub."""
    form = FORMATS[name]
    tried = f"{VARIABLE} is not set"
    if folder:
        if not Path(folder).is_dir():
            raise DataError(f"{VARIABLE}={folder}", "there is no such folder.", _layouts(form))
        if _holds(form, Path(folder)):
            return _from_folder(form, split, Path(folder))
        tried = f"{VARIABLE}={folder} holds no {form.folder}"
    return _from_hub(form, split, HUB, f"Glue({name!r})", f"found no data: {tried}")


def _from_hub(form: Format, split: str, name: str, where: str, tried: str) -> Examples:
    """Rows through the datasets library. `where` and `tried` open the message when it fails."""
    try:
        table = read_hub(name, form.config, form.hub_splits[split])
    except DataError as error:
        raise DataError(where, f"{tried}, and {error.where} {error.what}", _ways_out(form)) from error
    return _typed(form, table)


def _holds(form: Format, folder: Path) -> bool:
    return bool(_classic(form, folder) or _saved(form, folder) or _parquet(form, folder))


def _from_folder(form: Format, split: str, folder: Path) -> Examples:
    """Rows of a split from whichever layout the folder has."""
    wanted = form.hub_splits[split]
    if classic := _classic(form, folder):
        path = classic / form.files[split]
        return _written(form, read_separated(path, "\t", quoted=False, header=form.header, broken_rows=form.broken_rows))
    if saved := _saved(form, folder):
        return _typed(form, read_saved(saved, wanted))
    if parquet := _parquet(form, folder):
        shards = _shards(parquet, wanted)
        if not shards:
            found = ", ".join(sorted(path.name for path in parquet.glob("*.parquet")))
            raise DataError(str(parquet), f"has no {wanted}.parquet or {wanted}-*.parquet.", f"It holds {found}.")
        return _typed(form, read_parquet(shards))
    raise DataError(str(folder), f"holds no {form.folder} of GLUE.", _layouts(form))


def _files(form: Format, split: str, folder: Path) -> tuple[Path, ...]:
    """The files from which `_from_folder` reads a split; none where the folder holds no such task."""
    wanted = form.hub_splits[split]
    if classic := _classic(form, folder):
        return (classic / form.files[split],)
    if saved := _saved(form, folder):
        return saved_files(saved, wanted).paths
    if parquet := _parquet(form, folder):
        return tuple(_shards(parquet, wanted))
    return ()


def _shards(folder: Path, wanted: str) -> list[Path]:
    return sorted(folder.glob(f"{wanted}-*.parquet")) or sorted(folder.glob(f"{wanted}.parquet"))


def _classic(form: Format, folder: Path) -> Path | None:
    place = folder / form.folder
    return place if any(place.glob("*.tsv")) else None


def _saved(form: Format, folder: Path) -> Path | None:
    return next((place for place in (folder / form.config, folder) if is_saved(place)), None)


def _parquet(form: Format, folder: Path) -> Path | None:
    return next((place for place in (folder / form.config, folder) if any(place.glob("*.parquet"))), None)


def _written(form: Format, table: Table) -> Examples:
    """Examples of a classic TSV."""
    coding = {label: index for index, label in enumerate(form.written)}
    return _examples(form, table, form.columns, form.label, coding)


def _typed(form: Format, table: Table) -> Examples:
    """Examples of a table with the hub's columns, whose labels are indices or names."""
    known = table.classes.get("label", form.labels)
    if form.labels and set(known) != set(form.labels):
        what = f"has the labels {', '.join(known)}, but {form.folder} has {', '.join(form.labels)}."
        raise DataError(table.where, what, "Is this another task?")
    coding = {label: index for index, label in enumerate(form.labels)}
    coding |= {str(index): form.labels.index(label) for index, label in enumerate(known) if form.labels}
    return _examples(form, table, form.hub_columns, "label", coding)


def _examples(form: Format, table: Table, columns: tuple[str, ...], label: str, coding: dict[str, int]) -> Examples:
    sentences = [table.texts(column, may_be_empty=True) for column in columns]
    labels = table.codes(label, coding) if form.labels else table.numbers(label, *SCORES)
    return Examples(sentences[0], sentences[1] if len(sentences) == 2 else None, labels)


def _layouts(form: Format) -> str:
    return (
        f"A folder of GLUE holds {form.folder}/train.tsv (classic), {form.config}/dataset_dict.json (save_to_disk) or "
        f"{form.config}/train*.parquet (as on the hub)."
    )


def _ways_out(form: Format) -> str:
    return (
        f"Three ways out: set {VARIABLE} to a folder of GLUE; or write source= with one; or go online once, and the "
        f"datasets library keeps {HUB}. {_layouts(form)}"
    )
