"""From a spec's recorded data back to the object.

`Spec.to_data` names a class of this package by the package and its name, any other by its module, its name and a fingerprint
of its code (older records: its top-level package and its name), and gives the arguments that differ from their defaults.
Classes of this package are taken from what it exports; a class of another package is imported only where that package is
installed, must be a spec of the family asked for, and must have the code that was recorded. A class of a scenario file
cannot be found again.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
from collections.abc import Mapping
from typing import Any, TypeVar

from lifespan.contracts.code import code_of, is_own
from lifespan.contracts.spec import NOT_ARGUMENTS, SOURCE_CODE, Spec
from lifespan.errors import RecordError, UserError

Kind = TypeVar("Kind", bound=Spec)

SCENARIO = "scenario"
"""The package under which classes of scenario files are recorded."""


def rebuilt(data: Any, family: type[Kind], where: str) -> Kind:
    """The object of a family (`Origin`, `Task`, ...) that wrote this data. Raises `RecordError` where it cannot be had."""
    if not isinstance(data, Mapping) or not isinstance(data.get("class"), str):
        raise RecordError(where, f"is no recorded {family.__name__}.", "`lifespan simulate --resume` writes it anew.")
    kind = _class(data["class"], family, where, exact=SOURCE_CODE in data)
    revision = data.get("revision")
    if revision != kind.revision:
        raise RecordError(
            f"{where}: {kind.__name__}",
            f"was recorded at revision {revision}, but is at {kind.revision} here.",
            "Use the version of the package that simulated it.",
        )
    recorded = data.get(SOURCE_CODE)
    if recorded is not None and (is_own(kind) or recorded != code_of(kind).fingerprint):
        what = "was recorded with other code than there is here: its source, or that of a module it uses, was changed since."
        raise RecordError(f"{where}: {kind.__name__}", what, "Restore that code, or simulate anew.")
    left_out = {*NOT_ARGUMENTS, *kind.stated}
    arguments = {name: _value(value, where) for name, value in data.items() if name not in left_out}
    try:
        return kind(**arguments)
    except UserError as error:
        raise RecordError(where, f"{error.where}: {error.what}", error.remedy) from None
    except (TypeError, ValueError, AttributeError) as error:
        raise RecordError(where, f"its arguments do not fit {kind.__name__} ({error}).") from None


def _class(recorded: str, family: type[Kind], where: str, *, exact: bool) -> type[Kind]:
    """The class of a recorded name; `exact` names give its module, not only its package."""
    module, _, name = recorded.partition(":")
    package = module.partition(".")[0]
    if package == SCENARIO:
        raise RecordError(
            f"{where}: {name}",
            f"this {family.__name__} is defined in a scenario file, where it cannot be found again.",
            "Define it in a module that can be imported, and simulate anew.",
        )
    found = _attribute(package, name)
    if exact and (found is None or getattr(found, "__module__", module) != module) and module != package:
        found = _attribute(module, name) or found
    if found is None:
        raise RecordError(
            f"{where}: {recorded}",
            f"this Python has no such {family.__name__}.",
            f"Install the package {package!r}, and let it export {name}.",
        )
    if not (isinstance(found, type) and issubclass(found, family)) or inspect.isabstract(found):
        raise RecordError(f"{where}: {recorded}", f"is no {family.__name__}.")
    return found


def exported(name: str) -> Any:
    """What this package exports under a name, or None."""
    return _attribute(__name__.partition(".")[0], name)


def class_recorded(data: Any) -> type[Spec] | None:
    """The class that wrote a spec's data, where it can be found; None for one of a scenario file, or not installed here."""
    recorded = data.get("class") if isinstance(data, Mapping) else None
    module, _, name = recorded.partition(":") if isinstance(recorded, str) else ("", "", "")
    found = _attribute(module, name) if module.partition(".")[0] not in ("", SCENARIO) else None
    return found if isinstance(found, type) and issubclass(found, Spec) else None


def _attribute(package: str, name: str) -> Any:
    """What a package, or a module of one, has under a name, or None. It is imported by its own name alone."""
    if not all(part.isidentifier() for part in package.split(".")):
        return None
    try:
        if importlib.util.find_spec(package) is None:
            return None
        return getattr(importlib.import_module(package), name, None)
    except (ImportError, ValueError):
        return None


def _value(value: Any, where: str) -> Any:
    """Lists were tuples; objects with a class are specs inside a spec."""
    if isinstance(value, list):
        return tuple(_value(entry, where) for entry in value)
    if isinstance(value, Mapping):
        if "class" in value:
            return rebuilt(value, Spec, where)
        return {key: _value(entry, where) for key, entry in value.items()}
    return value
