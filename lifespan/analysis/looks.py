"""Whether what a record kept of the looks of a sequential design is what its rows say.

A look's decision stands in `looks.jsonl` from the moment when it was taken. It follows from rows that are there still, so it
can be compared with them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from lifespan.analysis.verdicts import DeclaredVerdict, verdicts
from lifespan.record.predeclared import LOOKS, kept_looks
from lifespan.record.record import Record

SAME = 1e-6
"""Relative difference up to which two estimates count as one."""


def looks_apart(record: Record) -> list[str]:
    """What `looks.jsonl` says otherwise than the rows, in sentences; nothing where they agree or no look was kept."""
    # Of a look that was taken twice the last decision counts.
    kept = {line["look"]: line for line in kept_looks(record)}
    return [text for number, line in sorted(kept.items()) for text in _apart(record, number, line)]


def _apart(record: Record, number: int, line: Mapping[str, Any]) -> list[str]:
    found = verdicts(record, looks=max(0, number))
    if found is None or not 1 <= number <= len(found.looks):
        return [f"{LOOKS} has a look {number}, which the study did not declare."]
    now = {each.hypothesis.description: each for each in found.primary}
    said = {each["hypothesis"]: each for each in line["decisions"]}
    texts = [f"{LOOKS} says nothing of {name!r} at look {number}." for name in now if name not in said]
    for name, each in said.items():
        if name not in now:
            texts.append(f"{LOOKS} decides on {name!r} at look {number}, which the study did not declare.")
        elif not _same(each, now[name]):
            was, rows = _in_words(each), _in_words(_data(now[name]))
            texts.append(f"{LOOKS} says of look {number} that {name!r} was {was}, and the rows say {rows}.")
    return texts


def _data(found: DeclaredVerdict) -> dict[str, Any]:
    return {"verdict": found.verdict, "n": found.evidence.n, "estimate": found.evidence.estimate}


def _same(said: Mapping[str, Any], found: DeclaredVerdict) -> bool:
    now = _data(found)
    return all(said.get(name) == now[name] for name in ("verdict", "n")) and _close(said.get("estimate"), now["estimate"])


def _close(said: object, now: float) -> bool:
    """Whether two estimates are one; null stands for none."""
    if not isinstance(said, int | float) or isinstance(said, bool):
        return said is None and math.isnan(now)
    return math.isclose(float(said), now, rel_tol=SAME, abs_tol=SAME)


def _in_words(said: Mapping[str, Any]) -> str:
    estimate = said.get("estimate")
    shown = f"{estimate:.3f}" if isinstance(estimate, int | float) and math.isfinite(estimate) else "none"
    return f"{said.get('verdict')} (n = {said.get('n')}, estimate {shown})"
