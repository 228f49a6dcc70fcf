"""Declared hypotheses against a record: the differences between twins, and the rule that turns an interval into a verdict.

A hypothesis compares two quantities pair by pair, by first - second. With the 95% interval of the mean difference
(`lifespan.stats.inference.paired_difference`):

- "greater": supported where the whole interval is above 0 and the sign-flip p of the pairs is below .05, too (an interval
  may be one individual's doing); refuted where all of it is below the margin, the smallest difference that counts;
- "non-inferior": supported where the whole interval is above -margin, refuted where all of it is below -margin;
- "below": supported where the whole interval is below the margin, refuted where all of it is above;
- "equivalent": supported where the whole interval is between -margin and margin, refuted where all of it is outside.

Anything else is undecided, and so is every hypothesis of fewer than `MIN_PAIRS` pairs. A claim is decided by its hypotheses
together, see `claim_verdict`. No interval is corrected for the number of hypotheses.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cached_property
from typing import Any, Literal

import numpy as np
import pandas as pd

from lifespan.analysis.cohort import gather
from lifespan.analysis.retention import lifetimes, shares_kept
from lifespan.analysis.scores import LEAST_LEARNED, held_out, primary_scores
from lifespan.record.record import Record
from lifespan.stats import inference
from lifespan.stats.aggregates import normalised
from lifespan.stats.collapses import collapsed
from lifespan.stats.metrics import BEST
from lifespan.study.hypotheses import SHARE_RETAINED, STEPS_RETAINED, Hypothesis, Prediction, Quantity

__all__ = [
    *("MIN_PAIRS", "SHARE_RETAINED", "STEPS_RETAINED", "Claim", "CompletedLives", "Hypothesis", "HypothesisResult"),
    *("Quantity", "claim_verdict", "completed_lives", "difference_by_task", "evaluate", "interval_verdict"),
    *("is_measured", "paired_values", "values", "values_by_task"),
]

MIN_PAIRS = 6
"""Pairs from which a verdict is given: with five, the smallest possible two-sided sign-flip p is .0625."""

Verdict = Literal["supports", "refutes", "undecided"]
ClaimVerdict = Literal["supports", "refutes", "undecided", "supports in part", "refutes in part", "in part"]


@dataclass(frozen=True)
class HypothesisResult:
    """The mean paired difference of a hypothesis, its interval, and what they say of it.

    `n` counts pairs; `effect` is Hedges' g_av; `p` that of no difference, two-sided. The sign is first - second. `low` and
    `high` are NaN where no interval can be had.
    """

    hypothesis: Hypothesis
    n: int
    estimate: float
    low: float
    high: float
    effect: float
    p: float
    verdict: Verdict


@dataclass(frozen=True, eq=False)
class CompletedLives:
    """What hypotheses read of a record: rows of individuals that lived to the end, and the tasks with their metrics.

    `rows` has the columns of `measurements.jsonl`, `tasks` is that of `study.json`. `retention` gives a row for each function
    of each individual: group, seed, lost, time (optimizer steps), as `lifespan.analysis.retention.lifetimes`; it takes a while
    and is called once, when first needed.
    """

    rows: pd.DataFrame
    tasks: Mapping[str, Mapping[str, Any]]
    retention: Callable[[], pd.DataFrame]
    _readings: dict[tuple[str, str], pd.DataFrame] = field(default_factory=dict, init=False, repr=False)

    @cached_property
    def functions(self) -> pd.DataFrame:
        """How long each function was kept, and whether it was lost."""
        return self.retention()

    @cached_property
    def collapsed(self) -> Mapping[tuple[str, str], frozenset[int]]:
        """Seeds whose last score is near chance while their group's median is not, by (task, group) (`stats.collapses`)."""
        rows = self.readings("Score", "")
        last = rows.sort_values("step", kind="stable").drop_duplicates(["group", "seed", "task"], keep="last")
        found: dict[tuple[str, str], frozenset[int]] = {}
        for (task, group), own in last.groupby(["task", "group"], sort=False):
            chance = self.tasks[str(task)].get("chance", {}).get(next(iter(self.tasks[str(task)]["metrics"])))
            if chance is not None:
                gone = own["seed"][collapsed(own["value"].to_numpy(dtype=float), float(chance))]
                found[str(task), str(group)] = frozenset(int(seed) for seed in gone)
        return found

    def readings(self, probe: str, metric: str) -> pd.DataFrame:
        """Rows of these probes with this metric of each task, on the split that each task was evaluated on most.

        A score that does not exist, as a correlation of equal answers, counts as that of the best constant answer.
        """
        if (probe, metric) not in self._readings:
            self._readings[probe, metric] = _readings(self, probe, metric)
        return self._readings[probe, metric]


def completed_lives(record: Record) -> CompletedLives:
    """The rows of a record's individuals that lived to the end, without those of the training loop."""
    rows, people = record.measurements(), record.participants()
    done = people.loc[people["status"] == "done", ["group", "seed"]]
    rows = rows[rows["probe"] != "Training"].merge(done, on=["group", "seed"])
    return CompletedLives(rows, dict(record.study["tasks"]), lambda: _completed_lifetimes(record))


def _completed_lifetimes(record: Record) -> pd.DataFrame:
    cohort = gather([record])
    table = lifetimes(shares_kept(cohort, primary_scores(cohort)))
    return table[table["status"] == "done"]


def _readings(lives: CompletedLives, probe: str, metric: str) -> pd.DataFrame:
    rows = lives.rows[_matches(lives.rows["probe"], probe)]
    metric = _of_last_layer(rows["metric"], metric)
    primary = {title: task["metrics"][0] for title, task in lives.tasks.items()}
    wanted = {title: metric.replace("*", name) or name for title, name in primary.items()}
    rows = held_out(rows[rows["metric"] == rows["task"].map(wanted)])
    scores = primary if not metric or "*" in metric else dict.fromkeys(lives.tasks, metric)
    chance = {title: lives.tasks[title].get("chance", {}).get(name) for title, name in scores.items()}
    return rows.assign(value=rows["value"].fillna(rows["task"].map(chance).astype(float)))


def _matches(names: pd.Series, pattern: str) -> pd.Series:
    return names.map({name: fnmatchcase(name, pattern) for name in names.unique()}).astype(bool)


def _of_last_layer(metrics: pd.Series, metric: str) -> str:
    """A metric that ends in "/last" with the largest layer's number that there is instead."""
    if not metric.endswith("/last"):
        return metric
    layers = metrics.str.extract(rf"^{metric.removesuffix('last')}(\d+)$")[0]
    return metric.replace("last", str(layers.dropna().astype(int).max()))


def values_by_task(lives: CompletedLives, quantity: Quantity) -> pd.DataFrame:
    """A quantity before its mean: a row for each seed that has all of it, a column for each (group, task).

    On the "normalised" scale, scores are (score - chance) / (1 - chance) of their own task.
    """
    rows = lives.readings(quantity.probe, quantity.metric)
    rows = rows[rows["group"].isin(quantity.groups) & _matches(rows["stage"], quantity.stage)]
    if quantity.tasks:
        rows = rows[rows["task"].isin(quantity.tasks)]
    chosen = rows.groupby(["seed", "group", "task"])["value"].agg(quantity.reading)
    table = chosen.unstack(["group", "task"]).dropna()
    return _normalised(lives, quantity.metric, table) if quantity.scale == "normalised" else table


def _normalised(lives: CompletedLives, metric: str, table: pd.DataFrame) -> pd.DataFrame:
    """Each task's scores between chance and the best possible, which is 1 for every metric that tasks have."""
    tasks = [lives.tasks.get(str(title), {}) for title in table.columns.get_level_values("task")]
    names = [metric if metric in task.get("metrics", ()) else next(iter(task.get("metrics", [])), "") for task in tasks]
    chances = [float(task.get("chance", {}).get(name, 0.0)) for task, name in zip(tasks, names, strict=True)]
    return pd.DataFrame(normalised(table.to_numpy(), np.array(chances), 1.0), table.index, table.columns)


def values(lives: CompletedLives, quantity: Quantity) -> pd.Series:
    """A quantity as one number for each seed; a seed that lacks one of its readings is left out.

    So is one with less than `LEAST_LEARNED` above chance, chance-normalised, to take a share of.
    """
    if quantity.metric in (SHARE_RETAINED, STEPS_RETAINED):
        return _retained(lives, quantity)
    mean = values_by_task(lives, quantity).mean(axis=1)
    if quantity.share_of is not None:
        chance = 0.0 if quantity.scale == "normalised" else _mean_chance(lives, quantity.tasks)
        whole = values(lives, quantity.share_of) - chance
        return ((mean - chance) / whole.where(whole >= LEAST_LEARNED * (BEST - chance))).dropna()
    return mean if quantity.minus is None else (mean - values(lives, quantity.minus)).dropna()


def _retained(lives: CompletedLives, quantity: Quantity) -> pd.Series:
    functions = lives.functions
    if quantity.tasks and "task" in functions:
        functions = functions[functions["task"].isin(quantity.tasks)]
    own = functions[functions["group"].isin(quantity.groups)].groupby("seed")
    return 1.0 - own["lost"].mean() if quantity.metric == SHARE_RETAINED else own["time"].mean()


def _mean_chance(lives: CompletedLives, tasks: Sequence[str]) -> float:
    named = [task for title, task in lives.tasks.items() if title in (tasks or lives.tasks)]
    return float(np.mean([task["chance"][task["metrics"][0]] for task in named]))


def is_measured(lives: CompletedLives, hypothesis: Hypothesis) -> bool:
    """Whether a record has what a hypothesis compares: a group of each quantity, and its metric of any individual."""
    parts = [part for part in (hypothesis.first, hypothesis.second) if part is not None]
    groups = set(lives.rows["group"])
    return all(
        groups & set(part.groups)
        and (part.metric in (SHARE_RETAINED, STEPS_RETAINED) or len(lives.readings(part.probe, part.metric)))
        for part in parts
    )


def paired_values(lives: CompletedLives, hypothesis: Hypothesis) -> pd.DataFrame:
    """Both quantities of a hypothesis, columns "first" and "second", for every seed that has both."""
    first = values(lives, hypothesis.first)
    second = 0 * first if hypothesis.second is None else values(lives, hypothesis.second)
    return pd.concat([first, second], axis=1, keys=["first", "second"]).dropna()


def evaluate(lives: CompletedLives, hypothesis: Hypothesis) -> HypothesisResult:
    """A hypothesis evaluated against a record; equal differences of enough pairs are their own interval."""
    pairs = paired_values(lives, hypothesis)
    n = len(pairs)
    if pairs.empty:
        return HypothesisResult(hypothesis, n, math.nan, math.nan, math.nan, math.nan, math.nan, "undecided")
    compared = inference.paired_difference(pairs["first"].to_numpy(), pairs["second"].to_numpy())
    estimate, low, high = (getattr(compared.difference, name) for name in ("estimate", "low", "high"))
    if n >= MIN_PAIRS and np.ptp(pairs["first"] - pairs["second"]) == 0:
        low = high = estimate
    verdict = interval_verdict(hypothesis.prediction, hypothesis.margin, low, high, n, compared.p)
    return HypothesisResult(hypothesis, n, estimate, low, high, compared.hedges_g_av, compared.p, verdict)


def difference_by_task(lives: CompletedLives, hypothesis: Hypothesis) -> dict[str, float]:
    """The mean difference on each task, where a difference of scores is a mean over more than one; {} otherwise.

    The tasks of a mean may weigh unequally: a Matthews correlation has twice an accuracy's range.
    """
    second = hypothesis.second
    if not hypothesis.of_scores or second is None or hypothesis.first.minus or second.minus:
        return {}
    sides = [values_by_task(lives, part).T.groupby(level="task").mean().T for part in (hypothesis.first, second)]
    shared = (sides[0] - sides[1]).dropna(axis=1, how="all")
    return {str(task): float(shared[task].mean()) for task in shared} if len(shared.columns) > 1 else {}


def interval_verdict(prediction: Prediction, margin: float, low: float, high: float, n: int, p: float = 0.0) -> Verdict:
    """The verdict on an interval of `n` pairs; `p` is that of no difference. The module's text has the rule.

    >>> interval_verdict("greater", 0.02, low=0.01, high=0.05, n=10)
    'supports'
    >>> interval_verdict("greater", 0.02, low=-0.01, high=0.01, n=10)
    'refutes'
    """
    if n < MIN_PAIRS or not math.isfinite(low + high):
        return "undecided"
    if prediction == "equivalent":
        return "supports" if -margin < low and high < margin else "refutes" if low > margin or high < -margin else "undecided"
    if prediction == "below":
        low, high, prediction = -high, -low, "non-inferior"
    least, most = (0.0, margin) if prediction == "greater" else (-margin, -margin)
    if low > least and (prediction != "greater" or p < 0.05):
        return "supports"
    return "refutes" if high < most else "undecided"


def claim_verdict(results: Sequence[HypothesisResult]) -> ClaimVerdict:
    """What the hypotheses of a claim say together, of one record.

    Supported or refuted where all agree; "in part" where some support the claim and some refute it; "supports in part" or
    "refutes in part" where the others are undecided. Without a positive control, or where one is not supported, the claim is
    undecided. Post-hoc hypotheses have no voice.
    """
    controls = [result.verdict for result in results if result.hypothesis.positive_control]
    others = {
        result.verdict for result in results if not result.hypothesis.positive_control and not result.hypothesis.post_hoc
    }
    if not controls or any(verdict != "supports" for verdict in controls):
        return "undecided"
    supported, refuted = "supports" in others, "refutes" in others
    if supported and refuted:
        return "in part"
    if not supported and not refuted:
        return "undecided"
    if supported:
        return "supports in part" if "undecided" in others else "supports"
    return "refutes in part" if "undecided" in others else "refutes"
