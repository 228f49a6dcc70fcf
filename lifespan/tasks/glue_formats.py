"""What differs between the tasks of GLUE: metrics, labels, columns and files, in the classic folder and on the hub.

Class order is the hub's (https://huggingface.co/datasets/nyu-mll/glue), so that indices agree with models and numbers
published elsewhere. Metrics are those of Wang et al. (2018), https://arxiv.org/abs/1804.07461, the primary one first.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

BINARY = ("0", "1")


@dataclass(frozen=True, kw_only=True)
class Format:
    """Where one task's rows are and how they are written.

    `columns` and `hub_columns` name the sentence, or the pair, in the classic TSV and on the hub. `written` are the
    class labels as the TSV writes them, in class order; `header` names the columns of a TSV that has none.
    `broken_rows` is how many rows with a wrong number of columns the official files are allowed.
    """

    folder: str
    config: str
    labels: tuple[str, ...]
    metrics: tuple[str, ...] = ("accuracy",)
    columns: tuple[str, ...] = ("sentence1", "sentence2")
    hub_columns: tuple[str, ...] = ("sentence1", "sentence2")
    label: str = "label"
    written: tuple[str, ...] = BINARY
    header: tuple[str, ...] | None = None
    broken_rows: int = 0
    files: Mapping[str, str] = field(default_factory=lambda: {"train": "train.tsv", "dev": "dev.tsv"})
    hub_splits: Mapping[str, str] = field(default_factory=lambda: {"train": "train", "dev": "validation"})


def _mnli(kind: str) -> Format:
    return Format(
        folder="MNLI",
        config="mnli",
        labels=("entailment", "neutral", "contradiction"),
        written=("entailment", "neutral", "contradiction"),
        hub_columns=("premise", "hypothesis"),
        # The dev files also carry each annotator's label, so only the header says which is the gold one.
        label="gold_label",
        files={"train": "train.tsv", "dev": f"dev_{kind}.tsv"},
        hub_splits={"train": "train", "dev": f"validation_{kind}"},
    )


FORMATS: Mapping[str, Format] = {
    "cola": Format(
        folder="CoLA",
        config="cola",
        labels=("unacceptable", "acceptable"),
        metrics=("matthews",),
        columns=("sentence",),
        hub_columns=("sentence",),
        header=("source", "label", "mark", "sentence"),
    ),
    "sst2": Format(
        folder="SST-2",
        config="sst2",
        labels=("negative", "positive"),
        columns=("sentence",),
        hub_columns=("sentence",),
    ),
    "mrpc": Format(
        folder="MRPC",
        config="mrpc",
        labels=("not_equivalent", "equivalent"),
        metrics=("f1", "accuracy"),
        columns=("#1 String", "#2 String"),
        label="Quality",
        # The one task whose test labels are public. The TSV of the test split leaves them out, its source keeps them.
        files={"train": "train.tsv", "dev": "dev.tsv", "test": "msr_paraphrase_test.txt"},
        hub_splits={"train": "train", "dev": "validation", "test": "test"},
    ),
    "qqp": Format(
        folder="QQP",
        config="qqp",
        labels=("not_duplicate", "duplicate"),
        metrics=("f1", "accuracy"),
        columns=("question1", "question2"),
        hub_columns=("question1", "question2"),
        label="is_duplicate",
        # Line breaks inside a few questions of the official files cut their rows in two; the hub leaves them out too.
        broken_rows=16,
    ),
    "stsb": Format(folder="STS-B", config="stsb", labels=(), metrics=("pearson", "spearman"), label="score"),
    "mnli": _mnli("matched"),
    "mnli-mm": _mnli("mismatched"),
    "qnli": Format(
        folder="QNLI",
        config="qnli",
        labels=("entailment", "not_entailment"),
        written=("entailment", "not_entailment"),
        columns=("question", "sentence"),
        hub_columns=("question", "sentence"),
    ),
    "rte": Format(
        folder="RTE",
        config="rte",
        labels=("entailment", "not_entailment"),
        written=("entailment", "not_entailment"),
    ),
    "wnli": Format(folder="WNLI", config="wnli", labels=("not_entailment", "entailment")),
}

SCORES = (0.0, 5.0)
"""Range of STS-B's similarity scores."""

ALIASES: Mapping[str, str] = {
    **{name.replace("-", ""): name for name in FORMATS},
    "mnlim": "mnli",
    "mnlimatched": "mnli",
    "mnlimismatched": "mnli-mm",
}
"""Other spellings, lower case without hyphens: they are suggested, never accepted silently."""
