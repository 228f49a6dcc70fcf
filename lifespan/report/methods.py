"""Methods text, made from the steps that were really lived."""

from __future__ import annotations

import functools
import itertools
import re
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from lifespan.analysis.analysis import Analysis
from lifespan.analysis.makers import makers
from lifespan.analysis.retention import IN_A_ROW, SHARE
from lifespan.names import neutral
from lifespan.report import figures
from lifespan.report.bibtex import Publication
from lifespan.report.citations import ANALYSES, FORGETTING, STATISTICS, analyses_used
from lifespan.report.data_text import data_sentences
from lifespan.report.formatting import MINUS, counted, listed
from lifespan.report.labels import metric_label
from lifespan.report.references import REFERENCES
from lifespan.report.variation import variation
from lifespan.report.verdicts import method_sentences
from lifespan.stats import aggregates, inference, power
from lifespan.stats.intervals import FEWEST


def paragraphs(analysis: Analysis, works: Sequence[Publication], *, steps: bool = True) -> list[tuple[str, list[str]]]:
    """The methods text as (heading, paragraphs). `works` are the publications behind the run.

    Without `steps` the steps of each group are left out, for a page that has them as tables.
    """
    lived = [*(_lived(analysis) if steps or analysis.steps_lived.empty else []), *_behind(analysis, works)]
    return [
        ("Subjects and design", _design(analysis)),
        ("What was lived", [*lived, *data_sentences(analysis.cohort.studies)]),
        ("Measurements", _measurements(analysis, [work.key for work in works])),
        ("Statistics", _statistics(analysis)),
        ("Software and hardware", _environment(analysis)),
    ]


def markdown(analysis: Analysis, works: Sequence[Publication]) -> str:
    """The methods text as a Markdown document."""
    parts = [f"# Methods: {_unmarked(analysis.cohort.title)}"]
    for heading, texts in paragraphs(analysis, works):
        parts += [f"## {heading}", *map(_unmarked, texts)]
    parts += ["## References", *(_unmarked(f"- {work.text} {work.link}".strip()) for work in works)]
    return "\n\n".join(parts) + "\n"


def _unmarked(text: str) -> str:
    """Text without HTML and links: names come from records, which may be anybody's."""
    return neutral(text).replace("<", "&lt;").replace("](", "]\\(")


def _design(analysis: Analysis) -> list[str]:
    people = analysis.cohort.participants
    seeds = sorted({int(seed) for seed in people["seed"].dropna()})
    texts = []
    for study in analysis.cohort.studies:
        size = counted(int(study.get("individuals", 0)), "individual")
        groups = counted(len(study.get("groups", {})), "group")
        precision = study.get("precision", "unrecorded")
        texts.append(f"Study {_name(study)}: {groups} of {size} at {precision} precision.")
    if seeds:
        running = len(seeds) > 2 and seeds == list(range(seeds[0], seeds[-1] + 1))
        span = f"{seeds[0]} to {seeds[-1]}" if running else listed([str(seed) for seed in seeds])
        texts.append(
            f"Seeds: {span}. Every source of randomness (initialisation, data order, masks, disorders, evaluation) "
            "draws from its own stream named by the seed, so twins share all draws but those of the events in which "
            "they differ."
        )
    return [*texts, *variation(analysis)]


def _lived(analysis: Analysis) -> list[str]:
    table = analysis.steps_lived
    if table.empty:
        return ["No step was lived to its end."]
    lives = {}
    for group, rows in table.groupby("group", sort=False):
        total = analysis.cohort.participants[analysis.cohort.participants["group"] == group]["individual"].nunique()
        lives[str(group)] = [_step(row, total) for _, row in rows.iterrows()]
    texts: list[str] = []
    first_with: dict[tuple[str, ...], str] = {}
    for group, life in lives.items():
        twin = first_with.setdefault(tuple(life), group)
        texts.append(f"{group}: {'; '.join(cycles(life))}." if twin == group else f"{group}: the same steps as {twin}.")
    return texts


def _behind(analysis: Analysis, works: Sequence[Publication]) -> list[str]:
    """The publications that the steps follow."""
    beside = {*STATISTICS, *FORGETTING, *itertools.chain.from_iterable(ANALYSES.values())}
    behind = [work.cited for work in works if work.key not in beside]
    lived = behind and not analysis.steps_lived.empty
    return [f"The methods of these steps follow {'; '.join(behind)}."] if lived else []


def cycles(life: Sequence[str]) -> list[str]:
    """Numbered steps, where a cycle of up to three steps that repeats with other sparsities is written once.

    >>> cycles(["Birth", "Age(to=0.2)", "Recover()", "Age(to=0.4)", "Recover()", "Age(to=0.5)", "Recover()"])
    ['(0) Birth', '(1 to 6) 3 times: Age(to=...), Recover(), with to = 0.2, 0.4, 0.5']
    """
    shapes = [re.sub(r"\bto=[\d.e-]+", "to=...", text) for text in life]
    texts, position = [], 0
    while position < len(life):
        length = max((1, 2, 3), key=functools.partial(_repeats, shapes, position))
        times = _repeats(shapes, position, length)
        last = position + length * times - 1
        if times < 2:
            texts.append(f"({position}) {life[position]}")
            last = position
        else:
            values = re.findall(r"\bto=([\d.e-]+)", " ".join(life[position : last + 1]))
            text = ", ".join(shapes[position : position + length])
            text += f", with to = {', '.join(f'{float(value):.3g}' for value in values)}" if values else ""
            texts.append(f"({position} to {last}) {times} times: {text}")
        position = last + 1
    return texts


def _repeats(shapes: Sequence[str], position: int, length: int) -> int:
    """How often the cycle of `length` steps from `position` on is lived without a break."""
    cycle, times = shapes[position : position + length], 1
    while len(cycle) == length and shapes[position + times * length : position + (times + 1) * length] == cycle:
        times += 1
    return times


def _step(row: pd.Series, total: int) -> str:
    text = str(row["event"] or row["stage"])
    if row["optimizer_steps"] > 0:
        text += f", {counted(int(row['optimizer_steps']), 'optimizer step')}"
    if row["lived"] < total:
        text += f" (completed by {row['lived']} of {total})"
    return text


def _measurements(analysis: Analysis, keys: list[str]) -> list[str]:
    rows = analysis.cohort.measurements
    if rows.empty:
        return ["Nothing was measured."]
    counts = rows.groupby("probe", sort=False)["value"].agg(["size", "count"])
    listing = [
        f"{probe} ({counted(int(row['size']), 'value')}"
        + (f", {row['size'] - row['count']} of them not a number" if row["size"] > row["count"] else "")
        + ")"
        for probe, row in counts.iterrows()
    ]
    texts = [f"Probes: {listed(listing)}. Probes change neither the subject nor any later random draw."]
    counted_as = [(task, name) for task in analysis.cohort.tasks if (name := analysis.cohort.positive(task))]
    if counted_as:
        named = [f"{name} on {task}" for task, name in counted_as]
        texts.append(f"The positive class of F1, precision, recall and the area under the ROC curve is {listed(named)}.")
    if all(key in keys for key in FORGETTING):
        first, second = (REFERENCES[key].cited for key in FORGETTING)
        most, since = (metric_label(name) for name in ("forgetting_max", "forgetting_last"))
        texts.append(
            f"With R[i, j] the chance-normalised score on task j once task i was learned, {most} ({first}) is the mean fall "
            f"from the best earlier score, and {since} (= {MINUS}BWT; {second}) the mean fall from the score right "
            "after each task was learned. For the end of life, the final scores are one more row of R."
        )
    return texts


def _statistics(analysis: Analysis) -> list[str]:
    tests = len(analysis.comparisons)
    cited = {key: REFERENCES[key].cited for key in STATISTICS}
    texts = [
        "The unit of analysis is the individual. Intervals of means are 95% intervals; each end is the further one of "
        f"Student's t and the bootstrap-t ({cited['efron1982jackknife']}; {inference.RESAMPLES:,} resamples, "
        f"{figures.RESAMPLES:,} in figures, seed {inference.SEED}). Fewer than {FEWEST} individuals, or equal values, have "
        "none. "
        "In simulations of 4 to 20 individuals they cover at least 93% of true means of normal, skewed, bounded and tied "
        "values, but not of values of which single ones collapse."
    ]
    if tests:
        texts.append(
            "Groups are compared with the control group by the paired difference of twins, a two-sided sign-flip "
            f"permutation test of its mean (exact up to {inference.EXACT_UP_TO} pairs), Hedges' g_av "
            f"({cited['hedges1981distribution']}; {cited['lakens2013effect']}; small-sample correction at "
            "2 (n - 1) / (1 + rho^2) degrees of freedom, rho the twins' correlation) and Cliff's delta "
            f"({cited['cliff1993dominance']}). The p {'value' if tests == 1 else 'values'} of "
            f"{counted(tests, 'comparison')} {'is' if tests == 1 else 'are'} adjusted as one family "
            f"({cited['holm1979simple']}). A difference is called clear where its interval excludes 0 and the p of the "
            "interval's own method, adjusted over the same family, is below 0.05."
        )
        texts.append(
            f"Power is that of the sign-flip test for normal differences, from {power.SIMULATIONS:,} simulated studies for "
            "each size."
        )
    return [*method_sentences(analysis), *texts, *_analysed(analysis)]


def _analysed(analysis: Analysis) -> list[str]:
    """One sentence for each analysis that was made use of."""
    cited = {name: "; ".join(REFERENCES[key].cited for key in keys) for name, keys in ANALYSES.items()}
    sentences = {
        "benjamini_hochberg": "All outcomes together are an exploratory family whose p values are adjusted for the rate "
        f"of false discoveries ({cited['benjamini_hochberg']}).",
        "aggregates": "Over all tasks, scores are normalised task by task, (score \N{MINUS SIGN} chance) / (best "
        "\N{MINUS SIGN} chance) with the score of the best constant answer and the metric's upper bound, and summarised by "
        "the interquartile mean and the probability of improvement; where the answers to single examples were kept, "
        f"individuals and examples are crossed: intervals count both ({cited['aggregates']}; {aggregates.RESAMPLES:,} "
        "resamples).",
        "growth": "The decline of what was learned is compared between twins by a mixed model of the share kept on age by "
        "group, seeds as blocks, with a random intercept and slope for each life, or by the lives' own least-squares "
        f"slopes where the model cannot be fitted; the tables say which and why ({cited['growth']}).",
        "survival": f"A function is lost at the first of {IN_A_ROW} evaluations in a row at which less than "
        f"{SHARE:g} of what was learned, above chance, is left; curves are Kaplan-Meier's, compared by the "
        f"log-rank statistic, whose p is that of swapping twins ({cited['survival']}).",
        "sequential": "The interim analyses of a sequential design share one error by group-sequential bounds, computed for "
        f"their numbers of individuals by recursive integration ({cited['sequential']}).",
        "dose_fits": "Dose-response curves are fitted by least squares in Hill's and in Brain and Cousens' hormetic form, the "
        "better by AICc kept if it is better than a constant (of at most six points by the F test); intervals of the ED50 are "
        f"those of the jackknife over individuals on its logarithm, with the t distribution ({cited['dose_fits']}).",
    }
    return [sentences[name] for name in analyses_used(analysis)]


def _environment(analysis: Analysis) -> list[str]:
    texts = []
    for study, environment in zip(analysis.cohort.studies, analysis.cohort.environments, strict=True):
        if not environment:
            texts.append(f"{_name(study)}: versions and hardware were not recorded.")
            continue
        known = {name: value for name, value in environment.items() if value not in (None, "")}
        versions = listed([f"{name} {value}" for name, value in known.items() if name not in _MACHINE])
        machine = ", ".join(f"{name} {known[name]}" for name in _MACHINE if name in known)
        texts.append(f"{_name(study)}: {versions or 'versions not recorded'}. Machine: {machine or 'not recorded'}.")
    for name in dict.fromkeys(map(_name, analysis.cohort.studies)):
        texts += makers(analysis.cohort.steps, name)
    return texts


def _name(study: Mapping[str, Any]) -> str:
    return str(study.get("name", "unnamed"))


_MACHINE = ("platform", "cpu", "cores", "threads", "device", "gpu", "git", "executable", "started")
