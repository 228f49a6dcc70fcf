"""What is built in: the classes of every family, found from the packages that export them, functions and scenarios."""

from __future__ import annotations

import importlib
import inspect
from dataclasses import MISSING, dataclass, fields, is_dataclass
from typing import Any

from lifespan.contracts.spec import Spec, literal_values
from lifespan.errors import ScenarioError, did_you_mean
from lifespan.study.loading import Source, builtin, read_source

FAMILIES = {
    "studies": "lifespan.study.scenario",
    "events": "lifespan.study.events",
    "tasks": "lifespan.tasks",
    "corpora": "lifespan.corpora",
    "subjects": "lifespan.subjects",
    "learners": "lifespan.learners",
    "pruners": "lifespan.pruning",
    "disorders": "lifespan.disorders",
    "drugs": "lifespan.disorders.drugs",
    "strategies": "lifespan.strategies",
    "probes": "lifespan.probes",
    "engines": "lifespan.engines",
    "functions": "lifespan",
    "contracts": "lifespan",
}


@dataclass(frozen=True)
class Entry:
    """One class or function, or one built-in scenario (then `kind` is None and `source` its file, parsed).

    `module` is where a class is imported from.
    """

    name: str
    family: str
    summary: str
    citation: str = ""
    kind: Any = None
    source: Source | None = None
    module: str = "lifespan"

    @property
    def kind_of_method(self) -> str:
        """The folder of its family that it stands in, in words, such as "pruning schedule"; empty where there are none."""
        parts = "" if self.kind is None else self.kind.__module__.split(".")
        return parts[2].replace("_", " ") if len(parts) > 3 else ""

    @property
    def doc(self) -> str:
        """The whole docstring."""
        return self.source.doc if self.source is not None else inspect.cleandoc(self.kind.__doc__ or "")


def entries(family: str) -> list[Entry]:
    """What one family holds. Raises `ScenarioError` for a family that does not exist."""
    if family == "scenarios":
        sources = {name: read_source(path) for name, path in sorted(builtin().items())}
        return [Entry(name, family, source.summary, source=source) for name, source in sources.items()]
    if family not in FAMILIES:
        raise ScenarioError(family, "is no family.", did_you_mean(family, [*FAMILIES, "scenarios"]))
    if family in _OF_THE_PACKAGE:
        return [_entry(kind, family) for kind in _OF_THE_PACKAGE[family]()]
    module = importlib.import_module(FAMILIES[family])
    kinds = [getattr(module, name) for name in module.__all__]
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
    own = "A class of your own: `lifespan show my_study.py:Name`."
    raise ScenarioError(name, "nothing built in has this name.", f"{hint}`lifespan list` shows all names. {own}")


def signature(kind: Any) -> str:
    """How to write an object of this class, or a call of this function: every argument with its type and default.

    >>> from lifespan.study.scenario import Age
    >>> print(signature(Age))
    Age(
        to: float,
        by: Pruner,
    )
    """
    lines = []
    for parameter in _parameters(kind):
        star = "*" if parameter.kind is parameter.VAR_POSITIONAL else ""
        known = "" if parameter.default is parameter.empty else f" = {_default(kind, parameter)}"
        lines.append(f"    {star}{parameter.name}: {_annotation(kind, parameter)}{known},")
    return "\n".join([f"{kind.__name__}(", *lines, ")"]) if lines else f"{kind.__name__}()"


def positional(kind: Any) -> list[str]:
    """Names of the arguments that may be written without their name."""
    return [p.name for p in _parameters(kind) if p.kind is not p.KEYWORD_ONLY]


def _parameters(kind: Any) -> list[inspect.Parameter]:
    first = int(inspect.isclass(kind))
    found = list(inspect.signature(kind.__init__ if first else kind).parameters.values())[first:]
    # A class without arguments of its own shows those of whatever is at its root.
    return found if any(p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD) for p in found) else []


def _entry(kind: Any, family: str) -> Entry:
    summary = inspect.cleandoc(kind.__doc__ or "").partition("\n")[0]
    return Entry(kind.__name__, family, summary, citation_of(kind), kind, module=_home(kind))


def _home(kind: Any) -> str:
    import lifespan

    return "lifespan" if kind.__name__ in lifespan.__all__ else kind.__module__


def _events() -> list[type]:
    from lifespan.study import events

    own = [value for value in vars(events).values() if isinstance(value, type) and issubclass(value, events.Event)]
    return [kind for kind in own if kind not in (events.Event, events.Birth)]


def _studies() -> list[type]:
    from lifespan.study.design import Sequential
    from lifespan.study.hypotheses import Hypothesis, Quantity
    from lifespan.study.scenario import Between, Scenario, Study

    return [Scenario, Study, Between, Hypothesis, Quantity, Sequential]


def _exported() -> list[Any]:
    import lifespan
    from lifespan.report.entry import report

    # `lifespan.report` is the package, which is called as the function.
    return [report if name == "report" else getattr(lifespan, name) for name in sorted(lifespan.__all__)]


def _functions() -> list[Any]:
    return [value for value in _exported() if inspect.isfunction(value)]


def _contracts() -> list[type]:
    from lifespan.contracts.disorder import Course, Regimen
    from lifespan.contracts.subject import Skill, Subject
    from lifespan.randomness import Streams

    given = (Course, Regimen, Skill, Streams, Subject)
    return sorted([*_exported_contracts(), *given], key=lambda kind: kind.__name__)


def _exported_contracts() -> list[type]:
    return [value for value in _exported() if isinstance(value, type) and value.__module__.startswith("lifespan.contracts.")]


_OF_THE_PACKAGE = {"studies": _studies, "events": _events, "functions": _functions, "contracts": _contracts}


def citation_of(kind: type) -> str:
    """Whom to cite for a class, as (author, year): of a key of references.bib, or of an entry of BibTeX; empty without one."""
    from lifespan.report.bibtex import publication
    from lifespan.report.references import REFERENCES

    given = getattr(kind, "citation", "")
    if not isinstance(given, str) or not given.strip():
        return ""
    known = REFERENCES.get(given)
    return known.cited if known is not None else publication(given).cited


def _default(kind: Any, parameter: inspect.Parameter) -> str:
    for field in fields(kind) if is_dataclass(kind) else ():
        if field.name == parameter.name and field.default_factory is not MISSING:
            value = field.default_factory()
            return value.describe() if isinstance(value, Spec) else repr(value)
    value = parameter.default
    return value.describe() if isinstance(value, Spec) else repr(value)


def _annotation(kind: Any, parameter: inspect.Parameter) -> str:
    annotation = parameter.annotation
    choices = () if inspect.isfunction(kind) else literal_values(kind, parameter.name)
    if choices:
        return " | ".join(map(repr, choices))
    return annotation if isinstance(annotation, str) else getattr(annotation, "__name__", str(annotation))
