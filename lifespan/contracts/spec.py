"""Specs: the frozen, checked objects that a scenario consists of.

A spec stores its arguments exactly as given and derives everything later. It is checked where the user typed it
(`__post_init__`), can be written as plain data, and has a digest that does not change when a new field with a no-op
default is added to its class. A class whose behaviour changes raises its `revision`, which does change the digest.
"""

from __future__ import annotations

import hashlib
import inspect
import json
import sys
from abc import ABCMeta
from collections.abc import Callable, Collection, Mapping
from dataclasses import MISSING, Field, dataclass, fields
from functools import cache
from types import FunctionType
from typing import Any, ClassVar, Literal, get_args, get_origin

from lifespan.contracts.code import OWN, code_of, is_own
from lifespan.contracts.length import StandardLength
from lifespan.contracts.sources import Source, named_files
from lifespan.errors import ScenarioError, did_you_mean

SOURCE_CODE = "source code"
"""Key of a foreign class's fingerprint in recorded data: no name of an argument can be the same."""
NOT_ARGUMENTS = ("class", "revision", SOURCE_CODE)
"""Keys of recorded data that are not arguments."""


class SpecType(ABCMeta):
    """The metaclass that answers a misspelt or missing argument with a message that names the right one."""

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().__call__(*args, **kwargs)
        except TypeError as error:
            parameters = inspect.signature(vars(cls).get("__init__") or object.__init__).parameters
            named = [name for name in parameters if name != "self"]
            unknown = [name for name in kwargs if name not in named]
            if unknown:
                raise ScenarioError(
                    f"{cls.__name__}({unknown[0]}=...)", "there is no such argument.", did_you_mean(unknown[0], named)
                ) from None
            missing = [
                name
                for name, parameter in list(parameters.items())[1 + len(args) :]
                if parameter.default is inspect.Parameter.empty
                and parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
                and name not in kwargs
            ]
            if missing and "argument" in str(error):
                raise ScenarioError(
                    f"{cls.__name__}(...)",
                    f"the argument {missing[0]!r} is missing.",
                    f"Arguments: {', '.join(named)}.",
                ) from None
            raise


@dataclass(frozen=True, kw_only=True)
class Spec(metaclass=SpecType):
    """A frozen description whose fields are its arguments. Subclasses are frozen dataclasses with keyword arguments."""

    revision: ClassVar[int] = 1
    stated: ClassVar[tuple[str, ...]] = ()
    """Keys of `to_data` that are no arguments but say how arguments are understood."""

    def __post_init__(self) -> None:
        """Subclasses check their fields here with the `require_*` helpers."""

    def to_data(self) -> dict[str, Any]:
        """This spec as JSON-ready data: its class, revision and the fields that differ from their defaults.

        A class of this package is named by the package and its name. Any other class is named by its module and its name and
        has its code's fingerprint as `source code`: two classes of one name are two classes, and an edited class is another.
        """
        given = [field for field in fields(self) if not _is_default(field, getattr(self, field.name))]
        return {**named(type(self)), **{field.name: as_data(getattr(self, field.name)) for field in given}}

    def whole(self) -> dict[str, Any]:
        """`to_data()` with every field, so that it can be read where the defaults are others."""
        return {**named(type(self)), **{field.name: as_data(getattr(self, field.name), Spec.whole) for field in fields(self)}}

    def sources(self) -> tuple[Source, ...]:
        """What a spec of this kind reads beside its fields: files, a model of the hub, rows.

        A class of another package that does not override this is assumed to read the files and folders its arguments name.
        """
        return () if is_own(type(self)) else tuple(named_files(getattr(self, field.name) for field in fields(self)))

    def check_matrices(self, shapes: Mapping[str, tuple[int, ...]]) -> None:
        """Raise `UserError` where this cannot be used with a body whose synapse matrices have these names and shapes.

        Asked of every spec of a study before anything is lived.
        """

    def digest(self) -> str:
        """A stable SHA-256 (hexadecimal) of `to_data()`."""
        return digest_of(self.to_data())

    def describe(self) -> str:
        """One short human-readable phrase, such as `Age(to=0.5)`."""
        shown = [
            f"{field.name}={_brief(getattr(self, field.name))}"
            for field in fields(self)
            if not _is_default(field, getattr(self, field.name))
        ]
        return f"{type(self).__name__}({', '.join(shown)})"

    def where(self, field: str) -> str:
        """How an error names one argument, value included: `Age(to=1.5)`."""
        return f"{type(self).__name__}({field}={_brief(getattr(self, field))})"

    def require(self, field: str, holds: bool, rule: str, remedy: str = "") -> None:
        """Raise a `ScenarioError` that names this argument and the rule, unless the rule holds."""
        if not holds:
            raise ScenarioError(self.where(field), rule, remedy)

    def require_fraction(self, field: str, *, below_one: bool = False) -> None:
        """Raise `ScenarioError` unless the argument is a number in [0, 1], or in [0, 1) with `below_one`."""
        value = getattr(self, field)
        rule = f"must be a number in [0, 1{')' if below_one else ']'}."
        self.require(field, _is_number(value), rule)
        inside = 0 <= value < 1 if below_one else 0 <= value <= 1
        percent = 2 <= value <= 100
        self.require(field, inside, rule, f"For {value:g} percent write {value / 100:g}." if percent else "")

    def require_count(self, field: str, *, at_least: int = 1, at_most: int = 2**63 - 1) -> None:
        """Raise `ScenarioError` unless the argument is a whole number, at least `at_least` and at most `at_most`."""
        value = getattr(self, field)
        whole = isinstance(value, int) and not isinstance(value, bool)
        self.require(field, whole and value >= at_least, f"must be a whole number, at least {at_least}.")
        self.require(field, value <= at_most, f"must be at most {at_most:,}.")

    def require_positive(self, field: str, *, or_zero: bool = False) -> None:
        """Raise `ScenarioError` unless the argument is a finite number above zero (or zero, with `or_zero`)."""
        value = getattr(self, field)
        fine = _is_number(value) and value < float("inf") and (value > 0 or (or_zero and value == 0))
        self.require(field, fine, f"must be a number {'of at least' if or_zero else 'above'} 0.")

    def require_one_of(self, field: str, known: Collection[object]) -> None:
        """Raise `ScenarioError` unless the argument is one of these values."""
        value = getattr(self, field)
        self.require(field, value in list(known), "is not known here.", did_you_mean(value, known))

    def require_literal(self, field: str) -> None:
        """Raise `ScenarioError` unless the argument is a value of its `Literal` annotation, where that can be evaluated."""
        known = literal_values(type(self), field)
        if known:
            self.require_one_of(field, known)

    def require_a(self, field: str, kind: type, example: str) -> None:
        """Raise `ScenarioError` unless the argument is an instance of `kind`; `example` is what the message suggests."""
        value = getattr(self, field)
        if isinstance(value, type) and issubclass(value, kind):
            self.require(field, False, "is a class, not an object.", f"Write {value.__name__}(...), with parentheses.")
        article = "an" if kind.__name__[0] in "AEIOU" else "a"
        self.require(field, isinstance(value, kind), f"must be {article} {kind.__name__}.", f"For example: {example}.")


@cache
def literal_values(kind: type, field: str) -> tuple[object, ...]:
    """The values of a field that is annotated as a `Literal`, or by a name that stands for one; empty for other fields."""
    owner = next((base for base in kind.__mro__ if field in vars(base).get("__annotations__", {})), None)
    if owner is None:
        return ()
    annotation = vars(owner)["__annotations__"][field]
    if isinstance(annotation, str):
        # Only this annotation is evaluated: others may name classes that are imported for type checkers alone.
        names = {"Literal": Literal, **vars(sys.modules.get(owner.__module__, sys.modules[__name__]))}
        try:
            annotation = eval(annotation, names)
        except (NameError, AttributeError, TypeError, SyntaxError):
            return ()
    return get_args(annotation) if get_origin(annotation) is Literal else ()


def named(kind: type[Spec]) -> dict[str, Any]:
    """How recorded data name a class: `class`, `revision` and, for one that is not of this package, `source code`."""
    if is_own(kind):
        return {"class": f"{OWN}:{kind.__qualname__}", "revision": kind.revision}
    name = f"{kind.__module__}:{kind.__qualname__}"
    return {"class": name, "revision": kind.revision, SOURCE_CODE: code_of(kind).fingerprint}


def as_data(value: Any, written: Callable[[Spec], Any] | None = None) -> Any:
    """Specs, paths, tuples and mappings as JSON-ready data; `written` says how a spec is (None: `to_data`)."""
    if isinstance(value, Spec):
        return value.to_data() if written is None else written(value)
    if isinstance(value, Mapping):
        return {str(key): as_data(entry, written) for key, entry in value.items()}
    if isinstance(value, tuple | list):
        return [as_data(entry, written) for entry in value]
    if isinstance(value, str | int | float | bool) or value is None:
        return value
    if isinstance(value, set | frozenset):
        return sorted(str(entry) for entry in value)
    if isinstance(value, type | FunctionType):
        return f"{value.__module__}:{value.__qualname__}" + ("" if is_own(value) else f" {code_of(value).fingerprint}")
    if hasattr(value, "tobytes") and hasattr(value, "dtype"):
        return f"{value.dtype}{list(value.shape)} {hashlib.sha256(value.tobytes()).hexdigest()}"
    return str(value)


def digest_of(data: Any) -> str:
    """SHA-256 of canonical JSON."""
    return hashlib.sha256(canonical(data).encode()).hexdigest()


def canonical(data: Any) -> str:
    """JSON with sorted keys and no spaces."""
    return json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _is_default(field: Field[Any], value: Any) -> bool:
    if isinstance(field.default, StandardLength):
        return isinstance(value, int) and value == field.default
    if field.default is not MISSING:
        return type(value) is type(field.default) and bool(value == field.default)
    if field.default_factory is not MISSING:
        return bool(value == field.default_factory())
    return False


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value == value


def _brief(value: Any) -> str:
    if isinstance(value, Spec):
        return value.describe()
    if isinstance(value, tuple):
        return f"({', '.join(_brief(entry) for entry in value)})"
    try:
        text = repr(value)
    except ValueError:  # Python writes no number of more than some thousand digits.
        return "a number of thousands of digits"
    return text if len(text) <= 60 else text[:57] + "..."
