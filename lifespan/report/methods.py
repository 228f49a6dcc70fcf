"""Methods text, made from the steps that were really lived."""

from __future__ import annotations

import functools
import itertools
import re
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

import lifespan
from lifespan.analysis import (
    dose_effects as responses,
)
from lifespan.analysis import (
    endpoints,
)
from lifespan.analysis import (
    retention as lifetimes,
)
from lifespan.analysis import (
    scores as outcomes,
)
from lifespan.analysis import (
    summaries as overall,
)
from lifespan.analysis.cohort import Evidence
from lifespan.analysis.exposures import class_of, events_of
from lifespan.report import figures
from lifespan.report.bibtex import Publication
from lifespan.report.references import REFERENCES
from lifespan.report.sentences import MINUS, counted, listed
from lifespan.stats import aggregates, power, survival
from lifespan.stats import dose_response as dose_fits
from lifespan.stats import inference as stats
from lifespan.stats import mixed_models as growth

STATISTICS = ("efron1987better", "hedges1981distribution", "lakens2013effect", "cliff1993dominance", "holm1979simple")
ANALYSES: Mapping[str, tuple[str, ...]] = {
    "benjamini_hochberg": ("benjamini1995controlling",),
    "aggregates": aggregates.SOURCES,
    "growth": growth.SOURCES,
    "survival": survival.SOURCES,
    "dose_fits": dose_fits.SOURCES,
}
"""Publications behind analyses beyond the first comparisons, cited where a report makes use of them."""
_INVISIBLE = ("class", "revision")


def describe(data: Any) -> str:
    """A spec's data as the Python that wrote it.

    Data leaves out what equals its default; the severity of a built-in disorder is told even so.

    >>> describe({"class": "lifespan:Masks", "revision": 1, "sparsity": 0.05})
    'Masks(sparsity=0.05)'
    >>> describe({"class": "lifespan:UnstableOptimizer", "revision": 1})
    'UnstableOptimizer(severity=0.5)'
    """
    if isinstance(data, Mapping):
        name = class_of(data)
        severity = getattr(getattr(lifespan, name, None), "severity", None)
        told = {"severity": severity, **data} if isinstance(severity, float) else data
        shown = [f"{key}={describe(value)}" for key, value in told.items() if key not in _INVISIBLE]
        return f"{name}({', '.join(shown)})"
    if isinstance(data, list):
        return f"({', '.join(describe(value) for value in data)})"
    return f"{data:.4g}" if isinstance(data, float) else repr(data)


def steps_lived(evidence: Evidence) -> pd.DataFrame:
    """One row per group and step: what it was, who lived it, and what it cost.

    Columns: group, step, stage, event, lived (individuals), optimizer_steps, examples, seconds (medians; time over the
    individuals that lived the step themselves rather than sharing it).
    """
    rows = []
    for group in evidence.groups:
        scenario = evidence.groups[group].get("scenario", {})
        events = [scenario.get("subject", {}), *events_of(evidence, group)]
        lived = evidence.steps[(evidence.steps["group"] == group) & (evidence.steps["status"] == "done")]
        for step in sorted(lived["step"].astype(int).unique().tolist()):
            part = lived[lived["step"] == step]
            own = part[~part["shared"].astype("boolean").fillna(False).astype(bool)]
            rows.append(
                {
                    **{"group": group, "step": step, "stage": part["stage"].iloc[0]},
                    "event": describe(events[step]) if step < len(events) else "",
                    "lived": part["individual"].nunique(),
                    **{name: _median(part[name]) for name in ("optimizer_steps", "examples")},
                    "seconds": _median((own if len(own) else part)["seconds"]),
                }
            )
    columns = ["group", "step", "stage", "event", "lived", "optimizer_steps", "examples", "seconds"]
    return pd.DataFrame(rows, columns=columns)


def paragraphs(evidence: Evidence, works: Sequence[Publication]) -> list[tuple[str, list[str]]]:
    """The methods text as (heading, paragraphs). `works` are the publications behind the run."""
    return [
        ("Subjects and design", _design(evidence)),
        ("What was lived", _lived(evidence, works)),
        ("Measurements", _measurements(evidence, [work.key for work in works])),
        ("Statistics", _statistics(evidence)),
        ("Software and hardware", _environment(evidence)),
    ]


def markdown(evidence: Evidence, works: Sequence[Publication]) -> str:
    """The methods text as a Markdown document."""
    parts = [f"# Methods: {evidence.title}"]
    for heading, texts in paragraphs(evidence, works):
        parts += [f"## {heading}", *(text.replace("<", "&lt;") for text in texts)]
    parts += ["## References", *(f"- {work.text} {work.link}".strip().replace("<", "&lt;") for work in works)]
    return "\n\n".join(parts) + "\n"


def _design(evidence: Evidence) -> list[str]:
    people = evidence.participants
    seeds = sorted({int(seed) for seed in people["seed"].dropna()})
    texts = []
    for study in evidence.studies:
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
    return texts


def _lived(evidence: Evidence, works: Sequence[Publication]) -> list[str]:
    table = steps_lived(evidence)
    if table.empty:
        return ["No step was lived to its end."]
    lives = {}
    for group, rows in table.groupby("group", sort=False):
        total = evidence.participants[evidence.participants["group"] == group]["individual"].nunique()
        lives[str(group)] = [_step(row, total) for _, row in rows.iterrows()]
    texts: list[str] = []
    told: dict[tuple[str, ...], str] = {}
    for group, life in lives.items():
        twin = told.setdefault(tuple(life), group)
        texts.append(f"{group}: {'; '.join(cycles(life))}." if twin == group else f"{group}: the same steps as {twin}.")
    beside = {*STATISTICS, *_FORGETTING, *itertools.chain.from_iterable(ANALYSES.values())}
    behind = [work.cited for work in works if work.key not in beside]
    return [*texts, *([f"The methods of these steps follow {'; '.join(behind)}."] if behind else [])]


def cycles(life: Sequence[str]) -> list[str]:
    """Numbered steps, where a cycle of up to three steps that repeats with other sparsities is told once.

    >>> cycles(["Birth", "Age(to=0.2)", "Recover()", "Age(to=0.4)", "Recover()", "Age(to=0.5)", "Recover()"])
    ['(0) Birth', '(1 to 6) 3 times: Age(to=...), Recover(), with to = 0.2, 0.4, 0.5']
    """
    shapes = [re.sub(r"\bto=[\d.e-]+", "to=...", text) for text in life]
    told, position = [], 0
    while position < len(life):
        length = max((1, 2, 3), key=functools.partial(_repeats, shapes, position))
        times = _repeats(shapes, position, length)
        last = position + length * times - 1
        if times < 2:
            told.append(f"({position}) {life[position]}")
            last = position
        else:
            values = re.findall(r"\bto=([\d.e-]+)", " ".join(life[position : last + 1]))
            text = ", ".join(shapes[position : position + length])
            text += f", with to = {', '.join(f'{float(value):.3g}' for value in values)}" if values else ""
            told.append(f"({position} to {last}) {times} times: {text}")
        position = last + 1
    return told


def _repeats(shapes: Sequence[str], position: int, length: int) -> int:
    """How often the cycle of `length` steps from `position` on is lived without a break."""
    cycle, times = shapes[position : position + length], 1
    while len(cycle) == length and shapes[position + times * length : position + (times + 1) * length] == cycle:
        times += 1
    return times


def _step(row: pd.Series, total: int) -> str:
    text = row["event"] or row["stage"]
    if row["optimizer_steps"] > 0:
        text += f", {counted(int(row['optimizer_steps']), 'optimizer step')}"
    if row["lived"] < total:
        text += f" (lived by {row['lived']} of {total})"
    return text


_FORGETTING = ("chaudhry2018riemannian", "lopezpaz2017gem")


def _measurements(evidence: Evidence, keys: list[str]) -> list[str]:
    rows = evidence.measurements
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
    if all(key in keys for key in _FORGETTING):
        first, second = (REFERENCES[key].cited for key in _FORGETTING)
        texts.append(
            f"With R[i, j] the score on task j once task i was learned, forgetting_max ({first}) is the mean fall from "
            f"the best earlier score, and forgetting_last (= {MINUS}BWT; {second}) the mean fall from the score right "
            "after each task was learned. For the end of life, the final scores are one more row of R."
        )
    return texts


def _statistics(evidence: Evidence) -> list[str]:
    tests = len(outcomes.comparisons(evidence))
    cited = {key: REFERENCES[key].cited for key in STATISTICS}
    texts = [
        "The unit of analysis is the individual. Intervals are 95% bias-corrected and accelerated bootstrap intervals "
        f"of the mean ({cited['efron1987better']}; {stats.RESAMPLES:,} resamples, {figures.RESAMPLES:,} in figures, "
        f"seed {stats.SEED}); fewer than 3 individuals or equal values give none."
    ]
    if tests:
        texts.append(
            "Groups are compared with the control group by the paired difference of twins, a two-sided sign-flip "
            f"permutation test of its mean (exact up to {stats.EXACT_UP_TO} pairs), Hedges' g_av "
            f"({cited['hedges1981distribution']}; {cited['lakens2013effect']}) and Cliff's delta "
            f"({cited['cliff1993dominance']}). The p {'value' if tests == 1 else 'values'} of "
            f"{counted(tests, 'comparison')} {'is' if tests == 1 else 'are'} adjusted as one family "
            f"({cited['holm1979simple']})."
        )
        texts.append(
            f"Power is that of the sign-flip test for normal differences, from {power.SIMULATIONS:,} simulated studies for "
            "each size."
        )
    return [*texts, *_analysed(evidence)]


def analyses(evidence: Evidence) -> list[str]:
    """Keys of `ANALYSES` that this evidence gives something to."""
    used = {
        "benjamini_hochberg": endpoints.effects(evidence)["outcome"].nunique() > 1,
        "aggregates": len(overall.overall(evidence)) + len(overall.over_examples(evidence)) > 0,
        "growth": len(lifetimes.declines(evidence)) > 0,
        "survival": len(lifetimes.lifetimes(evidence)) > 0,
        "dose_fits": len(responses.ed50s(evidence)) > 0,
    }
    return [name for name, present in used.items() if present]


def _analysed(evidence: Evidence) -> list[str]:
    """One sentence for each analysis that was made use of."""
    cited = {name: "; ".join(REFERENCES[key].cited for key in keys) for name, keys in ANALYSES.items()}
    sentences = {
        "benjamini_hochberg": "All outcomes together are an exploratory family whose p values are adjusted for the rate "
        f"of false discoveries ({cited['benjamini_hochberg']}).",
        "aggregates": "Over all tasks, scores are normalised to chance and the control group's mean and summarised by the "
        "interquartile mean and the probability of improvement; where the answers to single examples were kept, "
        f"individuals and examples are resampled together ({cited['aggregates']}; {aggregates.RESAMPLES:,} resamples).",
        "growth": "The decline of what was learned is compared between twins by a mixed model of the share kept on age by "
        "group, seeds as blocks, with a random intercept and slope for each life, or by the lives' own least-squares "
        f"slopes where the model cannot be had; the tables say which and why ({cited['growth']}).",
        "survival": f"A function is lost at the first of {lifetimes.IN_A_ROW} looks in a row at which less than "
        f"{lifetimes.SHARE:g} of what was learned, above chance, is left; curves are Kaplan-Meier's, compared by the "
        f"log-rank test ({cited['survival']}).",
        "dose_fits": "Dose-response curves are fitted by least squares in Hill's and in Brain and Cousens' hormetic form, the "
        "better by AICc kept if it is better than a constant; intervals of the ED50 resample individuals "
        f"({cited['dose_fits']}; {dose_fits.RESAMPLES:,} resamples).",
    }
    return [sentences[name] for name in analyses(evidence)]


def _environment(evidence: Evidence) -> list[str]:
    texts = []
    for study, environment in zip(evidence.studies, evidence.environments, strict=True):
        if not environment:
            texts.append(f"{_name(study)}: versions and hardware were not recorded.")
            continue
        known = {name: value for name, value in environment.items() if value not in (None, "")}
        versions = listed([f"{name} {value}" for name, value in known.items() if name not in _MACHINE])
        machine = ", ".join(f"{name} {known[name]}" for name in _MACHINE if name in known)
        texts.append(f"{_name(study)}: {versions or 'versions not recorded'}. Machine: {machine or 'not recorded'}.")
    return texts


def _name(study: Mapping[str, Any]) -> str:
    return str(study.get("name", "unnamed"))


_MACHINE = ("platform", "cpu", "cores", "threads", "device", "gpu", "git", "executable", "started")


def _median(values: pd.Series) -> float:
    known = pd.to_numeric(values, errors="coerce").dropna()
    return float(known.median()) if len(known) else 0.0
