"""What each group lives, in a line: the control's life whole, the others' by what differs from it."""

from __future__ import annotations

from collections import Counter
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
    >>> differences(["Learn(a, by=Masks())", "Learn(b, by=Masks())"], ["Learn(a, by=Weights())", "Learn(b, by=Weights())"])
    ['Learn with by=Weights() instead of by=Masks() in 2 events']
    """
    found: list[tuple[str, str]] = []
    for kind, i, j, k, end in SequenceMatcher(a=control, b=own, autojunk=False).get_opcodes():
        gone, new = ", ".join(control[i:j]), ", ".join(own[k:end])
        if kind == "replace" and j - i == end - k:
            found += [_replaced(old, other) for old, other in zip(control[i:j], own[k:end], strict=True)]
        elif kind == "replace":
            found.append((f"{new} instead of {gone}",) * 2)
        elif kind == "delete":
            found.append((f"without {gone}",) * 2)
        elif kind == "insert":
            found.append((f"{new} before {control[i]}" if i < len(control) else f"then {new}",) * 2)
    counts = Counter(change for change, _ in found)
    once = {change: whole for change, whole in found}
    return [once[change] if count == 1 else f"{change} in {count} events" for change, count in counts.items()]


def _replaced(old: str, new: str) -> tuple[str, str]:
    """One event in another's place: the arguments that differ, to be counted where several events do so, and in whole."""
    length = next((place for place, (one, other) in enumerate(zip(old, new, strict=False)) if one != other), 0)
    ends = [place for place in range(length) if old[place] == "," and old[:place].count("(") - old[:place].count(")") == 1]
    whole = f"{new} instead of {old}"
    if new.startswith(f"{old[:-1]}, ") and old.endswith(")"):
        return f"{old.partition('(')[0]} with {new[len(old) + 1 : -1]}", whole
    if not ends or not (old.endswith(")") and new.endswith(")")):
        return whole, whole
    rest, other = old[ends[-1] + 2 : -1], new[ends[-1] + 2 : -1]
    return f"{old.partition('(')[0]} with {other} instead of {rest}", f"{new} instead of {rest}"


def _events(cohort: Cohort, group: str) -> list[str]:
    """The planned steps of a group as they describe themselves; none where the record does not say."""
    steps = [str(step.get("describe") or "") for step in cohort.timeline(group)]
    return steps if all(steps) else []
