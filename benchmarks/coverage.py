"""How often the intervals of a report cover, and its tests reject a true null, by number of individuals and law of the
outcome.

    OMP_NUM_THREADS=1 python benchmarks/coverage.py benchmarks/results/coverage.json          (an hour of one core)
    python benchmarks/coverage.py /tmp/coverage.json --quick                                    (about a minute)

Every cell draws studies whose truth is known and asks the functions that a report asks. Laws: normal; skewed (exponential);
bounded (beta 5, 1, as accuracies near their ceiling); tied (16 test rows); collapsing (5% of individuals at chance). Twins
share half of their variance. "unlike" twins: the treated follow the law, twice as spread, the control a normal one.
`printed` is the share of studies with an interval; `covered` counts among them. `docs/coverage.py` writes the table of the
documentation.
"""

from __future__ import annotations

import argparse
import json
import math
import platform
import time
import warnings
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import scipy
from scipy import stats as reference

from lifespan.stats import aggregates, collapses, dose_response, inference, intervals, items, mixed_models, survival

SIZES = (3, 5, 10, 20)
CHANCE, SETTLED, NOISE = 0.5, 0.8, 0.02
Draw = Callable[[np.random.Generator, tuple[int, ...]], np.ndarray]


def normal(draw: np.random.Generator, size: tuple[int, ...]) -> np.ndarray:
    return draw.normal(size=size)


def skewed(draw: np.random.Generator, size: tuple[int, ...]) -> np.ndarray:
    return draw.exponential(size=size) - 1


def bounded(draw: np.random.Generator, size: tuple[int, ...]) -> np.ndarray:
    return (draw.beta(5, 1, size=size) - 5 / 6) / math.sqrt(5 / 252)


def tied(draw: np.random.Generator, size: tuple[int, ...]) -> np.ndarray:
    return (draw.binomial(16, 0.85, size=size) - 16 * 0.85) / math.sqrt(16 * 0.85 * 0.15)


def collapsing(draw: np.random.Generator, size: tuple[int, ...], share: float = 0.05) -> np.ndarray:
    return np.where(draw.random(size) < share, CHANCE, SETTLED) + NOISE * draw.normal(size=size)


SMOOTH: dict[str, Draw] = {"normal": normal, "skewed": skewed, "bounded": bounded, "tied": tied}
LAWS: dict[str, Draw] = {**SMOOTH, "collapsing": collapsing}


class Tally:
    """Hits among what was printed."""

    def __init__(self, what: str, law: str, n: int, note: str = ""):
        self.row: dict[str, Any] = {"what": what, "law": law, "n": n, "note": note}
        self.hits = self.printed = self.asked = 0

    def add(self, known: bool, hit: bool) -> None:
        self.asked, self.printed, self.hits = self.asked + 1, self.printed + known, self.hits + (known and hit)

    def cover(self, low: float, high: float, truth: float) -> None:
        self.add(math.isfinite(low) and math.isfinite(high), bool(low - 1e-12 <= truth <= high + 1e-12))

    def result(self) -> dict[str, Any]:
        share = round(self.hits / self.printed, 4) if self.printed else None
        return {**self.row, "share": share, "printed": round(self.printed / max(1, self.asked), 3), "studies": self.asked}


def twins(law: str, draw: np.random.Generator, n: int, unlike: bool) -> tuple[np.ndarray, np.ndarray]:
    """Two groups of mean 0 whose members share a seed; exchangeable, or the treated twice as spread as a normal control."""
    if law == "collapsing":
        base = NOISE * draw.normal(size=n)
        return base + collapsing(draw, (n,), 0.1 if unlike else 0.05), base + collapsing(draw, (n,), 0.0 if unlike else 0.05)
    shared, own = SMOOTH[law](draw, (n,)), [SMOOTH[law](draw, (n,)) for _ in range(2)]
    if unlike:
        return 2 * own[0], normal(draw, (n,))
    if law == "tied":
        return own[0], own[1]
    return (shared + own[0]) / math.sqrt(2), (shared + own[1]) / math.sqrt(2)


def bca(values: np.ndarray, seed: int) -> tuple[float, float]:
    """The interval of former versions."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        rng = np.random.default_rng(seed)
        found = reference.bootstrap((values,), np.mean, n_resamples=999, method="BCa", rng=rng).confidence_interval
    return float(found.low), float(found.high)


def group_means(n: int, studies: int, draw: np.random.Generator) -> Iterator[Tally]:
    for law, sample in LAWS.items():
        now, former = Tally("mean of a group", law, n), Tally("mean of a group (BCa, former)", law, n)
        shares = Tally("share of collapses", law, n)
        truth = SETTLED if law == "collapsing" else 0.0
        for study in range(studies):
            values = sample(draw, (n,))
            if law == "collapsing":
                gone = collapses.collapsed(values, CHANCE)
                share = intervals.share_interval(int(gone.sum()), n)
                shares.cover(share.low, share.high, 0.05)
                found = intervals.mean_interval(values[~gone], resamples=1999)
            else:
                found = intervals.mean_interval(values, resamples=1999)
            now.cover(found.low, found.high, truth)
            if study < studies // 8 and np.ptp(values) > 0:
                former.cover(*bca(values, study), truth if law != "collapsing" else 0.95 * SETTLED + 0.05 * CHANCE)
        yield from (now, former, *([shares] if law == "collapsing" else []))


def differences(n: int, studies: int, draw: np.random.Generator) -> Iterator[Tally]:
    for unlike in (False, True):
        for law in LAWS:
            name = f"{law}, unlike" if unlike else law
            names = ("difference of twins", "difference of twins (BCa, former)", "sign-flip p <= .05")
            interval, former, flips = (Tally(what, name, n) for what in names)
            low, high = (Tally(f"one-sided bound at .975 {way}", name, n) for way in ("below", "above"))
            t_low, t_high = (Tally(f"one-sided Student's t at .95 {way}", name, n) for way in ("below", "above"))
            for study in range(studies):
                first, second = twins(law, draw, n, unlike)
                gaps = first - second
                if law == "collapsing":
                    apart = collapses.collapsed(first, CHANCE) | collapses.collapsed(second, CHANCE)
                    gaps = gaps[~apart]
                found = intervals.mean_interval(gaps, resamples=1999)
                interval.cover(found.low, found.high, 0.0)
                if not unlike:
                    flips.add(True, inference.sign_flip_p(first - second, draws=999)[0] <= 0.05)
                low.add(found.known, found.low > 0)
                high.add(found.known, found.high < 0)
                if len(gaps) > 1 and np.ptp(gaps) > 0:
                    t = float(gaps.mean()) / intervals.standard_error(gaps)
                    t_low.add(True, float(reference.t.sf(t, len(gaps) - 1)) < 0.05)
                    t_high.add(True, float(reference.t.cdf(t, len(gaps) - 1)) < 0.05)
                if study < studies // 8 and np.ptp(first - second) > 0:
                    truth = -0.1 * (SETTLED - CHANCE) if law == "collapsing" and unlike else 0.0
                    former.cover(*bca(first - second, study), truth)
            yield from (interval, former, low, high, t_low, t_high, *([] if unlike else [flips]))


def families(n: int, studies: int, draw: np.random.Generator) -> Iterator[Tally]:
    for law in LAWS:
        holm, hochberg = (Tally(f"any of 8 by {name} <= .05", law, n) for name in ("Holm", "Benjamini-Hochberg"))
        clear = Tally("any of 8 called clear, p <= .05", law, n)
        for _ in range(studies):
            control = LAWS[law](draw, (n,))
            gaps = [LAWS[law](draw, (n,)) - control for _ in range(8)]
            raw = [inference.sign_flip_p(gap, draws=999)[0] for gap in gaps]
            holm.add(True, bool((inference.holm(raw) <= 0.05).any()))
            hochberg.add(True, bool((inference.benjamini_hochberg(raw) <= 0.05).any()))
            clear.add(True, bool((inference.holm([intervals.mean_p(gap) for gap in gaps]) < 0.05).any()))
        yield from (holm, hochberg, clear)


def effects(n: int, studies: int, draw: np.random.Generator) -> Iterator[Tally]:
    for size in (0.0, 1.0):
        for law in SMOOTH:
            tally = Tally(f"effect size (true {size:g})", law, n)
            for _ in range(studies // 2):
                first, second = twins(law, draw, n, unlike=False)
                found = intervals.mean_interval(first + size - second, resamples=1999)
                unit = inference.hedges_g_av(first + size, second) / found.estimate if found.estimate else math.nan
                tally.cover(found.low * unit, found.high * unit, size)
            yield tally


def summaries(n: int, studies: int, draw: np.random.Generator) -> Iterator[Tally]:
    for law, sample in SMOOTH.items():

        def scores(rows: int, law: Draw = sample) -> np.ndarray:
            return (law(draw, (rows, 1)) + law(draw, (rows, 4))) / math.sqrt(2)

        truth = float(aggregates.interquartile_mean(scores(200_000)))
        middle = Tally("interquartile mean over 4 tasks", law, n)
        better = Tally("probability of improvement (true .5)", law, n)
        for study in range(studies):
            found = aggregates.interquartile_interval(scores(n), resamples=500, seed=study)
            middle.cover(found.low, found.high, truth)
            shared = sample(draw, (n, 1))
            first, second = ((shared + sample(draw, (n, 4))) / math.sqrt(2) for _ in range(2))
            found = aggregates.probability_of_improvement(first, second, resamples=500, seed=study)
            better.cover(found.low, found.high, 0.5)
        yield from (middle, better)


def crossed(n: int, studies: int, draw: np.random.Generator, count: int = 256) -> Iterator[Tally]:
    """Twins that answer the same binary items; a shared item effect makes some items easier for one of both groups."""
    for effect, name in ((0.0, "no item effect"), (1.5, "shared item effect")):
        truth = _difference(effect)
        for metric in ("accuracy", "matthews"):
            names = ("with items", "individuals alone", "multi-bootstrap (former)")
            both, alone, former = (Tally(f"difference in {metric}, {way}", name, n) for way in names)
            for study in range(studies // 8):
                labels = draw.integers(0, 2, size=count)
                skill, gain = draw.normal(size=count), effect * draw.normal(size=count)
                sides = []
                for extra in (gain, 0.0):
                    odds = 1 + skill + extra + 0.15 * draw.normal(size=(n, 1))
                    sides.append(np.where(draw.random((n, count)) < 1 / (1 + np.exp(-odds)), labels, 1 - labels))
                once, times = np.ones((1, count)), items.times_drawn(count, resamples=200, seed=study)
                first, second = (items.metric_on_resamples(metric, side, labels, once)[0] for side in sides)
                found = intervals.mean_interval(first - second, resamples=1999)
                drawn = [items.metric_on_resamples(metric, side, labels, times) for side in sides]
                wider = items.with_items(found, items.variance_of_metric(drawn[0] - drawn[1]), count)
                target = truth * (1 if metric == "accuracy" else 2)
                alone.cover(found.low, found.high, target)
                both.cover(wider.low, wider.high, target)
                if metric == "accuracy":
                    right = [(side == labels).astype(float) for side in sides]
                    old = aggregates.multi_bootstrap(*right, resamples=200, seed=study)
                    former.cover(old.low, old.high, target)
            yield from (both, alone, *([former] if metric == "accuracy" else []))


@lru_cache
def _difference(effect: float, size: int = 4_000_000) -> float:
    """True difference in accuracy, by simulation."""
    draw = np.random.default_rng(1)
    skill = 1 + draw.normal(size=size) + 0.15 * draw.normal(size=size)
    gain = effect * draw.normal(size=size)
    return float(np.mean(1 / (1 + np.exp(-skill - gain)) - 1 / (1 + np.exp(-skill))))


def doses(n: int, studies: int, draw: np.random.Generator) -> Iterator[Tally]:
    """Hill's curve of ED50 0.4; individuals differ in their start and in log ED50, and points have noise."""
    grid = np.array([0.0, 0.1, 0.2, 0.3, 0.4, 0.6, 0.8, 1.0])
    for law in ("normal", "skewed"):
        tally = Tally("ED50", law, n)
        for _ in range(studies):
            middle = 0.4 * np.exp(0.1 * SMOOTH[law](draw, (n, 1)))
            start = 0.9 + 0.02 * SMOOTH[law](draw, (n, 1))
            scores = 0.5 + (start - 0.5) / (1 + (grid / middle) ** 3) + 0.02 * draw.normal(size=(n, len(grid)))
            found = dose_response.fit_dose_response(grid, scores)
            tally.cover(found.low, found.high, 0.4)
        yield tally


def lifetimes(n: int, studies: int, draw: np.random.Generator) -> Iterator[Tally]:
    """Exponential lifetimes, seen at 10 evaluations and censored after the last; both groups follow one law."""
    for law, twin in (("independent", False), ("twins alike", True)):
        band, test = Tally("Kaplan-Meier band", law, n), Tally("log-rank by swapping twins, p <= .05", law, n)
        median, former = Tally("median survival (not printed)", law, n), Tally("log-rank p <= .05 (former)", law, n)
        for _ in range(studies // 2):
            uniform = draw.random((2, n))
            if twin:
                normal_scores = (draw.normal(size=n) + draw.normal(size=(2, n))) / math.sqrt(2)
                uniform = reference.norm.cdf(normal_scores)
            times = np.ceil(-np.log(uniform) * 5)
            seen, lost = np.minimum(times, 10), times <= 10
            curve = survival.kaplan_meier(seen[0], lost[0])
            for age in (2, 4, 6):
                known = curve[curve["time"] <= age]
                if len(known):
                    last = known.iloc[-1]
                    band.cover(float(last["low"]), float(last["high"]), math.exp(-age / 5))
            half = survival.median_survival(seen[0], lost[0])
            median.cover(half.low, half.high, 4.0)
            p = survival.log_rank(seen[0], lost[0], seen[1], lost[1])
            former.add(math.isfinite(p), p <= 0.05)
            p = survival.twin_log_rank(seen[0], lost[0], seen[1], lost[1])
            test.add(math.isfinite(p), p <= 0.05)
        yield from (*([] if twin else [band, median]), test, former)


def slopes(n: int, studies: int, draw: np.random.Generator) -> Iterator[Tally]:
    ages = np.arange(5.0)
    for law, sample in SMOOTH.items():
        interval, test = Tally("difference in slope", law, n), Tally("difference in slope, p <= .05", law, n)
        for _ in range(studies // 5):
            level = np.repeat(sample(draw, (n, 1)), 2, axis=1)
            slope = np.repeat(sample(draw, (n, 1)), 2, axis=1) + sample(draw, (n, 2))
            values = level[..., None] + slope[..., None] * ages + draw.normal(size=(n, 2, len(ages)))
            index = pd.MultiIndex.from_product([range(n), ["healthy", "struck"], ages], names=["individual", "group", "age"])
            rows = pd.Series(values.ravel(), index=index, name="value").reset_index()
            found = mixed_models.growth(rows, control="healthy").differences[0]
            interval.cover(found.difference.low, found.difference.high, 0.0)
            test.add(math.isfinite(found.p), found.p <= 0.05)
        yield from (interval, test)


STUDIES = (group_means, differences, families, effects, summaries, crossed, doses, lifetimes, slopes)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--studies", type=int, default=2000, help="of the cheapest cells; others have a fixed part of it")
    parser.add_argument("--quick", action="store_true", help="200 studies of the cheapest cells")
    parser.add_argument("--only", nargs="*", default=[], help=f"of {', '.join(study.__name__ for study in STUDIES)}")
    asked = parser.parse_args()
    begun, rows = time.time(), []
    for place, study in enumerate(STUDIES):
        if asked.only and study.__name__ not in asked.only:
            continue
        started = time.time()
        for n in SIZES:
            draw = np.random.default_rng([place, n])
            rows += [tally.result() for tally in study(n, 200 if asked.quick else asked.studies, draw)]
        print(f"{study.__name__}: {time.time() - started:.0f} s", flush=True)
        _write(asked.out, rows, time.time() - begun, asked.quick)


def _write(path: Path, rows: list[dict[str, Any]], seconds: float, quick: bool) -> None:
    made = {"python": platform.python_version(), "numpy": np.__version__, "scipy": scipy.__version__}
    result = {"seconds": round(seconds), "quick": quick, **made, "rows": rows}
    path.write_text(json.dumps(result, indent=0) + "\n")


if __name__ == "__main__":
    main()
