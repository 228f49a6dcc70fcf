"""Metrics of classes beside GLUE's: macro-F1, precision, recall, and the area under the ROC curve from outputs.

All agree with scikit-learn where both are defined; higher is better for every one of them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from lifespan.stats._arrays import NDArray


def macro_f1(predictions: ArrayLike, labels: ArrayLike) -> float:
    """Mean over classes of each class's F1, 2 TP / (2 TP + FP + FN): all classes count alike, however rare.

    In [0, 1]. The classes are those that occur among predictions or labels. Source: scikit-learn, `f1_score(average="macro")`.

    Class 0 has 4 / 6 and class 1 has 2 / 4:

    >>> round(macro_f1([0, 0, 0, 1], [0, 0, 1, 1]), 4)
    0.7333
    """
    predicted, true = np.asarray(predictions), np.asarray(labels)
    classes = np.unique(np.concatenate([predicted, true]))
    return float(np.mean([_share(predicted, true, 2.0, name, name) for name in classes]))


def precision(predictions: ArrayLike, labels: ArrayLike, positive: int = 1) -> float:
    """Share of right answers among answers of the class `positive`: TP / (TP + FP).

    In [0, 1]; 0 where that class is never answered. Source: van Rijsbergen, Information Retrieval (1979).

    >>> precision([1, 1, 0, 0], [1, 0, 1, 0]), precision([1, 1, 0, 0], [1, 0, 0, 0], positive=0)
    (0.5, 1.0)
    """
    return _share(np.asarray(predictions), np.asarray(labels), 1.0, positive, None)


def recall(predictions: ArrayLike, labels: ArrayLike, positive: int = 1) -> float:
    """Share of the examples of the class `positive` that are answered so: TP / (TP + FN).

    In [0, 1]; 0 where that class does not occur. Always answering it scores 1, so that it says little alone. Source: van
    Rijsbergen, Information Retrieval (1979).

    >>> recall([1, 1, 0, 0], [1, 0, 1, 1])
    0.3333333333333333
    """
    return _share(np.asarray(predictions), np.asarray(labels), 1.0, None, positive)


def auc(outputs: ArrayLike, labels: ArrayLike, positive: int = 1) -> float:
    """Area under the ROC curve: how likely an example of a class scores higher for it than one of another, ties half.

    In [0, 1], 0.5 at chance. `outputs` are a head's, unnormalised log-probabilities (examples, classes). With two classes the
    score is the log-odds of `positive`, with more it is each class's against all others, and the area the mean over classes
    that occur (macro average, one against the rest). Ties have mean ranks. NaN where only one class occurs or an output is
    NaN. Sources: Hanley & McNeil (1982), https://doi.org/10.1148/radiology.143.1.7063747; scikit-learn, `roc_auc_score`.

    >>> auc([[0.0, 1.0], [0.0, 2.0], [0.0, 0.0]], [0, 1, 0]), auc([[0.0, 1.0], [0.0, 2.0], [0.0, 0.0]], [0, 1, 0], positive=0)
    (1.0, 1.0)
    """
    scores, true = np.asarray(outputs, dtype=np.float64), np.asarray(labels)
    if scores.ndim != 2 or len(scores) != len(true) or scores.shape[1] < 2:
        raise ValueError(f"outputs of shape {scores.shape} and {len(true)} labels: auc needs (examples, classes) outputs.")
    classes = [positive] if scores.shape[1] == 2 else [name for name in range(scores.shape[1]) if (true == name).any()]
    if np.isnan(scores).any() or len(np.unique(true)) < 2:
        return float("nan")
    return float(np.mean([_area(_log_odds(scores, name), true == name) for name in classes]))


def merged(outputs: ArrayLike, codes: ArrayLike, count: int) -> NDArray:
    """Log-probabilities of `count` classes, from outputs of classes that mean them: `codes` has each output's class.

    A class that none of them means has log-probability minus infinity; NaN where an output is not finite.

    >>> np.exp(merged([[0.0, 0.0, 0.0, 0.0]], [0, 1, 1, 1], 3)).round(2).tolist()
    [[0.25, 0.75, 0.0]]
    """
    scores, meant = np.asarray(outputs, dtype=np.float64), np.asarray(codes)
    scores = np.where(np.isfinite(scores).all(axis=1, keepdims=True), scores, np.nan)
    shifted = scores - scores.max(axis=1, keepdims=True)
    shares = np.exp(shifted) / np.exp(shifted).sum(axis=1, keepdims=True)
    found = np.zeros((len(scores), count))
    for code in range(count):
        found[:, code] = shares[:, meant == code].sum(axis=1)
    with np.errstate(divide="ignore"):
        return np.log(found)


def _share(predicted: NDArray, true: NDArray, weight: float, marked: object, wanted: object) -> float:
    """weight TP over predictions of `marked` and labels of `wanted`, whichever are given; 0 where there are none."""
    name = wanted if marked is None else marked
    hits = int(np.sum((predicted == name) & (true == name)))
    total = (0 if marked is None else int(np.sum(predicted == name))) + (0 if wanted is None else int(np.sum(true == name)))
    return weight * hits / total if total else 0.0


def _log_odds(scores: NDArray, name: int) -> NDArray:
    """log p - log(1 - p) of a class, without rounding probabilities near 0 and 1 to ties."""
    others = np.delete(scores, name, axis=1)
    most = others.max(axis=1)
    safe = np.where(np.isfinite(most), most, 0.0)
    with np.errstate(divide="ignore"):
        rest = safe + np.log(np.exp(others - safe[:, None]).sum(axis=1))
    odds: NDArray = scores[:, name] - rest
    return odds


def _area(scores: NDArray, positive: NDArray) -> float:
    """Mann-Whitney's U of the positive examples over its largest value, from mid-ranks."""
    _, codes, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[codes]
    many, few = int(positive.sum()), int((~positive).sum())
    return float((ranks[positive].sum() - many * (many + 1) / 2) / (many * few))
