"""Compiled code: whether it is that of a source, and its hash where there is no source."""

from __future__ import annotations

import ast
import hashlib
import inspect
import sys
import types
from collections.abc import Callable, Iterator, Mapping
from typing import Any

_SIMPLE = (int, float, complex, str, bytes, bool, type(None))


def fits(tree: ast.Module, space: Mapping[str, Any], path: str) -> bool:
    """Whether the functions and single-valued constants of a loaded module are those of a source."""
    if type(space.get("__loader__")).__name__ == "AssertionRewritingHook":
        return True  # pytest writes its own asserts into a test's code.
    functions = [function for function in _functions_in(space) if function.__code__.co_filename == path]
    known = set(_signatures(compile(tree, path, "exec", dont_inherit=True)))
    if not all(_signature(function.__code__) in known for function in functions):
        return False
    constants = [(space[name], value) for name, value in _constants(tree) if name in space]
    return all(type(held) is type(value) and held == value for held, value in constants)


def _functions_in(space: Mapping[str, Any]) -> Iterator[types.FunctionType]:
    """Functions of a module and of its classes, as they were written."""
    here = space.get("__name__")
    for value in list(space.values()):
        if isinstance(value, type) and value.__module__ == here:
            for inner in vars(value).values():
                yield from _written(inner)
        elif getattr(value, "__module__", None) == here:
            yield from _written(value)


def _written(value: Any) -> Iterator[types.FunctionType]:
    if isinstance(value, property):
        for part in (value.fget, value.fset, value.fdel):
            yield from _written(part)
        return
    value = getattr(value, "__func__", getattr(value, "func", value))
    value = inspect.unwrap(value) if callable(value) else value
    if isinstance(value, types.FunctionType):
        yield value


def _signatures(code: types.CodeType) -> Iterator[tuple[Any, ...]]:
    for inner in code.co_consts:
        if isinstance(inner, types.CodeType):
            yield _signature(inner)
            yield from _signatures(inner)


def _signature(code: types.CodeType) -> tuple[Any, ...]:
    constants = tuple(
        _signature(value) if isinstance(value, types.CodeType) else (type(value).__name__, _constant(value))
        for value in code.co_consts
    )
    return code.co_qualname, code.co_code, code.co_names, code.co_varnames, constants


def _constant(value: Any) -> str:
    return f"frozenset({sorted(map(repr, value))})" if isinstance(value, frozenset) else repr(value)


def _constants(tree: ast.Module) -> Iterator[tuple[str, Any]]:
    """Names that are bound once, to a literal that cannot change, and that no function rebinds."""
    moved = {name for node in ast.walk(tree) if isinstance(node, ast.Global) for name in node.names}
    bound = [node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)]
    for node in tree.body:
        if not isinstance(node, ast.Assign | ast.AnnAssign) or node.value is None:
            continue
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        target = targets[0]
        if len(targets) != 1 or not isinstance(target, ast.Name) or not isinstance(node.value, ast.Constant):
            continue
        if bound.count(target.id) == 1 and target.id not in moved and node.value.value == node.value.value:
            yield target.id, node.value.value


def compiled_hash(thing: Any, foreign: Callable[[str], bool]) -> str:
    """SHA-256 of the compiled code of a class or module and of the functions and constants that it uses.

    `foreign` says whether a module's code counts. The hash is comparable within one version of Python.
    """
    lines = [f"python {sys.version_info.major}.{sys.version_info.minor}"]
    seen: set[int] = set()
    pending: list[Any] = [thing]
    while pending:
        value = pending.pop(0)
        if id(value) in seen:
            continue
        seen.add(id(value))
        if isinstance(value, type | types.ModuleType):
            lines += _members(value, pending)
        for function in _written(value):
            text = _text(function.__code__, function.__doc__)
            defaults = [repr(default) for default in function.__defaults__ or () if isinstance(default, _SIMPLE)]
            lines.append(f"{function.__qualname__} {text} {defaults}")
            lines += _globals(function, pending, foreign)
    return hashlib.sha256("\n".join(lines).encode("utf-8", "surrogatepass")).hexdigest()


def _members(owner: type | types.ModuleType, pending: list[Any]) -> Iterator[str]:
    for name, value in sorted(vars(owner).items()):
        if name.startswith("__") and name not in ("__init__", "__post_init__", "__call__"):
            continue
        if isinstance(value, _SIMPLE) or (isinstance(value, tuple) and all(isinstance(each, _SIMPLE) for each in value)):
            yield f"{owner.__name__}.{name} = {value!r}"
        elif isinstance(owner, type) or getattr(value, "__module__", None) == owner.__name__:
            pending += _written(value)
    if isinstance(owner, type):
        for field in getattr(owner, "__dataclass_fields__", {}).values():
            yield f"{owner.__name__}.{field.name}: {field.default!r}" if isinstance(field.default, _SIMPLE) else field.name
        pending += [base for base in owner.__mro__[1:] if base.__module__ == owner.__module__]


def _globals(function: types.FunctionType, pending: list[Any], foreign: Callable[[str], bool]) -> Iterator[str]:
    """Constants that a function reads from its module, as text; functions, classes and modules wait for their turn."""
    for name in _names(function.__code__):
        value = function.__globals__.get(name)
        if isinstance(value, _SIMPLE) and name in function.__globals__:
            yield f"{name} = {value!r}"
        module = value.__name__ if isinstance(value, types.ModuleType) else getattr(value, "__module__", None)
        if (callable(value) or isinstance(value, types.ModuleType)) and isinstance(module, str) and foreign(module):
            pending.append(value)


def _names(code: types.CodeType) -> list[str]:
    inner = [name for value in code.co_consts if isinstance(value, types.CodeType) for name in _names(value)]
    return sorted({*code.co_names, *inner})


def _text(code: types.CodeType, doc: str | None) -> str:
    constants = [value for position, value in enumerate(code.co_consts) if position or value != doc]
    parts = [_text(value, None) if isinstance(value, types.CodeType) else _constant(value) for value in constants]
    return f"{code.co_code.hex()} {code.co_names} {code.co_varnames} {parts}"
