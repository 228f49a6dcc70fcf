"""The check of a task."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np

from lifespan.contracts import Examples, Head, Task
from lifespan.errors import DataError
from lifespan.stats.metrics import METRICS
from lifespan.testing.heads import check_head
from lifespan.testing.specs import check, check_citation, check_rejects, check_spec


def check_task(task: Task) -> None:
    """Raise `AssertionError` where a task breaks a rule of `lifespan.contracts.Task`. Every split is read twice."""
    check_spec(task, Task)
    check_citation(task, required=False)
    check_rejects(task, "eval_examples", 0)
    plain = isinstance(task.title, str) and re.fullmatch(r"[a-z0-9][a-z0-9._-]*", task.title)
    remedy = "use lower-case letters, digits, dots, dashes and underscores"
    check(bool(plain), task, f"has the title {task.title!r}", remedy)
    labels = task.labels
    fine = isinstance(labels, tuple) and all(isinstance(label, str) for label in labels) and len(set(labels)) == len(labels)
    check(fine and len(labels) != 1, task, f"has the labels {labels!r}", "give two or more class names, or () for a score")
    head = task.head
    check(isinstance(head, Head), task, f"has the head {head!r}", "give an object of a class derived from lifespan.Head")
    check_spec(head, Head)
    fitting = type(head).metrics
    fine = isinstance(task.metrics, tuple) and len(task.metrics) > 0 and all(name in METRICS for name in task.metrics)
    remedy = f"name functions of lifespan.stats.metrics, such as {', '.join(fitting)}"
    check(fine and set(task.metrics) <= set(fitting), task, f"has the metrics {task.metrics!r}", remedy)
    splits = task.splits
    fine = isinstance(splits, tuple) and len(set(splits)) == len(splits) >= 2
    check(fine, task, f"has the splits {splits!r}", "name at least two: the first is learned, the second scored")
    try:
        task.load("no such split")
    except DataError:
        pass
    except Exception as error:
        what = f"raises {type(error).__name__} ({error}) for a split that it does not have"
        check(False, task, what, "raise lifespan.errors.DataError for an unknown split")
    else:
        check(False, task, "loads a split that it does not have", "raise DataError for an unknown split")
    for split in splits:
        _check_rows(task, split)
    check_head(task, task.load(splits[0]))


def _check_rows(task: Task, split: str) -> None:
    where = f"in the split {split!r}"
    rows = task.load(split)
    check(isinstance(rows, Examples) and len(rows) > 0, task, f"has no Examples {where}", "load at least one row")
    check(len(rows.labels) == len(rows), task, f"has not one label a row {where}", "give as many labels as sentences")
    check(rows.second is None or len(rows.second) == len(rows), task, f"has pairs without a second {where}", "give both")
    texts = [*rows.first, *(rows.second or [])]
    check(all(isinstance(text, str) for text in texts), task, f"has a sentence that is no text {where}", "give str")
    head, given = task.head, np.asarray(rows.labels)
    what, _, remedy = head.complaint(given).partition(": ")
    check(not what, task, f"has {what} {where}", remedy)
    for text, tags in zip(rows.first, given, strict=True) if head.words else ():
        words = text.split(" ")
        fine = len(words) == len(tags) and all(words)
        check(fine, task, f"has {len(words)} words and {len(tags)} labels in {text!r}", "join words by single spaces")
    same = task.load(split).fingerprint == rows.fingerprint
    check(same, task, f"loads other rows the second time {where}", "keep the order; draw nothing at random")
    if len(rows) > 1 and split != task.splits[0]:
        thinned = replace(task, eval_examples=1).examples(split)
        check(len(thinned) == 1, task, f"ignores eval_examples {where}", "leave thinning to Task.examples")
