"""What learners that know no word order make of the micro world's tasks, beside what a subject makes of them.

    python benchmarks/bag_of_words.py --out benchmarks/results/bag_of_words.json
    python benchmarks/bag_of_words.py --run RUN_OF_MICRO_WORLD --out benchmarks/results/bag_of_words.json

Decision trees, random forests, gradient-boosted trees, linear models and naive Bayes are fitted on the training split and
scored on all rows of the test split. What they are given of a row:

- words: how often each word stands in each sentence, in both, how much more often in one, and how many both have in common;
- bigrams: the same of pairs of neighbouring words, with a sign at either end;
- both: words and bigrams; keywords: the 40 of these counts that tell most about the answer (chi-squared);
- crossed: which pairs of a word of the first and a word of the second sentence occur (in a single sentence: any two words).

Similarity is scored by Pearson correlation, every other task by accuracy. With `--run` the table ends with the subject's own
scores there: the means over individuals of the groups `weights`, `masks` and `undeveloped`, right after learning.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import pairwise, product
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.feature_extraction import DictVectorizer
from sklearn.feature_selection import SelectKBest, chi2
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from lifespan import MicroTask, read
from lifespan.contracts import Examples
from lifespan.tasks.world.exercises import EXERCISES

Words = Sequence[str]
COLUMNS = 1000
"""Counts that a learner is given, those of highest chi-squared with the answer: what is left out is rare."""
MORE_COLUMNS = 20_000
KEYWORDS = 40


def neighbours(words: Words) -> list[str]:
    """Pairs of neighbouring words, with a sign before the first word and after the last."""
    framed = ["<", *words, ">"] if words else []
    return [" ".join(pair) for pair in pairwise(framed)]


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


Learner = tuple[str, int, Any]
"""Which counts it is given, how many of them at most, and what learns from them."""


def learners(score: bool, seed: int = 0) -> dict[str, Learner]:
    """All learners by name, for a task of classes or of scores."""
    booster = HistGradientBoostingRegressor if score else HistGradientBoostingClassifier
    dense = FunctionTransformer(lambda counts: counts.toarray(), accept_sparse=True)
    kinds = {
        "tree": (COLUMNS, (DecisionTreeRegressor if score else DecisionTreeClassifier)(min_samples_leaf=5, random_state=seed)),
        "forest": (COLUMNS, (RandomForestRegressor if score else RandomForestClassifier)(100, random_state=seed)),
        "boosted trees": (COLUMNS, make_pipeline(dense, booster(max_iter=100, random_state=seed))),
        "linear": (MORE_COLUMNS, Ridge(10.0) if score else LogisticRegression(C=0.3, max_iter=500)),
    }
    kinds |= {} if score else {"naive Bayes": (MORE_COLUMNS, MultinomialNB())}
    found = {f"{name}, {view}": (view, most, model) for view in VIEWS for name, (most, model) in kinds.items()}
    keen = {f"{name}, keywords": ("both", KEYWORDS, model) for name, (_, model) in kinds.items()}
    return found | keen


def learner(name: str, known_as: str) -> Learner:
    """One learner for a task of this name."""
    return learners(name == "similarity")[known_as]


def scored(task: MicroTask, view: str, columns: int, model: Any) -> tuple[float, float]:
    """Accuracy of a learner fitted on the training split on the test split, or its Pearson correlation; and that of chance."""
    train, test = (task.examples(split) for split in ("train", "test"))
    counts = DictVectorizer()
    given = counts.fit_transform(seen(train, view))
    best = SelectKBest(chi2, k=min(columns, given.shape[1])).fit(given, train.labels.astype(int))
    model.fit(best.transform(given), train.labels)
    found = model.predict(best.transform(counts.transform(seen(test, view))))
    if not task.labels:
        return float(np.corrcoef(found, test.labels)[0, 1]) if np.ptp(found) > 0 else 0.0, 0.0
    return float(np.mean(found == test.labels)), 1 / len(task.labels)


def table(names: Sequence[str] = tuple(EXERCISES)) -> dict[str, dict[str, float]]:
    """Scores by learner and task."""
    found: dict[str, dict[str, float]] = {}
    for name in names:
        for known_as, (view, columns, model) in learners(name == "similarity").items():
            found.setdefault(known_as, {})[name] = round(scored(MicroTask(name), view, columns, model)[0], 3)
        print(f"{name}: done", flush=True)
    return found


def subjects(run: Path) -> dict[str, dict[str, float]]:
    """Mean scores over individuals right after learning, on the test split, by group and task, of a run of `micro_world`."""
    rows = read(run).measurements()
    rows = rows[(rows["probe"] == "Score") & (rows["split"] == "test")]
    rows = rows[rows["metric"] == np.where(rows["task"] == "micro-similarity", "pearson", "accuracy")]
    first = rows.sort_values("step").groupby(["group", "task", "individual"])["value"].first()
    means = first.groupby(["group", "task"]).mean().round(3)
    groups = means.index.unique("group")
    return {f"subject, {group}": {name: means[group, f"micro-{name}"] for name in EXERCISES} for group in groups}


def printed(found: dict[str, dict[str, float]]) -> str:
    """The table as text, a line for each learner or group."""
    names = list(next(iter(found.values())))
    lines = [f"{'':26s}" + " ".join(f"{name[:11]:>11s}" for name in names)]
    for who, scores in found.items():
        lines += [f"{who:26s}" + " ".join(f"{scores[name]:11.3f}" if name in scores else f"{'-':>11s}" for name in names)]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", nargs="*", choices=tuple(EXERCISES), default=tuple(EXERCISES), help="all, if none is named")
    parser.add_argument("--run", type=Path, help="a run directory of micro_world, whose scores are shown beside")
    parser.add_argument("--out", type=Path, help="a JSON file to write")
    asked = parser.parse_args()
    found = table(asked.tasks)
    if asked.run:
        found |= subjects(asked.run)
    print(printed(found))
    if asked.out:
        asked.out.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
