"""Arrays to numbers: task metrics of GLUE, and summaries of a sequence of tasks.

Task metrics take `(predictions, labels)`, two one-dimensional arrays of equal length (of tags: a sequence of them for each
sentence), and return a float; higher is better for every one of them. They follow GLUE (Wang et al. 2018,
https://arxiv.org/abs/1804.07461) and agree with scikit-learn and SciPy, except that a correlation that does not exist is a
silent NaN.

The summaries take a score matrix `R` of shape (tasks, tasks), where `R[i, j]` is the score on task `j` after task `i`
was learned, both counted from 0 in the order of learning. An entry that was not measured is NaN; a summary that needs
it is NaN too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from lifespan.errors import ScenarioError, did_you_mean
from lifespan.stats._arrays import NDArray
from lifespan.stats.class_metrics import auc, macro_f1, precision, recall


def accuracy(predictions: ArrayLike, labels: ArrayLike) -> float:
    """Fraction of predictions that equal their label.

    In [0, 1]. Chance is the sum of squared class frequencies for guesses drawn like the labels, and the frequency of
    the commonest class for always guessing it: 1/K for K balanced classes. Source: GLUE (Wang et al. 2018).

    >>> accuracy([1, 0, 2, 2], [1, 1, 2, 0])
    0.5
    """
    predicted, true = _paired(predictions, labels)
    return float(np.mean(predicted == true))


def f1(predictions: ArrayLike, labels: ArrayLike, positive: int = 1) -> float:
    """F1 of the class `positive`, the harmonic mean of precision and recall: 2 TP / (2 TP + FP + FN).

    In [0, 1]. Every other class is negative. 0 where that class occurs neither in predictions nor in labels. It does not
    see true negatives, so its chance level is not fixed: always guessing that class scores 2p / (1 + p), p being its
    frequency (0.81 on MRPC). Sources: van Rijsbergen, Information Retrieval (1979); used for MRPC and QQP by
    GLUE (Wang et al. 2018).

    TP = 2, FP = 1, FN = 1, hence 4 / 6:

    >>> round(f1([1, 1, 1, 0, 0], [1, 1, 0, 1, 0]), 4)
    0.6667
    """
    predicted, true = (values == positive for values in _paired(predictions, labels))
    hits = int(np.sum(predicted & true))
    marked = int(np.sum(predicted)) + int(np.sum(true))
    return 2 * hits / marked if marked else 0.0


def matthews(predictions: ArrayLike, labels: ArrayLike) -> float:
    """Matthews correlation: (TP TN - FP FN) / sqrt((TP + FP)(TP + FN)(TN + FP)(TN + FN)).

    In [-1, 1]: 1 is perfect, 0 is chance whatever the class frequencies, below 0 is worse than chance. 0 where
    predictions or labels are constant, as in scikit-learn. For more than two classes it is Gorodkin's R_K, whose
    smallest value lies between -1 and 0. Sources: Matthews (1975), https://doi.org/10.1016/0005-2795(75)90109-9;
    Gorodkin (2004); used for CoLA by GLUE (Wang et al. 2018).

    TP = 2, TN = 1, FP = 1, FN = 0, hence (2 - 0) / sqrt(3 x 2 x 2 x 1):

    >>> round(matthews([1, 1, 1, 0], [1, 1, 0, 0]), 4)
    0.5774
    >>> matthews([1, 1, 1, 1], [1, 0, 1, 0])
    0.0
    """
    predicted, true = _paired(predictions, labels)
    classes, codes = np.unique(np.concatenate([predicted, true]), return_inverse=True)
    table = np.zeros((len(classes), len(classes)))
    np.add.at(table, (codes[len(predicted) :], codes[: len(predicted)]), 1)
    guessed, actual, n = table.sum(axis=0), table.sum(axis=1), table.sum()
    spread = (n**2 - guessed @ guessed) * (n**2 - actual @ actual)
    return float((np.trace(table) * n - guessed @ actual) / np.sqrt(spread)) if spread > 0 else 0.0


def pearson(predictions: ArrayLike, labels: ArrayLike) -> float:
    """Pearson's product-moment correlation: covariance over the product of the standard deviations.

    In [-1, 1]: 1 where predictions rise linearly with the labels, 0 at chance, negative where they fall. NaN where
    either side is constant, has fewer than two entries or holds a value that is not finite. Sources: Pearson (1895),
    https://doi.org/10.1098/rspl.1895.0041; used for STS-B by GLUE (Wang et al. 2018).

    Deviations (-1, 0, 1) and (-1, 1, 0), hence 1 / (sqrt(2) sqrt(2)):

    >>> round(pearson([1.0, 2.0, 3.0], [2.0, 4.0, 3.0]), 4)
    0.5
    >>> pearson([1.0, 1.0], [0.0, 2.0])
    nan
    """
    first, second = (_deviations(values) for values in _paired(predictions, labels))
    if first is None or second is None:
        return float("nan")
    return float(np.clip(first @ second, -1.0, 1.0))


def spearman(predictions: ArrayLike, labels: ArrayLike) -> float:
    """Spearman's rank correlation: Pearson's correlation of the ranks, tied values sharing their mean rank.

    In [-1, 1]: 1 where predictions order the examples as the labels do, 0 at chance. NaN as in `pearson`. Sources:
    Spearman (1904), https://doi.org/10.2307/1412159; used for STS-B by GLUE (Wang et al. 2018).

    Ranks (1, 2, 3) and (1, 3, 2): 1 - 6 x (0 + 1 + 1) / (3 x 8):

    >>> round(spearman([0.1, 0.2, 9.0], [1.0, 4.0, 3.0]), 4)
    0.5
    """
    predicted, true = _paired(predictions, labels)
    if not (np.isfinite(predicted).all() and np.isfinite(true).all()):
        return float("nan")
    return pearson(_ranks(predicted), _ranks(true))


def tag_accuracy(predictions: Tagged, labels: Tagged) -> float:
    """Fraction of words that got their tag, over the words of all sentences.

    In [0, 1]; chance as of `accuracy`, with words for examples. Both arguments are sequences of sentences, each a sequence
    of tags.

    Three of four words:

    >>> tag_accuracy([["B-PER", "I-PER", "O"], ["O"]], [["B-PER", "O", "O"], ["O"]])
    0.75
    """
    predicted, true = _tagged(predictions, labels)
    right = sum(a == b for one, other in zip(predicted, true, strict=True) for a, b in zip(one, other, strict=True))
    return right / sum(map(len, true))


def span_f1(predictions: Tagged, labels: Tagged) -> float:
    """F1 of spans: 2 TP / (spans predicted + spans labelled), a span being right where its kind, begin and end are.

    In [0, 1]; 0 where there is no span on either side. Arguments as of `tag_accuracy`; spans as of `spans`. Sources:
    CoNLL-2003 (Tjong Kim Sang & De Meulder 2003, https://arxiv.org/abs/cs/0306050); computed as `seqeval.metrics.f1_score`
    does (https://github.com/chakki-works/seqeval), all kinds together.

    One of two spans is right, one of two predicted ones ends too early, hence 2 x 1 / (2 + 2):

    >>> span_f1([["B-PER", "I-PER", "O", "B-LOC"]], [["B-PER", "I-PER", "O", "B-LOC"]])
    1.0
    >>> span_f1([["B-PER", "O", "O", "B-LOC"]], [["B-PER", "I-PER", "O", "B-LOC"]])
    0.5
    """
    predicted, true = _tagged(predictions, labels)
    found = [set(spans(row)) for row in predicted]
    wanted = [set(spans(row)) for row in true]
    marked = sum(map(len, found)) + sum(map(len, wanted))
    return 2 * sum(len(one & other) for one, other in zip(found, wanted, strict=True)) / marked if marked else 0.0


def spans(tags: Sequence[str]) -> list[tuple[str, int, int]]:
    """(kind, first word, last word) of the spans of a sentence tagged in IOB2 or IOBES, as conlleval and seqeval read it.

    "B-" begins a span, "I-" goes on, "E-" ends it, "S-" is one of a single word, "O" and "" lie outside. A span that goes on
    without a begin, or with another kind, begins there.

    >>> spans(["B-PER", "I-PER", "O", "I-LOC", "B-LOC", "S-ORG", "E-ORG"])
    [('PER', 0, 1), ('LOC', 3, 3), ('LOC', 4, 4), ('ORG', 5, 5), ('ORG', 6, 6)]
    """
    found: list[tuple[str, int, int]] = []
    before, kind = "O", ""
    for place, tag in enumerate(tags):
        mark, _, own = tag.partition("-") if tag else ("O", "", "")
        if mark != "O":
            goes_on = mark in ("I", "E") and before in ("B", "I") and own == kind
            found.append((own, found.pop()[1] if goes_on else place, place))
        before, kind = mark, own
    return found


Tagged = Sequence[Sequence[str]] | NDArray
Metric = Callable[..., float]

CLASS_METRICS: tuple[str, ...] = ("accuracy", "f1", "matthews", "macro_f1", "auc", "precision", "recall")
OF_TWO_CLASSES: tuple[str, ...] = ("f1", "precision", "recall")
"""Metrics of the positive one of exactly two classes."""
OF_POSITIVE: tuple[str, ...] = (*OF_TWO_CLASSES, "auc")
"""Metrics that depend on which of two classes is the positive one."""
FROM_OUTPUTS: tuple[str, ...] = ("auc",)
"""Metrics of a head's outputs instead of the answers that these mean."""
SCORE_METRICS: tuple[str, ...] = ("pearson", "spearman")
TAG_METRICS: tuple[str, ...] = ("tag_accuracy", "span_f1")
METRICS: Mapping[str, Metric] = MappingProxyType(
    {
        **{"accuracy": accuracy, "f1": f1, "matthews": matthews, "pearson": pearson, "spearman": spearman},
        **{"macro_f1": macro_f1, "auc": auc, "precision": precision, "recall": recall},
        **{"tag_accuracy": tag_accuracy, "span_f1": span_f1},
    }
)


BEST = 1.0
"""Upper bound of every metric in `METRICS`: what a faultless answer scores."""


def score(metric_name: str, predictions: Any, labels: Any, *, outputs: Any = None, positive: int = 1) -> float:
    """The metric of this name. Raises `ScenarioError` with the nearest name where there is none.

    `outputs` are the head's, (examples, outputs), which `auc` is made from; `positive` is the class that F1, precision, recall
    and `auc` of two classes are about. `lifespan.training.evaluation.task_scores` gives both.

    NaN where an answer is none: a class index below 0, or a score that is NaN, as outputs that are not finite leave them.

    >>> score("accuracy", [1, 1], [1, 0])
    0.5
    """
    if metric_name not in METRICS:
        raise ScenarioError(f"metric {metric_name!r}", "is not known here.", did_you_mean(metric_name, METRICS))
    given = np.zeros(0) if metric_name in TAG_METRICS else np.asarray(predictions)
    if np.issubdtype(given.dtype, np.integer) and (given < 0).any():
        return float("nan")
    if metric_name in FROM_OUTPUTS:
        if outputs is None:
            what = "is made from a head's outputs, not from answers."
            raise ScenarioError(
                f"metric {metric_name!r}", what, "Give them: score(..., outputs=...), or use task_scores(...)."
            )
        return auc(outputs, labels, positive)
    chosen = {"positive": positive} if metric_name in OF_POSITIVE else {}
    return METRICS[metric_name](predictions, labels, **chosen)


def chance(metric_name: str, labels: Any, positive: int = 1) -> float:
    """The best that one constant answer can score: what is left when nothing is known but the labels' frequencies.

    Accuracy: the frequency of the commonest class. Always answering the class `positive`, p being its frequency: F1 has
    2p / (1 + p), precision p, recall 1. Macro-F1: that of always answering the commonest class. The area under the ROC curve:
    0.5. Correlations: 0. Tags: the best that one tag for every word can score.

    >>> chance("accuracy", [1, 1, 0]), chance("matthews", [1, 0]), round(chance("f1", [1, 1, 0]), 3)
    (0.6666666666666666, 0.0, 0.8)
    """
    if metric_name in TAG_METRICS:
        tags = sorted({tag for row in labels for tag in row})
        return max(score(metric_name, [[tag] * len(row) for row in labels], labels) for tag in tags)
    if metric_name in ("accuracy", "macro_f1"):
        names, counts = np.unique(np.asarray(labels), return_counts=True)
        return score(metric_name, np.full(len(np.asarray(labels)), names[counts.argmax()]), labels)
    if metric_name in OF_TWO_CLASSES:
        return score(metric_name, np.full(len(np.asarray(labels)), positive), labels, positive=positive)
    return 0.5 if metric_name == "auc" else 0.0


def effective_rank(states: ArrayLike) -> float:
    """Effective rank exp(-sum p log p), p = s / sum(s), of the singular values s of the column-centred (n, width) states.

    In [1, min(n, width)]; NaN where the states are all equal. Source: Roy & Vetterli (2007, definition 1).

    >>> round(effective_rank([[1, 0], [-1, 0], [0, 1], [0, -1]]), 6)
    2.0
    """
    values = _singular_values(states)
    if values.sum() <= 0:
        return float("nan")
    shares = values[values > 0] / values.sum()
    return float(np.exp(-(shares * np.log(shares)).sum()))


def stable_rank(states: ArrayLike) -> float:
    """Stable rank sum(s^2) / max(s^2) of the column-centred (n, width) states, in [1, min(n, width)]; NaN where all are equal.

    >>> round(stable_rank([[2, 0], [-2, 0], [0, 1], [0, -1]]), 6)
    1.25
    """
    squares = _singular_values(states) ** 2
    return float(squares.sum() / squares.max()) if squares.max() > 0 else float("nan")


def average_accuracy(scores: ArrayLike) -> float:
    """ACC = mean over j of R[T-1, j]: the mean score on all T tasks once the last is learned.

    In the range of the scores. Source: Lopez-Paz & Ranzato (2017), https://arxiv.org/abs/1706.08840.

    >>> average_accuracy([[0.9, 0.5], [0.7, 0.8]])
    0.75
    """
    return float(_square(scores)[-1].mean())


def backward_transfer(scores: ArrayLike) -> float:
    """BWT = mean over j < T-1 of R[T-1, j] - R[j, j]: what later tasks did to earlier ones.

    Negative is forgetting, positive is improvement; in [-1, 1] for scores in [0, 1]. NaN for a single task. Source:
    Lopez-Paz & Ranzato (2017), https://arxiv.org/abs/1706.08840.

    >>> round(backward_transfer([[0.9, 0.5], [0.7, 0.8]]), 4)
    -0.2
    """
    matrix = _square(scores)
    return _mean(matrix[-1, :-1] - matrix.diagonal()[:-1])


def forward_transfer(scores: ArrayLike, at_birth: ArrayLike) -> float:
    """FWT = mean over j >= 1 of R[j-1, j] - b[j]: what earlier tasks did for a task not yet learned.

    `at_birth` is b, of shape (tasks,): scores of the untrained subject. Positive is help, negative is harm. NaN for a
    single task. The mean is over T-1 tasks, as in the paper (its published code divides by T). Source: Lopez-Paz &
    Ranzato (2017), https://arxiv.org/abs/1706.08840.

    >>> round(forward_transfer([[0.9, 0.6], [0.7, 0.8]], at_birth=[0.5, 0.5]), 4)
    0.1
    """
    matrix = _square(scores)
    start = _one_per_task(at_birth, matrix, "at_birth")
    return _mean(matrix.diagonal(offset=1) - start[1:])


def forgetting_max(scores: ArrayLike) -> float:
    """Forgetting F = mean over j < T-1 of (max over l < T-1 of R[l, j]) - R[T-1, j].

    The fall from the best score ever held before the last task, which may lie before the task itself was learned.
    Positive is forgetting; negative where the last task improved an earlier one beyond its best. In [-1, 1] for scores
    in [0, 1]. Unmeasured (NaN) entries are left out of the maximum. NaN for a single task. Source: Chaudhry et al.
    (2018), https://arxiv.org/abs/1801.10112.

    Task 0: best 0.9, now 0.6; task 1: best 0.8, now 0.7:

    >>> round(forgetting_max([[0.8, 0.5, 0.5], [0.9, 0.8, 0.5], [0.6, 0.7, 0.9]]), 4)
    0.2
    """
    matrix = _square(scores)
    best = np.fmax.reduce(matrix[:-1, :-1], axis=0, initial=np.nan)
    return _mean(best - matrix[-1, :-1])


def forgetting_last(scores: ArrayLike) -> float:
    """Mean over j < T-1 of R[j, j] - R[T-1, j], which is -BWT: the fall since right after each task was learned.

    Positive is forgetting. NaN for a single task. Libraries often call this plain "forgetting"; compare
    `forgetting_max`, which is never smaller on a fully measured matrix. Source: Lopez-Paz & Ranzato (2017),
    https://arxiv.org/abs/1706.08840.

    >>> round(forgetting_last([[0.8, 0.5, 0.5], [0.9, 0.8, 0.5], [0.6, 0.7, 0.9]]), 4)
    0.15
    """
    return -backward_transfer(scores)


def intransigence(scores: ArrayLike, joint: ArrayLike) -> float:
    """Mean over k of I_k = joint[k] - R[k, k]: how much worse each task was learned than it could have been.

    `joint`, of shape (tasks,), holds at k the score on task k of a reference trained on tasks 0..k together. Positive
    is intransigence (a failure to learn); negative means that learning in sequence helped. Source: Chaudhry et al.
    (2018), https://arxiv.org/abs/1801.10112, which reports I_k for single k.

    >>> round(intransigence([[0.9, 0.5], [0.7, 0.6]], joint=[0.9, 0.8]), 4)
    0.1
    """
    matrix = _square(scores)
    return _mean(_one_per_task(joint, matrix, "joint") - matrix.diagonal())


def _paired(predictions: ArrayLike, labels: ArrayLike) -> tuple[NDArray, NDArray]:
    predicted, true = np.asarray(predictions), np.asarray(labels)
    if predicted.ndim != 1 or predicted.shape != true.shape or len(true) == 0:
        raise ValueError(
            f"predictions of shape {predicted.shape} and labels of shape {true.shape}: a metric needs two "
            "one-dimensional arrays of one length, at least 1."
        )
    return predicted, true


def _tagged(predictions: Tagged, labels: Tagged) -> tuple[list[list[str]], list[list[str]]]:
    predicted, true = ([list(row) for row in rows] for rows in (predictions, labels))
    if [len(row) for row in predicted] != [len(row) for row in true] or not any(true):
        raise ValueError("a metric of tags needs as many tags as words of each sentence, and at least one word.")
    return predicted, true


def _deviations(values: NDArray) -> NDArray | None:
    """Deviations from the mean at unit length, or None where they have no direction."""
    numbers = values.astype(np.float64)
    # Compared before centring: the mean of equal floats can differ from them by a rounding error.
    if not np.isfinite(numbers).all() or (numbers == numbers[0]).all():
        return None
    numbers = numbers / np.abs(numbers).max()
    centred: NDArray = numbers - numbers.mean()
    largest = np.abs(centred).max()
    if largest == 0:
        return None
    centred = centred / largest
    unit: NDArray = centred / np.linalg.norm(centred)
    return unit


def _singular_values(states: ArrayLike) -> NDArray:
    matrix = np.asarray(states, dtype=np.float64)
    return np.linalg.svd(matrix - matrix.mean(axis=0), compute_uv=False)


def _ranks(values: NDArray) -> NDArray:
    """Ranks from 1, ties sharing the mean of the ranks that they span."""
    _, codes, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[codes]


def _square(scores: ArrayLike) -> NDArray:
    matrix = np.asarray(scores, dtype=np.float64)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or len(matrix) == 0:
        raise ValueError(f"scores of shape {matrix.shape}: must be (tasks, tasks): rows learned, columns tested.")
    return matrix


def _one_per_task(values: ArrayLike, matrix: NDArray, name: str) -> NDArray:
    numbers = np.asarray(values, dtype=np.float64)
    if numbers.shape != (len(matrix),):
        raise ValueError(f"{name} of shape {numbers.shape}: must hold one score per task, {len(matrix)} here.")
    return numbers


def _mean(values: NDArray) -> float:
    return float(values.mean()) if len(values) else float("nan")
