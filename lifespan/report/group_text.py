"""What each group lives, in a line: the control's life whole, the others' by what differs from it."""

from __future__ import annotations

from difflib import SequenceMatcher

from lifespan.analysis.analysis import Analysis
from lifespan.analysis.cohort import Cohort
from lifespan.report.formatting import counted

MOST = 3
"""Differences that are written out; of more, their number."""


def group_lines(analysis: Analysis) -> list[tuple[str, str]]:
    """(group, text) in study order; no text where the record does not say what a group lives."""
    cohort = analysis.cohort
    return [(group, _text(cohort, group)) for group in cohort.groups]


def _text(cohort: Cohort, group: str) -> str:
    doc = str(cohort.groups[group].get("doc") or "")
    own, healthy = _events(cohort, group), _events(cohort, cohort.control)
    if group == cohort.control or not own or not healthy:
        return f"{doc} (the control)" if doc and group == cohort.control else doc
    found = differences(healthy, own)
    if not found:
        return f"the life of {cohort.control}"
    if len(found) > MOST:
        return f"{doc}; differs from {cohort.control} in {counted(len(found), 'place')}".removeprefix("; ")
    return f"as {cohort.control}, but {'; '.join(found)}"


def differences(control: list[str], own: list[str]) -> list[str]:
    """Where a life differs from the control's, event by event.

    >>> differences(["Birth", "Learn(a)", "Age(0.5)"], ["Birth", "Learn(b)", "Age(0.5)", "Recover()"])
    ['Learn(b) instead of Learn(a)', 'then Recover()']
    >>> differences(["Birth", "Learn(a)"], ["Birth", "Noise()", "Learn(a)"]), differences(["Birth", "Age(0.5)"], ["Birth"])
    (['Noise() before Learn(a)'], ['without Age(0.5)'])
    """
    found = []
    for kind, i, j, k, end in SequenceMatcher(a=control, b=own, autojunk=False).get_opcodes():
        gone, new = ", ".join(control[i:j]), ", ".join(own[k:end])
        if kind == "replace":
            found.append(f"{new} instead of {gone}")
        elif kind == "delete":
            found.append(f"without {gone}")
        elif kind == "insert":
            found.append(f"{new} before {control[i]}" if i < len(control) else f"then {new}")
    return found


def _events(cohort: Cohort, group: str) -> list[str]:
    """The planned steps of a group as they describe themselves; none where the record does not say."""
    steps = [str(step.get("describe") or "") for step in cohort.timeline(group)]
    return steps if all(steps) else []
