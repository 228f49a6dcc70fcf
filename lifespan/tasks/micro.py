"""Miniatures of the eight kinds of GLUE task, and one of tagging, in the built-in micro world: learned in seconds."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import Literal

import numpy as np

from lifespan.contracts import Examples, Head, Task, sequences
from lifespan.contracts.sources import Source
from lifespan.errors import DataError
from lifespan.tasks.tags import TagHead
from lifespan.tasks.world.library import SIZES, rows
from lifespan.tasks.world.tagging import NAME, TAGS, tagged_rows

# fmt: off
Name = Literal[
    "acceptability", "sentiment", "paraphrase", "similarity", "inference", "answering", "entailment", "coreference", "tagging",
]
# fmt: on

LABELS: dict[str, tuple[str, ...]] = {
    "acceptability": ("unacceptable", "acceptable"),
    "sentiment": ("negative", "positive"),
    "paraphrase": ("different", "equivalent"),
    "similarity": (),
    "inference": ("entailment", "neutral", "contradiction"),
    "answering": ("not_answered", "answered"),
    "entailment": ("not_entailment", "entailment"),
    "coreference": ("wrong_referent", "right_referent"),
    NAME: TAGS,
}

METRICS: dict[str, tuple[str, ...]] = {
    "acceptability": ("matthews", "accuracy"),
    "paraphrase": ("accuracy", "f1"),
    "similarity": ("pearson", "spearman"),
    NAME: ("span_f1", "tag_accuracy"),
}


@dataclass(frozen=True, kw_only=True)
class MicroTask(Task):
    """One of the miniatures. Labels follow from how a sentence was made, so they hold no annotation noise.

    | name | miniature of | what the label says | chance |
    |---|---|---|---|
    | acceptability | CoLA | each of two verbs agrees with its own subject | matthews 0 |
    | sentiment | SST-2 | the judgement is favourable; the last word wins, `not` and `nobody` turn what they reach | 1/2 |
    | paraphrase | MRPC | in both sentences the same two do the same | 1/2 |
    | similarity | STS-B | 3 points if the same two do the same, 2 if it is done at the same times: 0, 2, 3 or 5 | pearson 0 |
    | inference | MNLI | what every, some and no being of three kinds does follows, may hold, or cannot hold of one | 1/3 |
    | answering | QNLI | the sentence answers who did it, or to whom | 1/2 |
    | entailment | RTE | what two do is said of the kinds of being that they are | 1/2 |
    | coreference | WNLI | two pronouns mean those who did it | 1/2 |
    | tagging | semantic roles | a tag for every word: spans of who acts, on what, where and when | span_f1 below 0.2 |

    There are 2,048 rows to learn from, 512 of dev and 4,096 of test. Answers to sentences are equally frequent in every split
    and splits share no row. No sentence of dev or test stands in `MicroText`. The training split is written with half of the
    world's open-class words; the other half appears in dev and test alone, where only a developed subject can know it.

    In all tasks but sentiment the answer changes the order of words alone: every answer is given to the same words and the
    same pairs of neighbouring words, in each of the sentences. Learners without word order stay at chance there, and reach
    about .8 on sentiment (`benchmarks/bag_of_words.py`).
    """

    revision = 2

    name: Name = field(kw_only=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_one_of("name", LABELS)

    @property
    def title(self) -> str:
        """Such as "micro-sentiment"."""
        return f"micro-{self.name}"

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the classes, or tags, in index order; none for similarity."""
        return LABELS[self.name]

    @property
    def head(self) -> Head:
        """Tags of words for tagging; else a class of the text, or its score."""
        return TagHead(labels=TAGS) if self.name == NAME else super().head

    @property
    def metrics(self) -> tuple[str, ...]:
        """Those of the task that this one miniaturises, the primary one first."""
        return METRICS.get(self.name, ("accuracy",))

    @property
    def score_range(self) -> tuple[float, float]:
        """0 to 5 for similarity."""
        return (0.0, 5.0) if self.name == "similarity" else (0.0, 1.0)

    @property
    def splits(self) -> tuple[str, ...]:
        """Train to learn from, dev to score, test to keep."""
        return tuple(SIZES)

    def sources_of(self, split: str) -> tuple[Source, ...]:
        """None: the rows follow from this package, whose `revision` stands for them."""
        return ()

    def load(self, split: str) -> Examples:
        """All rows of a split."""
        if split not in self.splits:
            raise DataError(self.describe(), f"has no split {split!r}.", f"Splits: {', '.join(self.splits)}.")
        return _examples(self.name, split)


@cache
def _examples(name: str, split: str) -> Examples:
    if name == NAME:
        sentences, tags = zip(*tagged_rows(split), strict=True)
        return Examples(list(sentences), None, sequences(tags))
    texts, answers = zip(*rows(name, split), strict=True)
    second = [text for _, text in texts]
    kind = np.int64 if LABELS[name] else np.float64
    return Examples([text for text, _ in texts], None if second[0] is None else second, np.array(answers, dtype=kind))
