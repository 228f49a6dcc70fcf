"""Whom a report cites: the classes that were lived with, and the analyses whose tables hold something."""

from __future__ import annotations

from collections.abc import Mapping

from lifespan.analysis.analysis import Analysis
from lifespan.report.bibtex import Publication, brought
from lifespan.report.references import REFERENCES, cited_by
from lifespan.stats import aggregates, dose_response, mixed_models, sequential, survival

STATISTICS = ("efron1982jackknife", "hedges1981distribution", "lakens2013effect", "cliff1993dominance", "holm1979simple")
"""Behind intervals (the first) and comparisons with the control group."""

FORGETTING = ("chaudhry2018riemannian", "lopezpaz2017gem")
"""Behind the two kinds of forgetting."""

ANALYSES: Mapping[str, tuple[str, ...]] = {
    "benjamini_hochberg": ("benjamini1995controlling",),
    "aggregates": aggregates.SOURCES,
    "growth": mixed_models.SOURCES,
    "survival": survival.SOURCES,
    "dose_fits": dose_response.SOURCES,
    "sequential": sequential.SOURCES,
}
"""Behind analyses beyond the first comparisons, cited where a report makes use of them."""


def publications(analysis: Analysis) -> list[Publication]:
    """All works behind a report, in alphabetical order of their keys."""
    foreign_keys, own = brought(analysis.cohort.studies)
    keys = foreign_keys | set(cited_by(group.get("scenario", {}) for group in analysis.cohort.groups.values()))
    if not analysis.forgetting.empty:
        keys |= set(FORGETTING)
    keys |= set(STATISTICS[:1] if analysis.comparisons.empty else STATISTICS)
    keys |= {key for name in analyses_used(analysis) for key in ANALYSES[name]}
    known: list[Publication] = [reference for key, reference in REFERENCES.items() if key in keys]
    return sorted([*known, *own], key=lambda work: work.key.lower())


def analyses_used(analysis: Analysis) -> list[str]:
    """Keys of `ANALYSES` whose tables are not empty."""
    used = {
        "benjamini_hochberg": analysis.outcome_comparisons["outcome"].nunique() > 1,
        "aggregates": len(analysis.over_all_tasks) + len(analysis.over_examples) > 0,
        "growth": len(analysis.declines) > 0,
        "survival": len(analysis.lifetimes) > 0,
        "dose_fits": len(analysis.ed50s) > 0,
        "sequential": any(len(found.looks) > 1 for found in analysis.verdicts),
    }
    return [name for name, present in used.items() if present]
