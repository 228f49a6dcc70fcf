"""Declared hypotheses in a terminal: their verdicts, and what so many individuals can show."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from lifespan.analysis.planned_power import POWERS, Planned, blind_looks, planned_power
from lifespan.analysis.verdicts import DeclaredVerdict, Verdicts, verdicts
from lifespan.cli import display
from lifespan.record import record
from lifespan.study.design import FAMILY_ERROR
from lifespan.study.scenario import Study


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


def say_power(study: Study, pilot: Path | None) -> None:
    """What a planned study can show of each of its hypotheses; nothing where it has none."""
    if not study.hypotheses:
        return
    looks = f"looks at {', '.join(map(str, study.looks))} individuals" if study.design else f"{study.looks[-1]} individuals"
    display.say(f"\nHypotheses ({looks}; one error of {FAMILY_ERROR:g} over all primary ones; SD: of the paired difference)")
    blind = blind_looks(study)
    if blind:
        display.notice(f"Looks at {', '.join(map(str, blind))} individuals can decide nothing yet: they have too few pairs.")
    for each in planned_power(study, pilot):
        display.say(f"  {each.hypothesis.description}: {power_text(each, study.looks[-1])}")


def power_text(planned: Planned, most: int) -> str:
    """What so many individuals show of one hypothesis, in words."""
    if most < planned.least:
        return f"not testable with {most} individuals; {planned.least} at least are needed"
    what = {"equivalent": "a margin of", "non-inferior": "a true difference above -margin by"}
    sizes = [f"{size:.2f} SD with a power of {power:g}" for size, power in zip(planned.detectable, POWERS, strict=True)]
    told = f"{what.get(planned.hypothesis.prediction, 'shows a difference of').removeprefix('shows ')} {', '.join(sizes)}"
    parts = [f"shows {told} (level {planned.level:.3g}; testable from {planned.least} on)"]
    if planned.sd is not None:
        parts.append(f"pilot SD {planned.sd:.3f}")
    if planned.power is not None:
        equal = planned.hypothesis.prediction in ("equivalent", "non-inferior")
        case = "where nothing differs" if equal else f"for a difference of {planned.hypothesis.margin:g}"
        needed = f"{planned.needed} individuals" if planned.needed is not None else "more than 200 individuals"
        parts.append(f"power {planned.power:.2f} {case}; 0.8 needs {needed}")
    return "; ".join(parts)


def power_data(study: Study, pilot: Path | None) -> list[dict[str, Any]]:
    """The same for other programs."""
    return [
        {
            **{"hypothesis": each.hypothesis.description, "prediction": each.hypothesis.prediction, "level": each.level},
            **{"margin": each.hypothesis.margin, "secondary": each.hypothesis.secondary, "least_pairs": each.least},
            "detectable_sd": {
                f"{power:g}": size if math.isfinite(size) else None
                for power, size in zip(POWERS, each.detectable, strict=True)
            },
            **{"pilot_sd": each.sd, "power": each.power, "needed": each.needed},
        }
        for each in planned_power(study, pilot)
    ]


def _role(found: DeclaredVerdict) -> str:
    return "" if found.role == "primary" else f" ({found.role})"


def _numbers(found: DeclaredVerdict) -> str:
    seen = found.evidence
    if not math.isfinite(seen.low):
        return f"; {found.why}" if found.why else ""
    text = f"; {seen.estimate:+.3f}, 95% interval {seen.low:+.3f} to {seen.high:+.3f}, n = {seen.n}"
    return f"{text}, p = {seen.p:.2g} ({found.level:.3g} needed)" + (f"; {found.why}" if found.why else "")
