"""The interfaces of what a life is made of: origins of subjects, tasks with their examples, corpora.

Part of `lifespan.contracts`, which says how the interfaces hang together.
"""

from __future__ import annotations

import copy
import hashlib
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from lifespan.contracts.head import ClassHead, Head, ScoreHead
from lifespan.contracts.sources import Rows, Source
from lifespan.contracts.spec import Spec
from lifespan.errors import DataError, did_you_mean
from lifespan.randomness import Streams

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


@dataclass(frozen=True)
class Body:
    """What an `Origin` builds: an encoder, the language model around it, and its tokenizer.

    `encoder` is the model without heads, and maps tokens to `last_hidden_state` (batch, length, width). `language` is a
    language model that shares its parameters and whose head works token by token: from states (1, tokens, width), put in the
    encoder's place by `lifespan.subjects.bodies.body_from`, to `logits` over the vocabulary. What those logits predict, the
    `Objective` decides: the masked words by default, for which the tokenizer needs a mask token.
    `pooler`, if the pre-trained model had one, is the (weight, bias) of its dense pooling layer, from which heads start.
    """

    encoder: PreTrainedModel
    language: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    pooler: tuple[torch.Tensor, torch.Tensor] | None = None


@dataclass(frozen=True, kw_only=True)
class Origin(Spec):
    """Where a subject comes from. `half_pays` says whether its matrices are large enough for bfloat16 to be faster."""

    half_pays: ClassVar[bool] = True

    @property
    def born_alike(self) -> bool:
        """Whether all individuals are born with the same weights, which they then share on disk."""
        return False

    def check(self) -> None:
        """Raise `ScenarioError` for what is known to be wrong before anything is loaded, such as a folder that does not exist.

        It is called for every plan, so it must be quick and must not import torch.
        """

    @abstractmethod
    def build(self, streams: Streams) -> Body:
        """The newborn body. Random initialisation draws from `streams` only."""

    @abstractmethod
    def size(self) -> Mapping[str, int] | None:
        """Sizes known without building: `parameters`, `synapses`, `layers`, `width`. None where they are not known."""


@dataclass(frozen=True)
class Examples:
    """One split of a task, in the task's own order.

    `first` and `second` are sentences (`second` is None for single-sentence tasks); `labels` is an int64 array of class
    indices, a float64 array of scores, or what else the task's head takes: an array of objects, with a tuple of tags for each
    sentence, where it tags words (see `sequences`).
    """

    first: Sequence[str]
    second: Sequence[str] | None
    labels: np.ndarray

    def __len__(self) -> int:
        return len(self.first)

    def take(self, index: np.ndarray) -> Examples:
        """The rows at these positions, in this order."""
        second = None if self.second is None else [self.second[i] for i in index]
        return Examples([self.first[i] for i in index], second, self.labels[index])

    def thinned(self, name: str, limit: int | None) -> Examples:
        """At most `limit` rows, drawn once for a name, in their order; kept, so that the same rows are the same object."""
        if limit is None or limit >= len(self):
            return self
        kept: dict[tuple[str, int], Examples] = vars(self).setdefault("_thinned", {})
        if (name, limit) not in kept:
            kept[name, limit] = self.take(thinning(name, len(self), limit))
        return kept[name, limit]

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the content: equal exactly when every sentence and label is."""
        sha = hashlib.sha256()
        for i, label in enumerate(self.labels.tolist()):
            pair = self.first[i] if self.second is None else f"{self.first[i]}\x1f{self.second[i]}"
            sha.update(f"{pair}\x1e{label!r}\n".encode())
        return sha.hexdigest()


def sequences(rows: Sequence[Sequence[str]]) -> np.ndarray:
    """Labels of several sentences, one for each word, as `Examples` holds them: an array of tuples.

    >>> sequences([["O", "O"], ["B-PER", "O"]]).shape
    (2,)
    """
    labels = np.empty(len(rows), dtype=object)
    for place, row in enumerate(rows):
        labels[place] = tuple(row)
    return labels


@dataclass(frozen=True, kw_only=True)
class Task(Spec):
    """Something to learn: classify, score, or otherwise label sentences or sentence pairs.

    Its `head` says what an answer is: classes where the task has `labels`, else a score.

    `train_examples` and `eval_examples` thin a split: a subset drawn once per task, the same for every individual, and
    nested (a smaller number is contained in a larger one). With `resample`, the `train_examples` are drawn anew for every
    individual, by its seed: twins learn from the same rows, others from others, so that n speaks of the data as well as of the
    seeds. What is scored stays the same for all.

    `positive` names the class, of two, that F1, precision, recall and the area under the ROC curve are about (None: the last).
    """

    train_examples: int | None = None
    eval_examples: int | None = None
    positive: str | None = None
    resample: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require("resample", isinstance(self.resample, bool), "must be True or False.")
        drawn = not self.resample or self.train_examples is not None
        remedy = "Say how many rows each individual draws: train_examples=500."
        self.require("resample", drawn, "draws train_examples rows for each individual, but none are given.", remedy)
        for name in ("train_examples", "eval_examples"):
            if getattr(self, name) is not None:
                self.require_count(name)
        named = self.positive is None or isinstance(self.positive, str)
        self.require("positive", named, "must be the name of a class, as text.", 'For example: positive="duplicate".')

    @property
    @abstractmethod
    def title(self) -> str:
        """The task's short name in rows and figures: lower case, unique within a life, such as "mrpc"."""

    @property
    @abstractmethod
    def labels(self) -> tuple[str, ...]:
        """Names of the classes, or tags, in index order. Empty for a task whose answer is a score."""

    @property
    @abstractmethod
    def metrics(self) -> tuple[str, ...]:
        """Names of functions of `lifespan.stats.metrics`, the primary one first."""

    @property
    def score_range(self) -> tuple[float, float]:
        """Smallest and largest possible answer of a score task."""
        return (0.0, 1.0)

    @property
    def positive_class(self) -> int:
        """Index of the class that is `positive`: 1, the last of two, unless said. Raises `ScenarioError` where it is none."""
        if self.positive is None:
            return 1
        labels = self.labels
        self.require("positive", len(labels) > 0, "has no use for a score.", "Leave it out.")
        self.require("positive", self.positive in labels, "is no class of the data.", did_you_mean(self.positive, labels))
        rule = f"is one of {len(labels)} classes ({', '.join(labels)}), and a positive class is one of two."
        self.require("positive", len(labels) == 2, rule, "Leave it out: macro_f1 and auc are means over all classes.")
        return labels.index(self.positive)

    @property
    def head(self) -> Head:
        """What an answer is: a `ClassHead` where there are `labels`, else a `ScoreHead`. Override it for another kind."""
        labels, (low, high) = self.labels, self.score_range
        return ClassHead(count=len(labels)) if labels else ScoreHead(low=float(low), high=float(high))

    @property
    def splits(self) -> tuple[str, ...]:
        """Splits with labels. The first is learned from; the second is scored by default."""
        return ("train", "dev")

    def sources_of(self, split: str) -> tuple[Source, ...]:
        """What decides the rows of a split: by default the rows themselves, which are loaded to be known.

        A task that names its files instead is planned faster. Rows that follow from this package alone have no source.
        """
        return (Rows(f"{self.title}, {split}", lambda: self.load(split).fingerprint),)

    def sources(self) -> tuple[Source, ...]:
        """What decides the rows of all splits."""
        return tuple(source for split in dict.fromkeys(self.splits) for source in self.sources_of(split))

    @property
    def evaluated_split(self) -> str:
        """The split that is read where the task is only evaluated on: the last one, unless all rows are one undivided file."""
        return self.splits[-1]

    def strata(self) -> Mapping[str, np.ndarray]:
        """Parts of the rows of `evaluated_split` that are scored apart: boolean arrays over them, by name."""
        return {}

    def edited_pairs(self) -> np.ndarray | None:
        """For each row of `evaluated_split` the number of its pair, or set, of edited rows; None where there are none."""
        return None

    @abstractmethod
    def load(self, split: str) -> Examples:
        """All rows of a split. Raises `DataError` naming file, row and rule when the data is missing or malformed."""

    def examples(self, split: str) -> Examples:
        """The rows of a split, thinned to `train_examples` or `eval_examples`. Raises `DataError` for an unknown split."""
        if split not in self.splits and split != self.evaluated_split:
            raise DataError(self.describe(), f"has no split {split!r}.", f"Splits: {', '.join(self.splits)}.")
        rows = self.load(split)
        if len(rows) == 0:
            raise DataError(self.describe(), f"the split {split!r} is empty.")
        if self.positive is not None:
            self.positive_class  # noqa: B018  A wrong name is said before anything is learned.
        learned = split == self.splits[0] and split not in self.splits[1:]
        limit = self.train_examples if learned else self.eval_examples
        if learned and self.resample and limit is not None and limit >= len(rows):
            what = (
                f"every individual would draw the same rows: there are {len(rows):,}, and train_examples asks for {limit:,}."
            )
            raise DataError(self.describe(), what, f"Set train_examples below {len(rows):,}, or leave resample out.")
        return rows.thinned(self._draw(split) if learned else f"{self.title}/{split}/thinning", limit)

    def of_individual(self, seed: int) -> Task:
        """This task as the individual of a seed meets it: with `resample`, its training rows are those drawn by the seed."""
        if not self.resample:
            return self
        own = copy.copy(self)
        object.__setattr__(own, "_seed", seed)
        return own

    def population(self) -> Examples:
        """All rows that some individual may learn from: the thinned training split, or all of it with `resample`."""
        return self.load(self.splits[0]) if self.resample else self.examples(self.splits[0])

    def _draw(self, split: str) -> str:
        """Names the draw of training rows: one for all, or that of the individual whose task this is."""
        shared = f"{self.title}/{split}/thinning"
        seed: int | None = vars(self).get("_seed")
        return shared if seed is None else f"{shared}/{Streams(seed, 'data').child(self.title, split).number('resample')}"


def thinning(name: str, count: int, limit: int) -> np.ndarray:
    """Ascending positions of `limit` of `count` rows, drawn once for a name: nested for rising limits."""
    draw = np.random.default_rng(int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big"))
    return np.sort(draw.permutation(count)[:limit])


Passage = str | tuple[str, str]


Moment = str | int
"""A moment of a life: "birth", "development" (after the latest `Develop`), or after that many events (0: at birth)."""


@dataclass(frozen=True, kw_only=True)
class Corpus(Spec):
    """Unlabelled text to develop on."""

    @property
    @abstractmethod
    def title(self) -> str:
        """The corpus's short name in rows and figures."""

    @abstractmethod
    def passages(self) -> Sequence[Passage]:
        """Texts, or pairs of texts that the model reads as two segments, in a fixed order."""

    def sources(self) -> tuple[Source, ...]:
        """What decides the text: by default the text itself, which is read to be known."""
        return (Rows(self.title, lambda: fingerprint_of(self.passages())),)


def fingerprint_of(passages: Sequence[Passage]) -> str:
    """SHA-256 of texts and pairs of texts, in their order."""
    sha = hashlib.sha256()
    for passage in passages:
        sha.update(repr(passage).encode("utf-8", "surrogatepass") + b"\n")
    return sha.hexdigest()
