"""Declared hypotheses in a terminal: their verdicts, and what so many individuals can show."""

from __future__ import annotations

import math
from pathlib import Path

from lifespan.analysis.verdicts import DeclaredVerdict, Verdicts, verdicts
from lifespan.cli import display
from lifespan.record import record


def say_verdicts(directory: Path) -> None:
    """One line for each hypothesis that the study of a record declared; nothing where it declared none."""
    found = verdicts(record.read(directory))
    for each in found.results if found is not None else ():
        display.say(f"{each.hypothesis.description}: {each.verdict}{_role(each)}{_numbers(each)}")


def say_look(found: Verdicts, look: int) -> None:
    """What a look decided, and what comes next."""
    goes_on = not found.is_decided and look < len(found.looks)
    last = "all decided" if found.is_decided else f"going on to {found.looks[look]}" if goes_on else "the last look"
    display.say(f"Look {look} of {len(found.looks)}, at {found.looks[look - 1]} individuals: {last}.")
    for each in found.primary:
        display.say(f"  {each.hypothesis.description}: {each.verdict}{_numbers(each)}")


def _role(found: DeclaredVerdict) -> str:
    return "" if found.role == "primary" else f" ({found.role})"


def _numbers(found: DeclaredVerdict) -> str:
    seen = found.evidence
    if not math.isfinite(seen.low):
        return f"; {found.why}" if found.why else ""
    text = f"; {seen.estimate:+.3f}, 95% interval {seen.low:+.3f} to {seen.high:+.3f}, n = {seen.n}"
    return f"{text}, p = {seen.p:.2g} ({found.level:.3g} needed)" + (f"; {found.why}" if found.why else "")
