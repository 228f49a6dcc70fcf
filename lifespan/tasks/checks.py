"""What can be said of a task's rows before anything is learned from them: counts, and which of them are absurd or odd."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from lifespan.contracts import Corpus, Examples, Task, thinning
from lifespan.errors import DataError
from lifespan.tasks.table import TableTask

MAJORITY = 0.9
SHARED = 0.02
CUT = 0.05
"""Shares from which on the user is warned: of the largest class, of rows that are in both splits, of texts that are cut."""
MANY, FEW_ROWS, TOO_FEW_ROWS = 10, 10, 2
"""With more classes than this, fewer rows for each are reported, and refused."""
SAMPLE = 2000
"""Texts whose words are counted at most."""

Facts = dict[str, Any]


def facts_of(task: Task) -> Facts:
    """Counts over the rows that are learned and scored, JSON-ready.

    `rows` by split; `classes`, `majority` (share of the largest class among training rows), `classes_without_rows`,
    `similar_classes` (names that differ in case, blanks or dashes alone); `shared_rows` (dev rows whose text is in train),
    `shared_first` and `shared_second` (the same of one text of pairs); `shared_groups` and `reading` of a table. Where every
    individual draws its own training rows, all that may be drawn are looked at, and `drawn_from` says how many they are.
    """
    train, dev = task.population(), task.examples(task.splits[1])
    facts: Facts = {"rows": {split: len(task.examples(split)) for split in dict.fromkeys(task.splits[:2])}}
    if len(train) > facts["rows"][task.splits[0]]:
        facts["drawn_from"] = len(train)
    if task.labels and np.asarray(train.labels).dtype == np.int64:
        facts |= _class_facts(task, np.asarray(train.labels))
    if task.splits[0] != task.splits[1]:
        facts |= shared_facts(train, dev)
    if isinstance(task, TableTask):
        facts |= _table_facts(task)
    return facts


def _class_facts(task: Task, labels: np.ndarray) -> Facts:
    counts = np.bincount(labels, minlength=len(task.labels))
    facts: Facts = {"classes": len(task.labels), "majority": round(float(counts.max() / max(1, counts.sum())), 4)}
    without = [name for name, count in zip(task.labels, counts, strict=False) if count == 0]
    alike: dict[str, list[str]] = {}
    for name in task.labels:
        alike.setdefault(re.sub(r"[\s_-]+", "", name).casefold(), []).append(name)
    similar = [names for names in alike.values() if len(names) > 1]
    facts |= {"classes_without_rows": without} if without else {}
    return facts | ({"similar_classes": similar} if similar else {})


def shared_facts(train: Examples, dev: Examples) -> Facts:
    """How many rows of `dev` have their text, or one text of their pair, among those of `train`."""
    facts: Facts = {"shared_rows": _shared(_texts(train), _texts(dev))}
    if train.second is not None and dev.second is not None:
        facts |= {"shared_first": _shared(train.first, dev.first), "shared_second": _shared(train.second, dev.second)}
    return facts


def _texts(rows: Examples) -> Sequence[Any]:
    return rows.first if rows.second is None else list(zip(rows.first, rows.second, strict=True))


def _shared(train: Sequence[Any], dev: Sequence[Any]) -> int:
    known = set(train)
    return sum(text in known for text in dev)


def _table_facts(task: TableTask) -> Facts:
    facts: Facts = {"held_out": task.holds_out}
    if task.group is not None and task.held_out != 1:
        train, dev = (task.groups_of(split) or () for split in ("train", "dev"))
        facts["shared_groups"] = len(set(train) & set(dev))
    reading = {split: dict(found) for split, found in task.facts.items()}
    return facts | ({"reading": reading} if reading else {})


def share_longer(source: Task | Corpus, length: int) -> float:
    """Share of texts (or pairs) with more words than `length` tokens, which are cut whatever the tokenizer.

    Words are what stands between blanks; each is one token or more. At most 2,000 texts are counted.
    """
    if isinstance(source, Task):
        rows = source.examples(source.splits[0])
        pairs: Sequence[Any] = _texts(rows)
    else:
        pairs = source.passages()
    if len(pairs) > SAMPLE:
        pairs = [pairs[i] for i in thinning(f"{source.title}/words", len(pairs), SAMPLE)]
    return sum(_words(pair) > length for pair in pairs) / max(1, len(pairs))


def _words(pair: str | tuple[str, str]) -> int:
    return len(pair.split()) if isinstance(pair, str) else sum(len(text.split()) for text in pair)


def refuse_absurd(task: Task, facts: Mapping[str, Any]) -> None:
    """Raise `DataError` for a task from which nothing can be learned as it is given."""
    if task.splits[0] == task.splits[1]:
        what = "has no rows to learn from: all of them are to be evaluated on."
        raise DataError(task.describe(), what, f"Write OutOfDomain(skill, {type(task).__name__}(...)), or hold a part out.")
    # Thinning leaves fewer rows than a task has; that is no mistake in its labels.
    rows = len(task.load(task.splits[0])) if facts.get("classes", 0) > MANY else 0
    if rows and facts["classes"] * TOO_FEW_ROWS > rows:
        shown = ", ".join(name if len(name) <= 30 else f"{name[:27]}..." for name in task.labels[:3])
        what = f"has {facts['classes']:,} classes in {rows:,} rows to learn from ({shown}, ...)."
        remedy = "Is label= the column of classes? For numbers write kind='score'."
        raise DataError(task.describe(), what, remedy)


def oddities(title: str, facts: Mapping[str, Any]) -> Iterator[str]:
    """Sentences about what is odd: each says what was found, and what to do if it was not meant so."""
    train, *others = facts["rows"].values()
    dev = others[0] if others else train
    if facts.get("majority", 0) >= MAJORITY:
        yield f"{title}: {facts['majority']:.0%} of the training rows are of one class; accuracy alone says little"
    if facts.get("classes", 0) > MANY and facts["classes"] * FEW_ROWS > train:
        yield f"{title}: {facts['classes']:,} classes in {train:,} training rows; is the label column the right one?"
    for names in facts.get("similar_classes", ()):
        yield f"{title}: the classes {_listed(names)} differ in spelling alone; classes={{...}} makes them one"
    if facts.get("classes_without_rows"):
        yield f"{title}: no training row is of the class {_listed(facts['classes_without_rows'])}"
    yield from _leaks(title, facts, dev)
    for split, found in facts.get("reading", {}).items():
        yield from _reading(title, split, found)


def _leaks(title: str, facts: Mapping[str, Any], dev: int) -> Iterator[str]:
    if facts.get("shared_rows", 0) > SHARED * dev:
        yield f"{title}: {_of(facts['shared_rows'], dev)} dev rows are training rows, too; scores will be too good"
    if facts.get("shared_groups"):
        groups, verb = _counted(facts["shared_groups"], "group"), "has" if facts["shared_groups"] == 1 else "have"
        yield f"{title}: {groups} {verb} rows in train and in dev; scores will be too good"
    for place in ("first", "second"):
        number = facts.get(f"shared_{place}", 0)
        if facts.get("held_out") and "shared_groups" not in facts and number > CUT * dev:
            advice = "if such rows belong together, group= names a column that holds them together"
            yield f"{title}: of {_of(number, dev)} dev rows the {place} text stands in a training row, too; {advice}"


def _reading(title: str, split: str, found: Mapping[str, Any]) -> Iterator[str]:
    if found.get("quotes_detected") and found["quotes"] == "of the format":
        yield f"{title}, {split}: quotes are read as those of CSV, as the file shows; quoted=False reads them as text"
    if found.get("quotes_detected") and found.get("cells_kept_in_quotes"):
        kept = _counted(found["cells_kept_in_quotes"], "cell")
        yield f"{title}, {split}: quotes around {kept} are read as text; quoted=True takes them away"
    if found.get("dropped_without_label"):
        yield f"{title}, {split}: without a label, and left out: {_counted(found['dropped_without_label'], 'row')}"
    if found.get("left_out"):
        yield f"{title}: the split {split!r} {found['left_out']} and is left out"


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _of(number: int, total: int) -> str:
    return f"{number:,} of {total:,} ({number / max(1, total):.0%})"


def _listed(names: Sequence[str]) -> str:
    shown = [repr(name) for name in names[:5]]
    return ", ".join(shown) + (f" and {len(names) - 5:,} more" if len(names) > 5 else "")
