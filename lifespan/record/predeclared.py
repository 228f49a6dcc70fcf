"""What a study predicted, and when: `hypotheses.jsonl` and `looks.jsonl` of a run directory.

    hypotheses.jsonl    one line whenever what is predicted has changed: the hypotheses whole, the design, the individuals,
                        the time, and how many lives were over and values measured by then
    looks.jsonl         one line for each look of a sequential design: the decision on every hypothesis

What was declared when no value of the study was measured yet is what the study set out to test; anything later is post hoc.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lifespan.contracts.spec import as_data
from lifespan.reading import reading
from lifespan.record.record import Record, as_lines
from lifespan.record.seals import RESTORE, write_kept
from lifespan.record.specs import rebuilt
from lifespan.study.design import Sequential
from lifespan.study.hypotheses import Hypothesis
from lifespan.study.plan import Plan
from lifespan.study.scenario import Study

if TYPE_CHECKING:
    from lifespan.record.store import Store

DECLARATIONS = "hypotheses.jsonl"
LOOKS = "looks.jsonl"


@dataclass(frozen=True)
class Declaration:
    """What was predicted from a time on, when `finished` lives were over and `measured` values were there."""

    time: str
    finished: int
    measured: int
    hypotheses: tuple[Hypothesis, ...]
    design: Sequential | None
    individuals: int

    @property
    def looks(self) -> tuple[int, ...]:
        """Numbers of individuals at which it is evaluated."""
        return (self.individuals,) if self.design is None else self.design.looks


def predicted(study: Study) -> dict[str, Any]:
    """The entries `hypotheses` and `design` of `study.json`, with every default; none where nothing is predicted."""
    if not study.hypotheses:
        return {}
    design = None if study.design is None else study.design.whole()
    return {"hypotheses": [each.whole() for each in study.hypotheses], "design": design}


def declare(directory: Path, plan: Plan, store: Store) -> None:
    """Keep what a study predicts, where that is not what its record's last declaration says."""
    study = plan.study
    # With a sequential design the looks are the plan, however many individuals live by now.
    planned = study.individuals if study.design is None else study.design.looks[-1]
    content = {"hypotheses": [], "design": None, **predicted(study), "individuals": planned}
    with reading(directory / DECLARATIONS, RESTORE.capitalize()):
        known = _lines(directory / DECLARATIONS)
        before = {name: known[-1][name] for name in content} if known else {**content, "hypotheses": []}
        same = _substance(before) == _substance(content)
    if same:
        return
    line = {"time": datetime.now(UTC).isoformat(), **_progress(plan, store), **content}
    write_kept(directory, DECLARATIONS, as_lines([*known, line]))


def declarations(record: Record) -> list[Declaration]:
    """What the study of a record predicted, in the order in which it was declared."""
    where = record.directory / DECLARATIONS
    with reading(where, RESTORE.capitalize()):
        return [
            Declaration(
                *(str(line["time"]), int(line["lives_finished"]), int(line["values_measured"])),
                hypotheses=tuple(rebuilt(each, Hypothesis, str(where)) for each in line["hypotheses"]),
                design=None if line["design"] is None else rebuilt(line["design"], Sequential, str(where)),
                individuals=int(line["individuals"]),
            )
            for line in record.lines(DECLARATIONS)
        ]


def kept_looks(record: Record) -> list[dict[str, Any]]:
    """The decisions of the looks that were taken, in their order. Raises `RecordError` for a line that is none."""
    with reading(record.directory / LOOKS, RESTORE.capitalize()):
        return [_as_look(line) for line in record.lines(LOOKS)]


def keep_look(record: Record, content: Mapping[str, Any]) -> None:
    """Add a look's decisions to a record."""
    line = {"time": datetime.now(UTC).isoformat(), **as_data(content)}
    write_kept(record.directory, LOOKS, as_lines([*kept_looks(record), line]))


def _as_look(line: dict[str, Any]) -> dict[str, Any]:
    """A line of `looks.jsonl`. Raises where it lacks what is read of one."""
    decisions = [
        {"hypothesis": str(each["hypothesis"]), "verdict": str(each["verdict"]), **each} for each in line["decisions"]
    ]
    return {**line, "look": int(line["look"]), "decided": bool(line["decided"]), "decisions": decisions}


def substance(hypothesis: Hypothesis) -> str:
    """What a hypothesis says, its description left out: two of the same substance are one."""
    return json.dumps(_without_words(hypothesis.whole()), sort_keys=True)


def _substance(content: Mapping[str, Any]) -> str:
    if not content["hypotheses"]:
        return ""
    stated = {
        **content,
        "hypotheses": sorted(json.dumps(_without_words(each), sort_keys=True) for each in content["hypotheses"]),
    }
    return json.dumps(stated, sort_keys=True)


def _without_words(data: Mapping[str, Any]) -> dict[str, Any]:
    assay = data.get("assay")
    return {**data, "description": "", **({"assay": _without_words(assay)} if assay else {})}


def _progress(plan: Plan, store: Store) -> dict[str, int]:
    """How many lives of a plan are over, and how many values were measured in them, as the store tells."""
    over = sum(all(store.complete(step) for step in life.steps) or _ended(life, store) for life in plan.lives)
    found = [store.evaluation(step.digest, each.digest) for step in plan.nodes.values() for each in step.evaluations]
    return {"lives_finished": over, "values_measured": sum(len(rows) for rows in found if rows)}


def _ended(life: Any, store: Store) -> bool:
    return any(store.ended(step.digest) is not None for step in life.steps)


def _lines(path: Path) -> list[dict[str, Any]]:
    return Record(path.parent, {}, {}).lines(path.name)
