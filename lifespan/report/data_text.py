"""What the methods text says of the data, from the checks that `study.json` keeps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lifespan.report.formatting import counted, listed


def data_sentences(studies: Sequence[Mapping[str, Any]]) -> list[str]:
    """One text for each task: rows, classes, what was cut, shared, dropped or detected. Nothing where none was recorded."""
    texts: list[str] = []
    for study in studies:
        checks: Mapping[str, Any] = study.get("data_checks", {})
        sources = {**checks.get("learned", {}), **checks.get("texts", {})}
        found = [_source(title, facts) for title, facts in sources.items()]
        found += [_evaluated(probe, facts) for probe, facts in checks.get("evaluated", {}).items()]
        texts += [text for text in found if text and text not in texts]
    return texts


def _source(title: str, facts: Mapping[str, Any]) -> str:
    parts = [f"{counted(number, 'row')} of {split}" for split, number in facts.get("rows", {}).items()]
    if parts and "drawn_from" in facts:
        parts[0] += f" (drawn anew for each individual from {facts['drawn_from']:,})"
    text = f"Data {title}: {listed(parts)}" if parts else f"Text {title}"
    if "classes" in facts:
        text += f", {facts['classes']:,} classes, the largest {facts['majority']:.0%} of the training rows"
    details = [*_leaks(facts), *_cuts(facts), *_reading(facts)]
    return f"{text}; {'; '.join(details)}." if details else (f"{text}." if parts else "")


def _leaks(facts: Mapping[str, Any]) -> list[str]:
    names = (("shared_rows", "dev row", "also in train"), ("shared_groups", "group", "in train and in dev"))
    return [f"{counted(facts[name], noun)} {where}" for name, noun, where in names if facts.get(name)]


def _cuts(facts: Mapping[str, Any]) -> list[str]:
    longer = facts.get("longer", {})
    return [f"at least {share:.0%} of texts cut at {length} tokens" for length, share in longer.items() if share >= 0.005]


def _reading(facts: Mapping[str, Any]) -> list[str]:
    told = []
    for split, found in facts.get("reading", {}).items():
        if found.get("dropped_without_label"):
            told.append(f"{counted(found['dropped_without_label'], 'row')} of {split} without a label left out")
        # CSV has its quotes by its name; nobody needs to be told.
        if found.get("quotes_detected") or found.get("quotes") == "of the text":
            chosen = "as the file shows" if found["quotes_detected"] else "as declared"
            told.append(f"quotes in {split} read as part {found['quotes']}, {chosen}")
    return told


def _evaluated(probe: str, facts: Mapping[str, Any]) -> str:
    shared = facts.get("training_rows", 0)
    beside = f", {counted(shared, 'row')} of them training rows of the skill" if shared else ""
    return f"{probe}: {counted(facts['rows'], 'row')} of {facts['data']}{beside}."
