"""How alike two representations are, and how alike two sets of answers."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from lifespan.stats._arrays import NDArray


def cka(first: ArrayLike, second: ArrayLike) -> float:
    """Linear centred kernel alignment: |Y'X|_F^2 / (|X'X|_F |Y'Y|_F) of column-centred X (n, p) and Y (n, q).

    In [0, 1]: 1 for representations equal up to rotation and scale, near 0 for unrelated ones; biased upwards where n is not
    large beside p and q. NaN where one is constant. Source: Kornblith et al. (2019, equation 4),
    https://arxiv.org/abs/1905.00414.

    >>> x = np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, -1.0]])
    >>> round(cka(x, 3 * x[:, ::-1]), 6)
    1.0
    """
    x, y = _centred(first), _centred(second)
    if len(x) != len(y):
        raise ValueError(f"{len(x)} and {len(y)} examples: both representations must be of the same ones.")
    norm = np.linalg.norm(x.T @ x) * np.linalg.norm(y.T @ y)
    return float(np.linalg.norm(y.T @ x) ** 2 / norm) if norm > 0 else float("nan")


def debiased_cka(first: ArrayLike, second: ArrayLike) -> float:
    """Linear CKA of unbiased estimates: HSIC_1(K, L) / sqrt(HSIC_1(K, K) HSIC_1(L, L)) of K = XX' and L = YY'.

    With their diagonals set to 0, HSIC_1 is [tr(KL) + sum(K) sum(L) / ((n - 1)(n - 2)) - 2 / (n - 2) 1'KL1] / (n (n - 3)).
    1 for representations equal up to rotation and scale, near 0, either side, for unrelated ones however wide they are: to be
    preferred to `cka` where rows are no more than columns. n is at least 4. NaN where an estimate for one
    alone is not above 0.
    Source: Nguyen et al. (2021), https://arxiv.org/abs/2010.15327, with Song et al. (2012)'s estimator.

    >>> x = np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, -1.0], [2.0, 0.0], [0.0, -1.0]])
    >>> round(debiased_cka(x, 3 * x[:, ::-1] + 1), 6)
    1.0
    """
    x, y = _centred(first), _centred(second)
    if len(x) != len(y) or len(x) < 4:
        raise ValueError(f"{len(x)} and {len(y)} examples: both representations must be of the same ones, at least 4.")
    k, m = _hollow(x @ x.T), _hollow(y @ y.T)
    alone = _unbiased_hsic(k, k), _unbiased_hsic(m, m)
    return _unbiased_hsic(k, m) / float(np.sqrt(alone[0] * alone[1])) if min(alone) > 0 else float("nan")


def rsa(first: ArrayLike, second: ArrayLike) -> float:
    """Representational similarity: Spearman correlation of the two sets of pairwise dissimilarities, 1 - Pearson of rows.

    In [-1, 1]: 1 where both find the same examples alike. Rows are examples, (n, p) and (n, q), n at least 3. NaN where
    dissimilarities are constant. Source: Kriegeskorte et al. (2008), https://doi.org/10.3389/neuro.06.004.2008.

    >>> x = np.array([[1.0, 2.0, 4.0], [2.0, 1.0, 0.0], [1.0, 2.5, 3.0], [0.0, 1.0, 0.5]])
    >>> round(rsa(x, 2 * x + 1), 6)
    1.0
    """
    corner = np.triu_indices(len(np.asarray(first)), 1)
    distances = [(1 - np.corrcoef(np.asarray(states, dtype=float)))[corner] for states in (first, second)]
    if any(len(d) < 2 or not np.isfinite(d).all() or np.ptp(d) == 0 for d in distances):
        return float("nan")
    return float(stats.spearmanr(*distances).statistic)


def error_consistency(first: ArrayLike, second: ArrayLike) -> tuple[float, float, float]:
    """(agreement, chance, kappa) of which examples two subjects get right; boolean arrays, True where right.

    Agreement is the share of examples that both get right or both wrong; chance, p q + (1 - p)(1 - q), what independent
    errors at accuracies p and q would have; kappa = (agreement - chance) / (1 - chance), in [-1, 1]: 1 the same errors, 0
    independent ones. NaN where chance is 1. Source: Geirhos et al. (2020, equation 1), https://arxiv.org/abs/2006.16736.

    >>> error_consistency([True, True, False, False], [True, False, True, False])
    (0.5, 0.5, 0.0)
    """
    one, other = np.asarray(first, dtype=bool), np.asarray(second, dtype=bool)
    if one.shape != other.shape or len(one) == 0:
        raise ValueError(f"{len(one)} and {len(other)} answers: both subjects must have answered the same examples.")
    agreement = float((one == other).mean())
    p, q = one.mean(), other.mean()
    chance = float(p * q + (1 - p) * (1 - q))
    kappa = (agreement - chance) / (1 - chance) if chance < 1 - 1e-12 else float("nan")
    return agreement, chance, float(kappa)


def _unbiased_hsic(k: NDArray, m: NDArray) -> float:
    n = len(k)
    crossed = k.sum(0) @ m.sum(0)
    total = (k * m).sum() + k.sum() * m.sum() / ((n - 1) * (n - 2)) - 2 / (n - 2) * crossed
    return float(total / (n * (n - 3)))


def _hollow(gram: NDArray) -> NDArray:
    return gram - np.diag(np.diag(gram))


def _centred(values: ArrayLike) -> NDArray:
    matrix = np.asarray(values, dtype=np.float64)
    centred: NDArray = matrix - matrix.mean(axis=0)
    return centred
