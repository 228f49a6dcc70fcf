"""Checks of every spec: a frozen dataclass of its own, a docstring, and a citation that can be printed."""

from __future__ import annotations

import inspect
from dataclasses import fields, replace
from typing import NoReturn

from lifespan.contracts.spec import Spec
from lifespan.errors import ScenarioError
from lifespan.report.bibtex import publication
from lifespan.report.references import REFERENCES


def broken(who: object, what: str, remedy: str) -> NoReturn:
    """Raise an `AssertionError` of one sentence: who breaks which rule, and what to do."""
    raise AssertionError(f"{_named(who)} {what}: {remedy}")


def check(holds: bool, who: object, what: str, remedy: str) -> None:
    """Raise as `broken` does, unless this holds."""
    if not holds:
        broken(who, what, remedy)


def check_spec(spec: object, family: type[Spec]) -> None:
    """Raise unless the spec is a frozen dataclass of this family, documented, and equal to its copy."""
    name = family.__name__
    if isinstance(spec, type):
        broken(spec, "is a class, not an object", f"check an object, {spec.__name__}(...)")
    check(isinstance(spec, family), spec, f"is no {name}", f"derive its class from lifespan.{name}")
    assert isinstance(spec, Spec)
    own = "__dataclass_fields__" in vars(type(spec))
    check(own, spec, "is no dataclass of its own", "put @dataclass(frozen=True, kw_only=True) above the class")
    doc = inspect.cleandoc(vars(type(spec)).get("__doc__") or "")
    remedy = "say in a docstring what it does, with paper, ranges and units"
    check(bool(doc) and not doc.startswith(f"{type(spec).__name__}("), spec, "has no docstring", remedy)
    twin = replace(spec)
    remedy = "store arguments exactly as given, and derive everything later"
    check(twin == spec and twin.digest() == spec.digest(), spec, "differs from a copy with the same arguments", remedy)


def check_citation(spec: object, *, required: bool) -> None:
    """Raise unless the class attribute `citation` is a key of lifespan/report/references.bib or one BibTeX entry."""
    given = getattr(type(spec), "citation", "")
    entry = "one BibTeX entry such as '@article{doe2020, author = {...}, ...}'"
    remedy = f"give a key of lifespan/report/references.bib, or {entry}"
    check(isinstance(given, str), spec, f"has a citation that is no text, {given!r}", remedy)
    check(bool(given.strip()) or not required, spec, "has no citation", f"set citation in its class; {remedy}")
    known = not given.strip() or given in REFERENCES or publication(given).parsed
    check(known, spec, f"has a citation that cannot be read, {given.strip()[:60]!r}", remedy)


def check_rejects(spec: Spec, field: str, value: object) -> None:
    """Raise unless the spec's class refuses a wrong argument with a `ScenarioError`."""
    try:
        replace(spec, **{field: value})
    except ScenarioError:
        return
    remedy = "call super().__post_init__() first in its __post_init__"
    broken(spec, f"accepts {field}={value!r}", remedy)


def changed_fields(spec: Spec, before: dict[str, object]) -> list[str]:
    """Names of what a spec keeps on itself now and did not before, cached properties left out."""
    kind = type(spec)
    cached = {name for base in kind.__mro__ for name, value in vars(base).items() if hasattr(value, "attrname")}
    now = vars(spec)
    return sorted(name for name in {*now, *before} - cached if now.get(name) is not before.get(name))


def arguments(spec: Spec) -> dict[str, object]:
    """The arguments that make this spec again."""
    return {field.name: getattr(spec, field.name) for field in fields(spec) if field.init}


def _named(who: object) -> str:
    return who if isinstance(who, str) else (who if isinstance(who, type) else type(who)).__name__
