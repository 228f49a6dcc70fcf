"""Syntax trees as plain data, and the names that bind and use each other at the top of a module."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator, Sequence

_UNSEEN = ("ctx", "type_comment", "kind", "type_ignores")
"""Fields of syntax trees that change nothing, or that only some versions of Python write."""


def hash_of(nodes: Sequence[ast.AST]) -> str:
    """SHA-256 of statements without comments, positions and docstrings."""
    return hashlib.sha256("\n".join(_plain(node) for node in nodes).encode("utf-8", "surrogatepass")).hexdigest()


def _plain(value: object) -> str:
    """A tree in text. Empty fields are left out, so that a version of Python with more of them writes the same."""
    if isinstance(value, ast.Constant):
        return f"{type(value.value).__name__}:{value.value!r}"
    if isinstance(value, ast.AST):
        fields = [(name, content) for name, content in ast.iter_fields(value) if name not in _UNSEEN]
        if isinstance(value, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and _has_docstring(value):
            fields = [(name, content[1:] if name == "body" else content) for name, content in fields]
        inside = ",".join(f"{name}={_plain(content)}" for name, content in fields if content not in (None, []))
        return f"{type(value).__name__}({inside})"
    if isinstance(value, list):
        return f"[{','.join(_plain(entry) for entry in value)}]"
    return repr(value)


def _has_docstring(node: ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    first = node.body[0] if node.body else None
    return isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str)


def reachable(tree: ast.Module, name: str) -> list[ast.stmt]:
    """The top-level statements on which one name rests, in their order: its own and, again and again, those it uses.

    A statement that binds no name (`Thing.method = other`) belongs to what it mentions; a star import belongs to everything.
    """
    bound = [(statement, set(bindings(statement)), used(statement)) for statement in tree.body]
    names, chosen = {name}, set()
    grown = True
    while grown:
        grown = False
        for position, (statement, binds, uses) in enumerate(bound):
            if position in chosen or (not binds and isinstance(statement, ast.Expr) and _is_text(statement)):
                continue
            if binds & names or "*" in binds or (not binds and uses & names):
                chosen.add(position)
                names |= uses
                grown = True
    return [tree.body[position] for position in sorted(chosen)]


def _is_text(statement: ast.Expr) -> bool:
    return isinstance(statement.value, ast.Constant)


def bindings(statement: ast.stmt) -> Iterator[str]:
    """Names that a top-level statement binds, however deep in its blocks."""
    if isinstance(statement, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
        yield statement.name
        return
    if isinstance(statement, ast.Import | ast.ImportFrom):
        yield from (alias.asname or alias.name.partition(".")[0] for alias in statement.names)
        return
    for node in ast.walk(statement):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name
        elif isinstance(node, ast.Import | ast.ImportFrom):
            yield from bindings(node)


def used(statement: ast.stmt) -> set[str]:
    """Names that a statement mentions."""
    return {node.id for node in ast.walk(statement) if isinstance(node, ast.Name)}


def imports(nodes: Sequence[ast.AST], package: str) -> Iterator[tuple[str, str, str]]:
    """(module, name taken from it or "", name it has here) of all imports inside these nodes; relative ones made absolute."""
    for node in (inner for outer in nodes for inner in ast.walk(outer)):
        if isinstance(node, ast.Import):
            yield from ((alias.name, "", alias.asname or alias.name.partition(".")[0]) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parts = package.split(".")
                base = ".".join([*parts[: len(parts) - node.level + 1], *([node.module] if node.module else [])])
            yield from ((base, alias.name, alias.asname or alias.name) for alias in node.names)
