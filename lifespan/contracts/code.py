"""What code a class is made of: the content behind the name of a class that does not come with this package.

A class of this package has a `revision`. Any other class is known by its source: its own statements, those of its module on
which it rests, whole modules of the same author that it imports, and name and version of installed packages that it imports.
Comments, docstrings, layout and places on disk do not count; numpy, torch and the like are stored with every step instead.

What counts is the code that is loaded. A file that was edited since it was imported is not what runs, so a module's source
is compared with its functions; where no source fits, as in an interactive session, the compiled code itself is hashed.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import inspect
import sys
import sysconfig
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path
from types import FunctionType
from typing import Any
from weakref import WeakKeyDictionary

from lifespan.contracts import _syntax
from lifespan.contracts._bytecode import compiled_hash, fits

OWN = "lifespan"
TREE = "__lifespan_tree__"
"""Under this name a module that runs from a changed syntax tree (a scenario with settings) holds it."""
SHIPPED = "__lifespan_code__"
"""Under this name a class that travels to a worker, which cannot see its source, holds its `Code`."""
VERSIONED = frozenset(
    [
        "avalanche",
        "datasets",
        "huggingface_hub",
        "numpy",
        "pandas",
        "peft",
        "pyarrow",
        "pytest",
        "safetensors",
        "scipy",
        "tokenizers",
        "torch",
        "transformers",
        "typing_extensions",
    ]
)
"""Packages whose versions every step stores, and whose code is therefore no part of a class's."""


@dataclass(frozen=True)
class Part:
    """A piece of code: `name` is a module, or "<distribution> <version>"; `path` its file, where there is one."""

    name: str
    fingerprint: str
    path: str | None = None


@dataclass(frozen=True)
class Code:
    """All the code of a class. Its fingerprint is made of the parts, not of where they lie."""

    parts: tuple[Part, ...]

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the parts' names and fingerprints."""
        lines = "\n".join(f"{part.name} {part.fingerprint}" for part in sorted(self.parts, key=lambda part: part.name))
        return hashlib.sha256(lines.encode()).hexdigest()


Coded = type | FunctionType
"""What has code: a class, or a function that is an argument of one."""

_known: WeakKeyDictionary[Coded, Code] = WeakKeyDictionary()
_trees: dict[str, tuple[str, ast.Module]] = {}
"""Source as it was when a module was first read, by its file: (text, tree)."""


def is_own(kind: Coded) -> bool:
    """Whether a class or function comes with this package."""
    return kind.__module__.partition(".")[0] == OWN


def refresh() -> None:
    """Forget what was read, so that code is read again: modules may have been reloaded since."""
    _known.clear()


def code_of(kind: Coded) -> Code:
    """The code of a class or function that is not of this package."""
    found = _known.get(kind)
    if found is None:
        found = _known[kind] = _code_of(kind)
        with suppress(TypeError):
            setattr(kind, SHIPPED, found)
    return found


def _code_of(kind: Coded) -> Code:
    space, shipped = _namespace(kind), vars(kind).get(SHIPPED)
    if isinstance(shipped, Code) and _has_travelled(kind, space):
        return shipped
    parts: dict[str, Part] = {}
    name = kind.__qualname__.partition(".")[0]
    tree = None if space is None or name == "<lambda>" else _tree(space)
    if space is None or tree is None:
        return Code((Part(kind.__module__, compiled_hash(kind, _is_foreign)),))
    statements = _syntax.reachable(tree, name)
    parts[kind.__module__] = Part(kind.__module__, _syntax.hash_of(statements), space.get("__file__"))
    _follow(statements, space, parts)
    version = _version(kind.__module__.partition(".")[0])
    if version is not None:
        parts[version] = Part(version, "")
    return Code(tuple(parts.values()))


def _namespace(kind: Coded) -> dict[str, Any] | None:
    """The namespace of the module that defines a class: its functions know it even where another module took its name."""
    members: list[Any] = [kind] if isinstance(kind, FunctionType) else list(vars(kind).values())
    for value in members:
        function = inspect.unwrap(value) if inspect.isfunction(value) else None
        if isinstance(function, FunctionType) and function.__globals__.get("__name__") == kind.__module__:
            return function.__globals__
    module = sys.modules.get(kind.__module__)
    return None if module is None else vars(module)


def _has_travelled(kind: Coded, space: Mapping[str, Any] | None) -> bool:
    """Whether a class came from another process, in which its module is and whose source it saw."""
    module = sys.modules.get(kind.__module__)
    return space is None or (TREE not in space and (module is None or vars(module) is not space))


def _is_foreign(module: str) -> bool:
    """Whether a module is neither of this package, nor of Python, nor of `VERSIONED`."""
    top = module.partition(".")[0]
    return top != OWN and top not in sys.stdlib_module_names and top not in VERSIONED


def _follow(nodes: list[ast.stmt], space: Mapping[str, Any], parts: dict[str, Part]) -> None:
    """Add the modules that these statements import to the parts, and what those import."""
    for module, name, here in _syntax.imports(nodes, str(space.get("__package__") or "")):
        for found in (module, f"{module}.{name}") if name else (module,):
            if found and found not in parts and _is_foreign(found):
                _add(found, space.get(here), space, parts)


def _add(name: str, value: Any, space: Mapping[str, Any], parts: dict[str, Part]) -> None:
    other = _space_of(name, value)
    if other is None:
        return
    top = name.partition(".")[0]
    if _installed(other) and top != str(space.get("__name__")).partition(".")[0]:
        version = _version(top) or top
        parts.setdefault(version, Part(version, ""))
    tree = _tree(other)
    if tree is None:
        loaded = sys.modules.get(name)
        if loaded is not None and not _installed(other):
            parts[name] = Part(name, compiled_hash(loaded, _is_foreign), other.get("__file__"))
        return
    parts[name] = Part(name, _syntax.hash_of(tree.body), other.get("__file__"))
    if not _installed(other) or top == str(space.get("__name__")).partition(".")[0]:
        _follow(tree.body, other, parts)


def _space_of(name: str, value: Any) -> Mapping[str, Any] | None:
    """The namespace of an imported module: the one that the imported object belongs to, or the one of that name."""
    if inspect.ismodule(value) and value.__name__ == name:
        return vars(value)
    if inspect.isfunction(value) and value.__globals__.get("__name__") == name:
        return value.__globals__
    if isinstance(value, type) and value.__module__ == name:
        return _namespace(value)
    if name in sys.modules:
        return vars(sys.modules[name])
    with suppress(ImportError, ValueError, AttributeError):
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.origin is not None:
            package = name if spec.submodule_search_locations else name.rpartition(".")[0]
            return {"__name__": name, "__file__": spec.origin, "__package__": package}
    return None


def _tree(space: Mapping[str, Any]) -> ast.Module | None:
    """The source of a module that fits the code that is loaded, or None."""
    held = space.get(TREE)
    if isinstance(held, ast.Module):
        return held
    path = space.get("__file__")
    if not isinstance(path, str) or not path.endswith(".py"):
        return None
    for text, tree in _sources(path):
        if fits(tree, space, path):
            _trees[path] = text, tree
            return tree
    return None


def _sources(path: str) -> Iterator[tuple[str, ast.Module]]:
    """The source as it was when first read, and as it is now."""
    known = _trees.get(path)
    if known is not None:
        yield known
    with suppress(OSError, SyntaxError, ValueError):
        text = Path(path).read_text(encoding="utf-8")
        if known is None or known[0] != text:
            yield text, ast.parse(text)


@cache
def _libraries() -> tuple[str, ...]:
    names = ("purelib", "platlib", "stdlib", "platstdlib")
    return tuple({str(Path(sysconfig.get_path(name)).resolve()) for name in names})


def _installed(space: Mapping[str, Any]) -> bool:
    """Whether a module lies where packages are installed."""
    path = space.get("__file__")
    if not isinstance(path, str):
        return False
    parts = Path(path).parts
    return "site-packages" in parts or "dist-packages" in parts or str(Path(path).resolve()).startswith(_libraries())


@cache
def _version(top: str) -> str | None:
    """ "<distribution> <version>" of an installed package by its top-level module, or None where it is no distribution's."""
    for name in dict.fromkeys((top, top.replace("_", "-"))):
        with suppress(metadata.PackageNotFoundError, ValueError):
            return f"{name.replace('_', '-').lower()} {metadata.version(name)}"
    spec = None
    with suppress(ImportError, ValueError):
        spec = importlib.util.find_spec(top)
    if spec is None or spec.origin is None or not _installed({"__file__": spec.origin}):
        return None
    names = metadata.packages_distributions().get(top, [])
    return f"{names[0].lower()} {metadata.version(names[0])}" if names else None
