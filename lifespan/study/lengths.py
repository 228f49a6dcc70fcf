"""One length for a study: how many tokens are read of a text, wherever an event or a measure leaves it open."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

from lifespan.contracts.length import StandardLength
from lifespan.contracts.spec import Spec
from lifespan.study.events import Probe
from lifespan.study.scenario import Study


def with_lengths(study: Study) -> Study:
    """The study with its lengths written out in every event, measure, pruner and comparison that left them open.

    A scenario's own length stands before the study's. Where neither has one, this is the study as it was.
    """
    groups = {group: _written(scenario, scenario.length or study.length) for group, scenario in study.groups.items()}
    between = _written(study.between, study.length)
    if between is study.between and all(groups[group] is study.groups[group] for group in groups):
        return study
    return replace(study, groups=groups, between=between)


def _written(part: Any, length: int | None) -> Any:
    """The same specs with `length` in the place of every `STANDARD_LENGTH`; the same objects where there is none."""
    if length is None:
        return part
    if isinstance(part, StandardLength):
        return length
    if isinstance(part, Spec):
        return _spec(part, length)
    if isinstance(part, Mapping):
        found: Any = {key: _written(value, length) for key, value in part.items()}
        return part if all(found[key] is part[key] for key in found) else found
    if isinstance(part, tuple):
        found = tuple(_written(value, length) for value in part)
        return part if all(new is old for new, old in zip(found, part, strict=True)) else found
    return part


def _spec(spec: Spec, length: int) -> Spec:
    before = {field.name: getattr(spec, field.name) for field in fields(spec) if field.init}
    now = {name: _written(value, length) for name, value in before.items()}
    if all(now[name] is before[name] for name in before):
        return spec
    if isinstance(spec, Probe):
        return Probe(*now["measures"], every=now["every"])
    return replace(spec, **now)
