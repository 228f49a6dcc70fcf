"""What learners that know no word order make of the micro world's tasks, beside what a subject makes of them.

    python benchmarks/bag_of_words.py --out benchmarks/results/bag_of_words.json
    python benchmarks/bag_of_words.py --run RUN_OF_MICRO_WORLD --out benchmarks/results/bag_of_words.json

Each learner is fitted on the training split and scored on all rows of the test split, as often as there are `--seeds`; the
mean is printed. What it is given of a row:

- words: how often each word stands in each sentence, in both, and how many words both have in common;
- bigrams: how often each pair of neighbouring words does, and how many both have in common, with a sign at either end;
- keywords: the 40 of these counts (words and bigrams) that tell most about the answer, by mutual information;
- crossed: which pairs of a word of the first and a word of the second sentence occur (in a single sentence: any two words).

Similarity is scored by Pearson correlation, every other task by accuracy. With `--run` the table ends with the subject's own
scores there: the means over individuals of the groups `weights`, `masks` and `undeveloped`, right after learning.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor, RandomForestClassifier
from sklearn.ensemble import RandomForestRegressor
from sklearn.feature_extraction import DictVectorizer
from sklearn.feature_selection import SelectKBest, chi2
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from lifespan import MicroTask
from lifespan.contracts import Examples
from lifespan.tasks.world.exercises import EXERCISES

Words = Sequence[str]
COLUMNS = 1000
"""Counts that a learner is given, those of highest chi-squared with the answer: what is left out is rare."""
KEYWORDS = 40


def neighbours(words: Words) -> list[str]:
    """Pairs of neighbouring words, with a sign before the first word and after the last."""
    framed = ["<", *words, ">"] if words else []
    return [" ".join(pair) for pair in zip(framed, framed[1:], strict=False)]


def counted(first: Words, second: Words) -> Counter[str]:
    """How often each item stands on each side, in both and in one more often, and how many items both have in common."""
    left, right = Counter(first), Counter(second)
    both = left & right
    sides = (("1", left), ("2", right), ("both", both), ("differ", (left | right) - both if second else {}))
    found = Counter({f"{side} {item}": number for side, items in sides for item, number in items.items()})
    found["in common"] = both.total()
    return found


def crossed(first: Words, second: Words) -> Counter[str]:
    """Pairs of a word of each side; of any two words of a single sentence."""
    return Counter(f"{one} x {other}" for one, other in product(sorted(set(first)), sorted(set(second or first))))


VIEWS: dict[str, Callable[[Words, Words], Counter[str]]] = {
    "words": counted,
    "bigrams": lambda first, second: counted(neighbours(first), neighbours(second)),
    "both": lambda first, second: counted([*first, *neighbours(first)], [*second, *neighbours(second)]),
    "crossed": crossed,
}


def seen(rows: Examples, view: str) -> list[Counter[str]]:
    """The counts of every row."""
    seconds = rows.second or [""] * len(rows)
    return [VIEWS[view](first.split(), second.split()) for first, second in zip(rows.first, seconds, strict=True)]


def learners(score: bool, seed: int) -> dict[str, tuple[str, int, Any]]:
    """By name: which counts a learner is given, how many of them, and the learner."""
    dense = FunctionTransformer(lambda counts: counts.toarray(), accept_sparse=True)
    tree = (DecisionTreeRegressor if score else DecisionTreeClassifier)(min_samples_leaf=5, random_state=seed)
    forest = (RandomForestRegressor if score else RandomForestClassifier)(200, min_samples_leaf=2, random_state=seed)
    booster = HistGradientBoostingRegressor if score else HistGradientBoostingClassifier
    boosted = make_pipeline(dense, booster(max_iter=150, random_state=seed))
    linear = Ridge(10.0) if score else LogisticRegression(C=0.3, max_iter=500)
    found = {"tree, words": ("words", COLUMNS, tree), "tree, keywords": ("both", KEYWORDS, tree)}
    for view in ("words", "bigrams", "crossed"):
        found |= {f"forest, {view}": (view, COLUMNS, forest), f"boosted trees, {view}": (view, COLUMNS, boosted)}
        found |= {f"linear, {view}": (view, 20 * COLUMNS, linear)}
        found |= {} if score else {f"naive Bayes, {view}": (view, 20 * COLUMNS, MultinomialNB())}
    return found | {"boosted trees, keywords": ("both", KEYWORDS, boosted)}


def scored(task: MicroTask, view: str, columns: int, learner: Any) -> float:
    """Accuracy on the test split, or Pearson correlation of scores, of a learner fitted on the training split."""
    train, test = (task.examples(split) for split in ("train", "test"))
    counts = DictVectorizer()
    given = counts.fit_transform(seen(train, view))
    best = SelectKBest(chi2, k=min(columns, given.shape[1])).fit(given, train.labels.astype(int))
    learner.fit(best.transform(given), train.labels)
    found = learner.predict(best.transform(counts.transform(seen(test, view))))
    if not task.labels:
        return float(np.corrcoef(found, test.labels)[0, 1]) if np.ptp(found) > 0 else 0.0
    return float(np.mean(found == test.labels))


def table(names: Sequence[str] = tuple(EXERCISES), seed: int = 0, **thinned: int) -> dict[str, dict[str, float]]:
    """Scores by learner and task."""
    found: dict[str, dict[str, float]] = {}
    for name in names:
        task = MicroTask(name, **thinned)
        for learner, (view, columns, model) in learners(not task.labels, seed).items():
            found.setdefault(learner, {})[name] = round(scored(task, view, columns, model), 3)
            print(f"{name:14s} {learner:24s} {found[learner][name]:.3f}", flush=True)
    return found


def subjects(run: Path) -> dict[str, dict[str, float]]:
    """Mean scores over individuals right after learning, by group and task, of a run of `micro_world`."""
    raise NotImplementedError


if __name__ == "__main__":
    print(table())
