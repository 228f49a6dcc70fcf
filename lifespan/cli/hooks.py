"""The methods of a contract, and which of them a class overrides."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import Any

from lifespan.contracts.spec import Spec

ROOTS = (Spec, object)


@dataclass(frozen=True)
class Hook:
    """One method or property of a contract. `written` is its signature without `self`; `abstract`: a class must write it."""

    name: str
    written: str
    summary: str
    abstract: bool = False


def hooks(contract: type) -> list[Hook]:
    """The public methods and properties of a contract, its own before those that it inherits; those of every spec left out."""
    found: dict[str, Hook] = {}
    for base in contract.__mro__:
        if base in ROOTS or not base.__module__.startswith("lifespan."):
            continue
        for name, member in vars(base).items():
            if not name.startswith("_") and name not in found and _is_method(member):
                found[name] = _hook(name, member, name in getattr(contract, "__abstractmethods__", ()))
    return sorted(found.values(), key=lambda hook: not hook.abstract)


def contract_of(kind: type) -> type | None:
    """The contract that a class implements: the nearest of its bases that `lifespan.contracts` holds; None without one."""
    return next(
        (base for base in kind.__mro__[1:] if base.__module__.startswith("lifespan.contracts.") and base is not Spec), None
    )


def overridden(kind: type) -> list[Hook]:
    """The hooks of its contract that a class, or a base between the two, writes anew; with the class's own signatures."""
    contract = contract_of(kind)
    if contract is None:
        return []
    between = kind.__mro__[: kind.__mro__.index(contract)]
    written = {name: member for base in reversed(between) for name, member in vars(base).items()}
    return [
        Hook(hook.name, _hook(hook.name, written[hook.name], False).written, hook.summary)
        for hook in hooks(contract)
        if hook.name in written
    ]


def _is_method(member: Any) -> bool:
    return inspect.isfunction(member) or isinstance(member, property | classmethod | staticmethod)


def _hook(name: str, member: Any, abstract: bool) -> Hook:
    summary = inspect.cleandoc(getattr(member, "__doc__", None) or "").partition("\n")[0]
    function = getattr(member, "__func__", member)
    if not inspect.isfunction(function):
        getter = getattr(member, "fget", None)
        return Hook(name, f"{name}{_returns(getter)}", summary if getter else "", abstract)
    parameters = list(inspect.signature(function).parameters.values())
    own = [_text(parameter) for parameter in parameters if parameter.name not in ("self", "cls")]
    return Hook(name, f"{name}({', '.join(own)}){_returns(function)}", summary, abstract)


def _text(parameter: inspect.Parameter) -> str:
    star = "*" * (parameter.kind is parameter.VAR_POSITIONAL) + "**" * (parameter.kind is parameter.VAR_KEYWORD)
    told = "" if parameter.annotation is parameter.empty else f": {_plain(parameter.annotation)}"
    default = "" if parameter.default is parameter.empty else f" = {parameter.default!r}"
    return f"{star}{parameter.name}{told}{default}"


def _returns(function: Any) -> str:
    told = getattr(function, "__annotations__", {}).get("return")
    return "" if told is None else f" -> {_plain(told)}"


def _plain(annotation: Any) -> str:
    return annotation if isinstance(annotation, str) else getattr(annotation, "__name__", str(annotation))
