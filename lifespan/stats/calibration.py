"""Probabilities to numbers: does a subject know how sure to be?

`probabilities` is (examples, classes), rows summing to 1; `labels` are class indices.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from lifespan.stats._arrays import NDArray


def expected_calibration_error(probabilities: ArrayLike, labels: ArrayLike, *, bins: int = 10) -> float:
    """ECE = sum over bins of (share of examples) x |accuracy - mean confidence|, `bins` of equal width over [0, 1].

    Confidence is the largest probability. In [0, 1]; 0 is calibrated. Biased upwards in small samples. Source: Guo et al.
    (2017, equation 3), https://arxiv.org/abs/1706.04599.

    >>> round(expected_calibration_error([[0.8, 0.2], [0.8, 0.2]], [0, 1]), 6)
    0.3
    """
    p, y = _checked(probabilities, labels)
    if not np.isfinite(p).all():
        return float("nan")
    confidence, right = p.max(axis=1), p.argmax(axis=1) == y
    place = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
    gaps = [abs(right[place == b].mean() - confidence[place == b].mean()) * (place == b).mean() for b in np.unique(place)]
    return float(np.sum(gaps))


def brier(probabilities: ArrayLike, labels: ArrayLike) -> float:
    """Brier score: mean over examples of the squared distance of the probabilities from the label's, sum over classes.

    In [0, 2]; 0 is perfect, 1 - 1/K what uniform guesses score. For two classes it is twice scikit-learn's default
    `brier_score_loss`. Source: Brier (1950, equation 2), Verification of forecasts expressed in terms of probability.

    >>> round(brier([[0.8, 0.2]], [0]), 6)
    0.08
    """
    p, y = _checked(probabilities, labels)
    return float(((p - np.eye(p.shape[1])[y]) ** 2).sum(axis=1).mean())


def log_loss(probabilities: ArrayLike, labels: ArrayLike) -> float:
    """Mean negative log-likelihood of the labels, in nats: [0, inf), 0 is perfect, log K what uniform guesses score.

    >>> round(log_loss([[0.5, 0.5]], [1]), 4)
    0.6931
    """
    p, y = _checked(probabilities, labels)
    return float(-np.log(np.clip(p[np.arange(len(y)), y], 1e-12, None)).mean())


def softmax(logits: ArrayLike) -> NDArray:
    """Probabilities of logits, (examples, classes), in float64; NaN in rows of logits that are not finite."""
    values = np.asarray(logits, dtype=np.float64)
    values = np.where(np.isfinite(values).all(axis=1, keepdims=True), values, np.nan)
    values = np.exp(values - values.max(axis=1, keepdims=True))
    shares: NDArray = values / values.sum(axis=1, keepdims=True)
    return shares


def _checked(probabilities: ArrayLike, labels: ArrayLike) -> tuple[NDArray, NDArray]:
    p, y = np.asarray(probabilities, dtype=np.float64), np.asarray(labels, dtype=int)
    if p.ndim != 2 or len(p) != len(y) or len(y) == 0:
        raise ValueError(
            f"probabilities of shape {p.shape} and labels of shape {y.shape}: must be (n, classes) and (n,), n > 0."
        )
    return p, y
