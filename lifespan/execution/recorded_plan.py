"""The plan of a record, from what is at hand now, and why a part of it cannot be had.

A step that is at hand has the digest that the record gives it, so its data, models and code are those that it was lived with.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from lifespan.contracts import Measure
from lifespan.contracts.spec import SOURCE_CODE
from lifespan.errors import UserError
from lifespan.record.changes import inputs_of
from lifespan.record.specs import rebuilt
from lifespan.study.events import Event, Probe
from lifespan.study.identity import MISSING, Input
from lifespan.study.plan import Life, Plan, compile_study
from lifespan.study.scenario import Between, Scenario, Study


@dataclass(frozen=True)
class RecordedPlan:
    """A plan that has as many of a record's steps as can be had; `lost` says by group what of it could not be rebuilt."""

    known: Mapping[str, Any]
    plan: Plan | None
    source: str
    lost: Mapping[str, list[str]] = field(default_factory=dict)

    def has(self, digest: str) -> bool:
        """Whether a recorded step can be lived again."""
        return self.plan is not None and digest in self.plan.nodes

    def why_not(self, digest: str) -> str:
        """Why a recorded step cannot be lived again, in words."""
        name, life = next((name, life) for name, life in self.known["lives"].items() if digest in life["steps"])
        path = life["steps"][: life["steps"].index(digest) + 1]
        first = next(index for index, one in enumerate(path) if not self.has(one))
        cause = self._why_first(name, life["group"], path[first], first)
        return cause if first == len(path) - 1 else f"event {first} of its life: {cause}"

    def why_no_evaluation(self, digest: str, look: str) -> str:
        """Why an evaluation, or a comparison of lives, of a step that is at hand cannot be made again."""
        names = ((self.known.get("nodes") or {}).get(digest, {}).get("looks", {})).get(look)
        pair = (self.known.get("pairs") or {}).get(look)
        if names is None:
            names = pair["inputs"] if pair else []
        told = self._changed(names, inputs_of(self.plan).values() if self.plan is not None else ())
        return (
            told
            or "; ".join(text for texts in self.lost.values() for text in texts)
            or "the study at hand does not ask for it"
        )

    def _why_first(self, name: str, group: str, digest: str, index: int) -> str:
        planned = {life.name: life for life in self.plan.lives} if self.plan is not None else {}
        lost = "; ".join([*self.lost.get(group, []), *self.lost.get("", [])])
        if name not in planned or index >= len(planned[name].steps):
            return lost or "the study at hand has no such life or event"
        step = planned[name].steps[index]
        names = (self.known.get("nodes") or {}).get(digest, {}).get("inputs", [])
        return self._changed(names, step.reads) or _why_other(self.known, planned[name], index) or lost or OTHER

    def _changed(self, names: Iterable[str], reads: Iterable[Input]) -> str:
        """Which of the recorded inputs of these names are missing, or others, now."""
        now, known = {one.name: one for one in reads}, self.known.get("inputs") or {}
        told = []
        for name in names:
            one, before = now.get(name), known.get(name, {})
            if one is None or one.fingerprint == before.get("fingerprint"):
                continue
            where = f"{one.path} ({name})" if one.path else name
            if one.fingerprint == MISSING:
                told.append(f"{where} is missing" + (f": {one.wrong}" if one.wrong else ""))
            else:
                told.append(f"{where} was changed{_when(one)}")
        return "; ".join(dict.fromkeys(told))


OTHER = "what it reads, or the study, is not what it was; the record is too old to say what of it"


def recorded_plan(known: Mapping[str, Any], study: Study | None = None, refused: str = "") -> RecordedPlan:
    """The plan of a record's `study.json`: of a study that is at hand, or of its recorded specs, whichever has more steps.

    `refused` says why no study is at hand though one was named.
    """
    recorded = {digest for life in known["lives"].values() for digest in life["steps"]}
    found = []
    if study is not None:
        found.append(_compiled(known, study, "the scenario", {}))
        if found[0].plan is not None and recorded <= set(found[0].plan.nodes):
            return found[0]
    rebuilt_one, lost = rebuilt_study(known)
    if refused:
        lost.setdefault("", []).append(refused)
    if rebuilt_one is not None:
        found.append(_compiled(known, rebuilt_one, "the specs in study.json", lost))
    if not found:
        return RecordedPlan(known, None, "nothing", lost)
    return max(found, key=lambda one: len(recorded & set(one.plan.nodes)) if one.plan is not None else -1)


def _compiled(known: Mapping[str, Any], study: Study, source: str, lost: dict[str, list[str]]) -> RecordedPlan:
    try:
        return RecordedPlan(known, compile_study(study, precision=known["precision"]), source, lost)
    except UserError as error:
        return RecordedPlan(known, None, source, {**lost, "": [str(error)]})


def rebuilt_study(known: Mapping[str, Any]) -> tuple[Study | None, dict[str, list[str]]]:
    """(the study from its recorded specs, what of it could not be rebuilt by group).

    A life ends before the first event that cannot be rebuilt; measures that cannot are left out.
    """
    groups, lost = {}, {}
    for group, entry in known["groups"].items():
        scenario, why = _rebuilt_scenario(entry.get("whole") or entry["scenario"], f"group {group}")
        if scenario is not None:
            groups[group] = scenario
        if why:
            lost[group] = why
    if not groups:
        return None, lost
    between = []
    for data in known.get("between", []):
        try:
            between.append(rebuilt(data, Between, "between"))
        except UserError as error:
            lost.setdefault("", []).append(str(error))
    control = known.get("control") if known.get("control") in groups else None
    settled = {"name": known["name"], "groups": groups, "individuals": known["individuals"], "seed": known["seed"]}
    try:
        return Study(**settled, control=control, between=tuple(between)), lost
    except UserError as error:
        lost.setdefault("", []).append(str(error))
        return Study(**settled, control=control), lost


def _rebuilt_scenario(data: Mapping[str, Any], where: str) -> tuple[Scenario | None, list[str]]:
    """(as much of a life course as can be rebuilt, from its begin on; what could not be)."""
    why: list[str] = []
    try:
        scenario = rebuilt({**data, "events": []}, Scenario, where)
    except UserError as error:
        return None, [str(error)]
    for event in data["events"]:
        probes = str(event["class"]).endswith(":Probe")
        try:
            built = _rebuilt_probe(event, where, why) if probes else rebuilt(event, Event, where)
            if built is not None:
                scenario = replace(scenario, events=(*scenario.events, built))
        except UserError as error:
            why.append(str(error))
            if not probes:
                break
    return scenario, why


def _rebuilt_probe(data: Mapping[str, Any], where: str, why: list[str]) -> Probe | None:
    """A probe with those of its measures that can be rebuilt."""
    measures = []
    for measure in data["measures"]:
        try:
            measures.append(rebuilt(measure, Measure, where))  # type: ignore[type-abstract]
        except UserError as error:
            why.append(str(error))
    return Probe(*measures, every=data.get("every")) if measures else None


def _why_other(known: Mapping[str, Any], life: Life, index: int) -> str:
    """How a recorded event, or what stands before all events, is written otherwise than the one at hand."""
    scenario = known["groups"].get(life.group, {}).get("scenario", {})
    if index == 0:
        told = _first_apart(scenario.get("subject"), life.steps[0].event.origin.to_data())  # type: ignore[attr-defined]
        return told or (
            f"its seed is {life.seed} in the study at hand" if known["seed"] != life.seed - life.individual else ""
        )
    events = [event for event in scenario.get("events", []) if not str(event.get("class", "")).endswith(":Probe")]
    return _first_apart(events[index - 1], life.steps[index].event.to_data()) if index <= len(events) else ""


def _first_apart(before: Any, now: Any, name: str = "") -> str:
    """The first thing that differs between two recorded specs, in words; empty where nothing does."""
    if before == now:
        return ""
    if not (isinstance(before, Mapping) and isinstance(now, Mapping)):
        return f"{name or 'it'} is {now!r} in the study at hand, and was {before!r}"
    kind = str(before.get("class", name)).partition(":")[2]
    if before.get("class") == now.get("class"):
        if before.get("revision") != now.get("revision"):
            return f"{kind} is at revision {now.get('revision')} here, and was recorded at revision {before.get('revision')}"
        if before.get(SOURCE_CODE) != now.get(SOURCE_CODE):
            return f"the code of {kind} was changed"
    for key in [*before, *(key for key in now if key not in before)]:
        told = _first_apart(before.get(key), now.get(key), f"{kind}({key})" if kind else key)
        if told:
            return told
    return ""


def _when(one: Input) -> str:
    return f" on {datetime.fromisoformat(one.modified).astimezone():%Y-%m-%d %H:%M}" if one.modified else ""
