"""CKA, RSA and error consistency: invariances, naive definitions, scikit-learn, and individuals of a record."""

import itertools
import math

import numpy as np
import pytest
from conftest import TASKS, TINY, weights
from scipy import stats
from sklearn.metrics import cohen_kappa_score
from small_lives import lived

from lifespan import (
    Between,
    Develop,
    ErrorOverlap,
    Learn,
    MicroText,
    Outputs,
    Probe,
    RepresentationSimilarity,
    Scenario,
    Score,
    Study,
    read,
    simulate,
)
from lifespan.analysis.examples import error_overlap
from lifespan.errors import RecordError
from lifespan.randomness import Streams
from lifespan.stats.similarity import cka, debiased_cka, error_consistency, rsa
from lifespan.training.evaluation import predictions

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(40, 6)), RNG.normal(size=(40, 9))
SENTIMENT = TASKS[0]


def naive_cka(x, y):
    """Through Gram matrices and the Hilbert-Schmidt criterion (Kornblith et al. 2019, equations 1 and 2)."""
    n = len(x)
    centre = np.eye(n) - 1 / n
    grams = [centre @ (v @ v.T) @ centre for v in (x, y)]
    hsic = [[np.trace(a @ b) / (n - 1) ** 2 for b in grams] for a in grams]
    return hsic[0][1] / np.sqrt(hsic[0][0] * hsic[1][1])


def test_cka_is_the_ratio_of_hilbert_schmidt_criteria():
    mixed = X @ RNG.normal(size=(6, 9)) + 0.3 * Y
    for y in (Y, mixed):
        assert cka(X, y) == pytest.approx(naive_cka(X, y))
    assert cka(X, mixed) > cka(X, Y)


def test_cka_sees_no_rotation_scale_or_shift_but_sees_stretching():
    turn, _ = np.linalg.qr(RNG.normal(size=(6, 6)))
    assert cka(X, 5 * X @ turn + 3) == pytest.approx(1)
    assert cka(X, X * [10, 1, 1, 1, 1, 1]) < 0.9
    assert np.isnan(cka(X, np.ones((40, 2))))
    with pytest.raises(ValueError, match="40 and 39 examples"):
        cka(X, Y[:39])


def naive_debiased_cka(x, y):
    """Song et al. (2012)'s estimator as sums over examples that all differ."""
    n = len(x)
    k, m = x @ x.T, y @ y.T

    def hsic(a, b):
        pairs = sum(a[i, j] * b[i, j] for i, j in itertools.permutations(range(n), 2))
        triples = sum(a[i, j] * b[i, q] for i, j, q in itertools.permutations(range(n), 3))
        fours = sum(a[i, j] * b[q, r] for i, j, q, r in itertools.permutations(range(n), 4))
        return pairs / (n * (n - 1)) + fours / math.perm(n, 4) - 2 * triples / math.perm(n, 3)

    return hsic(k, m) / np.sqrt(hsic(k, k) * hsic(m, m))


def test_debiased_cka_is_the_ratio_of_unbiased_estimates():
    x, y = X[:9], X[:9] @ RNG.normal(size=(6, 4)) + RNG.normal(size=(9, 4))
    assert debiased_cka(x, y) == pytest.approx(naive_debiased_cka(x, y))
    turn, _ = np.linalg.qr(RNG.normal(size=(6, 6)))
    assert debiased_cka(X, 5 * X @ turn + 3) == pytest.approx(1)
    assert np.isnan(debiased_cka(X, np.ones((40, 2))))
    with pytest.raises(ValueError, match=r"3 and 3 examples.*at least 4"):
        debiased_cka(X[:3], Y[:3])


def test_unrelated_wide_representations_are_alike_by_plain_cka_only():
    pairs = [RNG.normal(size=(2, 60, 120)) for _ in range(40)]
    assert min(cka(x, y) for x, y in pairs) > 0.5
    found = [debiased_cka(x, y) for x, y in pairs]
    assert np.mean(found) == pytest.approx(0, abs=0.02) and max(map(abs, found)) < 0.1


def test_rsa_is_the_rank_correlation_of_distances():
    distances = []
    for values in (X, Y):
        found = [1 - np.corrcoef(values[i], values[j])[0, 1] for i in range(40) for j in range(i + 1, 40)]
        distances.append(found)
    assert rsa(X, Y) == pytest.approx(stats.spearmanr(*distances).statistic)
    assert rsa(X, X) == pytest.approx(1)


@pytest.mark.parametrize("seed", range(3))
def test_error_consistency_is_cohens_kappa_of_who_is_right(seed):
    draw = np.random.default_rng(seed)
    first, second = draw.random(200) < 0.7, draw.random(200) < 0.6
    agreement, chance, kappa = error_consistency(first, second)
    assert agreement == (first == second).mean() and kappa == pytest.approx(cohen_kappa_score(first, second))
    assert chance == pytest.approx(first.mean() * second.mean() + (1 - first.mean()) * (1 - second.mean()))
    assert error_consistency(first, first)[2] == 1 and np.isnan(error_consistency([True], [True])[2])


def test_a_subject_represents_as_itself_and_twins_differ_more_deeply():
    life = (Develop(MicroText(number=200), steps=20, batch_size=16), Learn(SENTIMENT, by=weights(12)))
    one, other = (lived(*life, origin=TINY, seed=seed)[0] for seed in (0, 1))
    contrast, tasks = RepresentationSimilarity(corpus=MicroText(number=60), examples=40), {SENTIMENT.title: SENTIMENT}
    same = {(r.task, r.metric): r.value for r in contrast.compare(one, one, tasks, Streams(0, "x"))}
    apart = {(r.task, r.metric): r.value for r in contrast.compare(one, other, tasks, Streams(0, "x"))}
    assert set(same) == {
        (task, f"{m}/{k}") for task in ("", SENTIMENT.title) for m in ("cka", "cka_debiased", "rsa") for k in (0, 1)
    }
    assert all(value == pytest.approx(1) for value in same.values())
    assert all(value < 0.999 for value in apart.values())


def test_pooling_takes_the_first_token_or_the_mean_of_real_ones():
    from lifespan.probes.representation.representation import pooled_states
    from lifespan.training.batches import Tokens

    subject, _ = lived(origin=TINY)
    texts = ["the cat is lovely .", "the dog and the cat are lovely and the queen is not ."]
    tokens = Tokens(subject.tokenizer, texts, None, 32)
    alone = Tokens(subject.tokenizer, texts[:1], None, 32)
    for pool in ("mean", "first"):
        both, single = (pooled_states(subject, None, t, pool) for t in (tokens, alone))
        assert np.allclose(both[-1][0], single[-1][0], atol=1e-5)


def test_errors_of_individuals_are_compared_from_saved_answers_and_by_contrast_alike(tmp_path):
    life = Scenario(name="life", subject=TINY, events=(Learn(SENTIMENT, by=weights(8)), Probe(Outputs(), Score())))
    pairs = (Between(ErrorOverlap(), pairs="individuals"),)
    simulate(Study(name="errors", groups={"one": life, "two": life}, individuals=3, between=pairs), tmp_path)
    record = read(tmp_path)
    table = record.examples()
    assert list(table.columns)[6:] == ["task", "split", "example", "label", "prediction", "right", "logit_0", "logit_1"]
    scores = record.measurements().query("probe == 'Score' and metric == 'accuracy'")
    for _, row in scores.iterrows():
        own = table[(table["group"] == row["group"]) & (table["individual"] == row["individual"])]
        assert (
            own["right"].mean() == row["value"]
            and (own[["logit_0", "logit_1"]].to_numpy().argmax(1) == own["prediction"]).all()
        )
    saved = error_overlap(record)
    assert len(saved) == 2 * 3 and len(error_overlap(record, within=False)) == 15
    by_contrast = record.contrasts().query("metric == 'kappa' and group == 'one'")["value"].tolist()
    assert saved[saved["group"] == "one"]["kappa"].tolist() == pytest.approx(by_contrast, nan_ok=True)
    simulate(Study(name="bare", groups={"one": Scenario(name="b", subject=TINY, events=())}), tmp_path / "bare")
    with pytest.raises(RecordError, match="keeps no answers one by one"):
        error_overlap(read(tmp_path / "bare"))


def test_saved_answers_of_scores_have_no_right_and_wrong():
    from lifespan import MicroTask

    similarity = MicroTask("similarity", train_examples=16, eval_examples=12)
    subject, _ = lived(Learn(similarity, by=weights(2)), origin=TINY)
    bulk, reading = Outputs().read(subject, {similarity.title: similarity}, Streams(0, "x"))
    assert np.isnan(bulk.columns["right"]).all() and reading.value == 12
    predicted, labels = predictions(subject, similarity, "dev", 128)
    assert bulk.columns["prediction"].tolist() == predicted.tolist() and bulk.columns["label"].tolist() == labels.tolist()
