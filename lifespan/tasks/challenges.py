"""Challenge sets: sentences outside a task's own domain, on which a learned skill is tried. They are not learned."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Literal

import numpy as np

from lifespan.contracts import Examples, Task
from lifespan.contracts.sources import Files, Source, Stamp, stamps
from lifespan.errors import DataError
from lifespan.tasks.glue_formats import FORMATS
from lifespan.tasks.reading import Table, read_hub, read_separated, read_text

VARIABLE = "LIFESPAN_ROBUSTNESS_DIR"
ENTAILMENT = ("entailment", "non-entailment")


@dataclass(frozen=True, kw_only=True)
class Challenge(Task):
    """A table to try a skill on, with one split, "test".

    `source` is its file, a folder of challenge sets, or the id of a dataset on the Hugging Face hub. None tries the folder
    named by the environment variable LIFESPAN_ROBUSTNESS_DIR, then `robustness` beside the folder of LIFESPAN_GLUE_DIR, then
    the hub.
    """

    source: str | Path | None = None

    @property
    def metrics(self) -> tuple[str, ...]:
        return ("accuracy",)

    @property
    def splits(self) -> tuple[str, ...]:
        return ("test", "test")

    def strata(self) -> Mapping[str, np.ndarray]:
        """Parts to report apart: boolean arrays over the examples, by name."""
        return {}

    def sources_of(self, split: str) -> tuple[Source, ...]:
        """The file, or else the rows, which are loaded to be known."""
        path = self._place()
        return (Files((path,)),) if path is not None else super().sources_of(split)

    def _place(self) -> Path | None:
        """The file that is read, or None where the hub is."""
        return None

    def _file(self, *names: str) -> Path | None:
        """The first of these files, or patterns, in the first folder of challenge sets that has one."""
        glue = os.environ.get("LIFESPAN_GLUE_DIR")
        usual = (os.environ.get(VARIABLE), Path(glue).parent / "robustness" if glue else None)
        places = [Path(place).expanduser() for place in ((self.source,) if self.source else usual) if place]
        if self.source and places[0].is_file():
            return places[0]
        return next((path for place in places for name in names for path in sorted(place.glob(name))), None)

    def _hub(self, name: str, config: str | None, split: str, original: str, revision: str | None = None) -> Table:
        """One split of a dataset on the hub. `original` names the file of the authors, the other way to have it."""
        given = str(self.source) if self.source and not Path(self.source).expanduser().exists() else None
        try:
            return read_hub(given or name, config, split, None if given else revision)
        except DataError as error:
            what = f"found no file for it, and {error.where} {error.what}"
            remedy = f"Go online once, or get {original} and write source= with it, or set {VARIABLE} to its folder."
            raise DataError(self.describe(), what, remedy) from error


@dataclass(frozen=True, kw_only=True)
class Hans(Challenge):
    """HANS: entailments that three shallow heuristics get wrong half of the time (McCoy et al. 2019); for RTE and MNLI skills.

    30,000 pairs, balanced. Parts: `entailment` and `non-entailment`, and each heuristic with either label, such as
    `lexical_overlap non-entailment`, where a skill that follows the heuristic is at 0.
    """

    citation = "mccoy2019right"

    @property
    def title(self) -> str:
        return "hans"

    @property
    def labels(self) -> tuple[str, ...]:
        return ENTAILMENT

    def load(self, split: str) -> Examples:
        return self._rows()[0]

    def strata(self) -> Mapping[str, np.ndarray]:
        rows, heuristics = self._rows()
        parts = {name: rows.labels == code for code, name in enumerate(ENTAILMENT)}
        crossed = {
            f"{heuristic} {name}": (heuristics == heuristic) & chosen
            for heuristic in dict.fromkeys(heuristics.tolist())
            for name, chosen in parts.items()
        }
        return {**parts, **crossed}

    def _rows(self) -> tuple[Examples, np.ndarray]:
        return _hans(self, self._place(), _stamps(self._place()))

    def _place(self) -> Path | None:
        return self._file("hans/heuristics_evaluation_set.t*", "heuristics_evaluation_set.t*")


def _stamps(path: Path | None) -> tuple[Stamp, ...]:
    return () if path is None else stamps(path)


@lru_cache(maxsize=4)
def _hans(task: Hans, path: Path | None, at: tuple[Stamp, ...]) -> tuple[Examples, np.ndarray]:
    if path is None:
        # On its main branch is a loading script, which `datasets` runs no more; the hub keeps the rows as Parquet beside it.
        original, parquet = "heuristics_evaluation_set.txt of github.com/tommccoy1/hans", "refs/convert/parquet"
        table = task._hub("jhu-cogsci/hans", None, "validation", original, parquet)
        first, second, coding = "premise", "hypothesis", {"0": 0, "1": 1}
    else:
        table = read_separated(path, "\t", quoted=False)
        first, second, coding = "sentence1", "sentence2", {name: code for code, name in enumerate(ENTAILMENT)}
    label = "label" if path is None else "gold_label"
    rows = Examples(table.texts(first), table.texts(second), table.codes(label, coding))
    return rows, np.array(table.values("heuristic"))


@dataclass(frozen=True, kw_only=True)
class Paws(Challenge):
    """PAWS: pairs of nearly the same words, paraphrases or not (Zhang et al. 2019); for MRPC and QQP skills.

    `part` is "qqp" (677 pairs of its dev and test set) or "wiki" (2,000 pairs, English of PAWS-X, test). Parts: `equivalent`
    and `not_equivalent`; a skill that counts common words calls all of them equivalent.
    """

    citation = "zhang2019paws"

    part: Literal["qqp", "wiki"] = "qqp"

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_literal("part")

    @property
    def title(self) -> str:
        return f"paws-{self.part}"

    @property
    def labels(self) -> tuple[str, ...]:
        return ("not_equivalent", "equivalent")

    def load(self, split: str) -> Examples:
        return _paws(self, self._place(), _stamps(self._place()))

    def _place(self) -> Path | None:
        name = {"qqp": "paws_qqp_dev_and_test.tsv", "wiki": "pawsx_en_test.tsv"}[self.part]
        return self._file(f"paws/{name}", name)

    def strata(self) -> Mapping[str, np.ndarray]:
        labels = self.load("test").labels
        return {name: labels == code for code, name in enumerate(self.labels)}


@lru_cache(maxsize=4)
def _paws(task: Paws, path: Path | None, at: tuple[Stamp, ...]) -> Examples:
    remedy = f"Its sentences are Quora's: build it as its authors describe, and set {VARIABLE} or source=. Or use part='wiki'."
    if path is not None:
        table = read_separated(path, "\t", quoted=False)
    elif task.part == "wiki":
        original = "test_2k.tsv of PAWS-X (English) as pawsx_en_test.tsv"
        table = task._hub("google-research-datasets/paws-x", "en", "test", original)
    elif task.source and not Path(task.source).expanduser().exists():
        table = task._hub(str(task.source), None, "test", "paws_qqp_dev_and_test.tsv")
    else:
        raise DataError(task.describe(), "is on no hub, and no file of it was found.", remedy)
    return Examples(table.texts("sentence1"), table.texts("sentence2"), table.codes("label", {"0": 0, "1": 1}))


@dataclass(frozen=True, kw_only=True)
class AdvGlue(Challenge):
    """Adversarial GLUE: attacked rows of a task's development set, checked by people (Wang et al. 2021). Dev part.

    `name` is sst2, qqp, mnli, mnli-mm, qnli or rte; small (78 to 162 rows), so intervals are wide.
    """

    citation = "wang2021adversarial"

    name: str = field(kw_only=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_one_of("name", tuple(ADVERSARIAL))

    @property
    def title(self) -> str:
        return f"advglue-{self.name}"

    @property
    def labels(self) -> tuple[str, ...]:
        return FORMATS[self.name].labels

    def load(self, split: str) -> Examples:
        return _adversarial(self, self._place(), _stamps(self._place()))

    def _place(self) -> Path | None:
        return self._file("advglue/dev.json", "dev.json")


ADVERSARIAL: Mapping[str, Sequence[str]] = {
    "sst2": ("sentence",),
    "qqp": ("question1", "question2"),
    "mnli": ("premise", "hypothesis"),
    "mnli-mm": ("premise", "hypothesis"),
    "qnli": ("question", "sentence"),
    "rte": ("sentence1", "sentence2"),
}


@lru_cache(maxsize=8)
def _adversarial(task: AdvGlue, path: Path | None, at: tuple[Stamp, ...]) -> Examples:
    if path is None:
        config = f"adv_{task.name.replace('-mm', '_mismatched')}"
        table = task._hub("AI-Secure/adv_glue", config, "validation", "dev.json of adversarialglue.github.io")
    else:
        table = _from_json(path, task.name)
    texts = [table.texts(column) for column in ADVERSARIAL[task.name]]
    coding = {str(code): code for code in range(len(task.labels))}
    return Examples(texts[0], texts[1] if len(texts) == 2 else None, table.codes("label", coding))


def _from_json(path: Path, name: str) -> Table:
    try:
        rows = json.loads(read_text(path))[name]
        columns = {column: [row[column] for row in rows] for column in (*ADVERSARIAL[name], "label")}
    except (json.JSONDecodeError, KeyError, TypeError) as error:
        what = f"has no rows of {name!r} in the form of AdvGLUE ({type(error).__name__}: {error})."
        raise DataError(str(path), what, "It is dev.json of the AdvGLUE download.") from None
    return Table(str(path), columns, range(1, len(rows) + 1))
