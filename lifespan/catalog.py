"""What is built in: the classes of every family, found from the packages that export them, and the scenarios."""

from __future__ import annotations

import importlib
import inspect
from dataclasses import MISSING, dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any

from lifespan.errors import ScenarioError, did_you_mean
from lifespan.loading import Source, builtin, read_source
from lifespan.spec import Spec

FAMILIES = {
    "events": "lifespan.scenario",
    "tasks": "lifespan.tasks",
    "corpora": "lifespan.corpora",
    "subjects": "lifespan.subjects",
    "learners": "lifespan.learners",
    "pruners": "lifespan.pruning",
    "disorders": "lifespan.disorders",
    "drugs": "lifespan.drugs",
    "strategies": "lifespan.strategies",
    "probes": "lifespan.probes",
    "engines": "lifespan.engines",
}


@dataclass(frozen=True)
class Entry:
    """One built-in class, or one built-in scenario (then `kind` is None and `path` its file)."""

    name: str
    family: str
    summary: str
    citation: str = ""
    kind: type | None = None
    path: Path | None = None

    @property
    def doc(self) -> str:
        """The whole docstring."""
        return self.source.doc if self.kind is None else inspect.cleandoc(self.kind.__doc__ or "")

    @property
    def source(self) -> Source:
        """The scenario's file, parsed."""
        assert self.path is not None
        return read_source(self.path)


def entries(family: str) -> list[Entry]:
    """What one family holds. Raises `ScenarioError` for a family that does not exist."""
    if family == "scenarios":
        return [Entry(name, family, read_source(path).summary, path=path) for name, path in sorted(builtin().items())]
    if family not in FAMILIES:
        raise ScenarioError(family, "is no family.", did_you_mean(family, [*FAMILIES, "scenarios"]))
    module = importlib.import_module(FAMILIES[family])
    kinds = _events() if family == "events" else [getattr(module, name) for name in module.__all__]
    return [_entry(kind, family) for kind in kinds if isinstance(kind, type) and is_dataclass(kind)]


def everything() -> list[Entry]:
    """All entries of all families."""
    return [entry for family in (*FAMILIES, "scenarios") for entry in entries(family)]


def find(name: str) -> Entry:
    """The entry of a name. Raises `ScenarioError` where there is none."""
    known = everything()
    for entry in known:
        if entry.name == name:
            return entry
    for entry in known:
        if entry.name.lower() == name.lower():
            return entry
    hint = did_you_mean(name, [entry.name for entry in known]).partition("Known:")[0]
    raise ScenarioError(name, "nothing built in has this name.", f"{hint}`lifespan list` shows all names.")


def signature(kind: type[Any]) -> str:
    """How to write an object of this class: every argument with its type and default.

    >>> from lifespan.scenario import Age
    >>> print(signature(Age))
    Age(
        to: float,
        by: Pruner,
    )
    """
    lines = []
    for parameter in list(inspect.signature(kind.__init__).parameters.values())[1:]:
        star = "*" if parameter.kind is parameter.VAR_POSITIONAL else ""
        known = "" if parameter.default is parameter.empty else f" = {_default(kind, parameter)}"
        lines.append(f"    {star}{parameter.name}: {_annotation(parameter.annotation)}{known},")
    return "\n".join([f"{kind.__name__}(", *lines, ")"]) if lines else f"{kind.__name__}()"


def positional(kind: type[Any]) -> list[str]:
    """Names of the arguments that may be written without their name."""
    parameters = list(inspect.signature(kind.__init__).parameters.values())[1:]
    return [p.name for p in parameters if p.kind is not p.KEYWORD_ONLY]


def _entry(kind: type, family: str) -> Entry:
    summary = inspect.cleandoc(kind.__doc__ or "").partition("\n")[0]
    return Entry(kind.__name__, family, summary, _citation(kind), kind)


def _events() -> list[type]:
    from lifespan import scenario

    own = [value for value in vars(scenario).values() if isinstance(value, type) and issubclass(value, scenario.Event)]
    return [kind for kind in own if kind is not scenario.Event]


def _citation(kind: type) -> str:
    from lifespan.references import REFERENCES

    known = REFERENCES.get(getattr(kind, "citation", ""))
    return known.cited if known is not None else ""


def _default(kind: type, parameter: inspect.Parameter) -> str:
    for field in fields(kind):
        if field.name == parameter.name and field.default_factory is not MISSING:
            value = field.default_factory()
            return value.describe() if isinstance(value, Spec) else repr(value)
    value = parameter.default
    return value.describe() if isinstance(value, Spec) else repr(value)


def _annotation(annotation: object) -> str:
    return annotation if isinstance(annotation, str) else getattr(annotation, "__name__", str(annotation))
