"""A step as one individual lives it: with the training rows that are its own."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any, TypeVar

from lifespan.contracts import Task
from lifespan.contracts.spec import Spec
from lifespan.study.plan import Step

Value = TypeVar("Value")


def own_step(step: Step) -> Step:
    """The step with every task in it as the individual of its seed meets it; the step itself where no task is resampled.

    Its digest, key and random streams are the same: they name the seed already.
    """
    parts = {name: getattr(step, name) for name in ("event", "active", "tasks", "present")}
    own = {name: own_rows(value, step.seed) for name, value in parts.items()}
    changed: dict[str, Any] = {name: value for name, value in own.items() if value is not parts[name]}
    return replace(step, **changed) if changed else step


def own_rows(value: Value, seed: int) -> Value:
    """A spec, or a container of specs, with every task in it as the individual of a seed meets it; itself if none differs."""
    own: Value = _own(value, seed)
    return own


def _own(value: Any, seed: int) -> Any:
    if isinstance(value, Task):
        return value.of_individual(seed)
    if isinstance(value, tuple):
        entries = [_own(entry, seed) for entry in value]
        return value if all(new is old for new, old in zip(entries, value, strict=True)) else tuple(entries)
    if isinstance(value, Mapping):
        found = {name: _own(entry, seed) for name, entry in value.items()}
        return value if all(found[name] is value[name] for name in found) else found
    return _own_spec(value, seed) if isinstance(value, Spec) else value


def _own_spec(spec: Spec, seed: int) -> Spec:
    given = {field.name: getattr(spec, field.name) for field in fields(spec)}
    found = {name: _own(value, seed) for name, value in given.items()}
    if all(found[name] is given[name] for name in given):
        return spec
    own = copy.copy(spec)
    for name, value in found.items():
        object.__setattr__(own, name, value)
    return own
