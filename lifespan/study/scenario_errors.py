"""Whatever goes wrong inside a scenario file, as one message: file, line, the line itself, rule and remedy."""

from __future__ import annotations

import difflib
import re
import traceback
from collections.abc import Iterable
from pathlib import Path

from lifespan.errors import ScenarioError, UserError


def complaint_about(path: Path, text: str, error: BaseException) -> ScenarioError:
    """What a user should read about an exception that left a scenario file."""
    if isinstance(error, SyntaxError) and error.filename not in (None, str(path)):
        return syntax_complaint(Path(str(error.filename)), error)
    what, rule, remedy = _explained(error)
    return ScenarioError(f"{_place(path, text, error)}\n{what}", rule, remedy)


def syntax_complaint(path: Path, error: SyntaxError | ValueError | RecursionError | MemoryError) -> ScenarioError:
    """What a user should read about a file that Python cannot parse."""
    if not isinstance(error, SyntaxError):
        return ScenarioError(str(path), f"cannot be read as Python ({str(error) or type(error).__name__}).")
    code = (error.text or "").rstrip()
    indent = len(code) - len(code.lstrip())
    caret = " " * max(0, (error.offset or 1) - 1 - indent) + "^"
    shown = f"\n    {code.strip()}\n    {caret}" if code else ""
    return ScenarioError(
        f"{path}, line {error.lineno}{shown}\nnot Python", f"{error.msg}.", "Mend this line or the one before."
    )


def nearest(given: str, known: Iterable[str]) -> str:
    """`Did you mean 'x'?`, or nothing."""
    names = list(known)
    near = difflib.get_close_matches(given, names, n=1, cutoff=0.6)
    near = near or [name for name in names if name.lower() == given.lower()]
    return f"Did you mean {near[0]!r}?" if near else ""


def _place(path: Path, text: str, error: BaseException) -> str:
    """File, number and text of the innermost line of this file that the exception passed."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
    if not lines or lines[-1] is None:
        return str(path)
    code = text.splitlines()[lines[-1] - 1].strip()
    return f"{path}, line {lines[-1]}\n    {code}"


def _explained(error: BaseException) -> tuple[str, str, str]:
    """(what, rule, remedy) of an exception."""
    import lifespan

    if isinstance(error, UserError):
        return error.where, error.what, error.remedy
    if isinstance(error, NameError):
        return _unknown_name(error)
    if isinstance(error, ImportError):
        return _failed_import(error)
    if isinstance(error, AttributeError) and error.name:
        return "AttributeError", f"{error}.", nearest(error.name, dir(error.obj))
    if isinstance(error, MemoryError):
        return "MemoryError", "there is not enough memory for what this line makes.", "Make it smaller."
    if isinstance(error, SystemExit):
        return "SystemExit", "a scenario file must not end the program.", "Remove the call of exit."
    call = re.match(r"(\w+)(?:\.__init__)?\(\) (takes|got|missing) (.*)", str(error))
    if isinstance(error, TypeError) and call and call[1] in lifespan.__all__:
        plain = f"{call[2]} {call[3]}."
        rule = "takes its arguments by name." if "positional argument" in call[3] and call[2] == "takes" else plain
        return f"{call[1]}(...)", rule, f"`lifespan show {call[1]}` lists them."
    return type(error).__name__, f"{error}.", "Run with --debug for the traceback."


def _unknown_name(error: NameError) -> tuple[str, str, str]:
    import lifespan

    name = error.name or ""
    if name in lifespan.__all__:
        return repr(name), "is not defined here.", f"Add: from lifespan import {name}"
    hint = nearest(name, lifespan.__all__) or "`lifespan list` shows what there is."
    return repr(name), "is not defined.", hint


def _failed_import(error: ImportError) -> tuple[str, str, str]:
    import lifespan

    wanted = re.match(r"cannot import name '(\w+)' from '([\w.]+)'", str(error))
    if wanted and wanted[2].partition(".")[0] == "lifespan":
        hint = nearest(wanted[1], lifespan.__all__) or "`lifespan list` shows what there is."
        return f"from {wanted[2]} import {wanted[1]}", "there is no such name.", hint
    if isinstance(error, ModuleNotFoundError) and error.name:
        if error.name.partition(".")[0] == "lifespan":
            return f"import {error.name}", "there is no such module.", "Import from `lifespan` itself."
        return f"import {error.name}", "this Python has no such module.", "Install it, or correct the name."
    return "ImportError", f"{error}.", "Run with --debug for the traceback."
