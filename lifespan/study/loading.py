"""From a scenario file, or the name of a built-in one, to a `Study`.

A scenario file is plain Python that defines `study = Study(...)`, or a single `Scenario`. Its module-level literals in
capitals (`STEPS = 300`) can be set from outside before it runs, so that everything derived from them follows.
"""

from __future__ import annotations

import ast
import sys
import types
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from lifespan.contracts.code import TREE
from lifespan.errors import ScenarioError, UserError, did_you_mean
from lifespan.reading import plain_bytes, why
from lifespan.study.neighbours import Neighbours, folders_of
from lifespan.study.scenario import Scenario, Study
from lifespan.study.scenario_errors import complaint_about, nearest, syntax_complaint

Found = TypeVar("Found")

MODULE = "scenario"
"""Module name under which every scenario file runs: digests of its own classes depend on no path."""


@dataclass(frozen=True)
class Source:
    """A scenario file, read and parsed but not run. `constants` are what `--set` can set."""

    path: Path
    text: str
    tree: ast.Module
    constants: dict[str, Any]

    @property
    def summary(self) -> str:
        """First line of the file's docstring."""
        return (ast.get_docstring(self.tree) or "").strip().partition("\n")[0]

    @property
    def doc(self) -> str:
        """The file's docstring."""
        return ast.get_docstring(self.tree) or ""


def load(
    scenario: str,
    *,
    settings: Sequence[str] = (),
    individuals: int | None = None,
    precision: str | None = None,
) -> Study:
    """The study of a scenario file or built-in name: `read_source(find(scenario))` and `study_of` in one."""
    return study_of(read_source(find(scenario)), settings=settings, individuals=individuals, precision=precision)


def study_of(
    source: Source,
    *,
    settings: Sequence[str] = (),
    individuals: int | None = None,
    precision: str | None = None,
) -> Study:
    """The study that a scenario file defines, with `NAME=VALUE` settings and overrides applied.

    Raises `ScenarioError` with file, line, rule and remedy for whatever is wrong in the file.
    """
    study = run(with_settings(source, settings))
    if individuals is not None:
        study = _overridden(study, "individuals", individuals)
    return study if precision is None else _overridden(study, "precision", precision)


def builtin() -> dict[str, Path]:
    """The scenarios that come with the package, by name."""
    package = Path(__file__).parent.parent
    folders = [package / "built_in"]
    if (package.parent / "pyproject.toml").is_file():
        folders.append(package.parent / "scenarios")
    found = [path for folder in folders for path in sorted(folder.glob("*.py")) if not path.name.startswith("_")]
    return {path.stem: path for path in reversed(found)}


def find(scenario: str) -> Path:
    """The file that a name on the command line means: a path, or else a built-in scenario."""
    path = Path(scenario).expanduser()
    if path.is_file():
        return path
    if path.is_dir() and scenario not in builtin():
        inside = sorted(str(entry) for entry in path.glob("*.py"))
        remedy = f"Did you mean {inside[0]}?" if inside else "Give a .py file, or a built-in name."
        raise ScenarioError(scenario, "is a folder, not a scenario file.", remedy)
    known = builtin()
    if scenario in known:
        return known[scenario]
    if path.suffix == ".py" or len(path.parts) > 1:
        files = [str(entry) for entry in sorted(path.parent.glob("*.py"))]
        near = f"Did you mean {path.stem!r}?" if path.stem in known else nearest(str(path), files)
        remedy = near or f"Built-in scenarios: {', '.join(sorted(known))}."
        raise ScenarioError(scenario, "there is no such scenario file.", remedy)
    remedy = nearest(scenario, [*known, *(entry.name for entry in Path().glob("*.py"))])
    remedy = remedy or f"Built-in scenarios: {', '.join(sorted(known))}."
    raise ScenarioError(scenario, "is neither a file nor a built-in scenario.", remedy)


def read_source(path: Path) -> Source:
    """Read and parse a scenario file."""
    try:
        text = plain_bytes(path).decode("utf-8").replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError as error:
        raise ScenarioError(
            str(path), f"is not UTF-8 text (byte {error.start}).", "A scenario file is plain Python text."
        ) from None
    except OSError as error:
        raise ScenarioError(str(path), f"cannot be read ({why(error)}).") from None
    try:
        tree = ast.parse(text, filename=str(path))
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise syntax_complaint(path, error) from None
    return Source(path, text, tree, {name: value for name, (_, value) in _constants(tree).items()})


def with_settings(source: Source, settings: Sequence[str]) -> Source:
    """The same source with module-level constants rebound by `NAME=VALUE` settings."""
    assignments = _constants(source.tree)
    constants = dict(source.constants)
    for setting in settings:
        name, equals, text = setting.partition("=")
        name = name.strip()
        where = f"--set {setting}"
        if not equals:
            known = name in constants
            remedy = f"For example: --set {name}={constants[name]!r}." if known else _settable(name, source.constants)
            raise ScenarioError(where, "must be NAME=VALUE.", remedy)
        if name not in constants:
            raise ScenarioError(where, f"{source.path.name} has no such constant.", _settable(name, source.constants))
        constants[name] = _as_kind_of(source.constants[name], text.strip(), where)
        node, _ = assignments[name]
        value = ast.parse(repr(constants[name]), mode="eval").body
        for part in ast.walk(value):
            ast.copy_location(part, node)
        node.value = value
    return replace(source, constants=constants)


def run(source: Source) -> Study:
    """Run a scenario file and take the study that it defines."""
    return _taken(source, lambda module: _study_in(module, source.path))


def module_of(source: Source) -> types.ModuleType:
    """Run a file, which need not define a study, and take the module that it makes."""
    return _taken(source, lambda module: module)


def _taken(source: Source, take: Callable[[types.ModuleType], Found]) -> Found:
    module = types.ModuleType(MODULE, source.doc)
    module.__file__ = str(source.path)
    vars(module)["__builtins__"] = Neighbours(source.path).builtins
    # With its settings, so that a class that uses a constant is known by the constant's value.
    vars(module)[TREE] = source.tree
    for folder in map(str, folders_of(source.path)):
        # For imports that are no import statements, and for workers; installed packages go first there.
        if folder not in sys.path:
            sys.path.append(folder)
    before = sys.modules.get(MODULE)
    sys.modules[MODULE] = module
    try:
        exec(compile(source.tree, str(source.path), "exec"), module.__dict__)
        return take(module)
    except (Exception, SystemExit) as error:
        if before is not None:
            sys.modules[MODULE] = before
        if isinstance(error, _Final):
            raise ScenarioError(error.where, error.what, error.remedy) from None
        raise complaint_about(source.path, source.text, error) from error


class _Final(ScenarioError):
    """About the file as a whole: no line to point at."""


def _study_in(module: types.ModuleType, path: Path) -> Study:
    names = vars(module)
    for expected in ("study", "scenario"):
        if isinstance(names.get(expected), Study | Scenario):
            return _wrapped(names[expected])
    if "study" in names:
        given = type(names["study"]).__name__
        raise _Final(str(path), f"`study` is of class {given}, but must be a Study.", "Write study = Study(...).")
    for kind in (Study, Scenario):
        found = {id(value): label for label, value in names.items() if isinstance(value, kind)}
        if len(found) == 1:
            return _wrapped(names[next(iter(found.values()))])
        if found:
            listed = ", ".join(found.values())
            remedy = "Name the one to simulate `study`." if kind is Study else "Group them: study = Study(groups=...)."
            raise _Final(str(path), f"defines several objects of class {kind.__name__} ({listed}).", remedy)
    raise _Final(str(path), "defines no study.", "Write study = Study(name=..., groups={...}) in it.")


def _wrapped(found: Study | Scenario) -> Study:
    return found if isinstance(found, Study) else Study(name=found.name, groups={found.name: found})


def _constants(tree: ast.Module) -> dict[str, tuple[ast.Assign | ast.AnnAssign, Any]]:
    """Module-level assignments of one literal to one name in capitals: (statement, value) by name."""
    found: dict[str, tuple[ast.Assign | ast.AnnAssign, Any]] = {}
    for node in tree.body:
        if not isinstance(node, ast.Assign | ast.AnnAssign) or node.value is None:
            continue
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        if len(targets) != 1 or not isinstance(targets[0], ast.Name) or not targets[0].id.isupper():
            continue
        try:
            found[targets[0].id] = node, ast.literal_eval(node.value)
        except (ValueError, TypeError):
            continue
    return found


def _settable(name: str, constants: dict[str, Any]) -> str:
    if not constants:
        return "It has none: a constant is a literal bound to a name in capitals, such as STEPS = 100."
    hint = did_you_mean(name, constants).partition("Known:")[0]
    shown = ", ".join(f"{known}={value!r}" for known, value in constants.items())
    return f"{hint}It can set: {shown}."


def _as_kind_of(present: Any, text: str, where: str) -> Any:
    """The text as a value of the kind that the constant has now."""
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        value = text
    if isinstance(present, str):
        return value if isinstance(value, str) else text
    if isinstance(present, tuple | list) and isinstance(value, tuple | list):
        return type(present)(value)
    if isinstance(present, float) and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if present is None or value is None or type(value) is type(present):
        return value
    kinds = {bool: "True or False", int: "a whole number", float: "a number", tuple: "a tuple", list: "a list"}
    wanted = kinds.get(type(present), f"a {type(present).__name__}")
    raise ScenarioError(where, f"must be {wanted}.", f"At present it is {present!r}.")


def _overridden(study: Study, field: str, value: Any) -> Study:
    try:
        return replace(study, **{field: value})
    except UserError as error:
        raise ScenarioError(f"--{field} {value}", error.what, error.remedy) from None
