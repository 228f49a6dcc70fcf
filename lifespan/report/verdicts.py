"""What a study predicted and what came of it, in plain sentences: the first section of a report."""

from __future__ import annotations

import math
from collections import Counter

from lifespan.analysis.analysis import Analysis
from lifespan.analysis.verdicts import DECIDED, DeclaredVerdict, Verdicts
from lifespan.report.formatting import counted, equals, listed, number
from lifespan.study.design import FAMILY_ERROR

NONE_DECLARED = "The study declared no hypotheses: all that follows is descriptive, and confirms or refutes nothing."
BOUNDS = {"obrien-fleming": "O'Brien and Fleming's bounds", "pocock": "Pocock's bounds"}
COLUMNS = ("hypothesis", "role", "verdict", "difference", "95% interval", "pairs", "p", "p needed", "look")

WORDS = {
    "greater": "predicted: above 0; differences below {margin} are too small to matter",
    "non-inferior": "predicted: not below {minus}",
    "below": "predicted: below {margin}",
    "equivalent": "predicted: between {minus} and {margin}",
    "ordered": "predicted: every step above 0, of which the smallest is given; steps below {margin} are too small to matter",
    "rising": "predicted: a rise over the doses; a change below {margin} is too small to matter",
    "falling": "predicted: a fall over the doses; a change below {margin} is too small to matter",
}


def verdict_sections(analysis: Analysis) -> list[tuple[str, list[str]]]:
    """(heading, sentences) with which a report begins; the first, without a heading, is the lead."""
    found = analysis.verdicts
    if not found:
        return [("", [NONE_DECLARED])]
    several = len(found) > 1
    parts: list[tuple[str, list[str]]] = [("", [_lead(one, several) for one in found])]
    for role, heading in (
        ("primary", "Primary hypotheses"),
        ("secondary", "Secondary hypotheses (each by itself: no part of the family)"),
        ("post hoc", "Post hoc (declared when values had been measured: a lead, no test)"),
    ):
        sentences = [_sentence(result, one, several) for one in found for result in one.results if result.role == role]
        parts += [(heading, sentences)] if sentences else []
    changes = [text for one in found for text in _changes(one)]
    return parts + ([("What was changed after values had been measured", changes)] if changes else [])


def verdict_rows(analysis: Analysis) -> list[dict[str, str]]:
    """The same as rows of a table with the columns `COLUMNS`."""
    return [_row(result, found) for found in analysis.verdicts for result in found.results]


def method_sentences(analysis: Analysis) -> list[str]:
    """How verdicts are given, for the methods text; nothing where nothing was declared."""
    found = analysis.verdicts
    if not found:
        return []
    texts = [
        "Verdicts on declared hypotheses rest on one-sided tests of the mean paired difference, each at half of the two-sided "
        "level, with the larger p of Student's t and the bootstrap-t. All primary hypotheses share one family-wise error of "
        f"{FAMILY_ERROR:g} by Holm's step-down (Holm 1979; with verdicts on both sides Shaffer 1980). Where a hypothesis "
        "averages over several tasks, their scores are first put between chance (0) and the best possible (1). A task on "
        "which a hypothesis's positive control is not seen does not count in it. Where an individual collapsed, a verdict "
        "must hold with and without its pair."
    ]
    for one in found:
        if len(one.looks) > 1:
            places = listed([str(n) for n in one.looks])
            texts.append(
                f"{one.study} is looked at when {places} individuals of every group have lived, by {BOUNDS[one.bounds]}; what "
                "is decided at a look stands."
            )
    return texts


def _lead(found: Verdicts, several: bool) -> str:
    primary, name = found.primary, f"{found.study}: " if several else ""
    if not primary:
        return f"{name}no primary hypothesis was declared before values were measured: nothing here is a confirmation."
    counts = Counter(result.verdict for result in primary)
    told = listed([f"{counts[word]} {word}" for word in (*DECIDED, "undecided", "not testable") if counts[word]])
    if len(primary) == 1:
        told = primary[0].verdict
        subject = f"The primary hypothesis, {primary[0].hypothesis.description}, is {told}"
    else:
        subject = f"Of {counted(len(primary), 'primary hypothesis').replace('hypothesiss', 'hypotheses')}, {told}"
    return f"{name}{subject} (family-wise error {FAMILY_ERROR:g}; {_when(found)})."


def _when(found: Verdicts) -> str:
    if len(found.looks) == 1:
        return f"declared for {found.looks[0]} individuals" + ("" if found.taken else ", whose lives are not all over yet")
    if not found.taken:
        return f"no look was taken yet; the first is at {found.looks[0]} individuals"
    stopped = found.is_decided and found.taken < len(found.looks)
    at = max((result.look for result in found.primary), default=found.taken) if found.is_decided else found.taken
    place = f"look {at} of {len(found.looks)}, at {found.looks[at - 1]} individuals"
    return f"decided at {place}" if stopped or found.is_decided else f"after {place}"


def _sentence(result: DeclaredVerdict, found: Verdicts, several: bool) -> str:
    name = f"{found.study}: " if several else ""
    words = WORDS[result.hypothesis.prediction].format(
        margin=_short(result.hypothesis.margin), minus=_short(-result.hypothesis.margin)
    )
    parts = [words, *_numbers(result, found)]
    if result.why:
        parts.append(result.why)
    if result.dropped:
        parts.append("a later version of the study left this hypothesis out")
    return f"{name}{result.hypothesis.description}: {result.verdict} ({'; '.join(parts)})."


def _numbers(result: DeclaredVerdict, found: Verdicts) -> list[str]:
    seen = result.evidence
    if not seen.n:
        return []
    parts = [f"{_unit(result)} {number(seen.estimate)}"]
    if math.isfinite(seen.low):
        parts.append("all equal" if seen.low == seen.high else f"95% interval {number(seen.low)} to {number(seen.high)}")
        parts.append(f"p {equals(seen.p)}, where {result.level:.3g} was needed{_at(result, found)}")
    missing = result.individuals - seen.n
    lost = f", {missing} of {result.individuals} without all of its values" if missing else ""
    parts.append(f"n = {seen.n} {'pair' if seen.n == 1 else 'pairs'}{lost}")
    if seen.collapsed:
        rest = f", {number(seen.others_low)} to {number(seen.others_high)}" if math.isfinite(seen.others_low) else ""
        parts.append(f"in {seen.collapsed} of them an individual collapsed: {number(seen.others)} without them{rest}")
    if result.scale == "normalised":
        parts.append(f"the mean over {listed(list(result.tasks)) or 'no task'}, chance 0 and perfect 1")
    if result.unseen and result.tasks:
        assay = result.hypothesis.assay
        control = assay.description if assay else ""
        parts.append(f"without {listed(list(result.unseen))}, where the positive control ({control}) is not seen")
    return parts


def _unit(result: DeclaredVerdict) -> str:
    kind = result.hypothesis.prediction
    return {"ordered": "smallest mean step", "rising": "mean change", "falling": "mean change"}.get(kind, "mean difference")


def _at(result: DeclaredVerdict, found: Verdicts) -> str:
    if result.role != "primary" or len(found.looks) == 1:
        return ""
    return f" at look {result.look} of {len(found.looks)}"


def _changes(found: Verdicts) -> list[str]:
    sentences = []
    for one in found.late:
        day, at = one.time[:10], f"{counted(one.finished, 'life').replace('lifes', 'lives')} over"
        said = f"{len(one.hypotheses)} hypotheses" if one.hypotheses else "no hypotheses"
        sentences.append(
            f"{found.study}: on {day}, with {at} and {counted(one.measured, 'value')} measured, the study was changed to "
            f"{said} and {counted(one.individuals, 'individual')}; verdicts are on what was declared before."
        )
    return sentences


def _row(result: DeclaredVerdict, found: Verdicts) -> dict[str, str]:
    seen = result.evidence
    between = f"{number(seen.low)} to {number(seen.high)}" if math.isfinite(seen.low) else "none"
    cells = (
        *(result.hypothesis.description, result.role, result.verdict, number(seen.estimate), between, str(seen.n)),
        *(f"{seen.p:.3g}" if seen.n and math.isfinite(seen.low) else "none", f"{result.level:.3g}"),
        f"{result.look} of {len(found.looks)}" if result.role == "primary" else "-",
    )
    return dict(zip(COLUMNS, cells, strict=True))


def _short(value: float) -> str:
    return number(value, 2) if round(value, 2) == value else number(value)
