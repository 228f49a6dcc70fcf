"""What people read for the names that rows and tables hold. Files keep the names; sentences, tables and figures show these."""

from __future__ import annotations

from lifespan.analysis.cohort import Cohort
from lifespan.report.formatting import counted, listed
from lifespan.stats.metrics import OF_POSITIVE

METRICS = {
    "f1": "F1",
    "macro_f1": "Macro-F1",
    "auc": "Area under the ROC curve",
    "precision": "Precision",
    "recall": "Recall",
    "matthews": "Matthews correlation",
    "span_f1": "F1 of spans",
    "tag_accuracy": "Accuracy of tags",
    "pearson": "Pearson correlation",
    "spearman": "Spearman correlation",
    "acc": "Average accuracy (ACC)",
    "bwt": "Backward transfer (BWT)",
    "fwt": "Forward transfer (FWT)",
    "forgetting_max": "Forgetting (max)",
    "forgetting_last": "Forgetting (last)",
    "intransigence": "Intransigence",
    "min_acc": "Minimum accuracy (min-ACC)",
    "wc_acc": "Worst-case accuracy (WC-ACC)",
    "wf_2": "Windowed forgetting (2 evaluations)",
    "wf_10": "Windowed forgetting (10 evaluations)",
    "wp_2": "Windowed plasticity (2 evaluations)",
    "wp_10": "Windowed plasticity (10 evaluations)",
    "steps_between_looks": "Optimizer steps between evaluations",
    "learning_curve_area": "Area under the learning curve",
    "steps_to_criterion": "Optimizer steps to criterion",
    "relearning_savings": "Savings in relearning",
    "half_life": "Half-life (optimizer steps)",
    "half_life_tasks": "Half-life (tasks)",
    "task not told": "score with the task inferred",
}
"""Metrics and outcomes by the name that rows have; others are shown as they are, with spaces."""

PAIRS = {
    "individuals": "between individuals",
    "twins": "between twins of two groups",
    "tasks": "between tasks of one subject",
    "self": "with an earlier checkpoint of itself",
}
"""Kinds of pairs of masks."""

NORMALISED = "_normalised"
"""Ending of metrics that are means over tasks of chance-normalised scores."""

ONE_SCALE = "with scores normalised task by task: 0 is the best constant answer, 1 the best that the metric can be"

NAMED_TASKS = 8
"""Tasks that a sentence names; of more it gives the number."""

MOMENTS = {"birth": "at birth", "development": "after development"}


def metric_label(name: str) -> str:
    """A metric as people read it.

    >>> metric_label("matthews"), metric_label("forgetting_max"), metric_label("span_f1")
    ('Matthews correlation', 'Forgetting (max)', 'F1 of spans')
    >>> metric_label("acc_normalised")
    'Chance-normalised average accuracy (ACC)'
    """
    plain = name.removesuffix(NORMALISED)
    label = METRICS.get(plain, plain.replace("_", " "))
    return label if plain == name else f"Chance-normalised {label[0].lower()}{label[1:]}"


def task_names(tasks: list[str]) -> str:
    """Tasks as a sentence says what a mean is over.

    >>> task_names(["rte", "mrpc"]), task_names(list("abcdefghi"))
    ('rte and mrpc', '9 tasks')
    """
    return listed(tasks) if 0 < len(tasks) <= NAMED_TASKS else counted(len(tasks), "task")


def primary_label(cohort: Cohort, task: str) -> str:
    """A task's primary metric as people read it, with the positive class where it is about one."""
    metric, positive = cohort.primary(task), cohort.positive(task)
    return metric_label(metric) + (f" of {positive}" if positive and metric in OF_POSITIVE else "")


def outcome_label(outcome: str) -> str:
    """An outcome as people read it; its task's title stays as it is.

    >>> outcome_label("f1 on my_task"), outcome_label("forgetting_max"), outcome_label("linear readout on f1")
    ('F1 on my_task', 'Forgetting (max)', 'linear readout on f1')
    """
    name, on, task = outcome.partition(" on ")
    return (metric_label(name) if name.endswith(NORMALISED) else METRICS.get(name, name)) + on + task


def checkpoint_label(moment: str) -> str:
    """A moment of life, as probes name it after "since", as people read it.

    >>> checkpoint_label("birth"), checkpoint_label("3")
    ('at birth', 'after event 3')
    """
    return MOMENTS.get(moment, f"after event {moment}")
