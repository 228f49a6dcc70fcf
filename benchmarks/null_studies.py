"""Studies in which nothing is as predicted, through the whole path: study, record, the report's first sentences.

    python benchmarks/null_studies.py --studies 400 --out benchmarks/results/null_studies.json
    python benchmarks/null_studies.py --planted --studies 200 --out benchmarks/results/planted_effects.json

Every study is a real `Study` with its hypotheses, declared in a run directory as `simulate` does; the scores of its
individuals are drawn, by one of three laws: normal, skewed (exponential), or tied (normal, rounded to fortieths, as the
accuracy over 40 rows). A lead is wrong where the report calls a primary hypothesis supported, refuted or too small to matter,
and it is not. Of hypotheses with a margin the truth lies on the margin, where a test errs most. `--simulated 5` really lives
as many toy studies, whose two groups lose other synapses by the same law. With `--planted` the truth is what `lifespan plan`
says is found with a probability of 0.8.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy import stats

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from conftest import TASKS, TINY
from planted import declared, lived, study

from lifespan import (
    Age,
    Hypothesis,
    Learn,
    Probe,
    Random,
    Scenario,
    Score,
    Sequential,
    Study,
    Weights,
    equivalent,
    non_inferior,
    ordered,
    rising,
    simulate,
    superior,
)
from lifespan.analysis.analysis import Analysis
from lifespan.analysis.planned_power import planned_power
from lifespan.report.verdicts import verdict_sections

SD = 0.05
MARGIN = 0.04
LAWS = ("normal", "skewed", "tied")
TASK = TASKS[0]

Truth = dict[str, float]
"""True mean of each group, beside that of its twins."""


def null_designs() -> Iterator[tuple[str, Study, Truth]]:
    """Kinds of studies with the truth in which their hypotheses are hardest to leave alone."""
    three = tuple(superior(group, over="a", margin=MARGIN) for group in "bcd")
    yield "three superiorities, n = 10", of("abcd", 10, three), {}
    looked = Sequential(looks=(10, 16))
    yield "superiority at two looks, O'Brien-Fleming", of("ab", 16, three[:1], looked), {}
    pair = (non_inferior("b", to="a", margin=MARGIN), superior("c", over="a", margin=MARGIN))
    yield "no less and superiority at two looks, O'Brien-Fleming", of("abc", 16, pair, looked), {"b": -MARGIN}
    pocock = Sequential(looks=(8, 14, 20), bounds="pocock")
    pair = (equivalent("b", "a", margin=MARGIN), superior("c", over="a", margin=MARGIN))
    yield "alike and superiority at three looks, Pocock", of("abc", 20, pair, pocock), {"b": MARGIN}
    flat = (ordered("a", "b", "c", margin=MARGIN), rising({"a": 0, "b": 1, "d": 2}, margin=MARGIN))
    yield "an order and a dose, n = 12", of("abcd", 12, flat), {}


def of(groups: str, individuals: int, hypotheses: tuple[Hypothesis, ...], design: Sequential | None = None) -> Study:
    """A study of one task with these groups."""
    return study(*groups, individuals=individuals, tasks=(TASK,), hypotheses=hypotheses, design=design)


def scores_of(asked: Study, truth: Truth, law: str, dice: np.random.Generator) -> dict[tuple[str, str], np.ndarray]:
    """A final score for each individual of each group; differences of twins have the standard deviation `SD`."""
    talent = dice.normal(0.75, 0.02, asked.individuals)
    found = {}
    for group in asked.groups:
        noise = dice.exponential(1, asked.individuals) - 1 if law == "skewed" else dice.normal(0, 1, asked.individuals)
        score = talent + truth.get(group, 0.0) + SD / np.sqrt(2) * noise
        found[group, TASK.title] = np.round(40 * score) / 40 if law == "tied" else score
    return found


def told(directory: Path) -> dict[str, str]:
    """The verdict on every primary hypothesis, as the first section of the report words it."""
    sections = dict(verdict_sections(Analysis(directory)))
    return {text.partition(": ")[0]: text.partition(": ")[2].partition(" (")[0] for text in sections["Primary hypotheses"]}


def is_wrong(hypothesis: Hypothesis, verdict: str, truth: Truth) -> bool:
    """Whether a verdict is false."""
    margin, kind = hypothesis.margin, hypothesis.prediction
    if kind in ("ordered", "rising"):
        return verdict in ("supported", "refuted")
    true = truth.get(hypothesis.first.groups[0], 0.0) - truth.get(hypothesis.second.groups[0], 0.0)
    right = {
        "greater": {"supported": true > 0, "refuted": true < 0, "too small to matter": true < margin},
        "non-inferior": {"supported": true > -margin, "refuted": true < -margin},
        "equivalent": {"supported": abs(true) < margin, "refuted": abs(true) > margin},
    }
    return not right[kind].get(verdict, True)


def run(asked: Study, truth: Truth, law: str, seed: int, place: Path) -> dict[str, str]:
    """One study through the whole path."""
    scores = scores_of(asked, truth, law, np.random.default_rng(seed))
    lived(asked, declared(asked, place), scores)
    return told(place)


def null_studies(count: int, folder: Path) -> dict[str, object]:
    """The share of studies whose first sentences hold anything wrong, by kind and law."""
    cases = [(kind, asked, truth, law) for kind, asked, truth in null_designs() for law in LAWS]
    wrong: Counter[tuple[str, str]] = Counter()
    done: Counter[tuple[str, str]] = Counter()
    verdicts: Counter[str] = Counter()
    for number in range(count):
        kind, asked, truth, law = cases[number % len(cases)]
        found = run(asked, truth, law, number, folder / str(number))
        done[kind, law] += 1
        wrong[kind, law] += any(is_wrong(each, found[each.description], truth) for each in asked.hypotheses)
        verdicts.update(found.values())
    return {
        **share(sum(wrong.values()), count),
        "verdicts": dict(verdicts),
        "by_law": {
            law: share(*(sum(c for (_, given), c in part.items() if given == law) for part in (wrong, done))) for law in LAWS
        },
        "by_kind": {
            kind: share(*(sum(c for (k, _), c in part.items() if k == kind) for part in (wrong, done)))
            for kind in dict.fromkeys(kind for kind, *_ in cases)
        },
    }


def share(wrong: int, studies: int) -> dict[str, object]:
    """A share with its exact 95% interval."""
    if not studies:
        return {"studies": 0}
    ends = stats.binomtest(wrong, studies).proportion_ci(method="exact")
    ends = [round(ends.low, 3), round(ends.high, 3)]
    return {"studies": studies, "wrong": wrong, "share": round(wrong / studies, 4), "interval": ends}


def planted_designs() -> Iterator[tuple[str, Study, Truth]]:
    """Studies in which what is predicted is true, by as much as is promised to be found with a probability of 0.8."""
    looked = Sequential(looks=(10, 16))
    for size, design in ((10, None), (16, looked)):
        words = "n = 10" if design is None else "looks at 10 and 16"
        one = of("ab", size, (superior("b", over="a", margin=0.0),), design)
        yield f"superiority, {words}", one, {"b": SD * planned_power(one)[0].detectable[0]}
        alike = of("ab", size, (equivalent("b", "a", margin=MARGIN),), design)
        (each,) = alike.hypotheses
        margin = SD * planned_power(alike)[0].detectable[0]
        yield f"alike, {words}", replace(alike, hypotheses=(replace(each, margin=margin),)), {}
        less = of("ab", size, (non_inferior("b", to="a", margin=MARGIN),), design)
        (each,) = less.hypotheses
        margin = SD * planned_power(less)[0].detectable[0]
        yield f"no less, {words}", replace(less, hypotheses=(replace(each, margin=margin),)), {}


def planted_effects(count: int, folder: Path) -> dict[str, object]:
    """The share of studies that find what is there, by kind; 0.8 is promised."""
    found = {}
    for place, (kind, asked, truth) in enumerate(planted_designs()):
        told_of = [
            run(asked, truth, "normal", 10_000 + number, folder / f"{place}-{number}")[asked.hypotheses[0].description]
            for number in range(count)
        ]
        hits = told_of.count("supported")
        ends = stats.binomtest(hits, count).proportion_ci(method="exact")
        ends = [round(ends.low, 3), round(ends.high, 3)]
        found[kind] = {"promised": 0.8, "studies": count, "found": round(hits / count, 3), "interval": ends}
    return found


def simulated(count: int, folder: Path) -> list[dict[str, str]]:
    """The verdicts of toy studies that are really lived: two groups lose as many synapses, drawn apart by the same law."""
    school = (Learn(TASK, by=Weights(steps=40, rate=3e-3)),)
    loss = {"once": (Age(to=0.3, by=Random()),), "twice": (Age(to=0.0, by=Random()), Age(to=0.3, by=Random()))}
    lives = {
        group: Scenario(name="life", subject=TINY, events=(*school, *events, Probe(Score()))) for group, events in loss.items()
    }
    found = []
    for number in range(count):
        asked = Study(
            name="null",
            groups=lives,
            individuals=8,
            seed=100 * number,
            hypotheses=(superior("twice", over="once", margin=0.02),),
        )
        simulate(asked, folder / f"simulated-{number}", threads=1)
        found.append(told(folder / f"simulated-{number}"))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--studies", type=int, default=400)
    parser.add_argument("--simulated", type=int, default=0)
    parser.add_argument("--planted", action="store_true")
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    begun = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        found = (planted_effects if asked.planted else null_studies)(asked.studies, Path(folder))
        if asked.simulated:
            found["simulated"] = simulated(asked.simulated, Path(folder))
    text = json.dumps({**found, "seconds": round(time.perf_counter() - begun)}, indent=2)
    print(text)
    if asked.out is not None:
        asked.out.write_text(text + "\n")


if __name__ == "__main__":
    main()
