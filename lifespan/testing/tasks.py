"""What a task owes."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np

from lifespan.contracts import Examples, Task
from lifespan.errors import DataError
from lifespan.stats.metrics import CLASS_METRICS, METRICS, SCORE_METRICS
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
    fitting = CLASS_METRICS if labels else SCORE_METRICS
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
    else:
        check(False, task, "loads a split that it does not have", "raise DataError for an unknown split")
    for split in splits:
        _check_rows(task, split)


def _check_rows(task: Task, split: str) -> None:
    where = f"in the split {split!r}"
    rows = task.load(split)
    check(isinstance(rows, Examples) and len(rows) > 0, task, f"has no Examples {where}", "load at least one row")
    check(len(rows.labels) == len(rows), task, f"has not one label a row {where}", "give as many labels as sentences")
    check(rows.second is None or len(rows.second) == len(rows), task, f"has pairs without a second {where}", "give both")
    texts = [*rows.first, *(rows.second or [])]
    check(all(isinstance(text, str) for text in texts), task, f"has a sentence that is no text {where}", "give str")
    given, (low, high) = np.asarray(rows.labels), task.score_range
    if task.labels:
        fine = given.dtype == np.int64 and bool(((given >= 0) & (given < len(task.labels))).all())
        check(fine, task, f"has labels that are no class index {where}", f"give int64 from 0 to {len(task.labels) - 1}")
    else:
        fine = given.dtype == np.float64 and bool(((given >= low) & (given <= high)).all())
        check(fine, task, f"has labels outside its score_range {where}", f"give float64 from {low:g} to {high:g}")
    same = task.load(split).fingerprint == rows.fingerprint
    check(same, task, f"loads other rows the second time {where}", "keep the order; draw nothing at random")
    if len(rows) > 1 and split != task.splits[0]:
        thinned = replace(task, eval_examples=1).examples(split)
        check(len(thinned) == 1, task, f"ignores eval_examples {where}", "leave thinning to Task.examples")
