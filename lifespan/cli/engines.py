"""Engines on the command line: `--engine NAME`, `--engine module:Class`, and `--engine-set NAME=VALUE`.

A package of a third party offers engines by name as entry points of the group `lifespan.engines`; built-in names come first.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import os
import sys
from collections.abc import Sequence
from dataclasses import fields
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from lifespan.errors import ScenarioError, did_you_mean
from lifespan.execution.engine import Engine

GROUP = "lifespan.engines"
"""The group of entry points by which packages offer engines."""


def engine_of(name: str | None, workers: int | None, settings: Sequence[str] = ()) -> Engine:
    """The engine that the command line names, with NAME=VALUE `settings` of its fields.

    Raises `ScenarioError` for an engine that does not exist or cannot be imported, and for settings that it does not have.
    """
    name = name or ("inline" if workers is None else "local")
    if name == "inline" and workers not in (None, 1):
        raise ScenarioError(f"--workers {workers}", "inline has one worker.", "Use --engine local.")
    kind = engine_class(name)
    known = [each.name for each in fields(kind)]
    given: dict[str, Any] = {}
    if workers is not None and name != "inline":
        if "workers" not in known:
            rule = f"the engine {name} has no number of workers."
            raise ScenarioError(f"--workers {workers}", rule, "Leave it out.")
        given["workers"] = workers
    given |= dict(_setting(text, name, [each for each in known if each != "workers"]) for text in settings)
    try:
        return kind(**given)
    except TypeError as error:
        remedy = f"`lifespan show {kind.__name__}`" if name in _built_in() else f"See {kind.__module__}.{kind.__name__}."
        where = f"--engine-set {' '.join(settings)}" if settings else f"--engine {name}"
        raise ScenarioError(where, f"does not fit ({error}).", remedy) from None


def engine_class(name: str) -> type[Engine]:
    """The class of a built-in engine, of an entry point, or of `module:Class`."""
    if ":" in name:
        return _checked(name, _imported(name))
    built_in = _built_in()
    if name in built_in:
        return built_in[name]
    offered = {point.name: point for point in entry_points(group=GROUP)}
    if name not in offered:
        remedy = f"{did_you_mean(name, [*built_in, *offered])} An engine of your own: --engine module:Class."
        raise ScenarioError(f"--engine {name}", "is not known here.", remedy)
    return _checked(name, _loaded(offered[name]))


def _built_in() -> dict[str, type[Engine]]:
    from lifespan import engines

    return {kind.lower(): getattr(engines, kind) for kind in engines.__all__}


def _imported(name: str) -> object:
    """What `module:Class` names; the module may also be a file in the current folder."""
    where = f"--engine {name}"
    module_name, _, class_name = name.partition(":")
    if not all(part.isidentifier() for part in (*module_name.split("."), class_name)):
        raise ScenarioError(where, "must read module:Class.", "For example: --engine my_package.engines:MyEngine.")
    if os.getcwd() not in sys.path:
        sys.path.append(os.getcwd())
    try:
        module = importlib.import_module(module_name)
    except Exception as error:
        raise _not_importable(where, module_name, error) from error
    if not hasattr(module, class_name):
        engines = [label for label, value in vars(module).items() if _is_engine(value)]
        remedy = did_you_mean(class_name, engines) if engines else "It defines no engine."
        raise ScenarioError(where, f"the module {module_name} has no {class_name!r}.", remedy)
    found: object = getattr(module, class_name)
    return found


def _loaded(point: EntryPoint) -> object:
    where = f"--engine {point.name}"
    try:
        found: object = point.load()
    except Exception as error:
        raise _not_importable(where, point.value, error) from error
    return found


def _not_importable(where: str, what: str, error: Exception) -> ScenarioError:
    said = f"{what} cannot be imported ({type(error).__name__}: {error})."
    return ScenarioError(where, said, "Install its package, or run the command in the folder of its module.")


def _checked(name: str, found: object) -> type[Engine]:
    if _is_engine(found):
        return found  # type: ignore[return-value]
    is_abstract = isinstance(found, type) and issubclass(found, Engine)
    what = "is an engine without a `run` method." if is_abstract else "is no engine."
    raise ScenarioError(f"--engine {name}", what, "Write a subclass of lifespan.execution.engine.Engine that has `run`.")


def _is_engine(found: object) -> bool:
    return isinstance(found, type) and issubclass(found, Engine) and not inspect.isabstract(found)


def _setting(text: str, engine: str, known: list[str]) -> tuple[str, Any]:
    """(field, value) of a NAME=VALUE text."""
    key, equals, value = text.partition("=")
    if not equals:
        raise ScenarioError(f"--engine-set {text}", "must read NAME=VALUE.", "For example: --engine-set packed=4.")
    if key not in known:
        remedy = did_you_mean(key, known) if known else "It takes no settings."
        raise ScenarioError(f"--engine-set {text}", f"the engine {engine} has no setting {key!r}.", remedy)
    return key, _value(value)


def _value(text: str) -> Any:
    """A Python literal, or else the text itself."""
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text
