"""Classes of the user's own on the command line: `my_study.py:Drowsiness` and `my_package.module:Drowsiness`."""

from __future__ import annotations

import importlib
import inspect
import os
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from lifespan.cli.catalog import FAMILIES, Entry, citation_of
from lifespan.contracts.spec import Spec
from lifespan.errors import ScenarioError, did_you_mean
from lifespan.study.loading import find, module_of, read_source

FAMILY_OF = {
    "Disorder": "disorders",
    "Pruner": "pruners",
    "Learner": "learners",
    "Measure": "probes",
    "Contrast": "probes",
    "Strategy": "strategies",
    "Task": "tasks",
    "Corpus": "corpora",
    "Origin": "subjects",
    "Engine": "engines",
}


def find_own(name: str) -> Entry:
    """The entry of `file.py:Class` or `module:Class`. Raises `ScenarioError` where there is no such file, module or class."""
    place, _, class_name = name.rpartition(":")
    is_file = place.endswith(".py") or "/" in place
    module = module_of(read_source(find(place))) if is_file else _imported(name, place)
    kind = vars(module).get(class_name)
    if not inspect.isclass(kind):
        raise ScenarioError(name, _wrong(place, class_name, kind), _nearest(class_name, module))
    summary = inspect.cleandoc(kind.__doc__ or "").partition("\n")[0]
    own = kind.__module__ == module.__name__
    importable = (Path(place).stem if is_file else place) if own else kind.__module__
    return Entry(class_name, _family(kind), summary, citation_of(kind), kind, module=importable)


def _imported(name: str, module: str) -> ModuleType:
    """An installed module, or one of the current folder."""
    if not all(part.isidentifier() for part in module.split(".")):
        raise ScenarioError(name, "must read FILE.py:CLASS or MODULE:CLASS.", "For example: my_study.py:Drowsiness.")
    if os.getcwd() not in sys.path:
        sys.path.append(os.getcwd())
    try:
        return importlib.import_module(module)
    except Exception as error:
        said = f"{module} cannot be imported ({type(error).__name__}: {error})."
        file = f"{module}.py"
        remedy = f"Did you mean {file}:{name.rpartition(':')[2]}?" if Path(file).is_file() else "Install its package."
        raise ScenarioError(name, said, remedy) from None


def _wrong(place: str, class_name: str, found: Any) -> str:
    return f"{place} has no class {class_name!r}." if found is None else f"is {type(found).__name__}, not a class."


def _nearest(class_name: str, module: ModuleType) -> str:
    """A did-you-mean among the classes that the module itself defines."""
    own = [each for each, value in vars(module).items() if inspect.isclass(value) and value.__module__ == module.__name__]
    return did_you_mean(class_name, own) if own else "It defines no class."


def _family(kind: type) -> str:
    bases = [base.__name__ for base in kind.__mro__ if base.__module__.startswith("lifespan.")]
    found = next((FAMILY_OF[base] for base in bases if base in FAMILY_OF), "")
    assert not found or found in FAMILIES
    return found or ("a spec" if issubclass(kind, Spec) else "a class")


def source_of(kind: Any) -> str:
    """Where a class is written: file and lines; empty where that cannot be told."""
    try:
        lines, first = inspect.getsourcelines(kind)
        return f"{inspect.getsourcefile(kind)}, lines {first} to {first + len(lines) - 1}"
    except (OSError, TypeError):
        return ""
