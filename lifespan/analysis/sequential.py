"""A study with a sequential design, lived look by look until its primary hypotheses are decided."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from lifespan.analysis.verdicts import Verdicts, verdicts
from lifespan.errors import ScenarioError
from lifespan.record import record
from lifespan.record.predeclared import keep_look, kept_looks
from lifespan.simulation import Outcome, simulate
from lifespan.study.scenario import Study


def simulate_until_decided(study: Study, out: str | Path | None = None, **how: Any) -> tuple[Outcome, Verdicts | None]:
    """Live a study to each look of its design in turn, and stop where all of its primary hypotheses are decided.

    `how` goes to `simulate`. The record is that of a study of so many individuals, with the decisions of each look beside it
    in `looks.jsonl`; lived again, it goes on at the first look that was not taken. Returns the last outcome, and the verdicts,
    or None where lives are left over (`fail_fast`). Raises `ScenarioError` for a study without a design or hypothesis.
    """
    directory = Path(out) if out is not None else Path("runs") / study.name
    found = None
    for look, cohort in looks_to_take(study, directory):
        outcome = simulate(cohort, directory, **how)
        if outcome.pending:
            return outcome, None
        found = take_look(directory, look)
        if found.is_decided:
            break
    return outcome, found


def looks_to_take(study: Study, directory: Path) -> Iterator[tuple[int, Study]]:
    """(number of the look, the study with its individuals) from the first one on that the record has not taken.

    The last one that was taken is taken again where it decided. A record that has more individuals already keeps them.
    """
    _require_design(study)
    first = 1
    if (directory / "study.json").is_file():
        kept = [line for line in kept_looks(record.read(directory)) if int(line["look"]) <= len(study.looks)]
        first = min(len(study.looks), max([1, *(int(line["look"]) + (not line["decided"]) for line in kept)]))
    for look in range(first, len(study.looks) + 1):
        yield look, replace(study, individuals=max(study.looks[look - 1], _recorded(directory, study)))


def take_look(directory: Path, look: int) -> Verdicts:
    """The verdicts after this look, which the record keeps. Raises `ScenarioError` where the record declares nothing."""
    read = record.read(directory)
    found = verdicts(read, looks=look)
    if found is None:
        raise ScenarioError(str(directory), "declares no hypotheses.", "Give the study some: hypotheses=(...).")
    decisions = [
        {
            **{"hypothesis": each.hypothesis.description, "verdict": each.verdict, "n": each.evidence.n},
            **{"estimate": each.evidence.estimate, "low": each.evidence.low, "high": each.evidence.high},
            **{"p": each.evidence.p, "level": each.level, "look": each.look},
        }
        for each in found.primary
    ]
    content = {
        "look": look,
        "individuals": found.looks[look - 1],
        "decided": found.is_decided,
        "decisions": _finite(decisions),
    }
    known = [line for line in kept_looks(read) if line["look"] == look]
    if not known or any(known[-1][name] != value for name, value in content.items()):
        keep_look(read, content)
    return found


def _require_design(study: Study) -> None:
    where = f"Study({study.name!r})"
    if study.design is None:
        raise ScenarioError(where, "has no looks at which it could be decided.", "Give it design=Sequential(looks=(10, 16)).")
    if all(each.secondary for each in study.hypotheses):
        remedy = 'Give it hypotheses=(superior("a", over="b"),).'
        raise ScenarioError(where, "has no primary hypothesis that could be decided.", remedy)


def _recorded(directory: Path, study: Study) -> int:
    """Individuals that the record of this study has, as many as its last look at most."""
    if not (directory / "study.json").is_file():
        return 0
    return min(int(record.read(directory).study.get("individuals", 0)), study.looks[-1])


def _finite(decisions: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Numbers that are none as null, for JSON."""
    return [{name: None if value != value else value for name, value in each.items()} for each in decisions]
